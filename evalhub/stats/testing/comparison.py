"""The outcome of a test: the difference with its interval, and its p-value."""

from __future__ import annotations

from dataclasses import dataclass

from evalhub.errors import InputError
from evalhub.stats.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """A difference, its interval and the p-value of a test against none.

    Args:
        difference: First minus second, with its interval.
        p: Probability of a difference at least as far from the hypothesis if it were true, in (0, 1]. None
            where there is no test.
        test: Method of `p`, such as "sign-flip-9999". "none" without a test.
        reason: Why `p` is None. None otherwise.

    Raises:
        InputError: `p` lies outside (0, 1], or is None without a reason.

    Example:
        >>> Comparison(Estimate.none("no rows"), None, "none", "no rows").p is None
        True
    """

    difference: Estimate
    p: float | None
    test: str
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.p is None and not self.reason:
            raise InputError("a p-value that is None needs a reason", value=self.test)
        if self.p is not None and not 0 < self.p <= 1:
            raise InputError("a p-value lies in (0, 1]", value=self.p)

    @classmethod
    def none(cls, difference: Estimate, reason: str) -> Comparison:
        """Return a comparison without a test, and why.

        Args:
            difference: The difference.
            reason: Why there is no test, in a few words.

        Returns:
            A comparison whose p-value is None.
        """
        return cls(difference, None, "none", reason)
