"""Intervals of any statistic of cluster weights: percentile bootstrap, and leaving out one cluster at a time.

The rule, under `Interval.AUTO`: up to 1,000 clusters the jackknife, because the percentile bootstrap of few
clusters is too narrow; above that the bootstrap. `Interval.BOOTSTRAP` asks for the bootstrap throughout.
Every method string says what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import numpy as np

from evalhub.stats.clusters import Floats, draw
from evalhub.stats.estimate import MIN_CLUSTERS
from evalhub.stats.intervals import (
    DEFAULT,
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    Interval,
    Options,
    no_ends,
    spread_freedom,
    t_quantile,
    wilson,
)

JACKKNIFE_CLUSTERS = 1_000
_UNDEFINED_SHARE = 0.05

Statistic = Callable[[Floats], Floats]


class Shape(StrEnum):
    """How the spread of a coefficient r shrinks towards ±1: as 1 - r² (Fisher's z), or as its root
    (Wilson)."""

    FISHER = "z"
    WILSON = "wilson"


def bootstrap(statistic: Statistic, clusters: int, options: Options = DEFAULT) -> Ends:
    """Percentile bootstrap over whole clusters.

    Args:
        statistic: From (b, clusters) weights, how often each cluster is held, to (b,) values; NaN =
            undefined.
        clusters: Number of clusters.
        options: Level, resamples, seed.

    Returns:
        The ends, method "cluster-bootstrap-RESAMPLES"; none below 3 clusters, without width, or when the
        statistic is undefined in more than 5% of the resamples.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3; Davison & Hinkley,
        Bootstrap Methods and their Application, 1997, section 3.8 (whole clusters).

    Example:
        >>> sums = np.array([1.0, 2.0, 3.0, 6.0])
        >>> bootstrap(lambda weights: weights @ sums / 4, 4).method
        'cluster-bootstrap-2000'
    """
    if clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    values = statistic(draw(clusters, options.resamples, options.seed))
    defined = values[np.isfinite(values)]
    share = 1 - len(defined) / len(values)
    if share > _UNDEFINED_SHARE:
        return no_ends(f"the statistic is undefined in {share:.0%} of the resamples")
    tail = (1 - options.level) / 2
    low, high = (float(end) for end in np.quantile(defined, [tail, 1 - tail]))
    if high - low <= NOISE * max(1.0, abs(low), abs(high)):
        return no_ends(NO_WIDTH)
    error = float(defined.std(ddof=1))
    return Ends(low, high, f"cluster-bootstrap-{options.resamples}", error=error, draws=options.resamples)


@lru_cache(maxsize=2)
def leave_one_out(clusters: int) -> Floats:
    """Return the weights of all clusters, then of all but each in turn.

    Args:
        clusters: Number of clusters, at least 1.

    Returns:
        (1 + clusters, clusters) read-only zeros and ones; the same array for the same number.

    Example:
        >>> leave_one_out(2).tolist()
        [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    """
    weights: Floats = np.concatenate([np.ones((1, clusters)), 1 - np.eye(clusters)])
    weights.flags.writeable = False
    return weights


def once(statistic: Statistic) -> Statistic:
    """Remember what the last weights of each number of rows gave, for a statistic that others are made of.

    Args:
        statistic: From (b, clusters) weights to (b,) values.

    Returns:
        The same function.

    Example:
        >>> called = []
        >>> statistic = once(lambda weights: called.append(1) or weights[:, 0])
        >>> statistic(leave_one_out(3)).tolist() == statistic(leave_one_out(3)).tolist(), len(called)
        (True, 1)
    """
    last: dict[int, tuple[Floats, Floats]] = {}

    def remembered(weights: Floats) -> Floats:
        rows = len(weights)
        if rows not in last or last[rows][0] is not weights:
            last[rows] = weights, statistic(weights)
        return last[rows][1]

    return remembered


def jackknife(
    statistic: Statistic,
    clusters: int,
    options: Options = DEFAULT,
    *,
    shape: Shape = Shape.FISHER,
    even: bool = False,
) -> Ends:
    """Leave out one cluster at a time; t interval with clusters - 1 degrees of freedom, or fewer where a
    handful of clusters make up the variance, unless they weigh alike.

    Args:
        statistic: From (b, clusters) weights to (b,) values in [-1, 1]; NaN = undefined.
        clusters: Number of clusters.
        options: Level.
        shape: Fisher's z for correlations, Wilson's form for kappa.
        even: Whether no cluster can outweigh the others by far: clusters - 1 degrees of freedom.

    Returns:
        The ends, in [-1, 1], method "cluster-jackknife-z-t" or "cluster-jackknife-wilson-t"; none below 3
        clusters, without width, for a statistic of ±1, or when it is undefined without one of the clusters.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (variance); Fisher, Metron
        1, 1921, 3-32; Wilson, JASA 22, 1927, 209-212.

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
    # The most that a coefficient in [-1, 1] can vary, which is nothing at either end.
    room = (1 - value) * (1 + value)
    if room <= NOISE:
        return no_ends("the coefficient is 1 or -1, where the interval has no width")
    known = float("inf") if even else spread_freedom(left - left.mean())
    quantile = t_quantile(options.level, min(clusters - 1, known))
    if shape is Shape.WILSON:
        low, high = (2 * end - 1 for end in wilson((1 + value) / 2, room / variance, quantile))
    else:
        z, half = np.arctanh(value), quantile * variance**0.5 / room
        low, high = float(np.tanh(z - half)), float(np.tanh(z + half))
    return Ends(low, high, f"cluster-jackknife-{shape}-t", error=variance**0.5)


def interval(
    statistic: Statistic,
    clusters: int,
    options: Options = DEFAULT,
    *,
    shape: Shape = Shape.FISHER,
    even: bool = False,
) -> Ends:
    """Make the interval of a coefficient by the rule at the top of this file.

    Args:
        statistic: From (b, clusters) weights to (b,) values in [-1, 1]; NaN = undefined.
        clusters: Number of clusters.
        options: Which interval, level, resamples, seed.
        shape: Shape of the jackknife's interval.
        even: See `jackknife`.

    Returns:
        The ends, or the reason why there are none.

    Example:
        >>> interval(lambda weights: weights[:, 0], 2).reason
        'fewer than 3 clusters'
    """
    if options.interval is Interval.AUTO and clusters <= JACKKNIFE_CLUSTERS:
        return jackknife(statistic, clusters, options, shape=shape, even=even)
    return bootstrap(statistic, clusters, options)
