"""What a number of clusters can show, before anything is spent.

All of it concerns the two-sided one-sample t test of cluster means: of paired differences against 0, or of a
win rate against one half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.estimate import MIN_CLUSTERS
from evalhub.stats.intervals import TOO_FEW, t_quantile

POWER = 0.8


@dataclass(frozen=True, slots=True)
class ClusterDesign:
    """The spread of the values, and the error of the test.

    Args:
        sd: Standard deviation of a cluster's mean, above 0: of the paired differences, or of verdicts, where
            .5 is the largest possible and ties make it smaller.
        alpha: Two-sided error of the test, in (0, 1).

    Raises:
        InputError: A value is out of range.
    """

    sd: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sd) and self.sd > 0):
            raise InputError("a standard deviation is above 0", value=self.sd)
        if not 0 < self.alpha < 1:
            raise InputError("an error rate lies between 0 and 1", value=self.alpha)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a number of clusters can show.

    Attributes:
        clusters: Independent clusters.
        power: Chance of finding an effect of `detectable`.
        detectable: Smallest effect that is found with that power, in the unit of the values. None where even
            the largest possible effect is not.
        half_width: Half the width of the interval at level 1 - alpha. None below 3 clusters.
        reason: Why `detectable` is None.
    """

    clusters: int
    power: float
    detectable: float | None
    half_width: float | None
    reason: str | None = None


def detectable(clusters: int, design: ClusterDesign = ClusterDesign(), *, target: float = POWER) -> float:
    """Return the smallest effect, in the unit of the values, that is found with a given power.

    Raises:
        InputError: The power is out of range, or there are fewer than 3 clusters.
    """
    from scipy import optimize

    if clusters < MIN_CLUSTERS:
        raise InputError("too few clusters for a test", value=clusters, allowed=f"{MIN_CLUSTERS} or more")
    _check_power(target, design)
    high = 1.0
    while _power(high, clusters - 1, design.alpha) < target:
        high *= 2
    noncentrality = optimize.brentq(
        lambda value: _power(value, clusters - 1, design.alpha) - target, 0.0, high, xtol=1e-12
    )
    return float(noncentrality) * design.sd / math.sqrt(clusters)


def power_at(clusters: int, effect: float, design: ClusterDesign = ClusterDesign()) -> float:
    """Return the chance that an effect is found.

    Args:
        clusters: Independent clusters. Below 3 nothing is found.
        effect: The true effect, in the unit of the values.
        design: The spread of the values, and the error.
    """
    if clusters < MIN_CLUSTERS:
        return 0.0
    return _power(abs(effect) * math.sqrt(clusters) / design.sd, clusters - 1, design.alpha)


def clusters_needed(effect: float, design: ClusterDesign = ClusterDesign(), *, target: float = POWER) -> int:
    """Return the fewest clusters with which an effect is found with a given power.

    Args:
        effect: The true effect, not 0, in the unit of the values.
        design: The spread of the values, and the error.
        target: The power, in (alpha, 1).

    Raises:
        InputError: The power is out of range.

    Example:
        >>> clusters_needed(0.05), clusters_needed(0.05, ClusterDesign(alpha=0.005))
        (787, 1336)
    """
    _check_power(target, design)
    low, high = MIN_CLUSTERS - 1, MIN_CLUSTERS
    while power_at(high, effect, design) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle, effect, design) >= target else (middle, high)
    return high


def planned(
    clusters: int, design: ClusterDesign = ClusterDesign(), *, target: float = POWER, largest: float = 0.5
) -> Planned:
    """Return what a number of clusters can show, before anything is spent.

    The default is the worst case of a win rate: clusters that are wholly won or wholly lost. Ties and a
    smaller spread make both numbers smaller.

    Args:
        clusters: Independent clusters, at least 0.
        design: The spread of the values, and the error.
        target: The power, in (alpha, 1).
        largest: Largest possible effect: .5 for a win rate against one half.

    Returns:
        The smallest effect that is found with that power, and half the width of the interval.

    Raises:
        InputError: A value is out of range.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 2 (noncentral t).

    Example:
        >>> plan = planned(200)
        >>> round(plan.detectable, 3), round(plan.half_width, 3)
        (0.1, 0.07)
    """
    _check_power(target, design)
    if clusters < 0:
        raise InputError("a number of clusters is not negative", value=clusters)
    if clusters < MIN_CLUSTERS:
        return Planned(clusters, target, None, None, TOO_FEW)
    half = t_quantile(1 - design.alpha, clusters - 1) * design.sd / math.sqrt(clusters)
    smallest = detectable(clusters, design, target=target)
    if smallest > largest:
        reason = f"with {clusters} clusters even the largest effect is found less often than asked"
        return Planned(clusters, target, None, half, reason)
    return Planned(clusters, target, smallest, half)


def _power(noncentrality: float, freedom: int, alpha: float) -> float:
    """Return the power of the two-sided t test at a noncentrality of 0 or more."""
    from scipy import special

    critical = t_quantile(1 - alpha, freedom)
    # Undefined only where the probability is below 1e-18.
    tails = np.nan_to_num(special.nctdtr(freedom, noncentrality, np.array([critical, -critical])))
    return float(np.clip(1 - tails[0] + tails[1], alpha, 1.0))


def _check_power(target: float, design: ClusterDesign) -> None:
    if not 0 < target < 1:
        raise InputError("a power lies between 0 and 1", value=target)
    if target <= design.alpha:
        raise InputError("a power exceeds the error rate", value=target)
