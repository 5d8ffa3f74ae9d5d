"""Cells of proportions, win rates and mean scores: alone and in correlated clusters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from frame import Cell, Rule
from scipy import special

from evalhub import stats

PER_CLUSTER = 5
CEILING = np.array([0.02, 0.03, 0.05, 0.2, 0.7])  # a rating of 5 levels, near the ceiling


def cells() -> Iterator[Cell]:
    """Yield every cell."""
    for n in (30, 100, 1000):
        for rho in (0.0, 0.3, 0.8):
            group = f"proportion, n={n}, rho={rho}"
            for p in (0.05, 0.1, 0.5, 0.9):
                draw = partial(proportion, n=n, rho=rho, p=p)
                yield Cell(f"proportion p={p} n={n} rho={rho}", draw, p, Rule.PROPORTION, group)
            truth = float(CEILING @ np.arange(1, 6))
            yield Cell(f"mean of 5 levels n={n} rho={rho}", partial(levels, n=n, rho=rho), truth)


def clusters_of(n: int, rho: float) -> np.ndarray:
    """Return cluster ids: of one row each where nothing correlates."""
    return np.arange(n) if rho == 0 else np.arange(n) // PER_CLUSTER


def uniforms(rng: np.random.Generator, clusters: np.ndarray, rho: float) -> np.ndarray:
    """Draw numbers in (0, 1) whose normal scores correlate by `rho` within a cluster."""
    shared = rng.standard_normal(int(clusters.max()) + 1)[clusters]
    return special.ndtr(rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal(len(clusters)))


def proportion(rng: np.random.Generator, *, n: int, rho: float, p: float) -> stats.Estimate:
    """Estimate one share; n = 30 in clusters of 5 are 6 clusters."""
    clusters = clusters_of(n, rho)
    hits = (uniforms(rng, clusters, rho) < p).astype(float)
    return stats.mean_estimate(hits, clusters, bounds=(0, 1))


def levels(rng: np.random.Generator, *, n: int, rho: float) -> stats.Estimate:
    """Estimate one mean rating."""
    clusters = clusters_of(n, rho)
    rating = 1 + np.searchsorted(np.cumsum(CEILING)[:-1], uniforms(rng, clusters, rho))
    return stats.mean_score(rating, clusters, bounds=(1, 5))
