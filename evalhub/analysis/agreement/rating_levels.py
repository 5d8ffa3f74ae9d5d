"""The levels that pointwise judges give, beside those of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.analysis.frames.directions import OTHER_WAY, Directions
from evalhub.analysis.frames.judges import kind_of_judge
from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.frames.responses import held, side_by_side
from evalhub.analysis.frames.verdicts import ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats
from evalhub.scales import Scale
from evalhub.specs import CriterionSpec

MEANS = "accuracy of means is not defined"
OTHER_LEVELS = "the judge's levels are not the labels'"

Columns = tuple[dict[str, Any], list[str | None] | str, list[str | None], list[Any]]


def level_columns(results: Results) -> Iterator[Columns]:
    """Yield, for each labelled criterion and judge held against it, whose levels stand side by side.

    Each is what the columns are about, the judge's levels (or why they are not those of the
    labels), the labels, and the clusters.
    """
    specs, rated, directions = criteria(results), ratings(results), Directions(results)
    for (dataset, criterion, kind), frame in side_by_side(results).items():
        spec = specs[dataset, criterion]
        for called, (judge, name, mine) in held(results, rated, dataset, criterion).items():
            rubric = results.rubric(judge)
            scale = rubric.scale_for(name) if rubric else spec.scale
            said = floats(frame[called]) if called in frame else [None] * len(frame)
            named = {
                "dataset": dataset, "label_criterion": criterion, "annotator_kind": kind, "rater": judge,
                "kind": kind_of_judge(mine), "criterion": name,
            }  # fmt: skip
            opposed = directions.of_judge(dataset, judge, name) is not spec.higher_is_better
            levels = OTHER_WAY if opposed else _why_not(spec, scale, said) or _texts(said)
            yield named, levels, _texts(floats(frame["labels"])), frame["cluster"].tolist()


def _why_not(spec: CriterionSpec, scale: Scale | None, said: Sequence[float | None]) -> str | None:
    if spec.truth and spec.truth.by != "majority":
        return MEANS
    if scale is None or spec.scale is None or set(scale.values) != set(spec.scale.values):
        return OTHER_LEVELS
    # Several askings of one response are averaged, and their mean need not be a level.
    return None if {*said} <= {None, *scale.values} else MEANS


def _texts(values: Sequence[float | None]) -> list[str | None]:
    return [None if value is None else f"{value:g}" for value in values]
