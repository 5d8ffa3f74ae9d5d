"""How alike two scores of the same responses are: over all rows, within items, and between systems.

- `pooled`: one coefficient over all rows; interval over clusters (see `bootstrap`).
- `item` ("summary level"): one coefficient within each item, then their mean; items whose rows are constant
  in one column, or fewer than 2, have none: left out and counted. Interval of a mean of values in [-1, 1]
  (see `means`).
- `system`: one coefficient over the systems' means; interval over systems (see `points`). It speaks of
  systems like these, on these items.

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
from evalhub.stats.correlation.coefficients import COMMON, Coefficient, coefficient, within_groups
from evalhub.stats.correlation.points import point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.correlation.weighted import is_slow, weighted
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options, with_ends
from evalhub.stats.means import mean_estimate

MIN_SYSTEMS = 3
SLOW_RESAMPLES = 500


class Level(StrEnum):
    """What is correlated: all rows, the rows of one item, or the means of systems."""

    POOLED = "pooled"
    ITEM = "item"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Correlation:
    """One coefficient at one level.

    Args:
        level: Pooled, item or system.
        coefficient: Which one.
        estimate: The number; its n counts rows (pooled), items (item) or systems (system), and its left_out
            those of them that were given but had no coefficient or score.
        rows: Rows that have both scores.
        missing: Rows that lack one.
    """

    level: Level
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
    levels: Sequence[Level] = tuple(Level),
    coefficients: Sequence[Coefficient] = COMMON,
    options: Options = DEFAULT,
) -> tuple[Correlation, ...]:
    """Correlate two scores of the same responses at every level.

    Args:
        x: (n,) first score; None, NaN and infinite = missing.
        y: (n,) second score; None, NaN and infinite = missing.
        items: (n,) item ids; one row per item and system, samples averaged before.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one; None = the items.
        levels: Which levels, in the order of the answer.
        coefficients: Which coefficients, in the order of the answer.
        options: Which interval, level, resamples, seed.

    Returns:
        One correlation for each level and coefficient, in [-1, 1], higher = more alike.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Louis & Nenkova, Computational Linguistics 39(2), 2013 (levels).

    Example:
        >>> x, y = [1, 2, 3, 3, 1, 2], [1, 3, 2, 3, 1, 2]
        >>> rows = {"items": ["p", "p", "p", "q", "q", "q"], "systems": ["r", "s", "t", "r", "s", "t"]}
        >>> by_item = correlate(x, y, **rows, levels=[Level.ITEM], coefficients=[Coefficient.KENDALL])
        >>> round(by_item[0].estimate.estimate, 4)
        0.6667
    """
    rows = read_rows({"x": x, "y": y}, items=items, systems=systems, clusters=clusters)
    functions = {Level.POOLED: _pooled, Level.ITEM: _by_item, Level.SYSTEM: _by_system}
    return tuple(
        Correlation(level, kind, functions[level](kind, rows, options), rows.count, rows.missing)
        for level in levels
        for kind in coefficients
    )


def _none(reason: str, options: Options, *, n: int = 0, clusters: int = 0, left_out: int = 0) -> Estimate:
    return Estimate.none(reason, n=n, clusters=clusters, left_out=left_out, level=options.level)


def _why_undefined(x: Floats, y: Floats, what: str) -> str:
    if len(x) < 2:
        return f"fewer than 2 {what}"
    both = np.all(x == x[0]) and np.all(y == y[0])
    return "both scores are constant" if both else "one of the scores is constant"


def _pooled(kind: Coefficient, rows: Rows, options: Options) -> Estimate:
    x, y = rows.scores
    facts = {"n": rows.count, "clusters": rows.cluster_count, "left_out": rows.missing}
    value = coefficient(kind, x, y)
    if np.isnan(value):
        return _none(_why_undefined(x, y, "rows with both scores"), options, **facts)
    ends = interval(
        weighted(kind, x, y, rows.clusters), rows.cluster_count, affordable(kind, rows.clusters, options)
    )
    return with_ends(value, ends, level=options.level, **facts)


def affordable(kind: Coefficient, clusters: Ints, options: Options) -> Options:
    """Return the options with fewer resamples where each takes long.

    Args:
        kind: Which coefficient.
        clusters: (n,) code of each row's cluster.
        options: What was asked for.

    Returns:
        The options, with at most 500 resamples where `is_slow`.

    Example:
        >>> affordable(Coefficient.KENDALL, np.arange(2_000), Options()).resamples
        500
    """
    if not is_slow(kind, clusters):
        return options
    return replace(options, resamples=min(options.resamples, SLOW_RESAMPLES))


def _by_item(kind: Coefficient, rows: Rows, options: Options) -> Estimate:
    x, y = rows.scores
    groups = rows.by_item()
    values = within_groups(kind, x, y, groups)
    estimate = mean_estimate(values, rows.cluster_of(groups), bounds=(-1, 1), options=options)
    left_out = estimate.left_out + rows.items_gone
    if estimate.estimate is None:
        reason = "no item has two rows that differ in both scores"
        return _none(reason, options, left_out=left_out)
    return replace(estimate, left_out=left_out)


def _by_system(kind: Coefficient, rows: Rows, options: Options) -> Estimate:
    n = rows.system_count
    facts = {"n": n, "clusters": rows.cluster_count, "left_out": rows.systems_gone}
    if n < MIN_SYSTEMS:
        return _none(f"fewer than {MIN_SYSTEMS} systems", options, **facts)
    x, y = rows.system_means()
    value = coefficient(kind, x, y)
    if np.isnan(value):
        return _none(_why_undefined(x, y, "systems"), options, **facts)
    return with_ends(value, point_interval(kind, value, n, level=options.level), level=options.level, **facts)
