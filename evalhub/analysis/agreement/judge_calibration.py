"""What a judge's probabilities and expected levels are worth: the map onto labels, and how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalhub import stats
from evalhub.analysis.frames.directions import OTHER_WAY, Directions
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.frames.responses import judges_of_criterion, labelled_responses
from evalhub.analysis.frames.verdicts import few_sample_judges, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.run.servers import NO_PROBABILITIES
from evalhub.analysis.tables import floats
from evalhub.judging.aggregate import SOFT_SAMPLES
from evalhub.records import AnnotatorKind
from evalhub.scales import Kind
from evalhub.specs import CriterionSpec

if TYPE_CHECKING:
    import pandas as pd

NO_LABELS = "the run has no labels of people, or by construction, for this judge and criterion"
OTHER_SCALES = "the labels of the datasets have different scales"
OTHER_UNIT = "the judge's levels are not in the labels' unit"
FEW_SAMPLES = f"the probabilities depend on fewer than {SOFT_SAMPLES} sampled rationales"

# Labels of models say nothing of people. Labels by construction count where no people labelled anything.
_KINDS = (AnnotatorKind.HUMAN, AnnotatorKind.CONSTRUCTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCalibration:
    """A judge on one criterion, calibrated on the labels of a run.

    The errors are Brier scores for pairs. For ratings they are mean squared distances of the expected level,
    in the labels' unit squared. Lower is better. `calibrated` and `change` are cross-fitted: each cluster is
    mapped by a curve of the other clusters.

    Attributes:
        map: From the probability that a wins, or from the expected level, to what the labels say. Fitted on
            all labelled clusters. None where there are too few.
        reason: Why there is no map.
        annotator_kind: Who gave the labels.
        datasets: The datasets of the labels.
        labels: The number of labelled verdicts with a probability. Ties of the labels are left out.
        clusters: The number of independent clusters among them.
        raw: The error of the judge as it is.
        calibrated: The error after the map.
        change: The second minus the first. Below 0 = the map helps.
    """

    map: stats.IsotonicMap | None = None
    reason: str | None = None
    annotator_kind: str | None = None
    datasets: tuple[str, ...] = ()
    labels: int = 0
    clusters: int = 0
    raw: stats.Estimate
    calibrated: stats.Estimate
    change: stats.Estimate


@dataclass(slots=True)
class _Columns:
    """The labelled verdicts of a judge on one criterion, one entry per verdict."""

    datasets: list[str] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    labels: list[float | None] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)

    @property
    def clusters(self) -> list[str]:
        """The clusters. Two datasets may have some of one name, which are then told apart."""
        is_single = len(self.datasets) < 2
        return [cluster if is_single else f"{dataset}\0{cluster}" for dataset, cluster in self.places]

    def add(
        self,
        dataset: str,
        scores: list[float | None],
        labels: list[float | None],
        clusters: list[str],
    ) -> None:
        self.datasets.append(dataset)
        self.scores += scores
        self.labels += labels
        self.places += [(dataset, cluster) for cluster in clusters]


def judge_calibration(results: Results, judge: str, criterion: str) -> JudgeCalibration:
    """Return how a judge's numbers on a criterion are mapped onto the labels of a run.

    The labels are those of people, or those by construction where people labelled nothing, of all datasets.

    Args:
        results: The run.
        judge: A judge that the run executed.
        criterion: One of its criteria.
    """
    rubric = results.rubric(judge)
    is_pairwise = rubric is not None and rubric.kind is Kind.PAIRWISE
    if judge in few_sample_judges(results):
        return _without(FEW_SAMPLES)
    for kind in _KINDS:
        if is_pairwise:
            columns, bounds, reason = _pairs(results, judge, criterion, kind), None, None
        else:
            columns, bounds, reason = _ratings(results, judge, criterion, kind)
        if not columns.labels:
            continue
        if reason is None and all(score is None for score in columns.scores):
            reason = NO_PROBABILITIES
        if reason is not None:
            return _without(reason, columns, kind)
        own_bounds = None if rubric is None else rubric.bounds_of(criterion)
        in_unit = is_pairwise or (bounds is not None and own_bounds == bounds)
        return _calibrate(columns, kind, mirrored=is_pairwise, bounds=bounds, in_unit=in_unit)
    return _without(NO_LABELS)


def _without(
    reason: str, columns: _Columns | None = None, kind: AnnotatorKind | None = None
) -> JudgeCalibration:
    columns = columns or _Columns()
    absent = stats.Estimate.none(reason, n_excluded=len(columns.labels))
    return JudgeCalibration(
        reason=reason,
        annotator_kind=None if kind is None else kind.value,
        datasets=tuple(columns.datasets),
        raw=absent,
        calibrated=absent,
        change=absent,
    )


def _pairs(results: Results, judge: str, criterion: str, kind: AnnotatorKind) -> _Columns:
    """Return the probabilities that a wins, and 1 or 0 for the labels. A label that is a tie is None."""
    columns = _Columns()
    for dataset, rows in _of_judge(labelled_pairs(results), judge, criterion, kind):
        outcomes = [{"a": 1.0, "b": 0.0}.get(winner) for winner in rows["label_winner"]]
        columns.add(dataset, floats(rows["p_a"]), outcomes, rows["cluster"].astype(str).tolist())
    return columns


def _of_judge(
    pairs: pd.DataFrame, judge: str, criterion: str, kind: AnnotatorKind
) -> Iterator[tuple[str, pd.DataFrame]]:
    is_of_judge = (pairs["judge"] == judge) & (pairs["criterion"] == criterion)
    rows = pairs[is_of_judge & (pairs["annotator_kind"] == kind.value)]
    for dataset, group in rows.groupby("dataset", sort=True, observed=True):
        yield str(dataset), group


def _ratings(
    results: Results, judge: str, criterion: str, kind: AnnotatorKind
) -> tuple[_Columns, tuple[float, float] | None, str | None]:
    """Return the expected levels with the labels, the labels' bounds, and why they cannot be compared."""
    columns, specs = _Columns(), criteria(results)
    all_bounds = set()
    reason = None
    rated = ratings(results)
    for (dataset, label_criterion, kind_name), frame in labelled_responses(results).items():
        if kind_name != kind.value:
            continue
        by_column = judges_of_criterion(results, rated, dataset, label_criterion)
        for column, entry in by_column.items():
            if (entry.name, entry.criterion) != (judge, criterion):
                continue
            spec = specs[dataset, label_criterion]
            all_bounds.add(_bounds(spec))
            direction = Directions(results).of_judge(dataset, judge, criterion)
            reason = OTHER_WAY if direction is not spec.higher_is_better else reason
            soft = f"{column} (soft)"
            absent: list[float | None] = [None] * len(frame)
            scores = floats(frame[soft]) if soft in frame else absent
            columns.add(dataset, scores, floats(frame["labels"]), frame["cluster"].astype(str).tolist())
    if len(all_bounds) > 1:
        return columns, None, OTHER_SCALES
    return columns, next(iter(all_bounds), None), reason


