"""How alike two scores of the same responses are: over all rows, within items, and between systems.

- `pooled`: one coefficient over all rows; interval over clusters (see `bootstrap`).
- `item` ("summary level"): one coefficient within each item, then their mean; items whose rows are constant
  in one column, or fewer than 2, have none: left out and counted. Interval of a mean of values in [-1, 1]
  (see `means`).
- `system`: one coefficient over the systems' means; Fisher z interval, because a percentile bootstrap is too
  narrow for a dozen systems. It speaks of systems like these, on these items.

Rows that lack one of the two scores are left out first and counted. Scores are rounded to 12 digits before
ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from evalhub.stats.bootstrap import interval
from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.correlation.coefficients import Coefficient, coefficient, is_slow, rounded, weighted
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, NOISE, Ends, Options, no_ends, with_ends, z_quantile
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
        coefficient: Pearson, Spearman or Kendall tau-b.
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


@dataclass(frozen=True, slots=True)
class _Rows:
    x: Floats
    y: Floats
    items: Ints
    systems: Ints
    clusters: Ints
    missing: int
    items_gone: int
    systems_gone: int


def correlate(
    x: Column,
    y: Column,
    *,
    items: Column,
    systems: Column,
    clusters: Column | None = None,
    levels: Sequence[Level] = tuple(Level),
    coefficients: Sequence[Coefficient] = tuple(Coefficient),
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

    Source: Louis & Nenkova, Computational Linguistics 39(2), 2013 (levels); Bonett & Wright, Psychometrika
        65(1), 2000, 23-28 (Fisher z for the three coefficients).

    Example:
        >>> x, y = [1, 2, 3, 3, 1, 2], [1, 3, 2, 3, 1, 2]
        >>> rows = {"items": ["p", "p", "p", "q", "q", "q"], "systems": ["r", "s", "t", "r", "s", "t"]}
        >>> by_item = correlate(x, y, **rows, levels=[Level.ITEM], coefficients=[Coefficient.KENDALL])
        >>> round(by_item[0].estimate.estimate, 4)
        0.6667
    """
    clusters = items if clusters is None else clusters
    same_length({"x": x, "y": y, "items": items, "systems": systems, "clusters": clusters})
    rows = _read(floats(x), floats(y), items=items, systems=systems, clusters=clusters)
    functions = {Level.POOLED: _pooled, Level.ITEM: _by_item, Level.SYSTEM: _by_system}
    return tuple(
        Correlation(level, kind, functions[level](kind, rows, options), len(rows.x), rows.missing)
        for level in levels
        for kind in coefficients
    )


def _read(x: Floats, y: Floats, *, items: Column, systems: Column, clusters: Column) -> _Rows:
    both = ~(np.isnan(x) | np.isnan(y))
    columns = [codes(ids) for ids in (items, systems)]
    kept = [codes(members[both]) for members, _ in columns]
    return _Rows(
        x=rounded(x[both]),
        y=rounded(y[both]),
        items=kept[0][0],
        systems=kept[1][0],
        clusters=codes(np.asarray(clusters)[both])[0],
        missing=int(len(x) - both.sum()),
        items_gone=columns[0][1] - kept[0][1],
        systems_gone=columns[1][1] - kept[1][1],
    )


def _none(reason: str, options: Options, *, n: int = 0, clusters: int = 0, left_out: int = 0) -> Estimate:
    return Estimate.none(reason, n=n, clusters=clusters, left_out=left_out, level=options.level)


def _why_undefined(x: Floats, y: Floats, what: str) -> str:
    if len(x) < 2:
        return f"fewer than 2 {what}"
    both = np.all(x == x[0]) and np.all(y == y[0])
    return "both scores are constant" if both else "one of the scores is constant"


