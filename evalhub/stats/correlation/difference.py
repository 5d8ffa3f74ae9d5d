"""Which of two scores agrees better with people, on the same responses, such as a judge and a metric.

- `pooled`: the intervals of the two correlations (see `granularity`) are joined through the correlation of
  their jackknife values ("MOVER"). Above 1,000 clusters: the bootstrap of the difference.
- `item`: mean over items of the difference within the item, and its interval (see `means`).
- `system`: the intervals of the two correlations (see `points`), joined through the correlation that a normal
  distribution implies. It needs 6 systems for Pearson, 8 for Spearman, 10 for Kendall: with fewer it fails.

The p-value is that of a permutation test: two scores that agree equally well with people may be swapped. Both
are standardised, and whole clusters (pooled, item) or whole systems (system) swap. Swapping single responses
("PERM-BOTH") assumes that the two scores differ by noise alone. Where each favours different systems and both
agree equally well with people, it rejects 13 to 53 times in 100 at the 5% level. For Pearson between systems
the test is Williams'.
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
    coefficients,
    rounded,
    standard,
    within_groups,
)
from evalhub.stats.correlation.granularity import SLOW_RESAMPLES, Granularity, affordable_resamples
from evalhub.stats.correlation.points import normal_correlation, point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.correlation.weighted import PAIR_MATRIX_ROWS, weighted
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    NO_WIDTH,
    NOISE,
    RESAMPLES,
    SEED,
    TOO_FEW,
    Ends,
    mover_difference,
    no_ends,
    with_ends,
)
from evalhub.stats.means import mean_estimate
from evalhub.stats.testing.comparison import Comparison

LEAST_SYSTEMS = {Coefficient.PEARSON: 6, Coefficient.SPEARMAN: 8, Coefficient.KENDALL: 10}

_BLOCK = 1_000_000

_DifferenceOfSwaps = Callable[[Bools], Floats]


def correlation_difference(
    first: Column,
    second: Column,
    people: Column,
    *,
    items: Column,
    systems: Column,
    granularity: Granularity,
    kind: Coefficient,
    clusters: Column | None = None,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare how well two scores correlate with people's, on the rows that have all three.

    Args:
        first: (n,) one score. None, NaN and infinite are missing.
        second: (n,) the other score. Its scale may differ, its direction may not.
        people: (n,) people's score.
        items: (n,) item ids. One row per item and system, samples averaged before.
        systems: (n,) system ids.
        granularity: The values that are correlated.
        kind: Which coefficient.
        clusters: (n,) cluster ids, each item within one. None = the items.
        resamples: Permutations of the test, and draws of a bootstrap.

    Returns:
        Correlation of first with people minus that of second, in [-2, 2], above 0 = the first agrees better.
        Its n counts rows, items or systems, as in `correlate`. The p-value is two-sided.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Deutsch, Dror & Roth, TACL 9, 2021 (swapping the scores of two metrics). Zou, Psychological
        Methods 12(4), 2007, 399-413 (interval of the difference of two dependent correlations). Williams,
        JRSS B 21, 1959, and Steiger, Psychological Bulletin 87(2), 1980, 245-251 (test of two such).

    Example:
        >>> people, judge, metric = [1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 5, 6], [3, 1, 2, 6, 4, 5]
        >>> ids = {"items": ["i"] * 6, "systems": list("abcdef")}
        >>> comparison = correlation_difference(
        ...     judge, metric, people, **ids, granularity=Granularity.SYSTEM, kind=Coefficient.PEARSON
        ... )
        >>> round(comparison.difference.estimate, 3), round(comparison.p, 3), comparison.test
        (0.286, 0.193, 'williams')
    """
    scores = {"first": first, "second": second, "people": people}
    rows = read_rows(scores, items=items, systems=systems, clusters=clusters)
    functions = {Granularity.POOLED: _pooled, Granularity.ITEM: _by_item, Granularity.SYSTEM: _by_system}
    return functions[granularity](kind, rows, resamples)


def _undefined(reason: str, *, n: int = 0, clusters: int = 0, n_excluded: int = 0) -> Comparison:
    return Comparison.none(Estimate.none(reason, n=n, clusters=clusters, n_excluded=n_excluded), reason)


def _pooled(kind: Coefficient, rows: Rows, resamples: int) -> Comparison:
    first, second, people = rows.scores
    count = rows.cluster_count
    counts = {"n": rows.count, "clusters": count, "n_excluded": rows.missing}
    value = coefficient(kind, first, people) - coefficient(kind, second, people)
    if np.isnan(value):
        return _undefined("a score is constant, or fewer than 2 rows have all three", **counts)
    estimate = with_ends(value, _pooled_ends(kind, rows, resamples), **counts)
    if rows.count > PAIR_MATRIX_ROWS:
        resamples = min(resamples, SLOW_RESAMPLES)
    return _permutation_test(estimate, _swap_function(kind, rows.scores, rows.clusters), count, resamples)


def _pooled_ends(kind: Coefficient, rows: Rows, resamples: int) -> Ends:
    *scores, people = rows.scores
    count = rows.cluster_count
    functions = [weighted(kind, score, people, rows.clusters) for score in scores]
    if count > JACKKNIFE_CLUSTERS:
        draws = affordable_resamples(kind, rows.clusters, resamples)
        return bootstrap(
            lambda weights: functions[0](weights) - functions[1](weights), count, resamples=draws
        )
    ends = [interval(function, count) for function in functions]
    values = [function(leave_one_out(count)) for function in functions]
    if float(np.ptp(values[0] - values[1])) <= NOISE:
        return no_ends(NO_WIDTH)
    spreads = [column[1:] - column[1:].mean() for column in values]
    scale = float(np.sqrt(np.sum(spreads[0] ** 2) * np.sum(spreads[1] ** 2)))
    correlation = float(np.sum(spreads[0] * spreads[1])) / scale if scale > 0 else 0.0
    estimates = (float(values[0][0]), float(values[1][0]))
    return mover_difference(estimates, ends, correlation, method="cluster-jackknife-mover")


