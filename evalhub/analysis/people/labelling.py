"""Labelling queues for people, and the number of labels for an interval of a given width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labels import label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.people.prediction_powered import labelled_outcomes
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, rows_of, values
from evalhub.errors import InputError, UnknownNameError
from evalhub.records import AnnotatorKind, has_failed

if TYPE_CHECKING:
    import pandas as pd

_UNIT = ("item_id", "system", "system_a", "system_b", "sample")
LABELS_NEEDED_COLUMNS = (
    "dataset", "label_criterion", "judge", "criterion", "system", "measure", "labelled", "rows", "sd",
    "correlation", "design_effect", "alone", "with_judge", "reason",
)  # fmt: skip

Row = dict[str, Any]

_ITEMS = """
SELECT item_id, array_to_string(turns, chr(10)) AS prompt, context, refs[-1] AS "references" FROM items
WHERE dataset = $dataset AND list_contains($names::VARCHAR[], item_id)
"""
_RESPONSES = """
SELECT item_id, system, sample, text FROM responses
WHERE dataset = $dataset AND list_contains($names::VARCHAR[], item_id)
"""


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """The request for a labelling queue.

    Attributes:
        judge: Id of the judge whose uncertainty decides how likely a pair is drawn.
        criterion: The judge's criterion.
        dataset: Id of the dataset.
        n: Number of responses or pairs to draw.
        seed: Seed of the draw.
    """

    judge: str
    criterion: str
    dataset: str
    n: int
    seed: int = 0


def labelling_queue(results: Results, request: QueueRequest) -> list[Row]:
    """Draw the responses or pairs that people should label next.

    A fifth is drawn uniformly. The others are drawn with a probability proportional to the judge's
    uncertainty, which is the standard deviation of its soft verdict on a pair. Ratings have no uncertainty
    here, so all of them are drawn uniformly. Units with a human label are left out.

    Args:
        results: The run.
        request: The judge, the dataset and the number of units.

    Returns:
        One row per response or pair, in random order: dataset, item_id, system or system_a and system_b,
        sample, criterion (of the labels), probability (with which the unit was drawn, to be stored with its
        label), uniform (whether it belongs to the uniform fifth, on which agreement is measured), and the
        texts: prompt, context, references (if the judge reads them too), and response, or response_a and
        response_b.

    Raises:
        UnknownNameError: The run has no such judge, criterion or dataset.
        InputError: The number of units is too small or too large.
    """
    frame = _judged_units(results, request)
    criterion = label_criterion(results, request.judge, request.dataset, request.criterion)
    criterion = criterion or request.criterion
    labelled = _labelled_units(results, request.dataset, criterion)
    candidates = [
        (unit, uncertainty)
        for unit, uncertainty in zip(_units(frame), _uncertainties(frame), strict=True)
        if _key(unit) not in labelled
    ]
    if not candidates:
        raise InputError("people labelled all of it already", where=results.run.id, value=criterion)
    units = {"\0".join(map(str, unit.values())): unit for unit, _ in candidates}
    uncertainties = [uncertainty for _, uncertainty in candidates]
    queue = stats.labelling_queue(list(units), uncertainties, n=request.n, seed=request.seed)
    rows = [
        {
            "dataset": request.dataset, **units[draw.id], "criterion": criterion,
            "probability": draw.probability, "uniform": draw.uniform,
        }
        for draw in queue
    ]  # fmt: skip
    rubric = results.rubric(request.judge)
    has_references = rubric is not None and "reference" in rubric.inputs
    columns = ("prompt", "context", "references") if has_references else ("prompt", "context")
    return _with_texts(results, request.dataset, rows, columns)


def _with_texts(results: Results, dataset: str, rows: list[Row], columns: tuple[str, ...]) -> list[Row]:
    """Return units with what an annotator reads: columns of the item, and the responses."""
    names = {"dataset": dataset, "names": [row["item_id"] for row in rows]}
    items = rows_of(results.sql(_ITEMS, names))
    prompts = {item["item_id"]: {name: item[name] for name in columns} for item in items}
    texts = {
        (response["item_id"], response["system"], response["sample"]): response["text"]
        for response in rows_of(results.sql(_RESPONSES, names))
    }
    sides = {"system": "response", "system_a": "response_a", "system_b": "response_b"}
    return [
        {
            **row,
            **prompts[row["item_id"]],
            **{
                text: texts.get((row["item_id"], row[side], row["sample"]))
                for side, text in sides.items()
                if row.get(side)
            },
        }
        for row in rows
    ]


def labels_needed(results: Results, *, width: float) -> pd.DataFrame:
    """Return how many labels each system's mean needs for an interval of a given width.

    The existing labels are the pilot. They show the spread of the labels, their correlation with the judge
    and the effect of clusters. `alone` is the number of labels without a judge. `with_judge` is the number of
    labels in addition to the judge's verdicts on all rows.

    Args:
        results: The run.
        width: Width of the interval from end to end, in the unit of the labels.
    """
    import pandas as pd

    rows: list[Row] = []
    for system in labelled_outcomes(results):
        joined = system.rows
        labels, verdicts = floats(joined["label"]), floats(joined["value"])
        has_label_and_verdict = joined["label"].notna() & joined["value"].notna()
        facts = {**system.keys, "labelled": int(has_label_and_verdict.sum()), "rows": len(joined)}
        if joined["probability"].nunique() > 1:
            rows.append({**facts, "reason": "labels drawn by doubt are no pilot for evenly drawn ones"})
            continue
        pilot = stats.pilot(labels, verdicts, joined["cluster"].tolist())
        if pilot is None:
            rows.append({**facts, "reason": "the labels at hand are too few or all the same"})
            continue
        numbers = stats.labels_needed(width, pilot, rows=len(joined))
        rows.append(
            {
                **facts, "sd": pilot.sd, "correlation": pilot.correlation,
                "design_effect": pilot.design_effect, "alone": numbers.without_judge,
                "with_judge": numbers.with_judge, "reason": numbers.reason,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(LABELS_NEEDED_COLUMNS))


def _judged_units(results: Results, request: QueueRequest) -> pd.DataFrame:
    """Return the judge's verdicts on the pairs or responses of the request."""
    if request.judge in results.judges and not _has_verdict(results, request.judge):
        raise InputError("the judge gave no valid verdict", where=results.run.id, value=request.judge)
    frames = [frame for frame in (pair_verdicts(results), ratings(results)) if len(frame)]
    for column in ("judge", "dataset", "criterion"):
        allowed = sorted({str(name) for frame in frames for name in frame[column]})
        if (name := getattr(request, column)) not in allowed:
            raise UnknownNameError(column, name, allowed, where=results.run.id)
        frames = [frame[frame[column] == name] for frame in frames]
    return next(frame for frame in frames if len(frame))


