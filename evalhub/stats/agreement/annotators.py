"""Agreement among people, measured like that of the judge: the human ceiling, and influential annotators.

These statistics follow persons from unit to unit, so `annotators` must identify persons. Where they are slots
(the first, second and third label of any person), they have no meaning, and `SLOTS` is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.stats.agreement.others import JudgeColumn, read_judged
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import IntervalShape, Statistic, once
from evalhub.stats.clusters import Column, Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, rounded
from evalhub.stats.correlation.weighted import weighted
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import no_ends, with_ends

SLOTS = "annotators are slots, not people"
MIN_UNITS = 10
CONSTANT = "a constant column has no correlation"


class AgreementMeasure(StrEnum):
    """Agreement with the other annotators.

    - accuracy: the share of units with the category that most of the others chose. Where the others tie
      between k categories, each of these counts 1/k;
    - spearman: correlation with the mean of the others.
    """

    ACCURACY = "accuracy"
    SPEARMAN = "spearman"


@dataclass(frozen=True, slots=True)
class JudgeVersusHumans:
    """The judge beside people, both compared with the same other people.

    Args:
        human: Agreement of the person with the others.
        judge: Agreement of the judge with the same others on the same units.
        difference: Judge minus human, paired. Above 0 = the judge agrees better.
    """

    human: Estimate
    judge: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Agreement of people with each other, and of the judge with the same people.

    Args:
        mean: The mean over the annotators. Its n counts units.
        annotators: Each annotator that enters the mean, by id.
        excluded: Annotators with too few units or an undefined agreement, and why.
    """

    mean: JudgeVersusHumans
    annotators: dict[str, JudgeVersusHumans]
    excluded: dict[str, str]


