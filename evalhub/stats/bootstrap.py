"""Intervals of any statistic of cluster weights: percentile bootstrap, and leaving out one cluster at a time.

Up to 1,000 clusters the jackknife is used, because the percentile bootstrap of few clusters is too narrow.
Above that the bootstrap is used. The method string names the one that was used.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import numpy as np

from evalhub.stats.clusters import Floats, draw
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS
from evalhub.stats.intervals import (
    NO_WIDTH,
    NOISE,
    RESAMPLES,
    SEED,
    TOO_FEW,
    Ends,
    no_ends,
    spread_freedom,
    t_quantile,
    wilson,
)

JACKKNIFE_CLUSTERS = 1_000
_UNDEFINED_SHARE = 0.05

Statistic = Callable[[Floats], Floats]


class IntervalShape(StrEnum):
    """How the spread of a coefficient r shrinks towards ±1: as 1 - r² (Fisher's z), or as its root
    (Wilson)."""

    FISHER = "z"
    WILSON = "wilson"


def bootstrap(statistic: Statistic, clusters: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> Ends:
    """Percentile bootstrap over whole clusters.

    Args:
        statistic: From (b, clusters) weights, the count of each cluster, to (b,) values. NaN = undefined.
        clusters: Number of clusters.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        The ends, method "cluster-bootstrap-RESAMPLES". None below 3 clusters, without width, or where the
        statistic is undefined in more than 5% of the resamples.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3. Davison & Hinkley,
        Bootstrap Methods and their Application, 1997, section 3.8 (whole clusters).
    """
    if clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    values = statistic(draw(clusters, resamples, seed))
    defined = values[np.isfinite(values)]
    share = 1 - len(defined) / len(values)
    if share > _UNDEFINED_SHARE:
        return no_ends(f"the statistic is undefined in {share:.0%} of the resamples")
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(defined, [tail, 1 - tail]))
    if high - low <= NOISE * max(1.0, abs(low), abs(high)):
        return no_ends(NO_WIDTH)
    error = float(defined.std(ddof=1))
    return Ends(low, high, f"cluster-bootstrap-{resamples}", error=error, draws=resamples)


@lru_cache(maxsize=2)
def leave_one_out(clusters: int) -> Floats:
    """Return the weights of all clusters, then of all but each in turn.

    Args:
        clusters: Number of clusters, at least 1.

    Returns:
        (1 + clusters, clusters) read-only zeros and ones. The same number gives the same array.

    Example:
        >>> leave_one_out(2).tolist()
        [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    """
    weights: Floats = np.concatenate([np.ones((1, clusters)), 1 - np.eye(clusters)])
    weights.flags.writeable = False
    return weights


def once(statistic: Statistic) -> Statistic:
    """Cache the values of the last weights, for each number of rows.

    Statistics that are differences of others then evaluate each part once.

    Args:
        statistic: From (b, clusters) weights to (b,) values.

    Returns:
        The same function, cached.
    """
    last: dict[int, tuple[Floats, Floats]] = {}

    def cached(weights: Floats) -> Floats:
        rows = len(weights)
        if rows not in last or last[rows][0] is not weights:
            last[rows] = weights, statistic(weights)
        return last[rows][1]

    return cached


def jackknife(
    statistic: Statistic, clusters: int, *, shape: IntervalShape = IntervalShape.FISHER, even: bool = False
) -> Ends:
    """Leave out one cluster at a time, and use Student's t.

    The degrees of freedom are clusters - 1, or fewer where a handful of clusters make up the variance.

    Args:
        statistic: From (b, clusters) weights to (b,) values in [-1, 1]. NaN = undefined.
        clusters: Number of clusters.
        shape: Fisher's z for correlations, Wilson's form for kappa.
        even: Whether no cluster can outweigh the others by far: clusters - 1 degrees of freedom.

    Returns:
        The ends, in [-1, 1], method "cluster-jackknife-z-t" or "cluster-jackknife-wilson-t". None below 3
        clusters, without width, for a statistic of ±1, or where it is undefined without one of the clusters.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (variance). Fisher, Metron
        1, 1921, 3-32. Wilson, JASA 22, 1927, 209-212.

    Example:
        >>> sums = np.array([0.1, 0.2, 0.3, 0.6])
        >>> ends = jackknife(lambda weights: weights @ sums / weights.sum(axis=1), 4)
        >>> round(ends.low, 2), round(ends.high, 2)
        (-0.07, 0.6)
    """
    if clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    values = statistic(leave_one_out(clusters))
    value, left = float(values[0]), values[1:]
    if not np.all(np.isfinite(values)):
        return no_ends("the coefficient is undefined without one of the clusters")
    variance = (clusters - 1) / clusters * float(np.sum((left - left.mean()) ** 2))
    if variance <= NOISE**2:
        return no_ends(NO_WIDTH)
    # The largest variance of a coefficient in [-1, 1], which is 0 at either end.
    room = (1 - value) * (1 + value)
    if room <= NOISE:
        return no_ends("the coefficient is 1 or -1, where the interval has no width")
    freedom = float("inf") if even else spread_freedom(left - left.mean())
    quantile = t_quantile(CONFIDENCE, min(clusters - 1, freedom))
    if shape is IntervalShape.WILSON:
        low, high = (2 * end - 1 for end in wilson((1 + value) / 2, room / variance, quantile))
    else:
        z, half = np.arctanh(value), quantile * variance**0.5 / room
        low, high = float(np.tanh(z - half)), float(np.tanh(z + half))
    return Ends(low, high, f"cluster-jackknife-{shape}-t", error=variance**0.5)


def interval(
    statistic: Statistic,
    clusters: int,
    *,
    resamples: int = RESAMPLES,
    shape: IntervalShape = IntervalShape.FISHER,
    even: bool = False,
) -> Ends:
    """Make the interval of a coefficient: the jackknife up to 1,000 clusters, the bootstrap above.

    Args:
        statistic: From (b, clusters) weights to (b,) values in [-1, 1]. NaN = undefined.
        clusters: Number of clusters.
        resamples: Draws of the bootstrap.
        shape: IntervalShape of the jackknife's interval.
        even: See `jackknife`.

    Returns:
        The ends, or the reason why there are none.
    """
    if clusters <= JACKKNIFE_CLUSTERS:
        return jackknife(statistic, clusters, shape=shape, even=even)
    return bootstrap(statistic, clusters, resamples=resamples)
