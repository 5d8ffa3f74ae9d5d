"""Failed cells at their worst."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.means import mean_estimate
from evalhub.stats.testing.bounds import worst_case, worst_case_difference


def test_by_hand() -> None:
    found = worst_case([1, 2, None, 5, 4], list("abcde"), bounds=(1, 5))
    assert found.measured.estimate == 3.0
    assert (found.lowest.estimate, found.highest.estimate) == (13 / 5, 17 / 5)
    assert (found.failed, found.measured.n_excluded, found.lowest.n) == (1, 1, 5)
    assert (found.low, found.high) == (found.lowest.low, found.highest.high)


def test_without_failures_the_interval_is_the_ordinary_one() -> None:
    values = np.random.default_rng(0).random(40)
    found = worst_case(values, range(40), bounds=(0, 1))
    assert found.measured == found.lowest == found.highest == mean_estimate(values, range(40), bounds=(0, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.1, 0.3, 0.7, None]), min_size=3, max_size=20))
def test_no_way_of_filling_in_lies_outside(values: list[float | None]) -> None:
    rng = np.random.default_rng(len(values))
    filled = [rng.uniform(0.1, 0.7) if one is None else one for one in values]
    found = worst_case(values, range(len(values)), bounds=(0.1, 0.7))
    assert found.lowest.estimate - 1e-9 <= np.mean(filled) <= found.highest.estimate + 1e-9  # type: ignore[operator]
    assert found.failed == values.count(None)


def test_each_side_fails_against_itself() -> None:
    # the first failed twice and the second once, of ten items each: from 0, 0 | 1 to 1, 1 | 0
    one, other = [1.0] * 6 + [0.0] * 4, [0.0] * 6 + [1.0] * 4
    first = ([0.0, 0.0, *one[2:]], [1.0, 1.0, *one[2:]])
    second = ([*other[:9], 0.0], [*other[:9], 1.0])
    measured = mean_estimate([0.25] * 10, range(10))
    found = worst_case_difference(measured, first, second, range(10), failed=3, bounds=(0, 1))
    assert (found.lowest.estimate, found.highest.estimate) == pytest.approx(((4 - 4) / 10, (6 - 3) / 10))
    assert (found.low, found.high) == (found.lowest.low, found.highest.high)
    assert (found.measured, found.failed) == (measured, 3)


def test_nothing_measured_leaves_everything_open() -> None:
    found = worst_case([None] * 10, range(10), bounds=(0, 1))
    assert (found.measured.estimate, found.measured.reason) == (None, "nothing was measured")
    assert (found.lowest.estimate, found.highest.estimate) == (0, 1)
    assert (found.low, found.high) == pytest.approx((0, 1))


def test_too_few_clusters_have_no_interval() -> None:
    found = worst_case([1, None], ["a", "b"], bounds=(0, 1))
    assert (found.low, found.high, found.lowest.estimate) == (None, None, 0.5)


def test_a_side_without_width_withdraws_both_ends() -> None:
    found = worst_case([0.5, 0.5, None, 0.5], list("abcd"), bounds=(0.5, 1))
    assert found.lowest.low is not None
    same = worst_case([3, 3, 3], list("abc"), bounds=(1, 5))
    assert (same.low, same.high) == (None, None)


def test_an_absent_interval_has_a_reason() -> None:
    # had what failed come out highest, every cluster would have the same mean
    found = worst_case([0, 0, 0, None, None, None], list("abcabc"), bounds=(0, 1))
    assert found.measured.low is not None
    assert (found.low, found.high, found.highest.estimate) == (None, None, 0.5)
    assert found.reason == found.highest.reason
    assert found.reason
    assert worst_case([1, 0, None], list("abc"), bounds=(0, 1)).reason is None


def test_bad_inputs() -> None:
    with pytest.raises(InputError, match="outside"):
        worst_case([2], ["a"], bounds=(0, 1))
    with pytest.raises(InputError, match="lowest and the highest"):
        worst_case([2], ["a"], bounds=(1, 0))
    with pytest.raises(InputError, match="one length"):
        worst_case([1, 0], ["a"], bounds=(0, 1))
