"""What every interval is made of: the options, the quantiles, Wilson's form, and the two ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate

TOO_FEW = f"fewer than {MIN_CLUSTERS} clusters"
NO_WIDTH = "the interval has no width: no resample differs from the estimate"
NOISE = 1e-12


class Interval(StrEnum):
    """Which interval to make: the one with the best coverage, or the percentile bootstrap."""

    AUTO = "auto"
    BOOTSTRAP = "bootstrap"


@dataclass(frozen=True, slots=True)
class Options:
    """How intervals are made.

    Args:
        level: Confidence level, in (0, 1).
        interval: Which interval.
        resamples: Draws of a bootstrap, at least 100.
        seed: Seed of the draws, at least 0.

    Raises:
        InputError: A value is out of range.

    Example:
        >>> Options(level=0.9).seed
        0
    """

    level: float = CONFIDENCE
    interval: Interval = Interval.AUTO
    resamples: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise InputError("a confidence level lies between 0 and 1", value=self.level)
        if self.resamples < 100:
            raise InputError("too few resamples for an interval", value=self.resamples, allowed="100 or more")
        if self.seed < 0:
            raise InputError("a seed is not negative", value=self.seed)


DEFAULT = Options()


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of an interval, or the reason why there are none.

    Args:
        low: Lower end.
        high: Upper end.
        method: How the interval was made.
        reason: Why `low` and `high` are None.
        error: Standard error of the estimate, in its own unit; None where the ends are not made from one.
        draws: Number of draws; None where there are none.
    """

    low: float | None
    high: float | None
    method: str
    reason: str | None = None
    error: float | None = None
    draws: int | None = None


def no_ends(reason: str) -> Ends:
    """Return an interval without ends.

    Args:
        reason: Why there is none.

    Returns:
        Ends that are None, method "none".

    Example:
        >>> no_ends("fewer than 3 clusters").method
        'none'
    """
    return Ends(None, None, "none", reason)


def t_quantile(level: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t.

    Args:
        level: Confidence level, in (0, 1).
        freedom: Degrees of freedom, above 0.

    Returns:
        The quantile, above 0.

    Example:
        >>> round(t_quantile(0.95, 29), 3)
        2.045
    """
    from scipy import special

    return float(special.stdtrit(freedom, (1 + level) / 2))


def z_quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution.

    Args:
        level: Confidence level, in (0, 1).

    Returns:
        The quantile, above 0.

    Example:
        >>> round(z_quantile(0.95), 3)
        1.96
    """
    from scipy import special

    return float(special.ndtri((1 + level) / 2))


def spread_freedom(parts: Floats, *, clusters: int | None = None) -> float:
    """Return how well the sum of squares of some parts is known: few large parts tell it badly.

    Args:
        parts: (k,) what each cluster contributes, about mean 0.
        clusters: How many clusters tell it, at least 2; k by default.

    Returns:
        Degrees of freedom 2 v² / var(v) of the variance v, by the parts' kurtosis; infinite where all are 0.

    Source: Satterthwaite, Biometrics Bulletin 2(6), 1946, 110-114; O'Neill, The American Statistician 68(4),
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
        n: Observations, above 0; need not be whole.
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


def with_ends(
    value: float | None, ends: Ends, *, level: float, n: int, clusters: int, left_out: int
) -> Estimate:
    """Join a point estimate and its interval.

    Args:
        value: The point estimate, finite; None where the ends say why there is none.
        ends: Its interval.
        level: Confidence level of the interval.
        n: Observations.
        clusters: Clusters among them.
        left_out: Observations that did not enter.

    Returns:
        The estimate.

    Example:
        >>> with_ends(0.5, no_ends("constant"), level=0.95, n=3, clusters=3, left_out=0).reason
        'constant'
    """
    return Estimate(
        estimate=value,
        low=ends.low,
        high=ends.high,
        level=level,
        method=ends.method,
        n=n,
        clusters=clusters,
        left_out=left_out,
        reason=ends.reason,
        standard_error=ends.error,
        draws=ends.draws,
    )
