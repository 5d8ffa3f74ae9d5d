"""A desk with labelled pairs and judges whose rubrics vary, for several tests."""

import re
from typing import Any

import pytest

from evalhub.analysis.frames.splits import drawn_split
from evalhub.runner import Tuned, TuneOptions
from evalhub.specs import EngineSpec
from evalhub.store import Run, all_runs

from ..conftest import PAIR

ITEMS = 160
PER_PAIR = 2  # judgments: one of each order

GOOD, EQUAL, BAD = "Weigh the facts.", "Be careful.", "Be unjust."


def words(text: str, rubric: str = PAIR) -> str:
    """Return the rubric with one more sentence."""
    return rubric.replace("## User\n", f"## User\n{text}\n")


def judging(name: str, *, right: bool) -> list[dict[str, Any]]:
    """Return the rules of a judge that prefers k, as the labels do, or m, where a prompt has some words."""
    first, second = ("A", "B") if right else ("B", "A")
    return [
        {"match": rf"(?s){name}.*First response:\n`+\nk says", "choice": first},
        {"match": rf"(?s){name}.*First response:\n`+\nm says", "choice": second},
    ]


RULES = [
    *judging(re.escape(GOOD), right=True),
    *judging(re.escape(BAD), right=False),
    *judging("hard", right=False),
    *judging("", right=True),
]


def item(number: int) -> dict[str, Any]:
    kind = "hard" if number % 3 == 0 else "easy"
    return {"item_id": f"i{number:03}", "prompt": f"A {kind} question, number {number}?", "refs": []}


def label(number: int, winner: str = "a", criterion: str = "overall") -> dict[str, Any]:
    return {
        "item_id": f"i{number:03}", "criterion": criterion, "system_a": "k", "system_b": "m",
        "annotator": "p", "winner": winner,
    }  # fmt: skip


@pytest.fixture
def labelled(desk: Any) -> Any:
    """A desk on which people prefer k, the rubric fails on a third of the items, and variants are at hand."""
    desk.dataset(items=[item(n) for n in range(ITEMS)], labels=[label(n) for n in range(ITEMS)])
    desk.suite(judges=[])
    for name, text in {"good": GOOD, "equal": EQUAL, "bad": BAD}.items():
        desk.rubric(name, words(text))
    return desk


def options(desk: Any, *names: str, rules: Any = RULES, **changes: Any) -> TuneOptions:
    engine = EngineSpec(type="scripted", script={"rules": rules})
    values = {
        "rubric": "pair", "model": "j", "engine": engine, "runs": desk.runs, "source": "s",
        "variants": names, "first": 16,
    }  # fmt: skip
    return TuneOptions(**(values | changes))


def statuses(tuned: Tuned) -> dict[str, str]:
    return {outcome.variant.id: outcome.status for outcome in tuned.outcomes}


def splits(run: Run) -> set[str | None]:
    return {record.split for record in run.records("items")}


def named(desk: Any, suite: str) -> list[Run]:
    return [run for run in all_runs(desk.runs) if run.manifest.suite == suite]


def halves() -> tuple[list[int], list[int]]:
    """Return the numbers of the dev items and of the test items."""
    dev = [n for n in range(ITEMS) if drawn_split("tiny", f"i{n:03}", 0) == "dev"]
    return dev, [n for n in range(ITEMS) if n not in dev]
