"""Looking after every item, and stopping once the order is settled, at no cost in false alarms.

Each hypothesis "the mean is m" is bet against with a fixed set of bets, half of the money on a higher mean
and half on a lower one. The capital E is what a start of 1 has become; were the hypothesis true it would
reach 1 / alpha with a probability of at most alpha, however often one looks (Ville's inequality). The means
that have not been refuted are a confidence sequence: it holds at all looks together, so also where the data
said when to stop. Five bets, each twice the one before, cover small and large effects; ties cost nothing and
tell nothing.

The order of the rows is the order of the looks, and items must come in an order that was drawn at random.
Each cluster is one observation, its mean, seen once its last row is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.stats.clusters import Column, Floats, Ints, codes, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.testing.unit import Bounds, to_unit

BETS = (0.06, 0.12, 0.24, 0.48, 0.96)
GRID = 200
METHOD = "betting-confidence-sequence"
_LARGEST_LOG = 700.0


class Standing(StrEnum):
    """Which of the two is ahead, once that is settled."""

    FIRST = "first"
    SECOND = "second"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Sequential:
    """Where a comparison stands after its last look.

    Attributes:
        mean: Mean of the clusters' means, and the confidence sequence at the last look.
        standing: Who is ahead, settled at `stopped_at`; open before.
        e_value: Capital at the last look, 0 or more; 20 = settled at 95%.
        p: 1 / the largest capital so far, in (0, 1]; valid at any look.
        stopped_at: Clusters seen when the order was first settled; None = it is open.
        looks: (clusters,) natural logarithm of the capital after each look.
    """

    mean: Estimate
    standing: Standing
    e_value: float
    p: float
    stopped_at: int | None
    looks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """The interval after each look.

    Attributes:
        lows: (clusters,) lower ends.
        highs: (clusters,) upper ends, each at least its lower end.
        level: Chance that all of them hold the mean together, at least.
    """

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    level: float


def sequential_comparison(
    values: Column, clusters: Column, *, bounds: Bounds = (-1.0, 1.0), options: Options = DEFAULT
) -> Sequential:
    """Test the mean against the middle of its bounds, valid under a look after every item.

    Args:
        values: (n,) paired differences, first minus second, or wins with `bounds` of (0, 1); in the order in
            which they were seen. None, NaN and infinite = failed, left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest value there can be; their middle means that neither is ahead.
        options: Level: the chance of a false alarm is at most 1 - level over all looks.

    Returns:
        The mean with its interval at the last look, e-value, p-value, and where one could have stopped.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Waudby-Smith & Ramdas, JRSS-B 86(1), 2024, 1-27, doi 10.1093/jrsssb/qkad009 (betting, hedged
        capital, mixtures of bets).

    Example:
        >>> found = sequential_comparison([1, 1, 0, 1, 1, 1, 1, 1, 1, 1], range(10))
        >>> found.standing.value, found.stopped_at, round(found.mean.estimate, 3)
        ('first', 9, 0.9)
    """
    seen, n = _observations(values, clusters, bounds)
    left_out = len(np.asarray(values, dtype=object)) - n
    if not n:
        nothing = Estimate.none("nothing was measured", left_out=left_out, level=options.level, method=METHOD)
        return Sequential(nothing, Standing.OPEN, 1.0, 1.0, None, ())
    looks = np.logaddexp.reduce(np.cumsum(_log_growth(seen, 0.5), axis=1), axis=0) - _log_start()
    crossed = np.flatnonzero(looks >= -math.log1p(-options.level))
    stopped_at, standing = None, Standing.OPEN
    if len(crossed):
        stopped_at = int(crossed[0]) + 1
        standing = Standing.FIRST if seen[:stopped_at].mean() > 0.5 else Standing.SECOND
    low, high = bounds
    share = float(seen.mean())
    ends = [low + (high - low) * end for end in _interval(seen, share, options.level)]
    value = low + (high - low) * share
    mean = Estimate(value, ends[0], ends[1], options.level, METHOD, n, len(seen), left_out, None)
    e_value = math.exp(min(float(looks[-1]), _LARGEST_LOG))
    p = math.exp(-min(max(0.0, float(looks.max())), _LARGEST_LOG))
    return Sequential(mean, standing, e_value, p, stopped_at, tuple(looks.tolist()))


def confidence_sequence(
    values: Column, clusters: Column, *, bounds: Bounds = (-1.0, 1.0), options: Options = DEFAULT
) -> ConfidenceSequence:
    """Return the interval after each look, which never grows.

    Args:
        values: (n,) numbers in the order in which they were seen; None, NaN and infinite = failed.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest value there can be.
        options: Level.

    Returns:
        The ends after each look, on a grid of 200 steps between the bounds and rounded outwards; a mean that
        was refuted once stays so.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Waudby-Smith & Ramdas, JRSS-B 86(1), 2024, 1-27, doi 10.1093/jrsssb/qkad009.

    Example:
        >>> path = confidence_sequence([1, 0] * 50, range(100), bounds=(0, 1))
        >>> path.lows[-1], path.highs[-1]
        (0.35, 0.655)
    """
    seen, _ = _observations(values, clusters, bounds)
    means = np.arange(1, GRID)[:, None] / GRID
    capital = _capital(seen, means)
    # Capital is convex in the mean and below 1 at the observed one, so what is refuted lies on either side.
    refuted = capital >= 1 / (1 - options.level)
    middle = np.cumsum(seen) / np.arange(1, len(seen) + 1)
    lows = np.where(refuted & (means < middle), means, 0.0).max(axis=0)
    highs = np.where(refuted & (means > middle), means, 1.0).min(axis=0)
    lows, highs = np.maximum.accumulate(lows), np.minimum.accumulate(highs)
    low, scale = bounds[0], bounds[1] - bounds[0]
    return ConfidenceSequence(
        tuple((low + scale * lows).tolist()), tuple((low + scale * highs).tolist()), options.level
    )


def _observations(values: Column, clusters: Column, bounds: Bounds) -> tuple[Floats, int]:
    """Return the clusters' means in [0, 1] in the order in which they became complete, and the rows."""
    same_length({"values": values, "clusters": clusters})
    shares = to_unit(values, bounds)
    present = ~np.isnan(shares)
    shares = shares[present]
    members, count = codes(np.asarray(clusters)[present])
    means = np.bincount(members, weights=shares, minlength=count) / np.bincount(members, minlength=count)
    last: Ints = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, members, np.arange(len(members)))
    return np.asarray(means[np.argsort(last)], dtype=np.float64), len(shares)


