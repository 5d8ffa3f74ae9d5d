"""How close each verdict of a judge is to the label of the same unit, unit by unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalhub.analysis.agreement.compared_pairs import compared_pairs
from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.judges import kind_of_judge
from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.frames.responses import judges_of_criterion, labelled_responses
from evalhub.analysis.frames.verdicts import ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, values

JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Closeness:
    """A judge beside the labels of one criterion.

    Attributes:
        judge: The judge.
        criterion: Its criterion.
        dataset: The dataset.
        label_criterion: The criterion of the labels.
        annotator_kind: Who gave the labels.
        values: For each labelled unit, in a fixed order, how close the verdict is to the label, in [0, 1]. Of
            a pair it is 1 where both are equal. None = no verdict.
        labels: The label of each unit.
    """

    judge: str
    criterion: str
    dataset: str
    label_criterion: str
    annotator_kind: str
    values: tuple[float | None, ...]
    labels: tuple[float | str | None, ...]


def closeness(results: Results) -> Iterator[Closeness]:
    """Yield how close each judge of the suite is to the labels, for each criterion that has labels.

    A rating and a label are taken to [0, 1] by their scales, and their closeness is 1 minus the distance.
    """
    for pairs in compared_pairs(results):
        for rater in pairs.raters:
            if rater.kind == JUDGE:
                labels = values(pairs.labels_for(rater))
                verdicts = values(rater.readings["combined"])
                closeness_of_units = tuple(
                    None if verdict is None or label is None else float(verdict == label)
                    for verdict, label in zip(verdicts, labels, strict=True)
                )
                yield Closeness(
                    judge=rater.name,
                    criterion=str(rater.criterion),
                    **pairs.keys,
                    values=closeness_of_units,
                    labels=tuple(labels),
                )
    yield from _of_ratings(results)


def _of_ratings(results: Results) -> Iterator[Closeness]:
    specs, rated, directions = criteria(results), ratings(results), Directions(results)
    for (dataset, criterion, kind), frame in labelled_responses(results).items():
        spec = specs[dataset, criterion]
        label_ends = spec.range or (spec.scale and (min(spec.scale.values), max(spec.scale.values)))
        labels = floats(frame["labels"])
        for column, judge in judges_of_criterion(results, rated, dataset, criterion).items():
            if column not in frame or not label_ends or kind_of_judge(judge.ratings) != JUDGE:
                continue
            rubric = results.rubric(judge.name)
            ends = rubric.bounds_of(judge.criterion) if rubric else (0.0, 1.0)
            if rubric and rubric.has_item_criteria:
                ends = results.cards[dataset].score_bounds
            if ends is None:
                continue
            is_opposed = (
                directions.of_judge(dataset, judge.name, judge.criterion) is not spec.higher_is_better
            )
            closeness_of_units = tuple(
                None
                if rating is None or label is None
                else _closeness(_share(rating, ends), _share(label, label_ends), is_opposed=is_opposed)
                for rating, label in zip(floats(frame[column]), labels, strict=True)
            )
            yield Closeness(
                judge.name, judge.criterion, dataset, criterion, kind, closeness_of_units, tuple(labels)
            )


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return (value - low) / (high - low) if high > low else 0.0


def _closeness(rating: float, label: float, *, is_opposed: bool) -> float:
    return 1 - abs((1 - rating if is_opposed else rating) - label)
