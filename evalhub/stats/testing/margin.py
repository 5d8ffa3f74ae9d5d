"""Non-inferiority: is the first not worse than the second by more than a margin?

The margin is fixed beforehand. The finding is read off the interval: at level 1 - 2·alpha it is the one-sided
test at alpha, so the 95% interval that is printed everywhere tests at .025.
"""

from __future__ import annotations

from enum import StrEnum

from evalhub.stats.estimate import Estimate


class MarginFinding(StrEnum):
    """What the interval shows."""

    NON_INFERIOR = "non-inferior"
    INFERIOR = "inferior"
    INCONCLUSIVE = "inconclusive"


def finding(difference: Estimate, margin: float) -> MarginFinding:
    """Return what the interval of a difference shows about a margin.

    Args:
        difference: First minus second. Higher values are better.
        margin: In the unit of the values, at least 0.

    Returns:
        Non-inferior where the interval lies above -margin, inferior where it lies below, else inconclusive.

    Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987, 657-680 (one-sided tests).

    Example:
        >>> finding(Estimate(0.0, -0.03, 0.03, 0.95, "any", 9, 9, 0, None), 0.05).value
        'non-inferior'
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return MarginFinding.INCONCLUSIVE
    if low > -margin:
        return MarginFinding.NON_INFERIOR
    return MarginFinding.INFERIOR if high < -margin else MarginFinding.INCONCLUSIVE
