"""How far people agree, measured as the judge is: the human ceiling, and who moves the consensus.

All of it follows persons from unit to unit, so `annotators` must name persons: where they are slots (the
first, second and third label of whoever came along), nothing here has a meaning, and `SLOTS` is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.stats.agreement.others import Judged, read_judged
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import Shape, Statistic, once
from evalhub.stats.clusters import Column, Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, rounded
from evalhub.stats.correlation.weighted import weighted
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options, no_ends, with_ends

SLOTS = "annotators are slots, not people"
MIN_UNITS = 10


class Measure(StrEnum):
    """What agreement with other people is.

    - accuracy: the share of units where one says what most of the others say; where the others tie between
      k categories, each of these counts 1/k;
    - pearson, spearman: correlation with the mean of the others;
    - error: minus the mean distance from the mean of the others.
    """

    ACCURACY = "accuracy"
    PEARSON = "pearson"
    SPEARMAN = "spearman"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Standing:
    """The judge beside people, both held against the same other people.

    Args:
        human: Agreement of the person with the others.
        judge: Agreement of the judge with the same others on the same units.
        difference: Judge minus human, paired; above 0 = the judge agrees better.
    """

    human: Estimate
    judge: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree with each other, and the judge with the same people.

    Args:
        measure: What agreement is.
        mean: The mean over the annotators; its n counts units.
        annotators: Each annotator that enters the mean, by id.
        left_out: Annotators with too few units or an undefined agreement, and why.
    """

    measure: Measure
    mean: Standing
    annotators: dict[str, Standing]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class Dropped:
    """The judge against the consensus without one annotator.

    Args:
        annotator: Who is dropped.
        agreement: The judge's agreement with the consensus of the others.
        change: That minus its agreement with the consensus of all on the same units; above 0 = the judge
            looks better without this annotator.
    """

    annotator: str
    agreement: Estimate
    change: Estimate


def ceiling(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    measure: Measure,
    options: Options = DEFAULT,
) -> Ceiling:
    """Hold each annotator, and the judge in each one's place, against the other annotators.

    Args:
        values: (n,) one person's value of one unit: categories (accuracy) or numbers; None = missing.
        judge: (n,) the judge's value of the row's unit, the same in all its rows; None = missing.
        units: (n,) unit ids.
        annotators: (n,) ids of persons, not of slots.
        clusters: (n,) cluster ids of the units.
        measure: What agreement is.
        options: Which interval, level, resamples, seed.

    Returns:
        Human and judge, each the mean over the annotators of the agreement with the others, higher = better,
        and their difference; None with fewer than 2 annotators of 10 units or more. The interval speaks of
        these annotators on units like these.

    Raises:
        InputError: The columns differ in length, a value is no number where one is needed, someone has two
            values of one unit, or a unit lies in two clusters.

    Source: Krippendorff, Content Analysis, 3rd edition, 2013, chapter 12 (reliability bounds validity);
        Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (the paired interval).

    Example:
        >>> values, units = [1, 2, 1, 3, 3, 4] * 5, [n // 2 for n in range(30)]
        >>> people, judge = ["x", "y"] * 15, [n // 2 % 3 for n in range(30)]
        >>> found = ceiling(values, judge, units, annotators=people, clusters=units, measure=Measure.ERROR)
        >>> round(found.mean.human.estimate, 3), round(found.mean.judge.estimate, 3)
        (-1.333, -1.333)
    """
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=measure is not Measure.ACCURACY, least=2,
    )  # fmt: skip
    ratings = judged.ratings
    people, machine, target = _compared(judged, measure)
    members = ratings.clusters[ratings.units]
    pairs: dict[str, tuple[_Part, _Part]] = {}
    left_out: dict[str, str] = {}
    for code, name in enumerate(ratings.rater_names.tolist()):
        rows = ratings.raters == code
        if rows.sum() < MIN_UNITS:
            left_out[name] = f"fewer than {MIN_UNITS} units"
            continue
        human, other = (_part(measure, said[rows], target[rows], members[rows]) for said in (people, machine))
        if not (human.is_defined and other.is_defined):
            left_out[name] = "a constant column has no correlation"
            continue
        pairs[name] = (human, other)
    if len(pairs) < 2:
        none = Estimate.none(
            f"fewer than 2 annotators of {MIN_UNITS} units or more",
            n=len(judged.judge), left_out=judged.left_out, level=options.level,
        )  # fmt: skip
        return Ceiling(measure, Standing(none, none, none), {}, left_out)
    bounds = _bounds(judged, measure)
    count = int(ratings.clusters.max()) + 1
    used = len(np.unique(ratings.units[np.isin(ratings.rater_names[ratings.raters], list(pairs))]))
    everywhere = [_mean_of([pair[side] for pair in pairs.values()], count, used) for side in (0, 1)]
    return Ceiling(
        measure,
        _standing(everywhere[0], everywhere[1], bounds, left_out=len(judged.judge) - used + judged.left_out,
                  options=options),
        {name: _standing(*pair, bounds, left_out=0, options=options) for name, pair in pairs.items()},
        left_out,
    )  # fmt: skip


