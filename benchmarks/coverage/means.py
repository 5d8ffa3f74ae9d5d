"""Cells of proportions, win rates and mean scores: alone and in correlated clusters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np
from frame import Cell, Rule
from scipy import special

from evalhub import stats

PER_CLUSTER = 5
CEILING = np.array([0.02, 0.03, 0.05, 0.2, 0.7])  # a rating of 5 levels, near the ceiling


def cells() -> Iterator[Cell]:
    """Yield every cell: n items, of one row each or, where rows correlate, of several."""
    truth = float(CEILING @ np.arange(1, 6))
    for n, rho in itertools.product((30, 100, 1000), (0.0, 0.3, 0.8)):
        for p in (0.05, 0.1, 0.5, 0.9):
            draw = partial(proportion, n=n, rho=rho, p=p)
            yield Cell(
                f"proportion p={p} items={n} rho={rho}", draw, p, Rule.PROPORTION, f"items={n}, rho={rho}"
            )
        yield Cell(f"mean of 5 levels items={n} rho={rho}", partial(levels, n=n, rho=rho), truth)
    for p in (0.05, 0.1, 0.5, 0.9):
        yield Cell(f"proportion p={p} items=6 rho=0.8", partial(proportion, n=6, rho=0.8, p=p), p, Rule.SAFE)
    yield Cell("mean of 5 levels items=6 rho=0.8", partial(levels, n=6, rho=0.8), truth)


def clusters_of(n: int, rho: float) -> np.ndarray:
    """Return the item of each row: correlated rows come in fives, or in pairs where there are many items."""
    together = (2 if n >= 1000 else PER_CLUSTER) if rho else 1
    return np.repeat(np.arange(n), together)


def normals(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw normal numbers that correlate by `rho` within a cluster."""
    shared = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    return rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal(len(clusters))


def uniforms(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw numbers in (0, 1) whose normal scores correlate by `rho` within a cluster."""
    return special.ndtr(normals(rng, clusters, rho))


def proportion(rng: np.random.Generator, *, n: int, rho: float, p: float) -> stats.Estimate:
    """Estimate one share."""
    clusters = clusters_of(n, rho)
    hits = (uniforms(rng, clusters, rho) < p).astype(float)
    return stats.mean_estimate(hits, clusters, bounds=(0, 1))


def levels(rng: np.random.Generator, *, n: int, rho: float) -> stats.Estimate:
    """Estimate one mean rating."""
    clusters = clusters_of(n, rho)
    rating = 1 + np.searchsorted(np.cumsum(CEILING)[:-1], uniforms(rng, clusters, rho))
    return stats.mean_estimate(rating, clusters, bounds=(1, 5))
