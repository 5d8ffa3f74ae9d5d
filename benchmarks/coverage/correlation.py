"""Cells of correlations: pooled, within items, between systems, their differences, and ranking accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
from frame import Cell, Rule
from means import clusters_of
from scipy import special

from evalhub.stats.correlation.coefficients import Coefficient, coefficient
from evalhub.stats.correlation.difference import correlation_difference
from evalhub.stats.correlation.granularity import Granularity, correlate
from evalhub.stats.correlation.points import normal_correlation
from evalhub.stats.correlation.ranking_accuracy import ranking_accuracy, system_accuracy
from evalhub.stats.estimate import Estimate

CEILING = np.cumsum([0.02, 0.03, 0.05, 0.2])  # a rating of 5 levels, near the ceiling
PEARSON, SPEARMAN, KENDALL = Coefficient
FEW = 100  # permutations, which no interval here needs
RIVALS = ((0.5, 0.5, 0.3), (0.8, 0.8, 0.6), (0.9, 0.5, 0.5), (0.3, 0.0, 0.0))


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    yield from between_systems()
    yield from over_rows()
    yield from within_items()
    yield from differences()
    yield from accuracies()


def between_systems() -> Iterator[Cell]:
    """Yield the system granularity: the true value of the coefficient itself is set."""
    for kind in Coefficient:
        for n in (6, 8, 16):
            for truth in (0.0, 0.3, 0.6, 0.8, 0.9):
                # A rank correlation of few systems takes few values: the interval may hold too often.
                rule = Rule.CENTRAL if kind is PEARSON or n > 6 else Rule.SAFE
                draw = partial(systems, kind=kind, n=n, r=normal_correlation(kind, truth))
                yield Cell(f"system {kind} n={n}", draw, truth, rule)


def over_rows() -> Iterator[Cell]:
    """Yield the pooled granularity."""
    for ratings in (False, True):
        for n in (30, 100, 1000):
            for rho in (0.0, 0.3, 0.8):
                for kind in Coefficient:
                    draw = partial(pooled, kind=kind, n=n, rho=rho, ratings=ratings)
                    name = f"pooled {kind} {'5 levels' if ratings else 'normal'} n={n} rho={rho}"
                    yield Cell(name, draw, true_value(kind, 0.6, ratings))


def within_items() -> Iterator[Cell]:
    """Yield the item granularity."""
    for ratings in (False, True):
        for n in (30, 100, 1000):
            for rho in (0.0, 0.3, 0.8):
                for kind in (SPEARMAN, KENDALL):
                    draw = partial(by_item, kind=kind, n=n, rho=rho, ratings=ratings)
                    name = f"item {kind} {'5 levels' if ratings else 'normal'} n={n} rho={rho}"
                    yield Cell(name, draw, true_item_value(kind, ratings))


def differences() -> Iterator[Cell]:
    """Yield the differences of two correlations with people."""
    for kind in Coefficient:
        for r in RIVALS:
            truth = true_value(kind, r[0], False) - true_value(kind, r[1], False)
            for n, rho in ((30, 0.0), (30, 0.8), (100, 0.3)):
                draw = partial(rivals, kind=kind, n=n, rho=rho, r=r, granularity=Granularity.POOLED)
                yield Cell(f"difference pooled {kind} n={n} rho={rho} {r}", draw, truth)
            for n in (8, 10, 16):
                draw = partial(rivals, kind=kind, n=n, rho=0.0, r=r, granularity=Granularity.SYSTEM)
                yield Cell(f"difference system {kind} n={n} {r}", draw, truth)
        for n in (30, 100):
            draw = partial(rivals_by_item, kind=kind, n=n)
            yield Cell(f"difference item {kind} n={n}", draw, true_item_difference(kind))


def accuracies() -> Iterator[Cell]:
    """Yield pairwise ranking accuracy, within items with epsilon 0 and between systems."""
    for n in (30, 100):
        yield Cell(f"ranking accuracy epsilon 0 n={n}", partial(accuracy, n=n), true_accuracy())
    for n in (8, 16):
        for share in (0.65, 0.8, 0.9):
            draw = partial(accuracy_of_systems, n=n, r=normal_correlation(KENDALL, 2 * share - 1))
            yield Cell(f"system accuracy n={n}", draw, share)


def rated(values: np.ndarray) -> np.ndarray:
    """Turn standard normal values into ratings of 5 levels, 70% of them the highest."""
    return 1.0 + np.searchsorted(CEILING, special.ndtr(values))


def normals(rng: np.random.Generator, covariance: np.ndarray, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw (k, n) standard normal columns that correlate by `rho` within a cluster."""
    k = len(covariance)
    root = np.linalg.cholesky(covariance + 1e-12 * np.eye(k))
    shared = rng.standard_normal((k, int(clusters.max()) + 1))[:, clusters]
    return root @ (rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal((k, len(clusters))))


def pair(r: float) -> np.ndarray:
    """Return the covariance of two standard normal columns."""
    return np.array([[1, r], [r, 1]])


