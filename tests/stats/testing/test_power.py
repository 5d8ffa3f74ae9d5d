"""Power, the least effect that is found and the clusters needed, against statsmodels."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from evalhub.errors import InputError
from evalhub.stats.testing.power import ClusterDesign, _power, detectable, planned

THEIRS = TTestPower()


@pytest.mark.parametrize("clusters", [3, 5, 30, 100, 1000, 20_000])
@pytest.mark.parametrize("effect", [0.0, 0.01, 0.1, -0.3, 0.9])
def test_power_is_statsmodels(clusters: int, effect: float) -> None:
    for alpha in (0.05, 0.01):
        known = THEIRS.power(abs(effect) / 0.4, clusters, alpha)
        # Theirs is undefined where a tail is below 1e-18; the power is then 1 to six digits.
        known = 1.0 if np.isnan(known) else known
        noncentrality = abs(effect) / 0.4 * math.sqrt(clusters)
        assert _power(noncentrality, clusters - 1, alpha) == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize("clusters", [5, 30, 100, 1000])
def test_the_least_effect_is_statsmodels(clusters: int) -> None:
    known = 0.5 * THEIRS.solve_power(nobs=clusters, alpha=0.05, power=0.8)
    assert detectable(clusters) == pytest.approx(known, abs=1e-6)
    noncentrality = detectable(clusters) / 0.5 * math.sqrt(clusters)
    assert _power(noncentrality, clusters - 1, 0.05) == pytest.approx(0.8, abs=1e-9)


def test_the_power_is_what_happens() -> None:
    rng = np.random.default_rng(0)
    wins = rng.random((4000, 200)) < 0.6
    error = wins.std(axis=1, ddof=1) / 200**0.5
    found = np.mean(np.abs(wins.mean(axis=1) - 0.5) / error > 1.972)
    assert found == pytest.approx(_power(0.2 * math.sqrt(200), 199, 0.05), abs=0.03)


def test_what_is_said_before_anything_is_spent() -> None:
    night = planned(200)
    assert (night.detectable, night.half_width) == pytest.approx((0.0995, 0.0697), abs=1e-4)
    assert night.reason is None
    few = planned(4)
    assert (few.detectable, few.half_width is None) == (None, False)
    assert "largest effect" in str(few.reason)
    none = planned(2)
    assert (none.detectable, none.half_width, none.reason) == (None, None, "fewer than 3 clusters")
    ties = planned(200, ClusterDesign(sd=0.35))
    assert ties.detectable is not None
    assert ties.detectable < 0.0995


def test_more_clusters_find_less() -> None:
    found = [planned(n).detectable for n in (30, 100, 300, 1000, 10_000, 1_000_000)]
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize(
    "wrong",
    [{"sd": 0}, {"sd": float("nan")}, {"alpha": 0}],
)
def test_bad_designs(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ClusterDesign(**wrong)


def test_other_bad_inputs() -> None:
    with pytest.raises(InputError, match="too few"):
        detectable(1)
    with pytest.raises(InputError, match="power"):
        detectable(10, target=1.0)
    with pytest.raises(InputError, match="exceeds"):
        detectable(10, target=0.04)
    with pytest.raises(InputError, match="not negative"):
        planned(-1)