@dataclass(frozen=True, slots=True)
class Dropped:
    """The judge against the consensus without one annotator.

    Args:
        annotator: The annotator that is dropped.
        agreement: The judge's agreement with the consensus of the others.
        change: That minus its agreement with the consensus of all on the same units. Above 0 = the judge
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
    measure: AgreementMeasure,
) -> Ceiling:
    """Compare each annotator, and the judge in each one's place, with the other annotators.

    Choose it to read a judge's agreement: a judge that agrees with people as well as they do with each other
    has reached the ceiling.

    Args:
        values: (n,) one person's value of one unit: categories (accuracy) or numbers. None = missing.
        judge: (n,) the judge's value of the row's unit, the same in all its rows. None = missing.
        units: (n,) unit ids.
        annotators: (n,) ids of persons, not of slots.
        clusters: (n,) cluster ids of the units.
        measure: The kind of agreement.

    Returns:
        Human and judge, each the mean over the annotators of the agreement with the others, higher = better,
        and their difference. None with fewer than 2 annotators of 10 units or more. The interval is about
        these annotators on units like these.

    Raises:
        InputError: The columns differ in length, a value is no number where a number is needed, someone has
            two values of one unit, or a unit lies in two clusters.

    Source: Krippendorff, Content Analysis, 3rd edition, 2013, chapter 12 (reliability bounds validity).
        Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (the paired interval).

    Example:
        >>> values, units = ["a", "b", "a", "a", "b", "b"] * 5, [n // 2 for n in range(30)]
        >>> columns = {"annotators": ["x", "y"] * 15, "clusters": units, "measure": AgreementMeasure.ACCURACY}
        >>> mean = ceiling(values, ["a" if unit % 3 < 2 else "b" for unit in units], units, **columns).mean
        >>> round(mean.human.estimate, 3), round(mean.judge.estimate, 3)
        (0.667, 0.833)
    """
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=measure is not AgreementMeasure.ACCURACY, min_annotators=2,
    )  # fmt: skip
    ratings = judged.ratings
    people, machine, target = _columns(judged, measure)
    members = ratings.clusters[ratings.units]
    pairs: dict[str, tuple[_Part, _Part]] = {}
    excluded: dict[str, str] = {}
    for code, name in enumerate(ratings.rater_names.tolist()):
        rows = ratings.raters == code
        if rows.sum() < MIN_UNITS:
            excluded[name] = f"fewer than {MIN_UNITS} units"
            continue
        human, other = (_part(measure, side[rows], target[rows], members[rows]) for side in (people, machine))
        if not (human.is_defined and other.is_defined):
            excluded[name] = CONSTANT
            continue
        pairs[name] = (human, other)
    if len(pairs) < 2:
        reason = f"fewer than 2 annotators of {MIN_UNITS} units or more"
        no_estimate = Estimate.none(reason, n=len(judged.judge), n_excluded=judged.n_excluded)
        return Ceiling(JudgeVersusHumans(no_estimate, no_estimate, no_estimate), {}, excluded)
    count = int(ratings.clusters.max()) + 1
    entered = len(np.unique(ratings.units[np.isin(ratings.rater_names[ratings.raters], list(pairs))]))
    human, other = (_mean_of([pair[side] for pair in pairs.values()], count, entered) for side in (0, 1))
    return Ceiling(
        _versus_humans(human, other, measure, n_excluded=len(judged.judge) - entered + judged.n_excluded),
        {name: _versus_humans(*pair, measure, n_excluded=0) for name, pair in pairs.items()},
        excluded,
    )


def leave_one_out(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    measure: AgreementMeasure,
) -> tuple[Dropped, ...]:
    """Compare the judge with the consensus without each annotator in turn, to find influential annotators.

    Args:
        values, judge, units, annotators, clusters: As in `ceiling`.
        measure: The kind of agreement. The consensus is the majority (accuracy) or the mean.

    Returns:
        One result for each annotator, by id. It leaves out the units that nobody else annotated.

    Raises:
        InputError: As `ceiling`.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11 (the paired interval).

    Example:
        >>> values, units = ["a", "b", "a", "a", "b", "b"] * 5, [n // 2 for n in range(30)]
        >>> columns = {"annotators": ["x", "y"] * 15, "clusters": units, "measure": AgreementMeasure.ACCURACY}
        >>> judge = ["a" if unit % 3 < 2 else "b" for unit in units]
        >>> results = leave_one_out(values, judge, units, **columns)
        >>> [(result.annotator, round(result.agreement.estimate, 2)) for result in results]
        [('x', 0.67), ('y', 1.0)]
    """
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=measure is not AgreementMeasure.ACCURACY, min_annotators=1,
    )  # fmt: skip
    return tuple(_dropped(judged, code, measure) for code in range(len(judged.ratings.rater_names)))


def _dropped(judged: JudgeColumn, code: int, measure: AgreementMeasure) -> Dropped:
    ratings = judged.ratings
    rows = ratings.raters == code
    name = str(ratings.rater_names[code])
    units = np.arange(len(judged.judge))
    dropped = np.bincount(ratings.units[rows], minlength=len(units))
    remaining = ratings.sizes > dropped
    n_excluded = int(len(remaining) - remaining.sum()) + judged.n_excluded
    if not remaining.any():
        no_estimate = Estimate.none("no unit has another annotator", n_excluded=n_excluded)
        return Dropped(name, no_estimate, no_estimate)
    sides = []
    for removed in (np.zeros_like(rows), rows):
        if measure is AgreementMeasure.ACCURACY:
            counts = ratings.counts
            counts[ratings.units[removed], ratings.values[removed].astype(np.int64)] -= 1
            scores, target = _credit(counts, judged.judge), np.zeros(len(units))
        else:
            sums = np.bincount(ratings.units[removed], weights=ratings.values[removed], minlength=len(units))
            number = ratings.sizes - np.bincount(ratings.units[removed], minlength=len(units))
            scores, target = judged.judge, (ratings.sums - sums) / np.maximum(number, 1)
        sides.append(_part(measure, scores[remaining], target[remaining], ratings.clusters[remaining]))
    # The two sides share the judge and most of the consensus, so a cluster's greater weight cancels out.
    comparison = _versus_humans(sides[0], sides[1], measure, n_excluded=n_excluded, even=True)
    return Dropped(name, comparison.judge, comparison.difference)


@dataclass(frozen=True, slots=True)
class _Part:
    """The agreement of one column with its targets, as a function of the weights of its clusters."""

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


def _columns(judged: JudgeColumn, measure: AgreementMeasure) -> tuple[Floats, Floats, Floats]:
    """Return, by row, the scores of the person and the judge, and the target from the others."""
    values = judged.ratings.values
    if measure is AgreementMeasure.ACCURACY:
        counts = judged.counts_of_others()
        return _credit(counts, values), _credit(counts, judged.of_row), np.zeros(len(values))
    return values, judged.of_row, judged.mean_of_others()


def _credit(counts: Floats, values: Floats) -> Floats:
    """Return 1/k where the value is one of the k most frequent categories, else 0."""
    top = counts == counts.max(axis=1, keepdims=True, initial=0)
    hit = top[np.arange(len(values)), values.astype(np.int64)]
    return np.asarray(hit / top.sum(axis=1), dtype=np.float64)


def _part(measure: AgreementMeasure, scores: Floats, target: Floats, members: Ints) -> _Part:
    clusters, local = np.unique(members, return_inverse=True)
    if measure is AgreementMeasure.ACCURACY:
        sums, sizes = np.bincount(local, weights=scores), np.bincount(local).astype(np.float64)
        return _Part(lambda weights: (weights @ sums) / (weights @ sizes), clusters, len(scores))
    x, y = rounded(scores), rounded(target)
    if np.all(x == x[0]) or np.all(y == y[0]):
        return _Part(lambda weights: np.full(len(weights), np.nan), clusters, len(scores))
    statistic = once(weighted(Coefficient.SPEARMAN, x, y, local.astype(np.int64)))
    return _Part(statistic, clusters, len(scores))


def _mean_of(parts: list[_Part], clusters: int, units: int) -> _Part:
    """Average parts over all their clusters. A part that is absent from a resample makes it undefined."""

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.mean([part.among(weights) for part in parts], axis=0))

    return _Part(statistic, np.arange(clusters), units)


def _versus_humans(
    human: _Part, judge: _Part, measure: AgreementMeasure, *, n_excluded: int, even: bool = False
) -> JudgeVersusHumans:
    """Estimate two parts over the same clusters and their paired difference. See `jackknife` for `even`."""
    is_share = measure is AgreementMeasure.ACCURACY
    low, plain = (0.0, IntervalShape.WILSON) if is_share else (-1.0, IntervalShape.FISHER)
    gap = _Part(lambda weights: judge.statistic(weights) - human.statistic(weights), judge.clusters, judge.n)

    def estimate(part: _Part, bounds: tuple[float, float], shape: IntervalShape) -> Estimate:
        count = len(part.clusters)
        counts = {"n": part.n, "clusters": count, "n_excluded": n_excluded}
        if not part.is_defined:
            return with_ends(None, no_ends(CONSTANT), **counts)
        ends = bounded_interval(part.statistic, count, bounds, shape=shape, even=even and part is gap)
        return with_ends(part.value, ends, **counts)

    return JudgeVersusHumans(
        estimate(human, (low, 1.0), plain),
        estimate(judge, (low, 1.0), plain),
        estimate(gap, (low - 1.0, 1.0 - low), IntervalShape.FISHER),
    )
