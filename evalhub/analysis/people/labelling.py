"""What people should label next, and how many labels an interval of a given width needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labels import label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.people.prediction_powered import with_labels
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, values
from evalhub.errors import InputError, UnknownNameError
from evalhub.records import AnnotatorKind, has_failed

if TYPE_CHECKING:
    import pandas as pd

_UNIT = ("item_id", "system", "system_a", "system_b", "sample")
NEEDED = (
    "dataset", "label_criterion", "judge", "criterion", "system", "measure", "labelled", "rows", "sd",
    "correlation", "design_effect", "alone", "with_judge", "reason",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a labelling queue is drawn from.

    Args:
        judge: Whose verdicts say what is in doubt.
        criterion: The judge's.
        dataset: The dataset.
        n: How many responses or pairs to draw.
        seed: Seed of the draw.
    """

    judge: str
    criterion: str
    dataset: str
    n: int
    seed: int = 0


def labelling_queue(results: Results, wanted: Wanted) -> list[Row]:
    """Draw what people should label next, a fifth of it evenly and the rest by how much the judge doubts.

    Doubt is the spread of the judge's soft verdict on a pair; ratings are drawn evenly. What people labelled
    already is left out.

    Args:
        results: The run.
        wanted: What it is drawn from.

    Returns:
        One row per response or pair, in random order: dataset, item_id, system or system_a and system_b,
        sample, criterion (the labels'), probability (of being drawn: to be kept with the label) and uniform
        (whether it is of the even fifth, on which agreement is measured).

    Raises:
        UnknownNameError: The run has no such judge, criterion or dataset.
        InputError: Too few are wanted, or too many.
    """
    frame = _asked(results, wanted)
    criterion = label_criterion(results, wanted.judge, wanted.dataset, wanted.criterion) or wanted.criterion
    done = _labelled(results, wanted.dataset, criterion)
    rows = [
        (unit, doubt)
        for unit, doubt in zip(_units(frame), _doubts(frame), strict=True)
        if _key(unit) not in done
    ]
    if not rows:
        raise InputError("people labelled all of it already", where=results.run.id, value=criterion)
    units = {"\0".join(map(str, unit.values())): unit for unit, _ in rows}
    doubts = [doubt for _, doubt in rows]
    drawn = stats.labelling_queue(list(units), doubts, n=wanted.n, seed=wanted.seed)
    return [
        {
            "dataset": wanted.dataset, **units[one.id], "criterion": criterion,
            "probability": one.probability, "uniform": one.uniform,
        }
        for one in drawn
    ]  # fmt: skip


def labels_needed(results: Results, *, width: float) -> pd.DataFrame:
    """Return how many labels each system's mean needs for an interval of a width, alone and beside a judge.

    The labels at hand are the pilot: their spread, how far the judge goes with them, how items cluster.
    `alone` counts labels of people, `with_judge` labels beside the judge's verdicts on all rows.

    Args:
        results: The run.
        width: From end to end, in the labels' unit.
    """
    import pandas as pd

    rows: list[Row] = []
    for about, joined, _ in with_labels(results):
        labels, verdicts = floats(joined["label"]), floats(joined["value"])
        both = joined["label"].notna() & joined["value"].notna()
        known = {**about, "labelled": int(both.sum()), "rows": len(joined)}
        if joined["probability"].nunique() > 1:
            rows.append({**known, "reason": "labels drawn by doubt are no pilot for evenly drawn ones"})
            continue
        found = stats.pilot(labels, verdicts, joined["cluster"].tolist())
        if found is None:
            rows.append({**known, "reason": "the labels at hand are too few or all the same"})
            continue
        needed = stats.labels_needed(width, found, rows=len(joined))
        rows.append(
            {
                **known, "sd": found.sd, "correlation": found.correlation,
                "design_effect": found.design_effect, "alone": needed.without_judge,
                "with_judge": needed.with_judge, "reason": needed.reason,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(NEEDED))


def _asked(results: Results, wanted: Wanted) -> pd.DataFrame:
    """Return what the judge said of each pair or response."""
    if wanted.judge in results.manifest["judges"] and not _heard(results, wanted.judge):
        raise InputError("the judge gave no valid verdict", where=results.run.id, value=wanted.judge)
    asked = [frame for frame in (pair_verdicts(results), ratings(results)) if len(frame)]
    for name in ("judge", "dataset", "criterion"):
        known = sorted({str(one) for frame in asked for one in frame[name]})
        if (given := getattr(wanted, name)) not in known:
            raise UnknownNameError(name, given, known, where=results.run.id)
        asked = [frame[frame[name] == given] for frame in asked]
    return next(frame for frame in asked if len(frame))


def _heard(results: Results, judge: str) -> bool:
    judgments = results.judgments()
    return not judgments.loc[judgments["judge"] == judge, "failure"].map(has_failed).all()


def _doubts(frame: pd.DataFrame) -> list[float | None]:
    """Return how much the judge doubts each pair; of ratings nothing is known, so they are drawn evenly."""
    if "p_a" not in frame or not frame["p_a"].notna().any():
        return [1.0] * len(frame)
    return [None if p is None else (p * (1 - p)) ** 0.5 for p in floats(frame["p_a"])]


def _units(frame: pd.DataFrame) -> list[Row]:
    names = [name for name in _UNIT if name in frame]
    columns = zip(*(values(frame[name]) for name in names), strict=True)
    return [dict(zip(names, unit, strict=True)) for unit in columns]


def _labelled(results: Results, dataset: str, criterion: str) -> set[tuple[Any, ...]]:
    labels = results.labels()
    human = labels["annotator_kind"] == AnnotatorKind.HUMAN.value
    mine = labels[human & (labels["dataset"] == dataset) & (labels["criterion"] == criterion)]
    return {_key(unit) for unit in _units(mine)}


def _key(unit: Row) -> tuple[Any, ...]:
    return tuple(unit.get(name) for name in _UNIT)
