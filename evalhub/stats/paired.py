"""The difference of two proportions that were measured on the same things."""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Ends, Options, no_ends, with_ends
from evalhub.stats.means import mean_estimate


def paired_difference(
    first: Column, second: Column, clusters: Column, *, options: Options = DEFAULT
) -> Estimate:
    """Estimate how much more often the first happens than the second, on the same rows.

    The intervals of the two shares, which take the clusters into account, are joined through the
    correlation of the clusters' sums. It has a width also where both never differ.

    Args:
        first: (n,) values in [0, 1], such as 1 for a success; None and NaN = missing.
        second: (n,) values in [0, 1] of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        options: Which interval of the shares, level, resamples, seed.

    Returns:
        Mean of first minus mean of second, in [-1, 1], and its interval; None without any row.

    Raises:
        InputError: The columns differ in length, or a value lies outside [0, 1].

    Source: Newcombe, Statistics in Medicine 17, 1998, 2635-2650, method 10 (score intervals, correlated);
        Zou & Donner, Statistics in Medicine 27, 2008, 1693-1702 (MOVER).

    Example:
        >>> one, other = [1, 1, 1, 0, 1, 0], [0, 1, 0, 0, 0, 0]
        >>> net = paired_difference(one, other, list("abcdef"))
        >>> net.estimate, round(net.low, 2), round(net.high, 2)
        (0.5, 0.05, 0.73)
    """
    same_length({"first": first, "second": second, "clusters": clusters})
    one, other = floats(first), floats(second)
    present = ~(np.isnan(one) | np.isnan(other))
    one, other = one[present], other[present]
    kept = np.asarray(clusters)[present]
    left_out = int(len(present) - present.sum())
    if not len(one):
        return Estimate.none("nothing was measured", left_out=left_out, level=options.level)
    shares = [mean_estimate(values, kept, bounds=(0, 1), options=options) for values in (one, other)]
    members, count = codes(kept)
    return with_ends(
        float(one.mean() - other.mean()),
        _joined(shares[0], shares[1], _correlation(one, other, members)),
        level=options.level,
        n=len(one),
        clusters=count,
        left_out=left_out,
    )


def _joined(first: Estimate, second: Estimate, correlation: float) -> Ends:
    """Return the interval of a difference from those of its two parts."""
    for part in (first, second):
        if part.estimate is None or part.low is None or part.high is None:
            return no_ends(part.reason or "")
    p, low_p, high_p = _numbers(first)
    q, low_q, high_q = _numbers(second)
    one, other = first.standard_error, second.standard_error
    error = None if one is None or other is None else _distance(one, other, correlation)
    down = _distance(p - low_p, high_q - q, correlation)
    up = _distance(high_p - p, q - low_q, correlation)
    return Ends(max(-1.0, p - q - down), min(1.0, p - q + up), "newcombe-paired", error=error)


def _numbers(part: Estimate) -> tuple[float, float, float]:
    return float(part.estimate or 0), float(part.low or 0), float(part.high or 0)


def _distance(one: float, other: float, correlation: float) -> float:
    return float(max(0.0, one**2 - 2 * correlation * one * other + other**2) ** 0.5)


def _correlation(one: Floats, other: Floats, members: Ints) -> float:
    """Return how the clusters' sums of the two go together; 0 where one of them never varies."""
    sums = [np.bincount(members, weights=values - values.mean()) for values in (one, other)]
    spread = float(np.sqrt(np.sum(sums[0] ** 2) * np.sum(sums[1] ** 2)))
    return float(np.sum(sums[0] * sums[1])) / spread if spread > 0 else 0.0
