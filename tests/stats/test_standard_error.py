"""The standard error and the number of draws that stand beside an interval."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from evalhub.errors import InputError
from evalhub.stats import (
    Estimate,
    Matches,
    balanced_accuracy,
    bradley_terry,
    cohen_kappa,
    mean_estimate,
    paired_difference,
)
from evalhub.stats.bootstrap import bootstrap
from evalhub.stats.correlation.coefficients import Coefficient
from evalhub.stats.correlation.points import point_interval
from evalhub.stats.intervals import t_quantile
from evalhub.stats.ranking.bradley_terry import ELO_UNIT, on_elo_scale

RNG = np.random.default_rng(7)


def test_of_a_mean_is_that_of_the_textbook() -> None:
    values = RNG.normal(3, 2, 50)
    found = mean_estimate(values, range(50))
    assert found.standard_error == pytest.approx(scipy_stats.sem(values))
    assert found.draws is None
    assert found.low is not None
    half = (found.estimate or 0) - found.low
    assert half == pytest.approx(t_quantile(0.95, 49) * (found.standard_error or 0), rel=0.03)


def test_of_a_share_is_in_the_unit_of_the_values() -> None:
    values = [1, 5, 5, 1, 5, 1, 1, 5, 1, 5]
    bounded = mean_estimate(values, range(10), bounds=(1, 5))
    assert bounded.method == "wilson"
    assert bounded.standard_error == pytest.approx(scipy_stats.sem(values))
    assert mean_estimate([1] * 10, range(10), bounds=(0, 1)).standard_error is None


def test_of_clusters_is_that_of_their_means() -> None:
    values = RNG.normal(0, 1, 30)
    found = mean_estimate(values.repeat(4), np.arange(30).repeat(4))
    assert found.standard_error == pytest.approx(scipy_stats.sem(values))


def test_a_bootstrap_says_its_draws() -> None:
    values = RNG.normal(0, 1, 200)
    ends = bootstrap(lambda weights: weights @ values / weights.sum(axis=1), 200, resamples=4_000)
    assert ends.draws == 4_000
    assert ends.error == pytest.approx(scipy_stats.sem(values), rel=0.05)


def test_kappa_has_both() -> None:
    judge, labels = ["a", "b"] * 60 + ["a"] * 30, ["a", "b"] * 60 + ["b"] * 30
    found = cohen_kappa(judge, labels, range(150))
    assert found.method == "dirichlet-2000"
    assert found.draws == 2_000
    # Fleiss, Cohen & Everitt 1969, two categories.
    agree, chance = 120 / 150, (90 * 60 + 60 * 90) / 150**2
    simple = math.sqrt(agree * (1 - agree) / 150) / (1 - chance)
    assert found.standard_error == pytest.approx(simple, rel=0.15)
    clustered = cohen_kappa(judge, labels, np.arange(150) // 2)
    assert clustered.draws is None
    assert clustered.standard_error is not None


def test_of_a_difference_of_shares() -> None:
    one, two = (RNG.integers(0, 2, 80) for _ in range(2))
    found = paired_difference(one, two, range(80))
    assert found.standard_error == pytest.approx(scipy_stats.sem(one - two), rel=0.02)


def test_a_scale_takes_it_along() -> None:
    wins = [1, 0, 1, 1, 0, 1, 1, 0] * 5
    fit = bradley_terry(Matches(wins, ["x"] * 40, ["y"] * 40, range(40)))
    strength = fit.ratings[0].strength
    assert strength.standard_error is not None
    assert on_elo_scale(strength).standard_error == pytest.approx(ELO_UNIT * strength.standard_error)


def test_without_an_interval_there_is_none() -> None:
    plain = Estimate(0.5, 0.4, 0.6, 0.95, "any", 9, 9, 0, None, 0.05, 100)
    bare = plain.without_interval("why")
    assert (bare.standard_error, bare.draws) == (None, None)
    with pytest.raises(InputError):
        Estimate(0.5, None, None, 0.95, "any", 9, 9, 0, "why", 0.05)
    with pytest.raises(InputError):
        Estimate(0.5, 0.4, 0.6, 0.95, "any", 9, 9, 0, None, math.nan)


def test_a_falling_scale_turns_the_ends() -> None:
    turned = Estimate(0.5, 0.4, 0.7, 0.95, "any", 9, 9, 0, None, 0.05).moved(
        lambda number: 2 - 2 * number, scale=-2
    )
    assert (turned.estimate, turned.low, turned.high) == pytest.approx((1.0, 0.6, 1.2))
    assert turned.standard_error == pytest.approx(0.1)
    assert turned.moved(math.exp).standard_error is None


def test_of_a_mean_recall_is_that_of_a_bootstrap() -> None:
    labels = RNG.choice(list("abc"), 300, p=[0.5, 0.3, 0.2])
    judge = np.where(RNG.random(300) < 0.7, labels, RNG.choice(list("abc"), 300))
    found = balanced_accuracy(judge, labels, range(300))
    draws = []
    for _ in range(500):
        rows = RNG.integers(0, 300, 300)
        shares = [np.mean(judge[rows][labels[rows] == one] == one) for one in "abc"]
        draws.append(np.mean(shares))
    assert found.standard_error == pytest.approx(np.std(draws), rel=0.15)


def test_of_a_correlation_of_points() -> None:
    one = RNG.normal(0, 1, 40)
    other = one + RNG.normal(0, 1, 40)
    r = float(np.corrcoef(one, other)[0, 1])
    ends = point_interval(Coefficient.PEARSON, r, 40)
    rows = RNG.integers(0, 40, (2000, 40))
    draws = [np.corrcoef(one[row], other[row])[0, 1] for row in rows]
    assert ends.error == pytest.approx(np.std(draws), rel=0.25)
