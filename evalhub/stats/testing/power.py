"""What could be seen: power, the least effect that is found, and the clusters that a given effect needs.

All three are of the two-sided one-sample t test of cluster means: of paired differences against 0, or of a
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
MOST_CLUSTERS = 100_000_000


def _share(value: float, what: str) -> None:
    if not 0 < value < 1:
        raise InputError(f"{what} lies between 0 and 1", value=value)


@dataclass(frozen=True, slots=True)
class Design:
    """How the values vary, and at which error they are tested.

    Args:
        sd: Standard deviation of one row's value, above 0: of the paired differences, or of verdicts, where
            .5 is the most there can be and ties make it smaller.
        rows_per_cluster: Rows in each cluster, at least 1; a mean is allowed.
        correlation: Between rows of one cluster, in [0, 1]; 1 = its rows say no more than one.
        alpha: Two-sided error of the test, in (0, 1).

    Raises:
        InputError: A value is out of range.

    Example:
        >>> Design(sd=0.5, rows_per_cluster=4, correlation=0.2).effect_of_clusters
        1.6
    """

    sd: float = 0.5
    rows_per_cluster: float = 1.0
    correlation: float = 1.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sd) and self.sd > 0):
            raise InputError("a standard deviation is above 0", value=self.sd)
        if not (math.isfinite(self.rows_per_cluster) and self.rows_per_cluster >= 1):
            raise InputError("a cluster has at least one row", value=self.rows_per_cluster)
        if not 0 <= self.correlation <= 1:
            raise InputError("a correlation within clusters lies between 0 and 1", value=self.correlation)
        _share(self.alpha, "an error rate")

    @property
    def effect_of_clusters(self) -> float:
        """The design effect: by how much correlated rows raise the variance of a mean."""
        return 1 + (self.rows_per_cluster - 1) * self.correlation

    @property
    def cluster_sd(self) -> float:
        """Standard deviation of a cluster's mean."""
        return self.sd * math.sqrt(self.effect_of_clusters / self.rows_per_cluster)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a number of clusters can show, known before anything is spent.

    Attributes:
        clusters: Independent clusters.
        design: What was assumed of them.
        power: Chance of finding an effect of `detectable`.
        detectable: Least effect that is found with that power, in the unit of the values; None where even the
            largest effect there can be is not.
        half_width: Half the width of the interval at level 1 - alpha; None below 3 clusters.
        reason: Why `detectable` is None.
    """

    clusters: int
    design: Design
    power: float
    detectable: float | None
    half_width: float | None
    reason: str | None = None


def power(effect: float, clusters: int, design: Design = Design()) -> float:
    """Return the chance that an effect is found.

    Args:
        effect: True mean, minus what it is tested against, in the unit of the values.
        clusters: Independent clusters, at least 3.
        design: How the values vary, and the error.

    Returns:
        The power in [alpha, 1].

    Raises:
        InputError: The effect is not finite, or there are too few clusters.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 2 (noncentral t);
        Kish, Survey Sampling, 1965, section 5.4 (design effect).

    Example:
        >>> round(power(0.1, 200), 3)
        0.804
    """
    if not math.isfinite(effect):
        raise InputError("an effect is a finite number", value=effect)
    _enough(clusters)
    return _power(abs(effect) / design.cluster_sd * math.sqrt(clusters), clusters - 1, design.alpha)


def detectable(clusters: int, design: Design = Design(), *, target: float = POWER) -> float:
    """Return the least effect that is found with a given power.

    Args:
        clusters: Independent clusters, at least 3.
        design: How the values vary, and the error.
        target: The power, in (alpha, 1).

    Returns:
        The effect, above 0, in the unit of the values.

    Raises:
        InputError: The power is out of range, or there are too few clusters.

    Source: see `power`.

    Example:
        >>> round(detectable(200), 4)
        0.0995
    """
    from scipy import optimize

    _enough(clusters)
    _target(target, design)
    high = 1.0
    while _power(high, clusters - 1, design.alpha) < target:
        high *= 2
    found = optimize.brentq(
        lambda far: _power(far, clusters - 1, design.alpha) - target, 0.0, high, xtol=1e-12
    )
    return float(found) * design.cluster_sd / math.sqrt(clusters)


def required_clusters(effect: float, design: Design = Design(), *, target: float = POWER) -> int:
    """Return how many clusters find an effect with a given power.

    Args:
        effect: True mean, minus what it is tested against; not 0.
        design: How the values vary, and the error.
        target: The power, in (alpha, 1).

    Returns:
        The least number of clusters, at least 3.

    Raises:
        InputError: A value is out of range, or 100,000,000 clusters are too few.

    Source: see `power`.

    Example:
        >>> required_clusters(0.1)
        199
    """
    _target(target, design)
    low, high = MIN_CLUSTERS - 1, MIN_CLUSTERS
    while power(effect, high, design) < target:
        low, high = high, 2 * high
        if high > MOST_CLUSTERS:
            raise InputError("the effect is too small to be found", value=effect)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, middle, design) >= target else (middle, high)
    return high


def planned(
    clusters: int, design: Design = Design(), *, target: float = POWER, largest: float = 0.5
) -> Planned:
    """Say what a number of clusters can show, before anything is spent.

    The default is the worst case of a win rate: a standard deviation of .5, and rows of one cluster that say
    no more than one. Ties and a smaller spread make both numbers smaller.

    Args:
        clusters: Independent clusters, at least 0.
        design: How the values vary, and the error.
        target: The power, in (alpha, 1).
        largest: Largest effect there can be: .5 for a win rate against one half.

    Returns:
        The least effect that is found with that power, and half the width of the interval.

    Raises:
        InputError: A value is out of range.

    Example:
        >>> night = planned(200)
        >>> round(night.detectable, 3), round(night.half_width, 3)
        (0.1, 0.07)
    """
    _target(target, design)
    if clusters < 0:
        raise InputError("a number of clusters is not negative", value=clusters)
    if clusters < MIN_CLUSTERS:
        return Planned(clusters, design, target, None, None, TOO_FEW)
    half = t_quantile(1 - design.alpha, clusters - 1) * design.cluster_sd / math.sqrt(clusters)
    least = detectable(clusters, design, target=target)
    if least > largest:
        reason = f"with {clusters} clusters even the largest effect is found less often than asked"
        return Planned(clusters, design, target, None, half, reason)
    return Planned(clusters, design, target, least, half)


def _power(far: float, freedom: int, alpha: float) -> float:
    """Power of the two-sided t test at a noncentrality of 0 or more."""
    from scipy import special

    critical = t_quantile(1 - alpha, freedom)
    # Undefined only where the probability is below 1e-18.
    below, least = np.nan_to_num(special.nctdtr(freedom, far, np.array([critical, -critical])))
    return float(np.clip(1 - below + least, alpha, 1.0))


def _enough(clusters: int) -> None:
    if clusters < MIN_CLUSTERS:
        raise InputError("too few clusters for a test", value=clusters, allowed=f"{MIN_CLUSTERS} or more")


def _target(target: float, design: Design) -> None:
    _share(target, "a power")
    if target <= design.alpha:
        raise InputError("a power exceeds the error rate", value=target)
