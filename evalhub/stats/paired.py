"""The difference of two proportions that were measured on the same items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.intervals import Ends, difference_error, mover_difference, with_ends
from evalhub.stats.means import mean_estimate


def paired_difference(
    first: Column, second: Column, clusters: Column, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate how much more often the first happens than the second, on the same rows.

    The cluster-robust intervals of the two shares are joined through the correlation of the clusters' sums.
    Choose it for shares that may be equal in every row: the interval then still has a width.

    Args:
        first: (n,) values in [0, 1], such as 1 for a success. None and NaN are missing.
        second: (n,) values in [0, 1] of the same rows. A row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Mean of first minus mean of second, in [-1, 1], and its interval. None without any row.

    Raises:
        InputError: The columns differ in length, or a value lies outside [0, 1].

    Source: Newcombe, Statistics in Medicine 17, 1998, 2635-2650, method 10 (score intervals, correlated).
        Zou & Donner, Statistics in Medicine 27, 2008, 1693-1702 (MOVER).

    Example:
        >>> attacked, placebo = [1, 1, 1, 0, 1, 0], [0, 1, 0, 0, 0, 0]
        >>> net = paired_difference(attacked, placebo, list("abcdef"))
        >>> net.estimate, round(net.low, 2), round(net.high, 2)
        (0.5, 0.05, 0.73)
    """
    same_length({"first": first, "second": second, "clusters": clusters})
    x, y = floats(first), floats(second)
    present = ~(np.isnan(x) | np.isnan(y))
    x, y = x[present], y[present]
    names = np.asarray(clusters)[present]
    n_excluded = int(len(present) - present.sum())
    if not len(x):
        return Estimate.none("nothing was measured", n_excluded=n_excluded)
    shares = [mean_estimate(values, names, bounds=(0, 1), confidence=confidence) for values in (x, y)]
    members, count = codes(names)
    ends = _joined_ends(shares[0], shares[1], _correlation(x, y, members))
    return with_ends(
        float(x.mean() - y.mean()),
        ends,
        n=len(x),
        clusters=count,
        n_excluded=n_excluded,
        confidence=confidence,
    )


def _joined_ends(first: Estimate, second: Estimate, correlation: float) -> Ends:
    """Return the interval of a difference of two shares, within [-1, 1]."""
    estimates = float(first.estimate or 0), float(second.estimate or 0)
    ends = mover_difference(estimates, (first, second), correlation, method="newcombe-paired")
    if ends.low is None or ends.high is None:
        return ends
    error = None
    if first.standard_error is not None and second.standard_error is not None:
        error = difference_error(first.standard_error, second.standard_error, correlation)
    return replace(ends, low=max(-1.0, ends.low), high=min(1.0, ends.high), error=error)


def _correlation(x: Floats, y: Floats, members: Ints) -> float:
    """Return the correlation of the clusters' sums of two columns. 0 where one of them never varies."""
    sums = [np.bincount(members, weights=values - values.mean()) for values in (x, y)]
    spread = float(np.sqrt(np.sum(sums[0] ** 2) * np.sum(sums[1] ** 2)))
    return float(np.sum(sums[0] * sums[1])) / spread if spread > 0 else 0.0
