"""Correlation of two scores of the same responses: over all rows, within items, and between systems.

- `pooled`: one coefficient over all rows. Interval over clusters (see `bootstrap`).
- `item` ("summary level"): one coefficient within each item, then their mean. Items whose rows are constant
  in one column, or fewer than 2, have no coefficient: they are left out and counted. Interval of a mean of
  values in [-1, 1] (see `means`).
- `system`: one coefficient over the systems' means. Interval over systems (see `points`), about systems like
  these, on these items.

Rows that lack one of the two scores are left out first and counted. Scores are rounded to 12 digits before
ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from evalhub.stats.bootstrap import interval
from evalhub.stats.clusters import Column, Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, coefficient, within_groups
from evalhub.stats.correlation.points import point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.correlation.weighted import is_slow, weighted
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import RESAMPLES, no_ends, with_ends
from evalhub.stats.means import mean_estimate

MIN_SYSTEMS = 3
SLOW_RESAMPLES = 500


class Granularity(StrEnum):
    """The values that are correlated: all rows, the rows of one item, or the means of systems."""

    POOLED = "pooled"
    ITEM = "item"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Correlation:
    """One coefficient at one level.

    Args:
        granularity: Pooled, item or system.
        coefficient: Which one.
        estimate: The number. Its n counts rows (pooled), items (item) or systems (system). Its n_excluded
            counts those of them without a coefficient or score.
        rows: Rows that have both scores.
        missing: Rows that lack one.
    """

    granularity: Granularity
    coefficient: Coefficient
    estimate: Estimate
    rows: int
    missing: int


def correlate(
    x: Column,
    y: Column,
    *,
    items: Column,
    systems: Column,
    clusters: Column | None = None,
    granularities: Sequence[Granularity] = tuple(Granularity),
    coefficients: Sequence[Coefficient] = tuple(Coefficient),
) -> tuple[Correlation, ...]:
    """Correlate two scores of the same responses at every level.

    The item level shows whether a score orders the responses to one item, the system level whether it ranks
    systems. The pooled level mixes both with the difficulty of the items.

    Args:
        x: (n,) first score. None, NaN and infinite are missing.
        y: (n,) second score. None, NaN and infinite are missing.
        items: (n,) item ids. One row per item and system, samples averaged before.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one. None = the items.
        granularities, coefficients: Which of them, in the order of the result.

    Returns:
        One correlation for each level and coefficient, in [-1, 1], higher = more alike.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Louis & Nenkova, Computational Linguistics 39(2), 2013 (levels).

    Example:
        >>> x, y = [1, 2, 3, 3, 1, 2], [1, 3, 2, 3, 1, 2]
        >>> rows = {"items": ["p", "p", "p", "q", "q", "q"], "systems": ["r", "s", "t", "r", "s", "t"]}
        >>> by_item = correlate(x, y, **rows, granularities=["item"], coefficients=["kendall"])[0]
        >>> round(by_item.estimate.estimate, 4)
        0.6667
    """
    rows = read_rows({"x": x, "y": y}, items=items, systems=systems, clusters=clusters)
    functions = {Granularity.POOLED: _pooled, Granularity.ITEM: _by_item, Granularity.SYSTEM: _by_system}
    return tuple(
        Correlation(granularity, kind, functions[granularity](kind, rows), rows.count, rows.missing)
        for granularity in granularities
        for kind in coefficients
    )


def _why_undefined(x: Floats, y: Floats, noun: str) -> str:
    if len(x) < 2:
        return f"fewer than 2 {noun}"
    constant = np.all(x == x[0]) and np.all(y == y[0])
    return "both scores are constant" if constant else "one of the scores is constant"


def _pooled(kind: Coefficient, rows: Rows) -> Estimate:
    x, y = rows.scores
    counts = {"n": rows.count, "clusters": rows.cluster_count, "n_excluded": rows.missing}
    value = coefficient(kind, x, y)
    if np.isnan(value):
        return with_ends(None, no_ends(_why_undefined(x, y, "rows with both scores")), **counts)
    statistic = weighted(kind, x, y, rows.clusters)
    resamples = affordable_resamples(kind, rows.clusters)
    return with_ends(value, interval(statistic, rows.cluster_count, resamples=resamples), **counts)


def affordable_resamples(kind: Coefficient, clusters: Ints, resamples: int = RESAMPLES) -> int:
    """Return the number of resamples, at most 500 where each takes long (see `is_slow`)."""
    return min(resamples, SLOW_RESAMPLES) if is_slow(kind, clusters) else resamples


def _by_item(kind: Coefficient, rows: Rows) -> Estimate:
    x, y = rows.scores
    groups = rows.by_item()
    estimate = mean_estimate(within_groups(kind, x, y, groups), rows.cluster_of(groups), bounds=(-1, 1))
    n_excluded = estimate.n_excluded + rows.lost_items
    if estimate.estimate is None:
        return Estimate.none("no item has two rows that differ in both scores", n_excluded=n_excluded)
    return replace(estimate, n_excluded=n_excluded)


def _by_system(kind: Coefficient, rows: Rows) -> Estimate:
    n = rows.system_count
    counts = {"n": n, "clusters": rows.cluster_count, "n_excluded": rows.lost_systems}
    if n < MIN_SYSTEMS:
        return with_ends(None, no_ends(f"fewer than {MIN_SYSTEMS} systems"), **counts)
    x, y = rows.system_means()
    value = coefficient(kind, x, y)
    if np.isnan(value):
        return with_ends(None, no_ends(_why_undefined(x, y, "systems")), **counts)
    return with_ends(value, point_interval(kind, value, n), **counts)
