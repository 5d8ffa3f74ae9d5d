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

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, Texts, codes, floats, same_length
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
SHARED_CLUSTERS = "the two have clusters in common and are not independent"


def mean_difference(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    items: Column | None = None,
    bounds: Bounds | None = None,
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate by how much the first exceeds the second, on the same rows.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (n,) numbers of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        items: (n,) item ids: the rows of one item, its opponents, count once, by their mean; None = every row
            counts.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Which interval, level, resamples, seed.

    Returns:
        Mean of first minus second in the values' own unit, above 0 = the first is higher; the interval by the
        rule at the top of this file.

    Raises:
        InputError: The columns differ in length, the bounds are no range, a value lies outside them, or an
            item in two clusters.

    Source: Newcombe, Statistics in Medicine 17, 1998, 2635-2650, method 10; Bell & McCaffrey, Survey
        Methodology 28(2), 2002 (CR2).

    Example:
        >>> net = mean_difference([3, 4, 5, 4], [2, 4, 3, 4], list("abcd"), bounds=(1, 5))
        >>> net.estimate, net.method
        (0.75, 'wilson-cluster-t')
    """
    first, second, clusters = _by_item(first, second, clusters, items)
    if bounds is None:
        return mean_estimate(first - second, clusters, options=options)
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
    items: Column | None = None,
    bounds: Bounds | None = None,
    options: Options = DEFAULT,
) -> Comparison:
    """Compare two systems on the same rows.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (n,) numbers of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        items: (n,) item ids: the rows of one item, its opponents, count once, by their mean; None = every row
            counts.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Which interval, level, resamples, seed (of the flips too).

    Returns:
        The difference as `mean_difference` gives it, and the two-sided p-value of the sign-flip test over
        clusters; no test below 3 clusters.

    Raises:
        InputError: As `mean_difference`.

    Source: see `mean_difference` and `sign_flip`.

    Example:
        >>> found = paired_comparison([3, 4, 5, 4], [2, 4, 3, 3], list("abcd"))
        >>> found.difference.estimate, found.p, found.test
        (1.0, 0.25, 'sign-flip-exact')
    """
    first, second, clusters = _by_item(first, second, clusters, items)
    difference = mean_difference(first, second, clusters, bounds=bounds, options=options)
    return _tested(difference, first - second, clusters, options)


def separate_comparison(
    first: Column, second: Column, clusters: tuple[Column, Column], *, options: Options = DEFAULT
) -> Comparison:
    """Compare two systems or nights that have no cluster in common.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (m,) numbers; None, NaN and infinite = missing.
        clusters: (n,) and (m,) cluster ids of the two.
        options: Level.

    Returns:
        Mean of the first minus mean of the second, its interval and the two-sided p-value of Welch's t with
        cluster-robust variances; no interval where the two share a cluster, which pairs them, or where one
        has fewer than 3 clusters.

    Raises:
        InputError: Columns of one side differ in length.

    Source: Welch, Biometrika 34, 1947, 28-35; Bell & McCaffrey, Survey Methodology 28(2), 2002 (CR2).

    Example:
        >>> found = separate_comparison([3, 4, 5], [1, 2, 2], (list("abc"), list("def")))
        >>> round(found.difference.estimate, 3), round(found.p, 3), found.test
        (2.333, 0.036, 'welch-cluster-t')
    """
    sides, left_out = [], 0
    for values, members in zip((first, second), clusters, strict=True):
        same_length({"values": values, "clusters": members})
        numbers = floats(values)
        present = ~np.isnan(numbers)
        left_out += int(len(present) - present.sum())
        sides.append((numbers[present], np.asarray(members).astype(np.str_)[present]))
    n = sum(len(values) for values, _ in sides)
    count = len(np.unique(np.concatenate([members for _, members in sides])))
    if not all(len(values) for values, _ in sides):
        value, ends, p = None, no_ends(NOTHING), None
    else:
        value = float(sides[0][0].mean() - sides[1][0].mean())
        ends, p = _welch(value, sides, options)
    difference = with_ends(value, ends, level=options.level, n=n, clusters=count, left_out=left_out)
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
    return Ends(value - half, value + half, "welch-cluster-t", error=error), max(p, sys.float_info.min)


def _tested(difference: Estimate, values: Floats, clusters: Column, options: Options) -> Comparison:
    """Add the sign-flip test over the clusters of the rows that have a value."""
    present = ~np.isnan(values)
    if difference.clusters < MIN_CLUSTERS:
        return Comparison.none(difference, TOO_FEW if present.any() else NOTHING)
    members, _ = codes(np.asarray(clusters)[present])
    sums = np.bincount(members, weights=values[present]).astype(np.float64)
    p, test = sign_flip(sums, seed=options.seed)
    return Comparison(difference, p, test)


def _by_item(
    first: Column, second: Column, clusters: Column, items: Column | None
) -> tuple[Floats, Floats, Column]:
    """Average the rows of each item that have both; NaN where none has."""
    given = {"first": first, "second": second, "clusters": clusters}
    same_length(given | ({} if items is None else {"items": items}))
    one, other = floats(first), floats(second)
    if items is None:
        return one, other, clusters
    places, count = codes(items)
    members, _ = codes(clusters)
    home = np.zeros(count, dtype=np.int64)
    home[places] = members
    if np.any(home[places] != members):
        raise InputError(
            "an item lies in two clusters", value=str(np.asarray(items)[home[places] != members][0])
        )
    told = ~np.isnan(one - other)
    rows = np.bincount(places[told], minlength=count)

    def mean(side: Floats) -> Floats:
        sums = np.bincount(places[told], weights=side[told], minlength=count)
        return np.where(rows > 0, sums / np.maximum(rows, 1), np.nan)

    return mean(one), mean(other), home


def _scaled(net: Estimate, scale: float) -> Estimate:
    return net.moved(lambda number: scale * number, scale=scale)
