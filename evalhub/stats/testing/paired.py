"""The difference between two systems, or between two nights of one, with its interval and a test.

The rule for the interval of a paired difference:

- known bounds: the interval of a bounded mean, of the differences (see `means`); where right and wrong never
  differ, which leaves that one without width, Newcombe's method 10 ("newcombe-paired");
- no known bounds: mean ± t · sqrt(CR2) of the differences ("cluster-t").

Where they do differ, Newcombe's method falls to 92% for two shares of one half on 30 items.

The test flips the signs of whole clusters, whatever the interval.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Texts, categories, codes, floats, same_length
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    DEFAULT,
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    Options,
    no_ends,
    t_quantile,
    with_ends,
)
from evalhub.stats.means import cluster_variance, mean_estimate
from evalhub.stats.paired import paired_difference
from evalhub.stats.testing.comparison import Comparison
from evalhub.stats.testing.signflip import sign_flip
from evalhub.stats.testing.unit import Bounds, to_unit

NOTHING = "nothing was measured"
NOTHING_SHARED = "the two have no item in common"
SHARED_CLUSTERS = "the two have clusters in common and are not independent"


@dataclass(frozen=True, slots=True)
class Measured:
    """One value for each item of a system or a night.

    Args:
        values: (n,) numbers; None, NaN and infinite = missing.
        items: (n,) item ids, each once: samples are averaged before.
        clusters: (n,) cluster ids, each item within one; None = the items.
    """

    values: Column
    items: Column
    clusters: Column | None = None


def mean_difference(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    bounds: Bounds | None = None,
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate by how much the first exceeds the second, on the same rows.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (n,) numbers of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Which interval, level, resamples, seed.

    Returns:
        Mean of first minus second in the values' own unit, above 0 = the first is higher; the interval by the
        rule at the top of this file.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Newcombe, Statistics in Medicine 17, 1998, 2635-2650, method 10; Bell & McCaffrey, Survey
        Methodology 28(2), 2002 (CR2).

    Example:
        >>> net = mean_difference([3, 4, 5, 4], [2, 4, 3, 4], list("abcd"), bounds=(1, 5))
        >>> net.estimate, net.method
        (0.75, 'wilson-cluster-t')
    """
    same_length({"first": first, "second": second, "clusters": clusters})
    if bounds is None:
        return mean_estimate(floats(first) - floats(second), clusters, options=options)
    one, other = to_unit(first, bounds), to_unit(second, bounds)
    net = mean_estimate(one - other, clusters, bounds=(-1, 1), options=options)
    both = np.concatenate([one, other])[np.tile(~np.isnan(one - other), 2)]
    if net.low is None and np.all((both == 0) | (both == 1)):
        net = paired_difference(one, other, clusters, options=options)
    return _scaled(net, bounds[1] - bounds[0])


def paired_comparison(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    bounds: Bounds | None = None,
    options: Options = DEFAULT,
) -> Comparison:
    """Compare two systems on the same rows.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (n,) numbers of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Which interval, level, resamples, seed (of the flips too).

    Returns:
        The difference as `mean_difference` gives it, and the two-sided p-value of the sign-flip test over
        clusters; no test below 3 clusters.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: see `mean_difference` and `sign_flip`.

    Example:
        >>> found = paired_comparison([3, 4, 5, 4], [2, 4, 3, 3], list("abcd"))
        >>> found.difference.estimate, found.p, found.test
        (1.0, 0.25, 'sign-flip-exact')
    """
    difference = mean_difference(first, second, clusters, bounds=bounds, options=options)
    return _tested(difference, floats(first) - floats(second), clusters, options)


def win_comparison(wins: Column, clusters: Column, *, options: Options = DEFAULT) -> Comparison:
    """Compare a win rate with one half.

    Args:
        wins: (n,) values in [0, 1]: 1 = win, .5 = tie, 0 = loss, or a probability; None and NaN = failed.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed (of the flips too).

    Returns:
        Win rate minus .5, in [-.5, .5], above 0 = more wins than losses, and the two-sided p-value of the
        sign-flip test over clusters; no test below 3 clusters.

    Raises:
        InputError: The columns differ in length, or a value lies outside [0, 1].

    Source: see `mean_estimate` and `sign_flip`.

    Example:
        >>> found = win_comparison([1, 1, 0.5, 1, 1, 1], list("abcdef"))
        >>> round(found.difference.estimate, 3), found.p
        (0.417, 0.0625)
    """
    rate = mean_estimate(wins, clusters, bounds=(0, 1), options=options)
    ends = (None if end is None else end - 0.5 for end in (rate.estimate, rate.low, rate.high))
    value, low, high = ends
    return _tested(replace(rate, estimate=value, low=low, high=high), floats(wins) - 0.5, clusters, options)


