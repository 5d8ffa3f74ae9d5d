"""The levels that pointwise judges give, joined with those of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.analysis.frames.directions import OTHER_WAY, Directions
from evalhub.analysis.frames.item_criteria import LabelledAnswers, labelled_answers
from evalhub.analysis.frames.judges import kind_of_judge
from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.frames.responses import judges_of_criterion, labelled_responses
from evalhub.analysis.frames.verdicts import ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats
from evalhub.scales import Level, Scale
from evalhub.specs import CriterionSpec

MEANS = "accuracy of means is not defined"
OTHER_LEVELS = "the judge's levels are not the labels'"

YES_NO = Scale((Level("0", 0.0, "not met"), Level("1", 1.0, "met")))
"""The answers of a judge on a criterion of an item."""

Columns = tuple[dict[str, Any], list[str | None] | str, list[str | None], list[Any]]


def level_columns(results: Results) -> Iterator[Columns]:
    """Yield the levels of each pointwise judge and of the labels, for each labelled criterion.

    Each element holds the keys (dataset, rater and so on), the judge's levels, the labels' levels and the
    clusters. If the judge's levels cannot be compared with the labels', the reason stands in their place.
    """
    specs, rated, directions = criteria(results), ratings(results), Directions(results)
    for (dataset, criterion, kind), frame in labelled_responses(results).items():
        spec = specs[dataset, criterion]
        for column, judge in judges_of_criterion(results, rated, dataset, criterion).items():
            rubric = results.rubric(judge.name)
            scale = rubric.scale_for(judge.criterion) if rubric else spec.scale
            values = floats(frame[column]) if column in frame else [None] * len(frame)
            keys = {
                "dataset": dataset, "label_criterion": criterion, "annotator_kind": kind, "rater": judge.name,
                "rater_kind": kind_of_judge(judge.ratings), "criterion": judge.criterion,
            }  # fmt: skip
            direction = directions.of_judge(dataset, judge.name, judge.criterion)
            opposed = direction is not spec.higher_is_better
            levels = OTHER_WAY if opposed else _mismatch(spec, scale, values) or _texts(values)
            yield keys, levels, _texts(floats(frame["labels"])), frame["cluster"].tolist()


def criterion_columns(results: Results) -> Iterator[tuple[Columns, LabelledAnswers]]:
    """Yield the answers of each judge on the criteria of items and the labels, all criteria together.

    Each element holds the columns as `level_columns` yields them, one row per labelled criterion of a
    response, and the rows that they are made of.
    """
    specs, directions = criteria(results), Directions(results)
    for answers in labelled_answers(results):
        keys = answers.keys
        spec = specs[keys["dataset"], keys["label_criterion"]]
        values = floats(answers.frame["value"])
        scale = YES_NO if results.rubric(keys["rater"]) else spec.scale
        direction = directions.of_judge(keys["dataset"], keys["rater"], keys["criterion"])
        opposed = direction is not spec.higher_is_better
        levels = OTHER_WAY if opposed else _mismatch(spec, scale, values) or _texts(values)
        labels, clusters = floats(answers.frame["label_value"]), answers.frame["cluster"].tolist()
        yield (keys, levels, _texts(labels), clusters), answers


def _mismatch(spec: CriterionSpec, scale: Scale | None, values: Sequence[float | None]) -> str | None:
    """Return why the levels of a judge and of the labels cannot be compared. None = they can."""
    if spec.consensus and spec.consensus.by != "majority":
        return MEANS
    if scale is None or spec.scale is None or set(scale.values) != set(spec.scale.values):
        return OTHER_LEVELS
    # Several samples of one response are averaged, and their mean need not be a level.
    return None if {*values} <= {None, *scale.values} else MEANS


def _texts(values: Sequence[float | None]) -> list[str | None]:
    return [None if value is None else f"{value:g}" for value in values]
