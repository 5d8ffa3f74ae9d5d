"""How far failed cells could move a mean: as if all had come out lowest, and as if all highest.

No assumption is made about why a cell failed. Each of the two extremes has its own interval over clusters;
from the lower end of the one to the upper end of the other is the union of both, which holds the mean that
there would be without failures at least as often as its level says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.means import mean_estimate
from evalhub.stats.testing.paired import mean_difference
from evalhub.stats.testing.unit import Bounds, to_unit


@dataclass(frozen=True, slots=True)
class WorstCase:
    """An estimate, and what it could have been had nothing failed.

    Attributes:
        measured: From the rows that did not fail.
        lowest: As if every failed cell had come out as low as can be.
        highest: As if every failed cell had come out as high as can be.
        failed: Rows with a failed cell.
    """

    measured: Estimate
    lowest: Estimate
    highest: Estimate
    failed: int

    @property
    def low(self) -> float | None:
        """Lower end of the interval for both sampling and failures; None without one."""
        return None if self.highest.high is None else self.lowest.low

    @property
    def high(self) -> float | None:
        """Upper end of that interval; None exactly when `low` is."""
        return None if self.lowest.low is None else self.highest.high

    @property
    def reason(self) -> str | None:
        """Why that interval is absent; None where it is there."""
        return None if self.low is not None else self.lowest.reason or self.highest.reason


def worst_case(
    values: Column,
    clusters: Column,
    *,
    bounds: Bounds,
    extremes: tuple[Column, Column] | None = None,
    options: Options = DEFAULT,
) -> WorstCase:
    """Bound a mean over rows of which some failed: a win rate, an accuracy, a mean score.

    Args:
        values: (n,) numbers; None, NaN and infinite = failed.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest value there can be.
        extremes: (n,) the values with what failed as low as can be, and (n,) as high, where a row is the mean
            of samples of which some failed; None = a failed row failed whole.
        options: Which interval, level, resamples, seed.

    Returns:
        The mean of what was measured, the two extremes, and the interval for both kinds of ignorance.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Manski, American Economic Review 80(2), 1990, 319-323 (bounds); Horowitz & Manski, JASA 95, 2000,
        77-84 (their intervals).

    Example:
        >>> found = worst_case([1, 1, 0, None, 1], list("abcde"), bounds=(0, 1))
        >>> found.measured.estimate, found.lowest.estimate, found.highest.estimate, found.failed
        (0.75, 0.6, 0.8, 1)
    """
    lowest, highest = extremes or (_filled(values, bounds[0]), _filled(values, bounds[1]))
    same_length({"values": values, "clusters": clusters, "lowest": lowest, "highest": highest})
    failed = to_unit(lowest, bounds) != to_unit(highest, bounds)
    measured, least, most = (
        mean_estimate(column, clusters, bounds=bounds, options=options)
        for column in (values, lowest, highest)
    )
    return WorstCase(measured, least, most, int(failed.sum()))


def worst_case_difference(
    measured: Estimate,
    first: tuple[Column, Column],
    second: tuple[Column, Column],
    clusters: Column,
    *,
    failed: int,
    bounds: Bounds,
    items: Column | None = None,
    options: Options = DEFAULT,
) -> WorstCase:
    """Bound the difference of two systems on the same rows, where cells of either failed.

    Args:
        measured: Their difference where neither failed.
        first: (n,) values of the first with its failed cells as low as can be, and as high.
        second: The same of the second.
        clusters: (n,) cluster ids.
        failed: Failed cells.
        bounds: Lowest and highest value of either there can be.
        items: (n,) item ids, as for `mean_difference`.
        options: Which interval, level, resamples, seed.

    Returns:
        First minus second; lowest with the failed cells of the first lowest and those of the second highest,
        highest the other way round.

    Raises:
        InputError: The columns differ in length, the bounds are no range, or a value lies outside them.

    Source: Manski, American Economic Review 80(2), 1990, 319-323 (bounds).

    Example:
        >>> known, k = mean_difference([1, 1], [0, 1], list("ab")), list("abcd")
        >>> one, two = ([1, 1, 0, 1], [1, 1, 1, 1]), ([0, 1, 0, 0], [0, 1, 0, 1])
        >>> found = worst_case_difference(known, one, two, k, failed=2, bounds=(0, 1))
        >>> found.measured.estimate, found.lowest.estimate, found.highest.estimate, found.failed
        (0.5, 0.25, 0.75, 2)
    """
    lowest, highest = (
        mean_difference(one, other, clusters, items=items, bounds=bounds, options=options)
        for one, other in ((first[0], second[1]), (first[1], second[0]))
    )
    return WorstCase(measured, lowest, highest, failed)


def _filled(values: Column, end: float) -> Floats:
    """Return the values with every failed cell at `end`."""
    numbers = floats(values)
    return np.asarray(np.where(np.isnan(numbers), end, numbers), dtype=np.float64)