def leave_one_out(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    measure: Measure,
    options: Options = DEFAULT,
) -> tuple[Dropped, ...]:
    """Hold the judge against the consensus without each annotator in turn: who moves it.

    Args:
        values: (n,) one person's value of one unit: categories (accuracy) or numbers; None = missing.
        judge: (n,) the judge's value of the row's unit, the same in all its rows; None = missing.
        units: (n,) unit ids.
        annotators: (n,) ids of persons, not of slots.
        clusters: (n,) cluster ids of the units.
        measure: What agreement is; the consensus is the majority (accuracy) or the mean.
        options: Which interval, level, resamples, seed.

    Returns:
        One answer for each annotator, by id; units that nobody else annotated are left out of it.

    Raises:
        InputError: As `ceiling`.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (the paired interval).

    Example:
        >>> values, units = [1, 2, 1, 3, 3, 9] * 5, [n // 2 for n in range(30)]
        >>> people, judge = ["x", "y"] * 15, [n // 2 % 3 for n in range(30)]
        >>> columns = {"annotators": people, "clusters": units}
        >>> out = leave_one_out(values, judge, units, **columns, measure=Measure.ERROR)
        >>> [(one.annotator, round(one.agreement.estimate, 2)) for one in out]
        [('x', -3.67), ('y', -0.67)]
    """
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=measure is not Measure.ACCURACY, least=1,
    )  # fmt: skip
    bounds = _bounds(judged, measure)
    return tuple(
        _dropped(judged, code, measure, bounds=bounds, options=options)
        for code in range(len(judged.ratings.rater_names))
    )


def _dropped(
    judged: Judged, code: int, measure: Measure, *, bounds: tuple[float, float], options: Options
) -> Dropped:
    ratings = judged.ratings
    theirs = ratings.raters == code
    name = str(ratings.rater_names[code])
    units = np.arange(len(judged.judge))
    gone = np.bincount(ratings.units[theirs], minlength=len(units))
    kept = ratings.sizes > gone
    left_out = int(len(kept) - kept.sum()) + judged.left_out
    if not kept.any():
        none = Estimate.none("no unit has another annotator", left_out=left_out, level=options.level)
        return Dropped(name, none, none)
    sides = []
    for removed in (np.zeros_like(theirs), theirs):
        if measure is Measure.ACCURACY:
            counts = ratings.counts
            counts[ratings.units[removed], ratings.values[removed].astype(np.int64)] -= 1
            said, target = _credit(counts, judged.judge), np.zeros(len(units))
        else:
            own = np.bincount(ratings.units[removed], weights=ratings.values[removed], minlength=len(units))
            number = ratings.sizes - np.bincount(ratings.units[removed], minlength=len(units))
            said, target = judged.judge, (ratings.sums - own) / np.maximum(number, 1)
        sides.append(_part(measure, said[kept], target[kept], ratings.clusters[kept]))
    # The two sides share the judge and most of the consensus, so what few clusters outweigh cancels out.
    standing = _standing(sides[0], sides[1], bounds, left_out=left_out, options=options, even=True)
    return Dropped(name, standing.judge, standing.difference)