def _has_verdict(results: Results, judge: str) -> bool:
    judgments = results.judgments()
    return not judgments.loc[judgments["judge"] == judge, "failure"].map(has_failed).all()


def _uncertainties(frame: pd.DataFrame) -> list[float | None]:
    """Return the standard deviation of the judge's verdict on each pair, and a constant for ratings."""
    if "p_a" not in frame or not frame["p_a"].notna().any():
        return [1.0] * len(frame)
    return [None if p is None else (p * (1 - p)) ** 0.5 for p in floats(frame["p_a"])]


def _units(frame: pd.DataFrame) -> list[Row]:
    names = [name for name in _UNIT if name in frame]
    columns = zip(*(values(frame[name]) for name in names), strict=True)
    return [dict(zip(names, unit, strict=True)) for unit in columns]


def _labelled_units(results: Results, dataset: str, criterion: str) -> set[tuple[Any, ...]]:
    labels = results.labels()
    human = labels["annotator_kind"] == AnnotatorKind.HUMAN.value
    labels = labels[human & (labels["dataset"] == dataset) & (labels["criterion"] == criterion)]
    return {_key(unit) for unit in _units(labels)}


def _key(unit: Row) -> tuple[Any, ...]:
    return tuple(unit.get(name) for name in _UNIT)
