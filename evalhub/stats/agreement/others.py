"""Each annotator and the judge beside the other annotators of the same unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.agreement.ratings import Ratings, coded, only_units, read_ratings
from evalhub.stats.clusters import Bools, Column, Floats, floats


@dataclass(frozen=True, slots=True)
class JudgeColumn:
    """Units that have a judge's value and some annotators' values.

    Args:
        ratings: The annotators' values.
        judge: (units,) the judge's values, numbers or codes.
        n_excluded: Units without the judge or without enough annotators.
    """

    ratings: Ratings
    judge: Floats
    n_excluded: int

    @property
    def of_row(self) -> Floats:
        """(n,) the judge's value beside each annotator's."""
        return self.judge[self.ratings.units]

    def counts_of_others(self) -> Floats:
        """Return (n, k) counts of each category among the other annotators of a row's unit."""
        ratings = self.ratings
        counts = ratings.counts[ratings.units]
        counts[np.arange(len(counts)), ratings.values.astype(np.int64)] -= 1
        return counts

    def mean_of_others(self) -> Floats:
        """Return (n,) the mean of the other annotators of a row's unit."""
        ratings = self.ratings
        sums = ratings.sums[ratings.units] - ratings.values
        return np.asarray(sums / (ratings.sizes[ratings.units] - 1), dtype=np.float64)


def read_judged(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    numbers: bool,
    min_annotators: int,
) -> JudgeColumn:
    """Read the values of annotators and of a judge on the same units.

    Args:
        values: (n,) the annotators' values. None = missing.
        judge: (n,) the judge's value of each row's unit, the same in all its rows. None = missing.
        units: (n,) unit ids.
        annotators: (n,) annotator ids.
        clusters: (n,) cluster ids of the units.
        numbers: Whether the values are numbers, instead of categories.
        min_annotators: Annotators that a unit must have.

    Returns:
        The units that have the judge and enough annotators.

    Raises:
        InputError: The columns differ in length, a value is no number, the judge has two values of one unit,
            an annotator has two, or a unit lies in two clusters.
    """
    if numbers:
        entries, verdicts, names = floats(values), floats(judge), None
    else:
        _, names = coded([*np.asarray(values, dtype=object), *np.asarray(judge, dtype=object)])
        entries, verdicts = coded(values, names.tolist())[0], coded(judge, names.tolist())[0]
    ratings = read_ratings(entries, units, annotators, clusters=clusters, names=names)
    if len(verdicts) != len(entries):
        raise InputError("columns of one length are needed here", value=(len(entries), len(verdicts)))
    of_unit = _judge_by_unit(verdicts, np.asarray(units).astype(np.str_), ratings)
    complete: Bools = (ratings.sizes >= min_annotators) & ~np.isnan(of_unit)
    n_excluded = int(ratings.all_units - complete.sum())
    return JudgeColumn(only_units(ratings, complete), of_unit[complete], n_excluded)


def _judge_by_unit(verdicts: Floats, units: np.ndarray, ratings: Ratings) -> Floats:
    """Return the judge's one value of each unit. NaN = no value."""
    present = np.isin(units, ratings.unit_names) & ~np.isnan(verdicts)
    place = np.searchsorted(ratings.unit_names, units[present])
    of_unit = np.full(len(ratings.unit_names), np.nan)
    of_unit[place] = verdicts[present]
    if np.any(of_unit[place] != verdicts[present]):
        strange = units[present][of_unit[place] != verdicts[present]][0]
        raise InputError("the judge has two values of one unit", value=str(strange))
    return of_unit
