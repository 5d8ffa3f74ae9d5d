"""The parts of every interval: quantiles, Wilson's form, the interval of a difference, and the two ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate

TOO_FEW = f"fewer than {MIN_CLUSTERS} clusters"
NO_WIDTH = "the interval has no width: no resample differs from the estimate"
NOISE = 1e-12
RESAMPLES = 2_000
SEED = 0


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of an interval, or the reason why there are none.

    Args:
        low: Lower end.
        high: Upper end.
        method: How the interval was made.
        reason: Why `low` and `high` are None.
        error: Standard error of the estimate, in its own unit. None where the ends are not made from one.
        draws: Number of random draws. None where there are none.
    """

    low: float | None
    high: float | None
    method: str
    reason: str | None = None
    error: float | None = None
    draws: int | None = None


def no_ends(reason: str) -> Ends:
    """Return an interval without ends, method "none"."""
    return Ends(None, None, "none", reason)


def t_quantile(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t.

    Args:
        confidence: Confidence level, in (0, 1).
        freedom: Degrees of freedom, above 0.

    Returns:
        The quantile, above 0.

    Example:
        >>> round(t_quantile(0.95, 29), 3)
        2.045
    """
    from scipy import special

    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def z_quantile(confidence: float) -> float:
    """Return the two-sided quantile of the normal distribution, above 0."""
    from scipy import special

    return float(special.ndtri((1 + confidence) / 2))


def spread_freedom(parts: Floats, *, clusters: int | None = None) -> float:
    """Return the degrees of freedom of a variance that is a sum of squares of some parts.

    A few large parts give few degrees of freedom.

    Args:
        parts: (k,) contribution of each cluster, about mean 0.
        clusters: Number of clusters that contribute, at least 2. Default k.

    Returns:
        2 v² / var(v) of the variance v, by the parts' kurtosis. Infinite where all parts are 0.

    Source: Satterthwaite, Biometrics Bulletin 2(6), 1946, 110-114. O'Neill, The American Statistician 68(4),
        2014, 282-296 (variance of a sample variance).

    Example:
        >>> round(spread_freedom(np.array([1.0, -1.0] * 15)), 1), round(spread_freedom(np.eye(30)[0]), 1)
        (870.0, 2.1)
    """
    largest = float(np.abs(parts).max())
    if largest == 0.0:
        return float("inf")
    count, square = clusters or len(parts), (parts / largest) ** 2
    fourth = float(np.sum(square**2) / np.sum(square) ** 2)
    return 2 / max(fourth - 3 / count + 2 / (count - 1), NOISE)


def wilson(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Invert the score test of a proportion.

    Args:
        share: The observed proportion, in [0, 1].
        n: Observations, above 0, not necessarily whole.
        quantile: Two-sided quantile, such as 1.96.

    Returns:
        Lower and upper end, in [0, 1].

    Source: Wilson, JASA 22, 1927, 209-212.

    Example:
        >>> [round(end, 4) for end in wilson(0.0, 10, 1.96)]
        [0.0, 0.2775]
    """
    square = quantile**2 / n
    centre = (share + square / 2) / (1 + square)
    half = (square * (share * (1 - share) + square / 4)) ** 0.5 / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def mover_difference(
    estimates: tuple[float, float], ends: Sequence[Ends | Estimate], correlation: float, *, method: str
) -> Ends:
    """Make the interval of a difference from the intervals of its two parts (MOVER).

    Args:
        estimates: The two parts.
        ends: Their intervals.
        correlation: Correlation of the two estimates, in [-1, 1].
        method: Name of the method.

    Returns:
        The ends of first minus second, or the reason of the part that has no interval.

    Source: Zou & Donner, Statistics in Medicine 27, 2008, 1693-1702.

    Example:
        >>> ends = mover_difference((0.5, 0.25), (Ends(0.25, 0.75, ""), Ends(0, 0.5, "")), 1, method="m")
        >>> ends.low, ends.high
        (0.25, 0.25)
    """
    (p, q), (first, second) = estimates, ends
    if first.low is None or first.high is None:
        return no_ends(first.reason or "")
    if second.low is None or second.high is None:
        return no_ends(second.reason or "")
    down = difference_error(p - first.low, second.high - q, correlation)
    up = difference_error(first.high - p, q - second.low, correlation)
    return Ends(p - q - down, p - q + up, method)


def difference_error(first: float, second: float, correlation: float) -> float:
    """Return the error of a difference from the errors of its two parts and their correlation."""
    return float(max(0.0, first**2 - 2 * correlation * first * second + second**2) ** 0.5)


def with_ends(
    value: float | None,
    ends: Ends,
    *,
    n: int,
    clusters: int,
    n_excluded: int,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Join a point estimate and its interval.

    Args:
        value: The point estimate, finite. None where `ends` has the reason.
        ends: Its interval.
        n: Observations.
        clusters: Clusters among them.
        n_excluded: Observations that did not enter.
        confidence: Level of the interval.

    Returns:
        The estimate.
    """
    return Estimate(
        estimate=value,
        low=ends.low,
        high=ends.high,
        confidence=confidence,
        method=ends.method,
        n=n,
        clusters=clusters,
        n_excluded=n_excluded,
        reason=ends.reason,
        standard_error=ends.error,
        draws=ends.draws,
    )
