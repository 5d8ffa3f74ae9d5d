"""Differences in which two strata weigh the same."""

from __future__ import annotations

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import balanced_difference, mean_estimate


def test_each_stratum_weighs_one_half() -> None:
    first, second = [1, 1, 0, 1, 0, 1], [1, 0, 0, 0, 0, 0]
    strata = [True, True, True, True, False, False]
    estimate = balanced_difference(first, second, strata, list("abcdef"))
    assert estimate.estimate == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert (estimate.n, estimate.clusters, estimate.n_excluded) == (6, 6, 0)
    mirror = balanced_difference(second, first, strata, list("abcdef"))
    assert mirror.estimate == pytest.approx(-(estimate.estimate or 0))


def test_whoever_goes_by_the_stratum_alone_gains_nothing() -> None:
    """Against a rater that is right half the time everywhere, however uneven the strata are."""
    random = np.random.default_rng(3)
    strata = random.random(4_000) < 0.9
    coin = random.random(4_000) < 0.5
    estimate = balanced_difference(strata, coin, strata, np.arange(4_000))
    assert abs(estimate.estimate or 1) < 0.03
    raw = mean_estimate(strata.astype(float) - coin, np.arange(4_000))
    assert (raw.estimate or 0) > 0.35


def test_equal_strata_give_the_plain_paired_difference() -> None:
    random = np.random.default_rng(1)
    first, second = random.integers(0, 2, (2, 200))
    strata = np.arange(200) % 2 == 0
    clusters = np.arange(200) // 4
    estimate = balanced_difference(first, second, strata, clusters)
    plain = mean_estimate(first - second.astype(float), clusters)
    assert estimate.estimate == pytest.approx(plain.estimate)
    assert estimate.standard_error == pytest.approx(plain.standard_error, rel=0.1)


def test_rows_without_a_number_or_a_stratum_are_counted() -> None:
    estimate = balanced_difference(
        [1, None, 0, 1, 0], [0, 1, 0, 1, 1], [True, True, False, None, False], list("abcde")
    )
    assert (estimate.n, estimate.n_excluded) == (3, 2)
    assert estimate.estimate == pytest.approx((1 + -0.5) / 2)


def test_an_empty_stratum_has_no_difference() -> None:
    estimate = balanced_difference([1, 0], [0, 0], [True, True], ["a", "b"])
    assert estimate.estimate is None
    assert estimate.reason == "one of the two strata has no row"


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(InputError):
        balanced_difference([1, 0], [0, 0], [True], ["a", "b"])


def test_the_interval_holds_the_true_difference() -> None:
    """Clusters of three rows, 12% of them in the small stratum, accuracies .9 and .4 against .7 and .5."""
    random = np.random.default_rng(8)
    true_value = ((0.9 - 0.7) + (0.4 - 0.5)) / 2
    hits, repeats = 0, 400
    for _ in range(repeats):
        clusters = np.repeat(np.arange(120), 3)
        strata = np.repeat(random.random(120) < 0.88, 3)
        cluster_draws = np.repeat(random.random(120), 3)
        draws = np.where(random.random(360) < 0.5, cluster_draws, random.random(360))
        first = draws < np.where(strata, 0.9, 0.4)
        second = random.random(360) < np.where(strata, 0.7, 0.5)
        estimate = balanced_difference(first, second, strata, clusters)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= true_value <= estimate.high
    assert 0.92 <= hits / repeats <= 0.98
