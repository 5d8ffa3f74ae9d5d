"""Shares set right for a judge's errors: Rogan and Gladen's value, an interval by inverting its test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.people.misclassification import corrected_share


def table(hits, of, spared, of_zeros, said, of_rows):
    """Rows with these counts: verdicts of 1 under label 1, of 0 under label 0, of 1 without a label."""
    labels = [1] * of + [0] * of_zeros + [None] * of_rows
    verdicts = (
        [1] * hits
        + [0] * (of - hits)
        + [0] * spared
        + [1] * (of_zeros - spared)
        + [1] * said
        + [0] * (of_rows - said)
    )
    return labels, verdicts, np.arange(len(labels))


def test_rogan_and_gladen():
    found = corrected_share(*table(80, 100, 90, 100, 450, 1_000))
    assert found.estimate == pytest.approx((0.45 + 0.9 - 1) / (0.8 + 0.9 - 1))
    assert (found.method, found.n, found.n_excluded) == ("fieller", 1_200, 0)


def test_the_ends_are_where_the_test_turns():
    found = corrected_share(*table(80, 100, 90, 100, 450, 1_000))
    z = 1.959963984540054
    q, of = (450 + z * z / 2) / (1_000 + z * z), 1_000 + z * z
    se, sp = 81 / 102, 91 / 102
    for p in (found.low, found.high):
        variance = q * (1 - q) / of + p * p * se * (1 - se) / 102 + (1 - p) ** 2 * sp * (1 - sp) / 102
        assert abs(q + sp - 1 - p * (se + sp - 1)) / variance**0.5 == pytest.approx(z)


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.integers(0, 40)] * 2), st.integers(0, 300))
def test_it_stays_in_bounds_or_says_why(counts, said):
    share = corrected_share(*table(counts[0], 40, counts[1], 40, said, 300))
    if share.estimate is None or share.low is None:
        assert share.reason
    else:
        assert 0 <= share.low < share.high <= 1
    if sum(counts) <= 40:
        assert share.estimate is None
        assert "at most 1" in share.reason


def test_errors_that_are_not_known_widen_the_interval():
    few, many = (corrected_share(*table(8 * k, 10 * k, 9 * k, 10 * k, 450, 1_000)) for k in (3, 300))
    assert few.width > 2 * many.width


def test_a_judge_that_may_be_useless_has_no_interval():
    share = corrected_share(*table(18, 30, 17, 30, 150, 300))
    assert share.estimate is not None
    assert (share.low, share.reason) == (None, "sensitivity + specificity cannot be told from 1")


def test_little_is_not_enough():
    few = corrected_share(*table(5, 6, 18, 20, 100, 300))
    assert few.estimate is not None
    assert "fewer than 25 clusters" in few.reason
    for labels, verdicts in (([1, 1, None], [1, 0, 1]), ([None] * 3, [1, 0, 1]), ([1, 0], [1, 0]), ([], [])):
        share = corrected_share(labels, verdicts, range(len(labels)))
        assert (share.estimate, share.reason) == (None, "unlabelled rows and labels of both kinds are needed")


def test_rows_that_go_together_count_for_less():
    labels, verdicts, _ = table(80, 100, 90, 100, 450, 1_000)
    alone = corrected_share(labels, verdicts, range(1_200))
    copies = corrected_share(
        np.repeat(np.array(labels, dtype=float), 3), np.repeat(verdicts, 3), np.repeat(range(1_200), 3)
    )
    assert copies.estimate == pytest.approx(alone.estimate)
    assert copies.width == pytest.approx(alone.width, rel=0.06)


def test_missing_is_left_out_and_misuse_refused():
    labels, verdicts, clusters = table(80, 100, 90, 100, 450, 1_000)
    verdicts[0], verdicts[-1] = None, float("nan")
    assert corrected_share(labels, verdicts, clusters).n_excluded == 2
    with pytest.raises(InputError, match="0 or 1"):
        corrected_share([0.5], [1], [1])
    with pytest.raises(InputError, match="one length"):
        corrected_share([1], [1, 0], [1])
