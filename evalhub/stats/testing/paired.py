"""The difference between two systems, or between two runs of one system, with its interval and a test.

The rule for the interval of a paired difference:

- values with bounds: the interval of a bounded mean, of the differences (see `means`). If right and wrong
  never differ, that interval has no width, and Newcombe's method 10 is used ("newcombe-paired");
- values without bounds: mean ± t · sqrt(CR2) of the differences ("cluster-t").

Where the differences vary, Newcombe's method falls to 92% for two shares of one half on 30 items.

The test flips the signs of whole clusters, whatever the interval.
"""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Column, Floats, cluster_of_units, codes, floats, same_length, take
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import SEED, TOO_FEW
from evalhub.stats.means import mean_estimate
from evalhub.stats.paired import paired_difference
from evalhub.stats.testing.comparison import Comparison
from evalhub.stats.testing.signflip import sign_flip
from evalhub.stats.testing.unit import Bounds, to_unit

NOTHING = "nothing was measured"


def mean_difference(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    items: Column | None = None,
    bounds: Bounds | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate by how much the first exceeds the second, on the same rows.

    Args:
        first: (n,) numbers. None, NaN and infinite are missing.
        second: (n,) numbers of the same rows. A row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        items: (n,) item ids: the rows of one item, its opponents, count once, by their mean. None = every row
            counts.
        bounds: Lowest and highest possible value of either. None = no bounds.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Mean of first minus second in the values' own unit, above 0 = the first is higher. The interval
        follows the rule at the top of this file.

    Raises:
        InputError: The columns differ in length, the bounds are no range, a value lies outside them, or an
            item in two clusters.

    Source: Newcombe, Statistics in Medicine 17, 1998, 2635-2650, method 10. Bell & McCaffrey, Survey
        Methodology 28(2), 2002 (CR2).

    Example:
        >>> net = mean_difference([3, 4, 5, 4], [2, 4, 3, 4], list("abcd"), bounds=(1, 5))
        >>> net.estimate, net.method
        (0.75, 'wilson-cluster-t')
    """
    first, second, clusters = _by_item(first, second, clusters, items)
    if bounds is None:
        return mean_estimate(first - second, clusters, confidence=confidence)
    x, y = to_unit(first, bounds), to_unit(second, bounds)
    net = mean_estimate(x - y, clusters, bounds=(-1, 1), confidence=confidence)
    values = np.concatenate([x, y])[np.tile(~np.isnan(x - y), 2)]
    if net.low is None and np.all((values == 0) | (values == 1)):
        net = paired_difference(x, y, clusters, confidence=confidence)
    scale = bounds[1] - bounds[0]
    return net.moved(lambda number: scale * number, scale=scale)


def paired_comparison(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    items: Column | None = None,
    bounds: Bounds | None = None,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Compare two systems on the same rows.

    Choose it wherever both answered the same items: pairing removes the difficulty of the items from the
    difference. A small p-value says that the difference is unlikely without a true one, not that it is large.

    Args:
        first: (n,) numbers. None, NaN and infinite are missing.
        second: (n,) numbers of the same rows. A row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        items: As in `mean_difference`.
        bounds: As in `mean_difference`.
        confidence: As in `mean_difference`. The p-value does not depend on it.

    Returns:
        The difference of `mean_difference`, and the two-sided p-value of the sign-flip test over clusters. No
        test below 3 clusters.

    Raises:
        InputError: As `mean_difference`.

    Source: see `mean_difference` and `sign_flip`.

    Example:
        >>> comparison = paired_comparison([3, 4, 5, 4], [2, 4, 3, 3], list("abcd"))
        >>> comparison.difference.estimate, comparison.p, comparison.test
        (1.0, 0.25, 'sign-flip-exact')
    """
    first, second, clusters = _by_item(first, second, clusters, items)
    difference = mean_difference(first, second, clusters, bounds=bounds, confidence=confidence)
    values = first - second
    present = ~np.isnan(values)
    if difference.clusters < MIN_CLUSTERS:
        return Comparison.none(difference, TOO_FEW if present.any() else NOTHING)
    members, _ = codes(take(clusters, present))
    sums = np.bincount(members, weights=values[present]).astype(np.float64)
    return Comparison(difference, *sign_flip(sums, seed=SEED))


def _by_item(
    first: Column, second: Column, clusters: Column, items: Column | None
) -> tuple[Floats, Floats, Column]:
    """Average the complete rows of each item. NaN for an item without a complete row."""
    columns = {"first": first, "second": second, "clusters": clusters}
    same_length(columns | ({} if items is None else {"items": items}))
    x, y = floats(first), floats(second)
    if items is None:
        return x, y, clusters
    places, count = codes(items)
    names = np.unique(np.asarray(items).astype(np.str_)).tolist()
    item_clusters = cluster_of_units(places, names, codes(clusters)[0])
    complete = ~np.isnan(x - y)
    rows = np.bincount(places[complete], minlength=count)

    def mean(side: Floats) -> Floats:
        sums = np.bincount(places[complete], weights=side[complete], minlength=count)
        return np.where(rows > 0, sums / np.maximum(rows, 1), np.nan)

    return mean(x), mean(y), item_clusters
