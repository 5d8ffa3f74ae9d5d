"""One number with its interval, method, n, clusters and the number of observations left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from evalhub.errors import InputError

CONFIDENCE = 0.95
MIN_CLUSTERS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate with its interval. A number that is absent has a reason, and no number is NaN.

    Args:
        estimate: The point estimate. None where it is undefined or nothing was measured.
        low: Lower end of the interval. None without an interval.
        high: Upper end of the interval. None exactly where `low` is.
        confidence: Confidence level of the interval, in (0, 1).
        method: How the interval was made, such as "wilson".
        n: Observations that entered the estimate.
        clusters: Independent clusters among them.
        n_excluded: Observations that did not enter.
        reason: Why the estimate or its interval is None. None where both are present.
        standard_error: Standard deviation of the estimate over samples of clusters, in its own unit. None
            where the interval is not made from one.
        draws: Number of random draws behind the interval. None for an interval without draws.

    Raises:
        InputError: A number is NaN or infinite, one end lacks the other, or something is None without a
            reason.

    Example:
        >>> Estimate(0.5, 0.4, 0.6, 0.95, "wilson", 90, 90, 0, None).width
        0.19999999999999996
    """

    estimate: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str
    n: int
    clusters: int
    n_excluded: int
    reason: str | None
    standard_error: float | None = None
    draws: int | None = None

    def __post_init__(self) -> None:
        numbers = (self.estimate, self.low, self.high, self.standard_error)
        if any(number is not None and not math.isfinite(number) for number in numbers):
            raise InputError("an estimate must be finite or None", value=numbers)
        if (self.low is None) != (self.high is None):
            raise InputError("an interval has two ends or none", value=numbers)
        if self.low is None and (self.standard_error is not None or self.draws is not None):
            raise InputError("without an interval there is no standard error", value=numbers)
        if (self.estimate is None or self.low is None) and not self.reason:
            raise InputError("an estimate or interval that is None needs a reason", value=numbers)

    @classmethod
    def none(
        cls,
        reason: str,
        *,
        n: int = 0,
        clusters: int = 0,
        n_excluded: int = 0,
        confidence: float = CONFIDENCE,
        method: str = "none",
    ) -> Estimate:
        """Return an estimate without numbers, with its reason.

        Args:
            reason: What is missing, in a few words.
            n: Observations at hand.
            clusters: Clusters among them.
            n_excluded: Observations that could not be used.
            confidence: Confidence level of the absent interval, in (0, 1).
            method: The method of the absent interval.

        Returns:
            An estimate whose three numbers are None.

        Example:
            >>> Estimate.none("no judgments").reason
            'no judgments'
        """
        return cls(None, None, None, confidence, method, n, clusters, n_excluded, reason)

    @property
    def width(self) -> float | None:
        """Width of the interval, at least 0. None without an interval."""
        return None if self.low is None or self.high is None else self.high - self.low

    def negated(self) -> Estimate:
        """Return the estimate of the negated quantity."""
        return self.moved(lambda number: -number, scale=1)

    def without_interval(self, reason: str) -> Estimate:
        """Return the same estimate with its interval withdrawn for `reason`.

        Args:
            reason: Why there is no interval, in a few words.

        Returns:
            A copy whose ends are None and whose method is "none".
        """
        return replace(
            self, low=None, high=None, method="none", reason=reason, standard_error=None, draws=None
        )

    def moved(self, move: Callable[[float], float], *, scale: float | None = None) -> Estimate:
        """Return the same estimate on another scale.

        Args:
            move: From the old scale to the new, rising or falling.
            scale: Factor by which `move` multiplies distances. None where the factor is not constant: the
                copy then has no standard error.

        Returns:
            A copy. Where `move` falls, the ends change places.

        Example:
            >>> share = Estimate(0.5, 0.25, 0.625, 0.95, "wilson", 90, 90, 0, None)
            >>> share.moved(lambda number: 1 - number, scale=1).low
            0.375
        """
        numbers = [
            None if number is None else move(number) for number in (self.estimate, self.low, self.high)
        ]
        value, low, high = numbers
        if low is not None and high is not None and low > high:
            low, high = high, low
        error = None if scale is None or self.standard_error is None else abs(scale) * self.standard_error
        return replace(self, estimate=value, low=low, high=high, standard_error=error)
