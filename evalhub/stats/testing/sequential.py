"""A test after every item, that may stop once the order is decided, without more false alarms.

Each hypothesis "the mean is m" is bet against with a fixed set of bets, half of the money on a higher mean
and half on a lower one. The capital E is what a start of 1 has become. If the hypothesis were true it would
reach 1 / alpha with a probability of at most alpha, at any number of looks (Ville's inequality). The means
that are not refuted form a confidence sequence: it holds at all looks together, so also where the data decide
when to stop. Five bets, each twice the one before, cover small and large effects. Ties cost nothing and carry
no information.

The order of the rows is the order of the looks, and items must come in a random order. Each cluster is one
observation, its mean, observed once its last row is present.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, Ints, codes, same_length, take
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.testing.unit import Bounds, to_unit

BETS = (0.06, 0.12, 0.24, 0.48, 0.96)
LOG_BETS = math.log(2 * len(BETS))  # the bets share the start of 1 equally
METHOD = "betting-confidence-sequence"
_LARGEST_LOG = 700.0


class Decision(StrEnum):
    """Which of the two is ahead, once that is decided."""

    FIRST = "first"
    SECOND = "second"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Sequential:
    """The state of a comparison after its last look.

    Attributes:
        mean: Mean of the clusters' means, and the confidence sequence at the last look.
        decision: Which of the two is ahead, decided at `stopped_at`. Open before.
        e_value: Capital at the last look, 0 or more. 20 = decided at 95%.
        p: 1 / the largest capital so far, in (0, 1]. Valid at any look.
        stopped_at: Clusters observed when the order was first decided. None = open.
        looks: (clusters,) natural logarithm of the capital after each look.
    """

    mean: Estimate
    decision: Decision
    e_value: float
    p: float
    stopped_at: int | None
    looks: tuple[float, ...]


def sequential_comparison(
    values: Column, clusters: Column, *, bounds: Bounds = (-1.0, 1.0), confidence: float = CONFIDENCE
) -> Sequential:
    """Test the mean against the middle of its bounds, valid under a look after every item.

    Choose it to stop judging early. Its interval is wider than that of a fixed number of items, which is the
    price of looking at any time.

    Args:
        values: (n,) paired differences, first minus second, or wins with `bounds` of (0, 1), in the order in
            which they were observed. None, NaN and infinite = failed, left out and counted.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest possible value. Their middle means that neither is ahead.
        confidence: In (0, 1). The chance of a false alarm over all looks is at most 1 - confidence.

    Returns:
        The mean with its interval at the last look, e-value, p-value, and the earliest possible stop.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Waudby-Smith & Ramdas, JRSS-B 86(1), 2024, 1-27, doi 10.1093/jrsssb/qkad009 (betting, hedged
        capital, mixtures of bets).

    Example:
        >>> state = sequential_comparison([1, 1, 0, 1, 1, 1, 1, 1, 1, 1], range(10))
        >>> state.decision.value, state.stopped_at, round(state.mean.estimate, 3)
        ('first', 9, 0.9)
    """
    if not 0 < confidence < 1:
        raise InputError("a confidence level lies between 0 and 1", value=confidence)
    shares, n = _observations(values, clusters, bounds)
    n_excluded = len(np.asarray(values, dtype=object)) - n
    if not n:
        no_mean = Estimate.none(
            "nothing was measured", n_excluded=n_excluded, confidence=confidence, method=METHOD
        )
        return Sequential(no_mean, Decision.OPEN, 1.0, 1.0, None, ())
    looks = np.logaddexp.reduce(np.cumsum(_log_growth(shares, 0.5), axis=1), axis=0) - LOG_BETS
    crossed = np.flatnonzero(looks >= -math.log1p(-confidence))
    stopped_at, decision = None, Decision.OPEN
    if len(crossed):
        stopped_at = int(crossed[0]) + 1
        decision = Decision.FIRST if shares[:stopped_at].mean() > 0.5 else Decision.SECOND
    low, high = bounds
    share = float(shares.mean())
    ends = [low + (high - low) * end for end in _interval(shares, share, confidence)]
    value = low + (high - low) * share
    mean = Estimate(value, ends[0], ends[1], confidence, METHOD, n, len(shares), n_excluded, None)
    e_value = math.exp(min(float(looks[-1]), _LARGEST_LOG))
    p = math.exp(-min(max(0.0, float(looks.max())), _LARGEST_LOG))
    return Sequential(mean, decision, e_value, p, stopped_at, tuple(looks.tolist()))


def _observations(values: Column, clusters: Column, bounds: Bounds) -> tuple[Floats, int]:
    """Return the clusters' means in [0, 1] in the order of their completion, and the number of rows."""
    same_length({"values": values, "clusters": clusters})
    shares = to_unit(values, bounds)
    present = ~np.isnan(shares)
    shares = shares[present]
    members, count = codes(take(clusters, present))
    means = np.bincount(members, weights=shares, minlength=count) / np.bincount(members, minlength=count)
    last: Ints = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, members, np.arange(len(members)))
    return np.asarray(means[np.argsort(last)], dtype=np.float64), len(shares)


def _log_growth(shares: Floats, mean: float) -> Floats:
    """Return the (bets, n) logarithms of the growth of each bet against `mean`."""
    bets = np.array(BETS)[:, None]
    up = np.log1p(bets * (shares / mean - 1))
    down = np.log1p(bets * ((1 - shares) / (1 - mean) - 1))
    return np.concatenate([up, down])


def _interval(shares: Floats, share: float, confidence: float) -> tuple[float, float]:
    """Return the ends of the means that are not refuted, around the observed mean, which never is."""
    from scipy import optimize

    margin, threshold = 1e-9, -math.log1p(-confidence)

    def excess(mean: float) -> float:
        return float(np.logaddexp.reduce(_log_growth(shares, mean).sum(axis=1))) - LOG_BETS - threshold

    low, high = 0.0, 1.0
    middle = min(max(share, margin), 1 - margin)
    if share > margin and excess(margin) > 0:
        low = float(optimize.brentq(excess, margin, middle, xtol=1e-12))
    if share < 1 - margin and excess(1 - margin) > 0:
        high = float(optimize.brentq(excess, middle, 1 - margin, xtol=1e-12))
    return low, high
