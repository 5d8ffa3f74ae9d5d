"""Worst-case bounds of a mean with failed judgments: all failures lowest, and all failures highest.

No assumption is made about why a judgment failed. The reported interval runs from the lower end of the lowest
case's interval to the upper end of the highest case's. It covers the mean without failures at least at the
nominal level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.means import mean_estimate
from evalhub.stats.testing.paired import mean_difference
from evalhub.stats.testing.unit import Bounds, to_unit


@dataclass(frozen=True, slots=True)
class WorstCase:
    """An estimate, and its range if nothing had failed.

    Attributes:
        measured: From the rows that did not fail.
        lowest: With every failed judgment at the lowest possible value.
        highest: With every failed judgment at the highest possible value.
        failed: Rows with a failed judgment.
    """

    measured: Estimate
    lowest: Estimate
    highest: Estimate
    failed: int

    @property
    def low(self) -> float | None:
        """Lower end of the interval for both sampling and failures. None without one."""
        return None if self.highest.high is None else self.lowest.low

    @property
    def high(self) -> float | None:
        """Upper end of that interval. None exactly where `low` is."""
        return None if self.lowest.low is None else self.highest.high

    @property
    def reason(self) -> str | None:
        """Why that interval is absent. None where it is present."""
        return None if self.low is not None else self.lowest.reason or self.highest.reason


def worst_case(
    values: Column,
    clusters: Column,
    *,
    bounds: Bounds,
    extremes: tuple[Column, Column] | None = None,
) -> WorstCase:
    """Bound a mean over rows of which some failed: a win rate, an accuracy, a mean score.

    Choose it where failures may depend on the response, such as refusals. A conclusion that holds at both
    ends holds whatever the failed judgments would have been.

    Args:
        values: (n,) numbers. None, NaN and infinite = failed.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest possible value.
        extremes: (n,) the values with failures at the lowest, and (n,) at the highest, where a row is the
            mean of samples of which some failed. None = a failed row failed completely.

    Returns:
        The mean of the rows that did not fail, the two extremes, and the interval for sampling and failures.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Manski, American Economic Review 80(2), 1990, 319-323 (bounds). Horowitz & Manski, JASA 95, 2000,
        77-84 (their intervals).

    Example:
        >>> case = worst_case([1, 1, 0, None, 1], list("abcde"), bounds=(0, 1))
        >>> case.measured.estimate, case.lowest.estimate, case.highest.estimate, case.failed
        (0.75, 0.6, 0.8, 1)
    """
    lowest, highest = extremes or (_filled(values, bounds[0]), _filled(values, bounds[1]))
    same_length({"values": values, "clusters": clusters, "lowest": lowest, "highest": highest})
    failed = to_unit(lowest, bounds) != to_unit(highest, bounds)
    measured, low, high = (
        mean_estimate(column, clusters, bounds=bounds) for column in (values, lowest, highest)
    )
    return WorstCase(measured, low, high, int(failed.sum()))


def worst_case_difference(
    measured: Estimate,
    first: tuple[Column, Column],
    second: tuple[Column, Column],
    clusters: Column,
    *,
    failed: int,
    bounds: Bounds,
    items: Column | None = None,
) -> WorstCase:
    """Bound the difference of two systems on the same rows, where judgments of either failed.

    Args:
        measured: Their difference where neither failed.
        first: (n,) values of the first with its failures at the lowest, and (n,) at the highest.
        second: The same of the second.
        clusters: (n,) cluster ids.
        failed: Number of failed judgments.
        bounds: Lowest and highest possible value of either.
        items: (n,) item ids, as for `mean_difference`.

    Returns:
        First minus second. `lowest` has the failures of the first lowest and those of the second highest,
        `highest` the other way round.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Manski, American Economic Review 80(2), 1990, 319-323 (bounds).

    Example:
        >>> net, k = mean_difference([1, 1], [0, 1], list("ab")), list("abcd")
        >>> first, second = ([1, 1, 0, 1], [1, 1, 1, 1]), ([0, 1, 0, 0], [0, 1, 0, 1])
        >>> case = worst_case_difference(net, first, second, k, failed=2, bounds=(0, 1))
        >>> case.measured.estimate, case.lowest.estimate, case.highest.estimate, case.failed
        (0.5, 0.25, 0.75, 2)
    """
    lowest, highest = (
        mean_difference(left, right, clusters, items=items, bounds=bounds)
        for left, right in ((first[0], second[1]), (first[1], second[0]))
    )
    return WorstCase(measured, lowest, highest, failed)


def _filled(values: Column, end: float) -> Floats:
    """Return the values with every failed judgment at `end`."""
    numbers = floats(values)
    return np.asarray(np.where(np.isnan(numbers), end, numbers), dtype=np.float64)
