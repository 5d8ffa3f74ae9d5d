"""A dataset whose items bring criteria along, a judge that asks them, and their scores by plain Python."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from evalhub.records import Judgment
from evalhub.store import Run

from .conftest import JUDGE, Desk, scripted

Row = dict[str, Any]

JUDGE_OF_ITEMS = {"id": "grader", "rubric": "item-checklist", **JUDGE}
STRUCT = "STRUCT(id VARCHAR, text VARCHAR, points DOUBLE, tags VARCHAR[])[]"


def criterion(text: str, points: float, *tags: str, name: str | None = None) -> Row:
    """Return a criterion as it stands in a file."""
    return {"id": name, "text": text, "points": points, "tags": list(tags)}


CRITERIA: dict[str, list[Row] | None] = {
    "i0": [
        criterion("It names the sum.", 5, "axis:accuracy"),
        criterion("It is short.", 3, "axis:style"),
        criterion("It says that sums do not matter.", -4, "axis:accuracy"),
    ],
    "i1": [criterion("It names the sum.", 2, "axis:accuracy", name="sum")],
    "i2": None,
    "i3": [
        criterion("It is rude.", -6, "axis:style", name="rude"),
        criterion("It greets.", 1, name="greets"),
        criterion("It explains.", 2.5, "axis:style", name="explains"),
        criterion("It is long.", -1, name="long"),
    ],
}


def write_dataset(
    desk: Desk,
    by_item: Mapping[str, list[Row] | None] | None = None,
    labels: Iterable[Row] = (),
    systems: Iterable[str] = ("k", "m"),
    **card: Any,
) -> Path:
    """Write the dataset `tiny`: an item for each entry. A label may name a criterion of its item."""
    by_item = CRITERIA if by_item is None else by_item
    items = [
        {"item_id": name, "prompt": f"What is {place} plus {place}?", "criteria": of_item}
        for place, (name, of_item) in enumerate(by_item.items())
    ]
    path = desk.dataset(items=items, systems=systems, labels=labels, card=card)
    values = yaml.safe_load(path.read_text())
    values["files"]["items"]["columns"]["criteria"] = STRUCT
    if "labels" in values["files"]:
        values["files"]["labels"]["columns"]["item_criterion"] = "VARCHAR"
    values["items"] = "SELECT item_id, prompt, criteria FROM items"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def write_suite(desk: Desk, *rules: Row, **changes: Any) -> None:
    """Write the suite `s` with a judge that asks the items' criteria, as a script answers them."""
    judge = JUDGE_OF_ITEMS | ({"engine": scripted(*rules)} if rules else {})
    desk.suite(**{"judges": [judge], **changes})


def judgments_of(run: Run, **fields: Any) -> list[Judgment]:
    """Return the judgments of a run with these values, sorted by key."""
    records = [record for record in run.records("judgments") if isinstance(record, Judgment)]
    return [
        record for record in records if all(getattr(record, name) == value for name, value in fields.items())
    ]


def scores_by_hand(
    run: Run, by_item: Mapping[str, list[Row] | None], clip: tuple[float, float] | None = (0.0, 1.0)
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the score and the expected score of each item and system, from the answers on the criteria."""
    scores = {}
    answers = judgments_of(run, criterion="criteria")
    for item, of_item in by_item.items():
        points = {row["id"] or f"c{place}": row["points"] for place, row in enumerate(of_item or [], 1)}
        for system in {answer.system for answer in answers if answer.item_id == item}:
            met, expected, best = 0.0, 0.0, 0.0
            for answer in answers:
                if (answer.item_id, answer.system) == (item, system):
                    met += points[answer.item_criterion] * answer.value
                    expected += points[answer.item_criterion] * answer.expected
            for value in points.values():
                best += value if value > 0 else 0
            pair = (met / best, expected / best)
            if clip:
                pair = tuple(sorted((clip[0], value, clip[1]))[1] for value in pair)
            scores[item, system] = pair
    return scores