@cache
def true_value(kind: Coefficient, r: float, ratings: bool) -> float:
    """Return the coefficient of a population."""
    if not ratings:
        return {
            PEARSON: r,
            SPEARMAN: 6 / np.pi * np.arcsin(r / 2),
            KENDALL: 2 / np.pi * np.arcsin(r),
        }[kind]
    x, y = rated(normals(np.random.default_rng(1), pair(r), np.arange(1_000_000), 0.0))
    return coefficient(kind, x, y)


@cache
def true_item_value(kind: Coefficient, ratings: bool) -> float:
    """Return the mean over items, of those that have a coefficient."""
    x, y = grid(np.random.default_rng(2), n=20_000, rho=0.0, ratings=ratings)
    return float(np.nanmean([coefficient(kind, one, other) for one, other in zip(x, y, strict=True)]))


def grid(rng: np.random.Generator, *, n: int, rho: float, ratings: bool) -> np.ndarray:
    """Draw two (items, 8) scores; the items of a cluster share how alike their systems are scored."""
    clusters = clusters_of(n, rho)
    values = np.stack([normals(rng, pair(0.6), clusters, rho) for _ in range(8)], axis=2)
    return rated(values) if ratings else values


def systems(rng: np.random.Generator, *, kind: Coefficient, n: int, r: float) -> Estimate:
    """Correlate the scores of n systems."""
    x, y = normals(rng, pair(r), np.arange(n), 0.0)
    (found,) = correlate(
        x, y, items=[0] * n, systems=range(n), granularities=[Granularity.SYSTEM], coefficients=[kind]
    )
    return found.estimate


def pooled(rng: np.random.Generator, *, kind: Coefficient, n: int, rho: float, ratings: bool) -> Estimate:
    """Correlate the rows of n items."""
    clusters = clusters_of(n, rho)
    x, y = normals(rng, pair(0.6), clusters, rho)
    if ratings:
        x, y = rated(x), rated(y)
    ids = {"items": clusters, "systems": [0] * len(clusters)}
    (found,) = correlate(x, y, **ids, granularities=[Granularity.POOLED], coefficients=[kind])
    return found.estimate


def by_item(rng: np.random.Generator, *, kind: Coefficient, n: int, rho: float, ratings: bool) -> Estimate:
    """Correlate 8 systems within each item, of n clusters."""
    x, y = grid(rng, n=n, rho=rho, ratings=ratings)
    items = len(x)
    ids = {
        "items": np.repeat(np.arange(items), 8),
        "systems": np.tile(np.arange(8), items),
        "clusters": np.repeat(clusters_of(n, rho), 8),
    }
    (found,) = correlate(x.ravel(), y.ravel(), **ids, granularities=[Granularity.ITEM], coefficients=[kind])
    return found.estimate


def triple(r: tuple[float, float, float]) -> np.ndarray:
    """Return the covariance of people and two scores."""
    return np.array([[1, r[0], r[1]], [r[0], 1, r[2]], [r[1], r[2], 1]])


def rivals(
    rng: np.random.Generator,
    *,
    kind: Coefficient,
    n: int,
    rho: float,
    r: tuple[float, float, float],
    granularity: Granularity,
) -> Estimate:
    """Compare two scores of the rows of n items, or of n systems."""
    clusters = clusters_of(n, rho)
    people, first, second = normals(rng, triple(r), clusters, rho)
    ids = {"items": clusters, "systems": range(len(clusters))}
    difference = correlation_difference(
        first, second, people, **ids, granularity=granularity, kind=kind, resamples=FEW
    )
    return difference.difference


def rivals_by_item(rng: np.random.Generator, *, kind: Coefficient, n: int) -> Estimate:
    """Compare two scores of 6 systems on each of n items."""
    people, first, second = normals(rng, triple(RIVALS[1]), np.arange(6 * n), 0.0)
    people = rated(people)
    ids = {"items": np.repeat(np.arange(n), 6), "systems": np.tile(np.arange(6), n)}
    found = correlation_difference(
        first + second, second, people, **ids, granularity=Granularity.ITEM, kind=kind, resamples=FEW
    )
    return found.difference


@cache
def true_item_difference(kind: Coefficient) -> float:
    """Return the difference that `rivals_by_item` estimates."""
    drawn = [rivals_by_item(np.random.default_rng(seed), kind=kind, n=2_000).estimate for seed in range(5)]
    return float(np.mean(drawn))


def accuracy(rng: np.random.Generator, *, n: int) -> Estimate:
    """Rank 6 systems on each of n items, people in 5 levels."""
    people, metric = normals(rng, pair(0.7), np.arange(6 * n), 0.0)
    ids = {"items": np.repeat(np.arange(n), 6), "systems": np.tile(np.arange(6), n)}
    return ranking_accuracy(metric, rated(people), **ids).uncalibrated


@cache
def true_accuracy() -> float:
    """Return the accuracy on many items."""
    return float(accuracy(np.random.default_rng(3), n=20_000).estimate)


def accuracy_of_systems(rng: np.random.Generator, *, n: int, r: float) -> Estimate:
    """Rank n systems."""
    people, metric = normals(rng, pair(r), np.arange(n), 0.0)
    return system_accuracy(metric, people, items=[0] * n, systems=range(n))
