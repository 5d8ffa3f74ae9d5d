"""Agreement among any number of raters: Krippendorff's alpha and Gwet's AC1.

There is no interval with fewer than 10 clusters. Alpha also has none where the chance agreement is too
uncertain: where a rare category occurs too seldom (nominal), or a few values lie far from the others
(interval).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.agreement.ratings import (
    ENOUGH_CLUSTERS,
    TOO_RARE,
    Ratings,
    bounded_interval,
    coded,
    hardly_meet,
    numbered,
    only_units,
    read_ratings,
)
from evalhub.stats.bootstrap import IntervalShape, Statistic
from evalhub.stats.clusters import Column, Floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import no_ends, with_ends

LARGEST_ERROR = 0.15
FAR_VALUES = "few values lie far from the others: so few clusters do not tell how far values differ by chance"
FEW_HOLD_MOST = f"a few clusters hold most of the units: they count as fewer than {ENOUGH_CLUSTERS} clusters"
EVEN_SHARE = 0.8
_BLOCK = 2_000_000


class Measurement(StrEnum):
    """Distance of two values: different or not, by the values between them, or by their difference.

    Choose nominal for categories without an order, ordinal for ratings whose steps may differ in size, and
    interval for numbers whose differences have a meaning.
    """

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def krippendorff_alpha(
    values: Column,
    units: Column,
    raters: Column,
    *,
    clusters: Column,
    measurement: Measurement,
    levels: Sequence[object] | None = None,
) -> Estimate:
    """Estimate how far raters agree beyond chance, for any number of raters and with missing values.

    Krippendorff requires .8 to rely on labels, and allows tentative conclusions from .667 on. Where nearly
    all values fall into one category, alpha can be low although raters nearly always agree. See `gwet_ac1`.

    Args:
        values: (n,) a rater's value of a unit: categories (nominal), numbers or `levels` (ordinal), numbers
            (interval). None = missing.
        units: (n,) unit ids, such as one response and criterion.
        raters: (n,) rater ids. Slots suffice, since alpha treats raters as exchangeable.
        clusters: (n,) cluster ids of the units.
        measurement: The kind of values, which decides the distance of two of them.
        levels: The ordered categories, lowest first. None = the values are numbers, or nominal.

    Returns:
        Alpha in [-1, 1]: 1 = full agreement, 0 = chance. Its n counts the units with two values or more, its
        n_excluded the others. None where no unit has two values, or all values are the same.

    Raises:
        InputError: The columns differ in length, a rater has two values of one unit, or a unit lies in two
            clusters.

    Source: Krippendorff, Content Analysis, 3rd edition, 2013, section 12.3. Hayes & Krippendorff,
        Communication Methods and Measures 1(1), 2007, 77-89.

    Example:
        >>> values, units = ["a", "a", "b", "b", "a", "b"], ["u", "u", "v", "v", "w", "w"]
        >>> raters = ["x", "y"] * 3
        >>> alpha = krippendorff_alpha(values, units, raters, clusters=units, measurement=Measurement.NOMINAL)
        >>> round(alpha.estimate, 4)
        0.4444
    """
    if measurement is Measurement.NOMINAL:
        numbers, names = coded(values, levels)
        ratings = read_ratings(numbers, units, raters, clusters=clusters, names=names)
    else:
        numbers = numbered(values, levels if measurement is Measurement.ORDINAL else None)
        ratings = read_ratings(numbers, units, raters, clusters=clusters)
    pairable = only_units(ratings, ratings.sizes >= 2)
    make = dict(zip(Measurement, (_nominal, _ordinal, _interval), strict=True))[measurement]
    return _estimate(pairable, make, "all values are one and the same")


def gwet_ac1(
    values: Column,
    units: Column,
    raters: Column,
    *,
    clusters: Column,
    levels: Sequence[object] | None = None,
) -> Estimate:
    """Estimate agreement beyond chance, with a chance that does not grow where one category is rare.

    Choose it beside alpha where one category is far more frequent than the others.

    Args:
        values: (n,) the category that a rater gave to a unit. None = missing.
        units, raters, clusters: As in `krippendorff_alpha`.
        levels: All possible categories, on which the chance depends. None = those that occur.

    Returns:
        AC1 in [-1, 1]: 1 = full agreement. Its n counts the units with a value. None where no unit has two
        values, or where there is only one category.

    Raises:
        InputError: The columns differ in length, a value is none of the levels, a rater has two values of
            one unit, or a unit lies in two clusters.

    Source: Gwet, British Journal of Mathematical and Statistical Psychology 61(1), 2008, 29-48.

    Example:
        >>> values, units = ["a", "a", "b", "b", "a", "b"], ["u", "u", "v", "v", "w", "w"]
        >>> round(gwet_ac1(values, units, ["x", "y"] * 3, clusters=units).estimate, 4)
        0.3333
    """
    if levels is not None and len(levels) < 2:
        raise InputError("agreement needs two categories or more", value=list(levels))
    numbers, names = coded(values, levels)
    ratings = read_ratings(numbers, units, raters, clusters=clusters, names=names)
    if len(names) < 2:
        n, n_excluded = len(ratings.unit_names), ratings.all_units - len(ratings.unit_names)
        reason = "all values are one and the same" if n else "no unit has two values"
        return Estimate.none(reason, n=n, n_excluded=n_excluded)
    return _estimate(ratings, _ac1, "no unit has two values")


def _estimate(ratings: Ratings, make: Callable[[Ratings], Statistic], undefined: str) -> Estimate:
    units, clusters = len(ratings.unit_names), len(np.unique(ratings.clusters))
    counts = {"n": units, "clusters": clusters, "n_excluded": ratings.all_units - units}
    if not np.any(ratings.sizes >= 2):
        return with_ends(None, no_ends("no unit has two values"), **counts)
    statistic = make(ratings)
    value = float(statistic(np.ones((1, clusters)))[0])
    if np.isnan(value):
        return with_ends(None, no_ends(undefined), **counts)
    sizes = np.bincount(ratings.clusters).astype(np.float64)
    effective = float(sizes.sum() ** 2 / np.sum(sizes**2))  # Kish's effective number of clusters
    # A unit moves AC1 by the agreement of its pairs, divided by the same chance for all.
    even = make is _ac1 and effective >= EVEN_SHARE * clusters
    ends = bounded_interval(statistic, clusters, (-1, 1), shape=IntervalShape.WILSON, even=even)
    if ends.low is not None:
        reason = FEW_HOLD_MOST if effective < ENOUGH_CLUSTERS else _uncertainty(ratings, make, clusters)
        ends = no_ends(reason) if reason else ends
    return with_ends(value, ends, **counts)


def _uncertainty(ratings: Ratings, make: Callable[[Ratings], Statistic], clusters: int) -> str | None:
    """Return why the chance disagreement is too uncertain for an interval, or None."""
    if make is _nominal:
        shares = np.bincount(ratings.values.astype(np.int64)) / len(ratings.values)
        pairs = float(np.sum(ratings.sizes * (ratings.sizes - 1))) / 2
        return TOO_RARE if hardly_meet(pairs * shares**2) else None
    if make is _interval:
        squares = (ratings.values - ratings.values.mean()) ** 2
        # The squared relative error of a variance, by the kurtosis, as if each cluster were one value.
        error = (float(np.mean(squares**2) / np.mean(squares) ** 2) - 1) / clusters
        return FAR_VALUES if error > LARGEST_ERROR else None
    return None


def _ratio(observed: Floats, expected: Floats) -> Floats:
    """Return one minus observed over expected disagreement, NaN where none is expected."""
    defined = expected > 1e-12
    value = 1 - observed / np.where(defined, expected, 1.0)
    return np.asarray(np.where(defined, np.clip(value, -1.0, 1.0), np.nan), dtype=np.float64)


def _by_cluster(ratings: Ratings, of_unit: Floats) -> Floats:
    """Sum (units, ...) numbers within clusters."""
    sums = np.zeros((int(ratings.clusters.max()) + 1, *of_unit.shape[1:]))
    np.add.at(sums, ratings.clusters, of_unit)
    return sums


def _nominal(ratings: Ratings) -> Statistic:
    counts, sizes = ratings.counts, ratings.sizes
    pairs = np.sum(counts * (counts - 1), axis=1) / (sizes - 1)
    agreeing, sums = _by_cluster(ratings, pairs), _by_cluster(ratings, counts)

    def statistic(weights: Floats) -> Floats:
        margins = weights @ sums
        n = margins.sum(axis=1)
        # A resample has at least one unit, so n is at least 2.
        expected = 1 - np.sum(margins * (margins - 1), axis=1) / (n * (n - 1))
        return _ratio(1 - (weights @ agreeing) / n, expected)

    return statistic


def _interval(ratings: Ratings) -> Statistic:
    values = ratings.values - ratings.values.mean()
    values = values / max(float(np.abs(values).max()), 1e-300)
    squares = np.bincount(ratings.units, weights=values**2)
    sums, sizes = np.bincount(ratings.units, weights=values), ratings.sizes
    within = 2 * (sizes * squares - sums**2) / (sizes - 1)
    columns = _by_cluster(ratings, np.stack([within, sizes, sums, squares], axis=1))

    def statistic(weights: Floats) -> Floats:
        inside, n, total, square = (weights @ columns).T
        return _ratio(inside / n, 2 * (n * square - total**2) / (n * (n - 1)))

    return statistic


def _ordinal(ratings: Ratings) -> Statistic:
    """Use the interval metric of the midranks, which equals the ordinal metric."""
    distinct, place = np.unique(ratings.values, return_inverse=True)
    k, clusters = len(distinct), int(ratings.clusters.max()) + 1
    row_clusters = ratings.clusters[ratings.units]
    counts = np.bincount(row_clusters * k + place, minlength=clusters * k).reshape(clusters, k).astype(float)
    starts, sizes = np.flatnonzero(np.diff(ratings.units, prepend=-1)), ratings.sizes

    def block(weights: Floats) -> Floats:
        margins = weights @ counts
        n = margins.sum(axis=1, keepdims=True)
        ranks = (np.cumsum(margins, axis=1) - margins / 2) / n - 0.5
        of_row = ranks[:, place]
        sums = np.add.reduceat(of_row, starts, axis=1)
        squares = np.add.reduceat(of_row**2, starts, axis=1)
        within = np.sum(weights[:, ratings.clusters] * 2 * (sizes * squares - sums**2) / (sizes - 1), axis=1)
        # The weighted mean of the midranks is one half, which was subtracted.
        expected = 2 * np.sum(margins * ranks**2, axis=1) / (n[:, 0] - 1)
        return _ratio(within / n[:, 0], expected)

    def statistic(weights: Floats) -> Floats:
        step = max(1, _BLOCK // len(place))
        return np.concatenate([block(weights[i : i + step]) for i in range(0, len(weights), step)])

    return statistic


def _ac1(ratings: Ratings) -> Statistic:
    counts, sizes = ratings.counts, ratings.sizes
    paired = sizes >= 2
    agreeing = np.sum(counts * (counts - 1), axis=1) / np.where(paired, sizes * (sizes - 1), 1)
    shares = counts / sizes[:, None]
    columns = np.column_stack([np.where(paired, agreeing, 0.0), paired, np.ones(len(sizes)), shares])
    by_cluster = _by_cluster(ratings, columns)
    k = counts.shape[1]

    def statistic(weights: Floats) -> Floats:
        sums = weights @ by_cluster
        pairs = sums[:, 1]
        observed = sums[:, 0] / np.where(pairs > 0, pairs, 1.0)
        share = sums[:, 3:] / sums[:, 2:3]
        chance = np.sum(share * (1 - share), axis=1) / (k - 1)
        value = np.clip((observed - chance) / (1 - chance), -1.0, 1.0)
        return np.asarray(np.where(pairs > 0, value, np.nan), dtype=np.float64)

    return statistic