def _bounds(spec: CriterionSpec) -> tuple[float, float] | None:
    if spec.scale:
        return min(spec.scale.values), max(spec.scale.values)
    return spec.range


def _calibrate(
    columns: _Columns,
    kind: AnnotatorKind,
    *,
    mirrored: bool,
    bounds: tuple[float, float] | None,
    in_unit: bool,
) -> JudgeCalibration:
    """Return the map and the errors of verdicts, whose raw numbers need not be in the labels' unit."""
    scores, labels, clusters = columns.scores, columns.labels, columns.clusters
    limits = (0.0, 1.0) if mirrored else bounds
    mapped, reason = stats.recalibrated(scores, labels, clusters, mirrored=mirrored)
    counts = stats.squared_error(scores, labels, clusters)
    raw = change = stats.Estimate.none(OTHER_UNIT, n_excluded=len(labels))
    if in_unit:
        raw = stats.squared_error(scores, labels, clusters, bounds=limits)
        change = stats.squared_error_change(scores, mapped, labels, clusters)
    calibrated = stats.squared_error(mapped, labels, clusters, bounds=limits)
    if reason is not None:
        calibrated = change = stats.Estimate.none(reason, n_excluded=len(labels))
    return JudgeCalibration(
        map=None if reason else stats.calibration_map(scores, labels, mirrored=mirrored),
        reason=reason,
        annotator_kind=kind.value,
        datasets=tuple(columns.datasets),
        labels=counts.n,
        clusters=counts.clusters,
        raw=raw,
        calibrated=calibrated,
        change=change,
    )
