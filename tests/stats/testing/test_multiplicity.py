"""Adjusted p-values against statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from evalhub.errors import InputError
from evalhub.stats.testing.multiplicity import adjusted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.02, 0.05])), min_size=1, max_size=30))
def test_equal_to_statsmodels(p: list[float]) -> None:
    assert adjusted(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


def test_by_hand() -> None:
    assert adjusted([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


def test_no_test_is_not_counted() -> None:
    with_none = adjusted([None, 0.2, 0.01, float("nan"), 0.03])
    assert (with_none[0], with_none[3]) == (None, None)
    assert [one for one in with_none if one is not None] == list(adjusted([0.2, 0.01, 0.03]))
    assert adjusted([]) == ()
    assert adjusted([None]) == (None,)
    assert adjusted([0.5]) == (0.5,)


def test_bad_p() -> None:
    for p in (-0.1, 1.1):
        with pytest.raises(InputError, match="between 0 and 1"):
            adjusted([0.5, p])
    with pytest.raises(InputError):
        adjusted(np.ones((2, 2)))