def _capital(seen: Floats, means: Floats) -> Floats:
    """Return the (means, n) capital after each look, for every mean in a column."""
    capital, money = np.zeros((2, len(means), len(seen)))
    with np.errstate(over="ignore", under="ignore"):
        for gain in (seen / means, (1 - seen) / (1 - means)):
            for bet in BETS:
                np.multiply(gain, bet, out=money)
                np.add(money, 1 - bet, out=money)
                capital += np.cumprod(money, axis=1, out=money)
    return np.asarray(capital / (2 * len(BETS)), dtype=np.float64)


def _log_growth(seen: Floats, mean: float) -> Floats:
    """Return (bets, n) logarithms of what each bet against `mean` multiplies its money by."""
    bets = np.array(BETS)[:, None]
    up = np.log1p(bets * (seen / mean - 1))
    down = np.log1p(bets * ((1 - seen) / (1 - mean) - 1))
    return np.concatenate([up, down])


def _log_start() -> float:
    """Return the logarithm of the number of bets, which share the start of 1 equally."""
    return math.log(2 * len(BETS))


def _interval(seen: Floats, share: float, level: float) -> tuple[float, float]:
    """Return the means that are not refuted, around the observed one, which never is."""
    from scipy import optimize

    least, threshold = 1e-9, -math.log1p(-level)

    def excess(mean: float) -> float:
        return float(np.logaddexp.reduce(_log_growth(seen, mean).sum(axis=1))) - _log_start() - threshold

    low, high = 0.0, 1.0
    middle = min(max(share, least), 1 - least)
    if share > least and excess(least) > 0:
        low = float(optimize.brentq(excess, least, middle, xtol=1e-12))
    if share < 1 - least and excess(1 - least) > 0:
        high = float(optimize.brentq(excess, middle, 1 - least, xtol=1e-12))
    return low, high
