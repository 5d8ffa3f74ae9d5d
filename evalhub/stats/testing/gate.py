"""A gate: did a system get worse by a margin, read off one interval of the change.

The error of the interval is two-sided. Without a change, a gate fails with at most half of it: its upper end
must lie below 0. Several gates share one error by Holm's method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from evalhub.stats.estimate import Estimate

Interval = Callable[[float], Estimate]
"""Returns the change with its interval at a level."""


class GateState(StrEnum):
    """What a gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def decide(change: Estimate, margin: float) -> GateState:
    """Return what the interval of a change says of a margin.

    Args:
        change: Of the gated number, above 0 = better.
        margin: Least loss that counts, in the unit of the change, at least 0.

    Returns:
        Pass where the lower end is above -margin, even if the upper end is below 0. Fail where the upper end
        is below 0 and the lower end is not above -margin. Else inconclusive, also without an interval.

    Example:
        >>> decide(Estimate(-0.06, -0.1, -0.02, 0.95, "any", 9, 9, 0, None), 0.05).value
        'fail'
    """
    if change.low is None or change.high is None:
        return GateState.INCONCLUSIVE
    if change.low > -margin:
        return GateState.PASS
    return GateState.FAIL if change.high < 0 else GateState.INCONCLUSIVE


def holm_changes(intervals: Sequence[Interval], margins: Sequence[float], error: float) -> list[Estimate]:
    """Return the change of each gate of a family, at the level that Holm's method leaves it.

    At first each gate gets the error divided by their number. Gates that fail leave their share to the
    others, which are then looked at again.

    Args:
        intervals: One for each gate.
        margins: Of the gates, in the same order.
        error: Two-sided error of the family, in (0, 1).

    Returns:
        The estimates, in the same order. The chance that any gate fails without a change is at most half of
        the error.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979, 65-70.
    """
    changes: dict[int, Estimate] = {}
    remaining = list(range(len(intervals)))
    while remaining:
        estimates = {place: intervals[place](1 - error / len(remaining)) for place in remaining}
        failed = [
            place
            for place, estimate in estimates.items()
            if decide(estimate, margins[place]) is GateState.FAIL
        ]
        if not failed:
            changes |= estimates
            break
        changes |= {place: estimates[place] for place in failed}
        remaining = [place for place in remaining if place not in failed]
    return [changes[place] for place in range(len(intervals))]