def _by_item(kind: Coefficient, rows: Rows, resamples: int) -> Comparison:
    first, second, people = rows.scores
    groups = rows.by_item()
    values = within_groups(kind, first, people, groups) - within_groups(kind, second, people, groups)
    clusters = rows.cluster_of(groups)
    estimate = mean_estimate(values, clusters, bounds=(-2, 2))
    n_excluded = estimate.n_excluded + rows.lost_items
    if estimate.estimate is None:
        return _undefined("no item has two rows that differ in every score", n_excluded=n_excluded)
    defined = ~np.isnan(values)
    members = np.unique(clusters[defined], return_inverse=True)[1]
    # Swapping the two scores of a cluster changes the sign of its differences.
    sums = np.bincount(members, weights=values[defined]) / defined.sum()
    estimate = replace(estimate, n_excluded=n_excluded)
    return _permutation_test(estimate, lambda swaps: (1 - 2.0 * swaps) @ sums, len(sums), resamples)


def _by_system(kind: Coefficient, rows: Rows, resamples: int) -> Comparison:
    n, smallest = rows.system_count, LEAST_SYSTEMS[Coefficient.PEARSON]
    counts = {"n": n, "clusters": rows.cluster_count, "n_excluded": rows.lost_systems}
    if n < smallest:
        return _undefined(f"fewer than {smallest} systems", **counts)
    means = rows.system_means()
    first, second, people = means
    pairs = ((first, people), (second, people), (first, second))
    correlations = [coefficient(kind, x, y) for x, y in pairs]
    if np.isnan(correlations).any():
        return _undefined("the systems' means of a score are constant", **counts)
    estimate = with_ends(correlations[0] - correlations[1], _system_ends(kind, correlations, n), **counts)
    if kind is Coefficient.PEARSON:
        return _williams(estimate, correlations, n)
    return _permutation_test(estimate, _swap_function(kind, means, np.arange(n)), n, resamples)


def _system_ends(kind: Coefficient, correlations: Sequence[float], n: int) -> Ends:
    smallest = LEAST_SYSTEMS[kind]
    if n < smallest:
        return no_ends(f"fewer than {smallest} systems for an interval of a difference of {kind}")
    if correlations[2] >= 1 - NOISE:
        return no_ends("the two scores order the systems alike")
    ends = [point_interval(kind, value, n) for value in correlations[:2]]
    r, s, between = (normal_correlation(kind, value) for value in correlations)
    room = (1 - r**2) * (1 - s**2)
    # The correlation of two sample correlations that share a variable.
    shared = (between - r * s / 2) * (1 - r**2 - s**2 - between**2) + between**3
    correlation = float(np.clip(shared / room, -1.0, 1.0)) if room > NOISE else 0.0
    return mover_difference((correlations[0], correlations[1]), ends, correlation, method="mover")


def _williams(difference: Estimate, correlations: Sequence[float], n: int) -> Comparison:
    from scipy import special

    r, s, between = correlations
    determinant = max(0.0, 1 - r**2 - s**2 - between**2 + 2 * r * s * between)
    denominator = 2 * (n - 1) / (n - 3) * determinant + ((r + s) / 2) ** 2 * (1 - between) ** 3
    if denominator <= NOISE:
        return Comparison.none(difference, "the two scores order and space the systems alike")
    t = (r - s) * ((n - 1) * (1 + between) / denominator) ** 0.5
    return Comparison(difference, float(max(2 * special.stdtr(n - 3, -abs(t)), 1e-300)), "williams")


def _swap_function(kind: Coefficient, scores: Sequence[Floats], members: Ints) -> _DifferenceOfSwaps:
    """Return the difference of the correlations as a function of (b, units) swaps."""
    left, right = (rounded(standard(score)) for score in scores[:2])
    people = scores[2]

    def difference(swaps: Bools) -> Floats:
        rows = swaps[:, members]
        first, second = np.where(rows, right, left), np.where(rows, left, right)
        return coefficients(kind, first, people) - coefficients(kind, second, people)

    def differences(swaps: Bools) -> Floats:
        blocks = np.array_split(swaps, -(-len(swaps) * len(members) // _BLOCK))
        return np.concatenate([difference(block) for block in blocks])

    return differences


def _permutation_test(
    difference: Estimate, difference_of: _DifferenceOfSwaps, units: int, resamples: int
) -> Comparison:
    """Return how often swaps bring the difference as far from 0 as observed, all swaps where they are few."""
    if units < MIN_CLUSTERS:
        return Comparison.none(difference, TOO_FEW)
    # Swapping everything only changes the sign, so the last unit may stay.
    patterns = 2 ** (units - 1) if units < 64 else resamples + 1
    exact = patterns <= resamples
    if exact:
        swaps = (np.arange(patterns)[:, None] >> np.arange(units) & 1).astype(np.bool_)
    else:
        swaps = np.random.default_rng(SEED).random((resamples, units)) < 0.5
    threshold = abs(difference.estimate or 0.0) - NOISE**0.5
    extreme = int(np.sum(~(np.abs(difference_of(swaps)) < threshold)))
    p = extreme / patterns if exact else (extreme + 1) / (resamples + 1)
    return Comparison(difference, p, f"swap-{'all' if exact else 'random'}-{len(swaps)}")
