"""A control chart over nights: when has a number that should stay the same moved?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
        means: Mean value of each unit over the nights on which it had one. None = it never had.
        sizes: Number of these nights of each unit.
        changes: Mean squared change of a unit's value between two nights, in units of the width squared.
        transitions: Number of pairs of nights behind `changes`.
        upper: Sum of the rises beyond the allowance, in standard errors. 0 = none.
        lower: Sum of the falls beyond the allowance.
    """

    nights: int = 0
    means: tuple[float | None, ...] = ()
    sizes: tuple[int, ...] = ()
    changes: float = 0.0
    transitions: int = 0
    upper: float = 0.0
    lower: float = 0.0

    def add(
        self, values: Sequence[float | None], before: Sequence[float | None] | None, *, width: float = 1.0
    ) -> ControlChart:
        """Return the chart with one more night: a self-starting, two-sided cumulative sum.

        Each unit is held against its own mean of all earlier nights, and the shift of a night is the mean
        over its units. So a unit that has no value tonight moves nothing. How far a night spreads by chance
        comes from the changes of single units between two nights, so that it is known after two nights. The
        night itself does not count, unless it is the second.

        Choose it for the same units on every night, such as a frozen set of labelled items.

        Args:
            values: Value of each unit tonight. None where it has none.
            before: The values of the night before, in the same order. None where they are not known.
            width: Range of the values.

        Source: Page, Biometrika 41, 1954. Self-starting: Hawkins, The Statistician 36, 1987.
        """
        if all(value is None for value in values):
            return self
        change = _mean_squared_change(values, before, width)
        updated = (self if change is None else self._with_change(change))._with_values(values)
        shifts = list(self._shifts(values))
        if not shifts:
            return updated
        noise = self.changes if self.transitions else updated.changes
        # A shift of a unit varies as its value does, and as the mean of its earlier nights.
        spread = width * math.sqrt(
            max(noise, SMALLEST_NOISE) / 2 * sum(1 + 1 / size for _, _, size in shifts)
        )
        step = sum(value - mean for value, mean, _ in shifts) / spread
        return replace(
            updated,
            upper=max(0.0, self.upper + step - ALLOWANCE),
            lower=max(0.0, self.lower - step - ALLOWANCE),
        )

    def expected(self, values: Sequence[float | None]) -> float | None:
        """Return the mean of the nights so far over the units that have a value tonight. None for no unit."""
        means = [mean for _, mean, _ in self._shifts(values)]
        return sum(means) / len(means) if means else None

    def has_moved(self, limit: float) -> bool:
        """Return whether the sums say that the value moved."""
        return max(self.upper, self.lower) > limit

    def _shifts(self, values: Sequence[float | None]) -> Iterator[tuple[float, float, int]]:
        """Yield the value, the mean and the number of earlier nights of each unit that has all of them."""
        if len(values) != len(self.means):
            return
        for value, mean, size in zip(values, self.means, self.sizes, strict=True):
            if value is not None and mean is not None:
                yield value, mean, size

    def _with_values(self, values: Sequence[float | None]) -> ControlChart:
        is_new = len(values) != len(self.means)
        means = [None] * len(values) if is_new else self.means
        sizes = [0] * len(values) if is_new else self.sizes
        units = [
            (mean, size) if value is None else (((mean or 0.0) * size + value) / (size + 1), size + 1)
            for value, mean, size in zip(values, means, sizes, strict=True)
        ]
        return replace(
            self,
            nights=self.nights + 1,
            means=tuple(mean for mean, _ in units),
            sizes=tuple(size for _, size in units),
        )

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
