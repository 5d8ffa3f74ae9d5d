"""Values of several raters on the same units, in long form: one row for each unit and rater."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.bootstrap import IntervalShape, Statistic, interval
from evalhub.stats.clusters import (
    Bools,
    Column,
    Floats,
    Ints,
    Texts,
    categories,
    cluster_of_units,
    codes,
    floats,
    same_length,
    take,
)
from evalhub.stats.intervals import Ends, no_ends

ENOUGH_CLUSTERS = 10
LEAST_MEETINGS = 0.5
TOO_RARE = "the rarer categories are so rare that by chance two raters would hardly ever meet in them"


def hardly_meet(chance: Floats) -> bool:
    """Return whether chance would bring hardly any agreement outside the most common category.

    The jackknife of a kappa or alpha is then too narrow.

    Args:
        chance: (k,) cases in which two raters would both choose a category by chance.

    Returns:
        True below half a case.
    """
    return float(chance.sum() - chance.max()) < LEAST_MEETINGS


@dataclass(frozen=True, slots=True)
class Ratings:
    """The values present, sorted by unit and rater.

    Args:
        values: (n,) numbers, or codes of `names`.
        units: (n,) unit codes, ascending.
        raters: (n,) rater codes.
        clusters: (units,) cluster code of each unit.
        names: (k,) categories by code. Empty for numbers.
        unit_names: (units,) unit ids by code.
        rater_names: (raters,) rater ids by code.
        all_units: Number of units, those without a value among them.
    """

    values: Floats
    units: Ints
    raters: Ints
    clusters: Ints
    names: Texts
    unit_names: Texts
    rater_names: Texts
    all_units: int

    @property
    def sizes(self) -> Ints:
        """(units,) values of each unit, at least 1."""
        return np.bincount(self.units, minlength=len(self.unit_names)).astype(np.int64)

    @property
    def counts(self) -> Floats:
        """(units, k) counts of each category on each unit."""
        k = len(self.names)
        cells = np.bincount(self.units * k + self.values.astype(np.int64), minlength=len(self.unit_names) * k)
        return cells.reshape(len(self.unit_names), k).astype(np.float64)

    @property
    def sums(self) -> Floats:
        """(units,) sum of each unit's numbers."""
        sums = np.bincount(self.units, weights=self.values, minlength=len(self.unit_names))
        return np.asarray(sums, dtype=np.float64)


def coded(values: Column, levels: Sequence[object] | None = None) -> tuple[Floats, Texts]:
    """Turn categories into codes.

    Args:
        values: (n,) categories. None = missing.
        levels: All possible categories, in order. None = those that occur, sorted as text.

    Returns:
        (n,) codes 0 … k-1 as numbers, NaN = missing. And (k,) the categories as text.

    Raises:
        InputError: A value is none of the levels, or a level comes twice.
    """
    texts, present = categories(values)
    if levels is None:
        names = np.unique(texts[present])
    else:
        names = np.array([str(level) for level in levels], dtype=np.str_)
        if len(set(names.tolist())) != len(names):
            raise InputError("each level comes once", value=names.tolist())
    code = {name: float(number) for number, name in enumerate(names.tolist())}
    strange = set(texts[present].tolist()) - set(code)
    if strange:
        raise InputError("a value is none of the levels", value=min(strange), allowed=", ".join(code))
    return np.array([code.get(text, np.nan) for text in texts.tolist()], dtype=np.float64), names


def numbered(values: Column, levels: Sequence[object] | None = None) -> Floats:
    """Read ordered categories as (n,) numbers: as they are, or as places in `levels`, lowest first."""
    return floats(values) if levels is None else coded(values, levels)[0]


def read_ratings(
    values: Floats, units: Column, raters: Column, *, clusters: Column, names: Texts | None = None
) -> Ratings:
    """Sort ratings, and check that they are a table of units by raters.

    Args:
        values: (n,) numbers or codes. NaN = missing.
        units: (n,) unit ids.
        raters: (n,) rater ids.
        clusters: (n,) cluster ids of the units.
        names: (k,) categories by code. None for numbers.

    Returns:
        The ratings present.

    Raises:
        InputError: The columns differ in length, a rater has two values of one unit, or a unit lies in two
            clusters.
    """
    same_length({"values": values, "units": units, "raters": raters, "clusters": clusters})
    present = ~np.isnan(values)
    unit_ids, rater_ids = (np.asarray(ids).astype(np.str_) for ids in (units, raters))
    all_units = len(np.unique(unit_ids))
    unit_names, unit = np.unique(unit_ids[present], return_inverse=True)
    rater_names, rater = np.unique(rater_ids[present], return_inverse=True)
    members, _ = codes(take(clusters, present))
    order = np.lexsort((rater, unit))
    unit, rater, members, numbers = unit[order], rater[order], members[order], values[present][order]
    twice = (np.diff(unit) == 0) & (np.diff(rater) == 0)
    if twice.any():
        raise InputError("a rater has two values of one unit", value=str(unit_names[unit[1:][twice][0]]))
    of_unit = cluster_of_units(unit, unit_names.tolist(), members, "unit")
    names = np.array([], dtype=np.str_) if names is None else names
    return Ratings(numbers, unit, rater, of_unit, names, unit_names, rater_names, all_units)


def only_units(ratings: Ratings, mask: Bools) -> Ratings:
    """Return the ratings of some units, with new codes of units and clusters and the old codes of raters."""
    rows = mask[ratings.units]
    return Ratings(
        values=ratings.values[rows],
        units=(np.cumsum(mask) - 1)[ratings.units[rows]].astype(np.int64),
        raters=ratings.raters[rows],
        clusters=np.unique(ratings.clusters[mask], return_inverse=True)[1].astype(np.int64),
        names=ratings.names,
        unit_names=ratings.unit_names[mask],
        rater_names=ratings.rater_names,
        all_units=ratings.all_units,
    )


def bounded_interval(
    statistic: Statistic,
    clusters: int,
    bounds: tuple[float, float],
    *,
    shape: IntervalShape = IntervalShape.FISHER,
    even: bool = False,
) -> Ends:
    """Make the interval of a statistic with bounds, like that of a coefficient in [-1, 1].

    With fewer than 10 clusters there is none, since the variance of an agreement is too uncertain.

    Args:
        statistic: From (b, clusters) weights to (b,) values within `bounds`. NaN = undefined.
        clusters: Number of clusters.
        bounds: Lowest and highest possible value.
        shape: IntervalShape of the jackknife's interval.
        even: See `jackknife`.

    Returns:
        The ends within `bounds`, or the reason why there are none.

    Example:
        >>> hits = np.array([1.0, 0.0, 1.0, 1.0] * 3)
        >>> share = lambda weights: weights @ hits / weights.sum(axis=1)
        >>> ends = bounded_interval(share, 12, (0, 1), shape=IntervalShape.WILSON)
        >>> 0 < ends.low < 0.75 < ends.high < 1
        True
    """
    if clusters < ENOUGH_CLUSTERS:
        return no_ends(f"fewer than {ENOUGH_CLUSTERS} clusters")
    centre, half = (bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2
    ends = interval(lambda weights: (statistic(weights) - centre) / half, clusters, shape=shape, even=even)
    if ends.low is None or ends.high is None:
        return ends
    error = None if ends.error is None else half * ends.error
    return replace(ends, low=centre + half * ends.low, high=centre + half * ends.high, error=error)