def common_comparison(
    first: Measured, second: Measured, *, bounds: Bounds | None = None, options: Options = DEFAULT
) -> Comparison:
    """Compare two systems or nights on the items that both have.

    Args:
        first: Values of the first.
        second: Values of the second.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Which interval, level, resamples, seed (of the flips too).

    Returns:
        As `paired_comparison`, first minus second; items that only one has are left out and counted.

    Raises:
        InputError: Columns differ in length, an item is missing, occurs twice on one side or lies in
            different clusters, or a value lies outside the bounds.

    Example:
        >>> now, before = Measured([3, 4, 5, 5], list("abcd")), Measured([2, 2, 3, 1], list("abce"))
        >>> net = common_comparison(now, before).difference
        >>> round(net.estimate, 3), net.n, net.left_out
        (1.667, 3, 2)
    """
    sides = [_read(side) for side in (first, second)]
    names = np.unique(np.concatenate([items for _, items, _ in sides]))
    values = np.full((2, len(names)), np.nan)
    clusters = np.full((2, len(names)), "", dtype=object)
    for side, (numbers, items, members) in enumerate(sides):
        places = np.searchsorted(names, items)
        values[side, places], clusters[side, places] = numbers, members
    split = (clusters[0] != clusters[1]) & (clusters[0] != "") & (clusters[1] != "")
    if split.any():
        raise InputError("an item lies in two clusters", value=str(names[split][0]))
    kept = np.where(clusters[0] != "", clusters[0], clusters[1])
    found = paired_comparison(values[0], values[1], kept, bounds=bounds, options=options)
    if found.difference.n:
        return found
    return Comparison.none(replace(found.difference, reason=NOTHING_SHARED), NOTHING_SHARED)


def separate_comparison(first: Measured, second: Measured, *, options: Options = DEFAULT) -> Comparison:
    """Compare two systems or nights that have no cluster in common.

    Args:
        first: Values of the first.
        second: Values of the second.
        options: Level.

    Returns:
        Mean of the first minus mean of the second, its interval and the two-sided p-value of Welch's t with
        cluster-robust variances; no interval where the two share a cluster, which pairs them, or where one
        has fewer than 3 clusters.

    Raises:
        InputError: Columns differ in length, or an item is missing or occurs twice on one side.

    Source: Welch, Biometrika 34, 1947, 28-35; Bell & McCaffrey, Survey Methodology 28(2), 2002 (CR2).

    Example:
        >>> found = separate_comparison(Measured([3, 4, 5], list("abc")), Measured([1, 2, 2], list("def")))
        >>> round(found.difference.estimate, 3), round(found.p, 3), found.test
        (2.333, 0.036, 'welch-cluster-t')
    """
    sides = [_read(side) for side in (first, second)]
    kept = [(values[~np.isnan(values)], members[~np.isnan(values)]) for values, _, members in sides]
    left_out = sum(int(np.isnan(values).sum()) for values, _, _ in sides)
    n = sum(len(values) for values, _ in kept)
    clusters = len(np.unique(np.concatenate([members for _, members in kept])))
    if not all(len(values) for values, _ in kept):
        value, ends, p = None, no_ends(NOTHING), None
    else:
        value = float(kept[0][0].mean() - kept[1][0].mean())
        ends, p = _welch(value, kept, options)
    difference = with_ends(value, ends, level=options.level, n=n, clusters=clusters, left_out=left_out)
    if p is None:
        return Comparison.none(difference, ends.reason or "")
    return Comparison(difference, p, "welch-cluster-t")


def _welch(value: float, sides: list[tuple[Floats, Texts]], options: Options) -> tuple[Ends, float | None]:
    from scipy import special

    if len(np.intersect1d(sides[0][1], sides[1][1])):
        return no_ends(SHARED_CLUSTERS), None
    if min(len(np.unique(members)) for _, members in sides) < MIN_CLUSTERS:
        return no_ends(TOO_FEW), None
    spreads = [cluster_variance(values, codes(members)[0]) for values, members in sides]
    variance = sum(spread for spread, _ in spreads)
    largest = max(float(np.abs(values).max()) for values, _ in sides)
    if variance <= (NOISE * max(1.0, largest)) ** 2:
        return no_ends(NO_WIDTH), None
    freedom = variance**2 / sum(spread**2 / degrees for spread, degrees in spreads)
    error = math.sqrt(variance)
    half = t_quantile(options.level, freedom) * error
    p = 2 * float(special.stdtr(freedom, -abs(value) / error))
    return Ends(value - half, value + half, "welch-cluster-t"), max(p, sys.float_info.min)


def _tested(difference: Estimate, values: Floats, clusters: Column, options: Options) -> Comparison:
    """Add the sign-flip test over the clusters of the rows that have a value."""
    present = ~np.isnan(values)
    if difference.clusters < MIN_CLUSTERS:
        return Comparison.none(difference, TOO_FEW if present.any() else NOTHING)
    members, _ = codes(np.asarray(clusters)[present])
    sums = np.bincount(members, weights=values[present]).astype(np.float64)
    p, test = sign_flip(sums, seed=options.seed)
    return Comparison(difference, p, test)


def _read(side: Measured) -> tuple[Floats, Texts, Texts]:
    clusters = side.items if side.clusters is None else side.clusters
    same_length({"values": side.values, "items": side.items, "clusters": clusters})
    items, has_item = categories(side.items)
    members, has_cluster = categories(clusters)
    known: Bools = has_item & has_cluster
    if not known.all():
        raise InputError("an item or its cluster has no name")
    names, counts = np.unique(items, return_counts=True)
    if (counts > 1).any():
        raise InputError(
            "an item occurs twice on one side",
            value=str(names[counts > 1][0]),
            fix="average its samples first",
        )
    return floats(side.values), items, members


def _scaled(net: Estimate, scale: float) -> Estimate:
    value, low, high = (None if one is None else scale * one for one in (net.estimate, net.low, net.high))
    return replace(net, estimate=value, low=low, high=high)
