"""A control chart over nights: when has a number that should stay the same moved?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

ALLOWANCE = 0.5
"""Drift of a night, in standard errors, that is not added up. Half of the shift that is found fastest."""

SMALLEST_NOISE = 0.01
"""Share of units whose value changes between two nights that is expected at least, so that a single change
after many equal nights is no alarm."""

NIGHTS_BETWEEN_ALARMS = 450.0
"""Mean number of nights between two false alarms by the formula, so that 365 are reached with noise that is
estimated."""

_OVERSHOOT = 1.166


@dataclass(frozen=True, slots=True)
class ControlChart:
    """What a chart remembers of the nights so far.

    Attributes:
        nights: Number of nights.
        mean: Mean value of these nights.
        changes: Mean squared change of a unit's value between two nights, in units of the width squared.
        transitions: Number of pairs of nights behind `changes`.
        upper: Sum of the rises beyond the allowance, in standard errors. 0 = none.
        lower: Sum of the falls beyond the allowance.
    """

    nights: int = 0
    mean: float = 0.0
    changes: float = 0.0
    transitions: int = 0
    upper: float = 0.0
    lower: float = 0.0

    def add(
        self, values: Sequence[float | None], before: Sequence[float | None] | None, *, width: float = 1.0
    ) -> ControlChart:
        """Return the chart with one more night: a self-starting, two-sided cumulative sum.

        The value of a night is the mean over its units. It is held against the mean of all earlier nights.
        How far a night spreads by chance comes from the changes of single units between two nights, so that
        it is known after two nights. The night itself does not count, unless it is the second.

        Choose it for the same units on every night, such as a frozen set of labelled items.

        Args:
            values: Value of each unit tonight. None where it has none.
            before: The values of the night before, in the same order. None where they are not known.
            width: Range of the values.

        Source: Page, Biometrika 41, 1954. Self-starting: Hawkins, The Statistician 36, 1987.
        """
        present = [value for value in values if value is not None]
        if not present:
            return self
        value = sum(present) / len(present)
        change = _mean_squared_change(values, before, width)
        updated = self if change is None else self._with_change(change)
        nights = self.nights + 1
        mean = self.mean + (value - self.mean) / nights
        if not self.nights:
            return replace(updated, nights=1, mean=mean)
        noise = self.changes if self.transitions else updated.changes
        spread = width * math.sqrt(max(noise, SMALLEST_NOISE) / (2 * len(present)))
        step = (value - self.mean) / (spread * math.sqrt(1 + 1 / self.nights))
        return replace(
            updated,
            nights=nights,
            mean=mean,
            upper=max(0.0, self.upper + step - ALLOWANCE),
            lower=max(0.0, self.lower - step - ALLOWANCE),
        )

    def has_moved(self, limit: float) -> bool:
        """Return whether the sums say that the value moved."""
        return max(self.upper, self.lower) > limit

    def _with_change(self, change: float) -> ControlChart:
        transitions = self.transitions + 1
        changes = self.changes + (change - self.changes) / transitions
        return replace(self, changes=changes, transitions=transitions)


def chart_limit(charts: int = 1, nights: float = NIGHTS_BETWEEN_ALARMS) -> float:
    """Return the limit at which so many charts together give one false alarm in so many nights on average.

    Args:
        charts: Number of charts that are looked at each night.
        nights: Mean number of nights between two false alarms of any of them.

    Source: Siegmund, Sequential Analysis, 1985, for a cumulative sum of normal steps. Two-sided.
    """
    run_length = 2 * nights * charts  # each of both sides gives half of the alarms
    low, high = 0.0, 50.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        reach = 2 * ALLOWANCE * (middle + _OVERSHOOT)
        length = (math.exp(reach) - reach - 1) / (2 * ALLOWANCE**2)
        low, high = (middle, high) if length < run_length else (low, middle)
    return high


def _mean_squared_change(
    values: Sequence[float | None], before: Sequence[float | None] | None, width: float
) -> float | None:
    if before is None or len(before) != len(values):
        return None
    pairs = [
        (new, old) for new, old in zip(values, before, strict=True) if new is not None and old is not None
    ]
    return sum((new - old) ** 2 for new, old in pairs) / (len(pairs) * width**2) if pairs else None