def _pooled(kind: Coefficient, rows: _Rows, options: Options) -> Estimate:
    count = int(rows.clusters.max(initial=-1)) + 1
    value = coefficient(kind, rows.x, rows.y)
    if np.isnan(value):
        reason = _why_undefined(rows.x, rows.y, "rows with both scores")
        return _none(reason, options, n=len(rows.x), clusters=count, left_out=rows.missing)
    statistic = weighted(kind, rows.x, rows.y, rows.clusters)
    if is_slow(kind, rows.clusters):
        options = replace(options, resamples=min(options.resamples, SLOW_RESAMPLES))
    ends = interval(statistic, count, options)
    facts = {"n": len(rows.x), "clusters": count, "left_out": rows.missing}
    return with_ends(value, ends, level=options.level, **facts)


def _by_item(kind: Coefficient, rows: _Rows, options: Options) -> Estimate:
    order = np.argsort(rows.items, kind="stable")
    starts = np.flatnonzero(np.diff(rows.items[order], prepend=-1))
    groups = np.split(order, starts[1:]) if len(order) else []
    values = np.array([coefficient(kind, rows.x[group], rows.y[group]) for group in groups])
    clusters = [int(rows.clusters[group[0]]) for group in groups]
    estimate = mean_estimate(values, clusters, bounds=(-1, 1), options=options)
    left_out = estimate.left_out + rows.items_gone
    if estimate.estimate is None:
        reason = "no item has two rows that differ in both scores"
        return _none(reason, options, left_out=left_out)
    return replace(estimate, left_out=left_out)


def _by_system(kind: Coefficient, rows: _Rows, options: Options) -> Estimate:
    sizes = np.bincount(rows.systems)
    n, left_out = len(sizes), rows.systems_gone
    clusters = int(rows.clusters.max(initial=-1)) + 1
    facts = {"n": n, "clusters": clusters, "left_out": left_out}
    if n < MIN_SYSTEMS:
        return _none(f"fewer than {MIN_SYSTEMS} systems", options, **facts)
    x, y = (rounded(np.bincount(rows.systems, weights=column) / sizes) for column in (rows.x, rows.y))
    value = coefficient(kind, x, y)
    if np.isnan(value):
        return _none(_why_undefined(x, y, "systems"), options, **facts)
    return with_ends(value, fisher_z(kind, value, n, level=options.level), level=options.level, **facts)


def fisher_z(kind: Coefficient, value: float, n: int, *, level: float) -> Ends:
    """Make the interval of a coefficient over n independent points on the Fisher z scale.

    The variance of atanh(coefficient) is 1 / (n - 3) for Pearson, (1 + r² / 2) / (n - 3) for Spearman and
    .437 / (n - 4) for Kendall. Simulation found these good up to .95 for Spearman and .8 for Kendall; beyond,
    the interval of Kendall is too wide with 8 points and too narrow with 16.

    Args:
        kind: Which coefficient.
        value: The coefficient, in [-1, 1].
        n: Points.
        level: Confidence level, in (0, 1).

    Returns:
        The ends, method "fisher-z"; none where the coefficient is ±1 or there are too few points.

    Source: Bonett & Wright, Psychometrika 65(1), 2000, 23-28; Fieller, Hartley & Pearson, Biometrika 44, 1957
        (.437).

    Example:
        >>> ends = fisher_z(Coefficient.PEARSON, 0.5, 28, level=0.95)
        >>> round(ends.low, 3), round(ends.high, 3)
        (0.156, 0.736)
    """
    least = 5 if kind is Coefficient.KENDALL else 4
    if n < least:
        return no_ends(f"fewer than {least} points for a Fisher z interval")
    if abs(value) >= 1 - NOISE:
        return no_ends("the coefficient is 1 or -1, where the Fisher z interval has no width")
    variance = {
        Coefficient.PEARSON: 1 / (n - 3),
        Coefficient.SPEARMAN: (1 + value**2 / 2) / (n - 3),
        Coefficient.KENDALL: 0.437 / max(n - 4, 1),
    }[kind]
    z, half = np.arctanh(value), z_quantile(level) * variance**0.5
    return Ends(float(np.tanh(z - half)), float(np.tanh(z + half)), "fisher-z")