@dataclass(frozen=True, slots=True)
class _Part:
    """One column against its targets, as a function of the weights of the clusters it lies in."""

    statistic: Statistic
    clusters: Ints
    n: int

    @property
    def value(self) -> float:
        return float(self.statistic(np.ones((1, len(self.clusters))))[0])

    def among(self, weights: Floats) -> Floats:
        """Return the values under weights of all clusters."""
        everywhere = len(self.clusters) == weights.shape[1]
        return self.statistic(weights if everywhere else weights[:, self.clusters])

    @property
    def is_defined(self) -> bool:
        return bool(np.isfinite(self.value))


_CORRELATIONS = {Measure.PEARSON: Coefficient.PEARSON, Measure.SPEARMAN: Coefficient.SPEARMAN}


def _compared(judged: Judged, measure: Measure) -> tuple[Floats, Floats, Floats]:
    """Return, by row, what the person and the judge said, and what the others did."""
    values = judged.ratings.values
    if measure is Measure.ACCURACY:
        others = judged.others()
        return _credit(others, values), _credit(others, judged.of_row), np.zeros(len(values))
    return values, judged.of_row, judged.mean_of_others()


def _credit(counts: Floats, said: Floats) -> Floats:
    """Return 1/k where the value is one of the k most frequent categories, else 0."""
    top = counts == counts.max(axis=1, keepdims=True, initial=0)
    hit = top[np.arange(len(said)), said.astype(np.int64)]
    return np.asarray(hit / top.sum(axis=1), dtype=np.float64)


def _part(measure: Measure, said: Floats, target: Floats, members: Ints) -> _Part:
    kept, local = np.unique(members, return_inverse=True)
    if measure in _CORRELATIONS:
        x, y = rounded(said), rounded(target)
        constant = np.all(x == x[0]) or np.all(y == y[0])
        if constant:
            return _Part(lambda weights: np.full(len(weights), np.nan), kept, len(said))
        found = once(weighted(_CORRELATIONS[measure], x, y, local.astype(np.int64)))
        return _Part(found, kept, len(said))
    scores = said if measure is Measure.ACCURACY else -np.abs(said - target)
    sums, sizes = np.bincount(local, weights=scores), np.bincount(local).astype(np.float64)
    return _Part(lambda weights: (weights @ sums) / (weights @ sizes), kept, len(said))


def _mean_of(parts: list[_Part], clusters: int, units: int) -> _Part:
    """Average parts over the clusters of all of them; a part that a resample lacks makes it undefined."""

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.mean([part.among(weights) for part in parts], axis=0))

    return _Part(statistic, np.arange(clusters), units)


def _bounds(judged: Judged, measure: Measure) -> tuple[float, float]:
    if measure is Measure.ACCURACY:
        return 0.0, 1.0
    if measure in _CORRELATIONS:
        return -1.0, 1.0
    both = np.concatenate([judged.ratings.values, judged.judge])
    farthest = float(np.ptp(both)) if len(both) else 0.0
    return -(farthest or 1.0), 0.0


def _standing(
    human: _Part,
    judge: _Part,
    bounds: tuple[float, float],
    *,
    left_out: int,
    options: Options,
    even: bool = False,
) -> Standing:
    """Estimate two parts over the same clusters and their paired difference; `even` as for `jackknife`."""
    width = bounds[1] - bounds[0]
    gap = _Part(lambda weights: judge.statistic(weights) - human.statistic(weights), judge.clusters, judge.n)
    correlation = bounds == (-1.0, 1.0)
    plain = Shape.FISHER if correlation else Shape.WILSON

    def estimate(part: _Part, within: tuple[float, float], shape: Shape) -> Estimate:
        counted = len(part.clusters)
        if not part.is_defined:
            value, ends = None, no_ends("a constant column has no correlation")
        else:
            value = part.value
            ends = bounded_interval(
                part.statistic, counted, within, options=options, shape=shape, even=even and part is gap
            )
        return with_ends(value, ends, level=options.level, n=part.n, clusters=counted, left_out=left_out)

    return Standing(
        estimate(human, bounds, plain),
        estimate(judge, bounds, plain),
        estimate(gap, (-width, width), Shape.FISHER),
    )
