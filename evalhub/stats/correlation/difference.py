"""Which of two scores agrees better with people, on the same responses: a judge or a metric, say.

- `pooled`: the intervals of the two correlations (see `levels`) are joined through the correlation of their
  jackknife values ("MOVER"); above 1,000 clusters the bootstrap of the difference.
- `item`: mean over items of the difference within the item, and its interval (see `means`).
- `system`: the intervals of the two correlations (see `points`), joined through the correlation that a normal
  distribution implies; from 6 systems for Pearson, 8 for Spearman, 10 for Kendall: with fewer it fails.

The p-value is that of a permutation test: two scores that agree equally well with people may be swapped. Both
are standardised, and whole clusters (pooled, item) or whole systems (system) swap. To swap single responses
("PERM-BOTH") supposes that the two scores differ by noise alone: where each favours systems of its own and
both agree equally well with people, it rejects 13 to 53 times in 100 at the 5% level. For Pearson between
systems the test is Williams'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from evalhub.stats.bootstrap import JACKKNIFE_CLUSTERS, bootstrap, interval, leave_one_out
from evalhub.stats.clusters import Bools, Column, Floats, Ints
from evalhub.stats.correlation.coefficients import (
    Coefficient,
    coefficient,
    rounded,
    standard,
    within_groups,
)
from evalhub.stats.correlation.levels import SLOW_RESAMPLES, Level, affordable
from evalhub.stats.correlation.points import normal_correlation, point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.correlation.weighted import PAIR_MATRIX_ROWS, weighted
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    DEFAULT,
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    Interval,
    Options,
    no_ends,
    with_ends,
)
from evalhub.stats.means import mean_estimate
from evalhub.stats.testing.comparison import Comparison

LEAST_SYSTEMS = {
    Coefficient.PEARSON: 6,
    Coefficient.SPEARMAN: 8,
    Coefficient.KENDALL: 10,
    Coefficient.KENDALL_C: 10,
}

_Swapped = Callable[[Bools], Floats]


def correlation_difference(
    first: Column,
    second: Column,
    people: Column,
    *,
    items: Column,
    systems: Column,
    level: Level,
    kind: Coefficient,
    clusters: Column | None = None,
    options: Options = DEFAULT,
) -> Comparison:
    """Compare how well two scores correlate with people's, on the rows that have all three.

    Args:
        first: (n,) one score; None, NaN and infinite = missing.
        second: (n,) the other score; its scale may be another, its direction the same.
        people: (n,) people's score.
        items: (n,) item ids; one row per item and system, samples averaged before.
        systems: (n,) system ids.
        level: What is correlated.
        kind: Which coefficient.
        clusters: (n,) cluster ids, each item within one; None = the items.
        options: Which interval, level, resamples (also the number of permutations), seed.

    Returns:
        Correlation of first with people minus that of second, in [-2, 2], above 0 = the first agrees better;
        its n counts rows, items or systems, as in `correlate`. The p-value is two-sided.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Deutsch, Dror & Roth, TACL 9, 2021 (swapping the scores of two metrics); Zou, Psychological
        Methods 12(4), 2007, 399-413 (interval of the difference of two dependent correlations); Williams,
        JRSS B 21, 1959, and Steiger, Psychological Bulletin 87(2), 1980, 245-251 (test of two such).

    Example:
        >>> people, judge, metric = [1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 5, 6], [3, 1, 2, 6, 4, 5]
        >>> ids = {"items": ["i"] * 6, "systems": list("abcdef")}
        >>> found = correlation_difference(
        ...     judge, metric, people, **ids, level=Level.SYSTEM, kind=Coefficient.PEARSON
        ... )
        >>> round(found.difference.estimate, 3), round(found.p, 3), found.test
        (0.286, 0.193, 'williams')
    """
    scores = {"first": first, "second": second, "people": people}
    rows = read_rows(scores, items=items, systems=systems, clusters=clusters)
    at = {Level.POOLED: _pooled, Level.ITEM: _by_item, Level.SYSTEM: _by_system}
    return at[level](kind, rows, options)


def _nothing(
    reason: str, options: Options, *, n: int = 0, clusters: int = 0, left_out: int = 0
) -> Comparison:
    found = Estimate.none(reason, n=n, clusters=clusters, left_out=left_out, level=options.level)
    return Comparison.none(found, reason)


def _pooled(kind: Coefficient, rows: Rows, options: Options) -> Comparison:
    one, other, people = rows.scores
    count = rows.cluster_count
    facts = {"n": rows.count, "clusters": count, "left_out": rows.missing}
    value = coefficient(kind, one, people) - coefficient(kind, other, people)
    if np.isnan(value):
        return _nothing("a score is constant, or fewer than 2 rows have all three", options, **facts)
    estimate = with_ends(value, _pooled_ends(kind, rows, options), level=options.level, **facts)
    if rows.count > PAIR_MATRIX_ROWS:
        options = replace(options, resamples=min(options.resamples, SLOW_RESAMPLES))
    return _permuted(estimate, _swapping(kind, rows.scores, rows.clusters), count, options)


def _pooled_ends(kind: Coefficient, rows: Rows, options: Options) -> Ends:
    one, other, people = rows.scores
    count = rows.cluster_count
    functions = [weighted(kind, score, people, rows.clusters) for score in (one, other)]
    if options.interval is Interval.BOOTSTRAP or count > JACKKNIFE_CLUSTERS:
        few = affordable(kind, rows.clusters, options)
        return bootstrap(lambda weights: functions[0](weights) - functions[1](weights), count, few)
    ends = [interval(function, count, options) for function in functions]
    values = [function(leave_one_out(count)) for function in functions]
    if float(np.ptp(values[0] - values[1])) <= NOISE:
        return no_ends(NO_WIDTH)
    spreads = [column[1:] - column[1:].mean() for column in values]
    scale = float(np.sqrt(np.sum(spreads[0] ** 2) * np.sum(spreads[1] ** 2)))
    together = float(np.sum(spreads[0] * spreads[1])) / scale if scale > 0 else 0.0
    estimates = (float(values[0][0]), float(values[1][0]))
    return _joined(estimates, ends, together, method="cluster-jackknife-mover")


def _by_item(kind: Coefficient, rows: Rows, options: Options) -> Comparison:
    one, other, people = rows.scores
    groups = rows.by_item()
    values = within_groups(kind, one, people, groups) - within_groups(kind, other, people, groups)
    clusters = rows.cluster_of(groups)
    estimate = mean_estimate(values, clusters, bounds=(-2, 2), options=options)
    left_out = estimate.left_out + rows.items_gone
    if estimate.estimate is None:
        return _nothing("no item has two rows that differ in every score", options, left_out=left_out)
    defined = ~np.isnan(values)
    members = np.unique(clusters[defined], return_inverse=True)[1]
    # To swap the two scores of a cluster is to turn the sign of its differences.
    sums = np.bincount(members, weights=values[defined]) / defined.sum()
    estimate = replace(estimate, left_out=left_out)
    return _permuted(estimate, lambda swaps: (1 - 2.0 * swaps) @ sums, len(sums), options)


def _by_system(kind: Coefficient, rows: Rows, options: Options) -> Comparison:
    n, least = rows.system_count, LEAST_SYSTEMS[Coefficient.PEARSON]
    facts = {"n": n, "clusters": rows.cluster_count, "left_out": rows.systems_gone}
    if n < least:
        return _nothing(f"fewer than {least} systems", options, **facts)
    means = rows.system_means()
    one, other, people = means
    found = [coefficient(kind, x, y) for x, y in ((one, people), (other, people), (one, other))]
    if np.isnan(found).any():
        return _nothing("the systems' means of a score are constant", options, **facts)
    ends = _system_ends(kind, found, n, level=options.level)
    estimate = with_ends(found[0] - found[1], ends, level=options.level, **facts)
    if kind is Coefficient.PEARSON:
        return _williams(estimate, found, n)
    return _permuted(estimate, _swapping(kind, means, np.arange(n)), n, options)


def _system_ends(kind: Coefficient, found: Sequence[float], n: int, *, level: float) -> Ends:
    least = LEAST_SYSTEMS[kind]
    if n < least:
        return no_ends(f"fewer than {least} systems for an interval of a difference of {kind}")
    if found[2] >= 1 - NOISE:
        return no_ends("the two scores order the systems alike")
    ends = [point_interval(kind, value, n, level=level) for value in found[:2]]
    r, s, between = (normal_correlation(kind, value) for value in found)
    room = (1 - r**2) * (1 - s**2)
    # The correlation of two sample correlations that share a variable.
    shared = (between - r * s / 2) * (1 - r**2 - s**2 - between**2) + between**3
    together = float(np.clip(shared / room, -1.0, 1.0)) if room > NOISE else 0.0
    return _joined((found[0], found[1]), ends, together, method="mover")


def _joined(estimates: tuple[float, float], ends: Sequence[Ends], together: float, *, method: str) -> Ends:
    """Return the interval of a difference from those of its parts, whose estimates correlate."""
    (p, q), (one, other) = estimates, ends
    if one.low is None or one.high is None:
        return one
    if other.low is None or other.high is None:
        return other
    down = _distance(p - one.low, other.high - q, together)
    up = _distance(one.high - p, q - other.low, together)
    return Ends(p - q - down, p - q + up, method)


def _distance(one: float, other: float, together: float) -> float:
    return float(max(0.0, one**2 - 2 * together * one * other + other**2) ** 0.5)


def _williams(difference: Estimate, found: Sequence[float], n: int) -> Comparison:
    from scipy import special

    r, s, between = found
    determinant = max(0.0, 1 - r**2 - s**2 - between**2 + 2 * r * s * between)
    below = 2 * (n - 1) / (n - 3) * determinant + ((r + s) / 2) ** 2 * (1 - between) ** 3
    if below <= NOISE:
        return Comparison.none(difference, "the two scores order and space the systems alike")
    t = (r - s) * ((n - 1) * (1 + between) / below) ** 0.5
    return Comparison(difference, float(max(2 * special.stdtr(n - 3, -abs(t)), 1e-300)), "williams")


def _swapping(kind: Coefficient, scores: Sequence[Floats], members: Ints) -> _Swapped:
    """Return the difference of the correlations as a function of (b, units) swaps."""
    one, other = (rounded(standard(score)) for score in scores[:2])
    people = scores[2]

    def difference(swap: Bools) -> float:
        rows = swap[members]
        first, second = np.where(rows, other, one), np.where(rows, one, other)
        return coefficient(kind, first, people) - coefficient(kind, second, people)

    return lambda swaps: np.array([difference(swap) for swap in swaps])


def _permuted(difference: Estimate, swapped: _Swapped, units: int, options: Options) -> Comparison:
    """Say how often swaps bring the difference as far from 0 as it is; all of them where they are few."""
    if units < MIN_CLUSTERS:
        return Comparison.none(difference, TOO_FEW)
    # Swapping everything only turns the sign, so the last unit may stay.
    every = 2 ** (units - 1) if units < 64 else options.resamples + 1
    exact = every <= options.resamples
    if exact:
        swaps = (np.arange(every)[:, None] >> np.arange(units) & 1).astype(np.bool_)
    else:
        swaps = np.random.default_rng(options.seed).random((options.resamples, units)) < 0.5
    least = abs(difference.estimate or 0.0) - NOISE**0.5
    far = int(np.sum(~(np.abs(swapped(swaps)) < least)))
    p = far / every if exact else (far + 1) / (options.resamples + 1)
    return Comparison(difference, p, f"swap-{'all' if exact else 'random'}-{len(swaps)}")
