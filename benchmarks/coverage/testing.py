"""Cells of differences, worst cases, confidence sequences, and the errors of the sign-flip test.

For the test a cell's "interval" holds the truth exactly where p > .05, so its coverage is 1 - type I error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from frame import Cell, Rule
from means import clusters_of
from scipy import special

from evalhub.stats import Estimate, paired_difference
from evalhub.stats.testing.bounds import WorstCase, worst_case, worst_case_difference
from evalhub.stats.testing.comparison import Comparison
from evalhub.stats.testing.paired import mean_difference, paired_comparison
from evalhub.stats.testing.sequential import sequential_comparison

FIRST = np.array([0.02, 0.03, 0.05, 0.2, 0.7])  # two ratings of 5 levels, near the ceiling
SECOND = np.array([0.03, 0.05, 0.12, 0.2, 0.6])
GAP = float((FIRST - SECOND) @ np.arange(1, 6))
FAILS = 0.1


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    for n in (30, 100, 1000):
        for rho in (0.0, 0.3, 0.8):
            told, drawn = f"n={n} rho={rho}", {"n": n, "rho": rho}
            yield Cell(f"difference of ratings {told}", partial(ratings, **drawn), GAP)
            yield Cell(f"difference without bounds {told}", partial(ratings, bounds=None, **drawn), GAP)
            group = f"difference of right and wrong, {told}"
            for one, other in ((0.5, 0.5), (0.9, 0.8)):
                draw = partial(right, one=one, other=other, **drawn)
                yield Cell(
                    f"right and wrong {one}, {other} {told}", draw, one - other, Rule.PROPORTION, group
                )
            group = f"net of an attack, {told}"
            for one, other in ((0.5, 0.5), (0.9, 0.8), (0.3, 0.05)):
                draw = partial(net, one=one, other=other, **drawn)
                yield Cell(
                    f"net of an attack {one}, {other} {told}", draw, one - other, Rule.PROPORTION, group
                )
            worst = partial(failing, **drawn)
            yield Cell(f"share .9, worst case of 10% failed {told}", worst, 0.9, Rule.SAFE)
            worst = partial(failing_difference, **drawn)
            yield Cell(f"difference, worst case of 10% failed {told}", worst, GAP, Rule.SAFE)
            stop = partial(stopped, **drawn)
            yield Cell(f"confidence sequence at its stop {told}", stop, 0.1, Rule.SAFE)
            yield Cell(f"p > .05: sign flip, ratings {told}", partial(flips, **drawn), 0.0, Rule.SAFE)
            yield Cell(
                f"p > .05: sign flip, win rate {told}", partial(flips_of_wins, **drawn), 0.0, Rule.SAFE
            )


def pair_of_uniforms(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw (2, n) numbers: normal scores correlate by `rho` within clusters and .5 between the two."""
    k, n = int(clusters.max()) + 1, len(clusters)
    scores = [
        rho**0.5 * rng.standard_normal(k)[clusters] + (1 - rho) ** 0.5 * rng.standard_normal(n)
        for _ in range(3)
    ]
    return special.ndtr(np.array([scores[0] + scores[1], scores[0] + scores[2]]) / 2**0.5)


def rated(uniforms: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return 1.0 + np.searchsorted(np.cumsum(shares)[:-1], uniforms)


def both_rated(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> tuple[np.ndarray, np.ndarray]:
    one, other = pair_of_uniforms(rng, clusters, rho)
    return rated(one, FIRST), rated(other, SECOND)


def ratings(
    rng: np.random.Generator, *, n: int, rho: float, bounds: tuple[float, float] | None = (1, 5)
) -> Estimate:
    clusters = clusters_of(n, rho)
    return mean_difference(*both_rated(rng, clusters, rho), clusters, bounds=bounds)


def right(rng: np.random.Generator, *, n: int, rho: float, one: float, other: float) -> Estimate:
    clusters = clusters_of(n, rho)
    first, second = pair_of_uniforms(rng, clusters, rho)
    return mean_difference(first < one, second < other, clusters, bounds=(0, 1))


def net(rng: np.random.Generator, *, n: int, rho: float, one: float, other: float) -> Estimate:
    clusters = clusters_of(n, rho)
    first, second = pair_of_uniforms(rng, clusters, rho)
    return paired_difference(first < one, second < other, clusters)


def failing(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    """Fail 10% of the rows, all of them right: the worst that can happen to a share."""
    clusters = clusters_of(n, rho)
    uniforms = pair_of_uniforms(rng, clusters, rho)[0]
    values = np.where(uniforms < FAILS, np.nan, (uniforms < 0.9).astype(float))
    return as_estimate(worst_case(values, clusters, bounds=(0, 1)))


def failing_difference(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    """Fail the best ratings of the first system."""
    clusters = clusters_of(n, rho)
    first, second = pair_of_uniforms(rng, clusters, rho)
    values = np.where(first > 1 - FAILS, np.nan, rated(first, FIRST))
    against = rated(second, SECOND)
    low, high = (np.where(np.isnan(values), end, values) for end in (1.0, 5.0))
    measured = mean_difference(values, against, clusters, bounds=(1, 5))
    return as_estimate(
        worst_case_difference(measured, (low, high), (against, against), clusters, failed=1, bounds=(1, 5))
    )


def as_estimate(found: WorstCase) -> Estimate:
    if found.low is None:
        return Estimate.none(found.lowest.reason or found.highest.reason or "")
    return Estimate(found.measured.estimate, found.low, found.high, 0.95, "worst-case", 1, 1, 0, "failed")


def stopped(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    """Look until the order is settled or `n` clusters are there; differences of -1, 0 and 1 of mean .1."""
    clusters = clusters_of(n, rho)
    uniforms = pair_of_uniforms(rng, clusters, rho)[0]
    values = np.where(uniforms < 0.08, -1.0, np.where(uniforms > 0.82, 1.0, 0.0))
    stop = sequential_comparison(values, clusters).stopped_at
    seen = len(values) if stop is None else int(np.searchsorted(clusters, stop))
    return sequential_comparison(values[:seen], clusters[:seen]).mean


def flips(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    clusters = clusters_of(n, rho)
    one, other = pair_of_uniforms(rng, clusters, rho)
    return as_decision(paired_comparison(rated(one, FIRST), rated(other, FIRST), clusters, bounds=(1, 5)))


def flips_of_wins(rng: np.random.Generator, *, n: int, rho: float) -> Estimate:
    clusters = clusters_of(n, rho)
    uniforms = pair_of_uniforms(rng, clusters, rho)[0]
    wins = np.where(uniforms < 0.4, 0.0, np.where(uniforms > 0.6, 1.0, 0.5))
    return as_decision(paired_comparison(wins, 1 - wins, clusters, bounds=(0, 1)))


def as_decision(found: Comparison) -> Estimate:
    return Estimate.none(found.reason or "") if found.p is None else decision(found.p > 0.05)


def decision(kept: bool) -> Estimate:
    """Return an interval that holds 0 exactly where the hypothesis is kept."""
    return Estimate(0.0, *((-1.0, 1.0) if kept else (1.0, 2.0)), 0.95, "decision", 1, 1, 0, None)
