"""The difference of two systems or nights: interval, sign-flip test, what is left out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from evalhub.errors import InputError
from evalhub.stats.means import mean_estimate
from evalhub.stats.paired import paired_difference
from evalhub.stats.testing.paired import mean_difference, paired_comparison
from evalhub.stats.testing.signflip import sign_flip


def test_one_row_per_cluster_is_the_paired_t_interval() -> None:
    one, other = np.random.default_rng(1).random((2, 25))
    found = paired_comparison(one, other, range(25))
    known = scipy_stats.ttest_rel(one, other).confidence_interval()
    assert (found.difference.low, found.difference.high) == pytest.approx((known.low, known.high))
    assert found.difference.method == "cluster-t"


@pytest.mark.parametrize("other", [[0, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0]])
def test_right_and_wrong_on_any_bounds(other: list[int]) -> None:
    one = [1, 1, 1, 0, 1, 0]
    net = paired_difference(one, other, range(6))
    if one != other:
        net = mean_estimate(np.array(one) - other, range(6), bounds=(-1, 1))
    found = mean_difference(np.array(one) * 4 + 1, np.array(other) * 4 + 1, range(6), bounds=(1, 5))
    assert found.method == ("newcombe-paired" if one == other else "wilson-cluster-t")
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (4 * net.estimate, 4 * net.low, 4 * net.high)  # type: ignore[operator]
    )


def test_a_difference_of_ratings_stays_within_what_can_be() -> None:
    found = mean_difference([5, 5, 5, 4], [1, 1, 1, 1], range(4), bounds=(1, 5))
    assert found.estimate == 3.75
    assert found.high is not None
    assert found.high <= 4


def test_all_equal_is_no_surprise_and_has_no_width_unless_right_or_wrong() -> None:
    same = paired_comparison([3, 4, 2, 3], [3, 4, 2, 3], range(4), bounds=(1, 5))
    assert (same.p, same.difference.estimate, same.difference.low) == (1.0, 0.0, None)
    assert "no width" in str(same.difference.reason)
    binary = paired_comparison([1, 0, 1, 1], [1, 0, 1, 1], range(4), bounds=(0, 1))
    assert binary.p == 1.0
    assert binary.difference.low is not None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_the_exact_test_is_the_count_of_all_patterns(sums: list[int]) -> None:
    totals = [abs(sum(s * one for s, one in zip(signs, sums, strict=True)))
              for signs in product((1, -1), repeat=len(sums))]  # fmt: skip
    expected = np.mean([total >= abs(sum(sums)) for total in totals])
    p, test = sign_flip(np.array(sums, dtype=float))
    assert p == pytest.approx(expected)
    assert test == "sign-flip-exact"


def test_draws_and_the_normal_limit_agree_with_the_binomial() -> None:
    # Differences of ±1: the sign-flip test is the sign test.
    for plus, minus, tolerance in ((70, 50, 0.01), (3200, 3000, 0.001)):
        p, test = sign_flip(np.array([1.0] * plus + [-1.0] * minus))
        exact = scipy_stats.binomtest(plus, plus + minus).pvalue
        assert p == pytest.approx(exact, abs=tolerance)
        assert test == ("sign-flip-9999" if plus == 70 else "sign-flip-normal")


def test_the_draws_agree_with_scipy() -> None:
    sums = np.random.default_rng(3).normal(0.25, 1, 60)
    known = scipy_stats.permutation_test(
        (sums,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    )
    assert sign_flip(sums)[0] == pytest.approx(known.pvalue, abs=0.012)


def test_the_least_p_of_draws_is_above_zero() -> None:
    assert sign_flip(np.ones(200))[0] == pytest.approx(1e-4)
    assert 0 < sign_flip(np.ones(20_000))[0] < 1e-100


def test_copies_inside_a_cluster_change_nothing() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(30), rng.random(30)
    first = paired_comparison(one, other, range(30))
    again = paired_comparison(one.repeat(4), other.repeat(4), np.arange(30).repeat(4))
    assert first.p == again.p
    assert first.difference.low == pytest.approx(again.difference.low)


def test_order_of_rows_and_names_of_clusters_change_nothing() -> None:
    rng = np.random.default_rng(0)
    one, other, members = rng.random(80), rng.random(80), np.arange(80) // 2
    order = rng.permutation(80)
    first = paired_comparison(one, other, members)
    again = paired_comparison(one[order], other[order], [f"c{99 - one}" for one in members[order]])
    assert first.p == again.p
    assert (first.difference.low, first.difference.high) == pytest.approx(
        (again.difference.low, again.difference.high)
    )


def test_swapping_the_two_turns_the_sign() -> None:
    one, other = [3, 4, 5, 1, 2], [1, 4, 2, 2, 1]
    net, back = paired_comparison(one, other, range(5)), paired_comparison(other, one, range(5))
    assert net.p == back.p
    assert net.difference.estimate == -(back.difference.estimate or 0)


def test_a_row_that_lacks_either_is_left_out() -> None:
    found = paired_comparison([1, None, 2, 3, 4], [0, 0, float("nan"), 1, 2], range(5))
    assert (found.difference.n, found.difference.n_excluded) == (3, 2)
    nothing = paired_comparison([None, 1], [1, None], range(2), bounds=(0, 1))
    assert (nothing.p, nothing.reason, nothing.difference.n_excluded) == (None, "nothing was measured", 2)


def test_two_clusters_have_no_test() -> None:
    found = paired_comparison([1, 2, 3, 4], [0, 0, 0, 0], ["a", "a", "b", "b"])
    assert (found.p, found.test, found.reason) == (None, "none", "fewer than 3 clusters")
    assert found.difference.estimate == 2.5


def test_a_win_rate_against_that_of_the_opponent() -> None:
    wins = np.array([1, 1, 0.5, 0, 1, np.nan, 1, 1])
    found = paired_comparison(wins, 1 - wins, range(8), bounds=(0, 1))
    rate = mean_estimate(wins, range(8), bounds=(0, 1))
    assert found.difference.estimate == pytest.approx(2 * rate.estimate - 1)  # type: ignore[operator]
    assert found.difference.low == pytest.approx(2 * rate.low - 1)  # type: ignore[operator]
    # Five wins and one loss, one tie: the sign test of 5 in 6.
    assert found.p == pytest.approx(scipy_stats.binomtest(5, 6).pvalue)
    assert paired_comparison([], [], [], bounds=(0, 1)).p is None


def test_bad_columns() -> None:
    with pytest.raises(InputError, match="one length"):
        paired_comparison([1], [1, 0], [1, 2])
    with pytest.raises(InputError, match="outside"):
        paired_comparison([2, 0, 0], [1, 0, 0], [1, 2, 3], bounds=(0, 1))
    with pytest.raises(InputError, match="lowest and the highest"):
        paired_comparison([1], [1], [1], bounds=(1, 1))
    with pytest.raises(InputError, match="lowest and the highest"):
        paired_comparison([1], [1], [1], bounds=(0, float("inf")))
    with pytest.raises(InputError, match="outside"):
        paired_comparison([2], [1], [1], bounds=(0, 1))
