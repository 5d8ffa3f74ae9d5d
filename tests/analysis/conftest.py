"""Runs that are written by hand, so that every number can be worked out on paper."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evalhub.analysis import Results
from evalhub.records import AnnotatorKind, FailureKind, Item, Judgment, Label, Record, Response, Score
from evalhub.scales import Order, Winner
from evalhub.specs import parse_rubric
from evalhub.store import Run

from ..by_hand import HandWriter

PAIR = """---
id: pair
version: 1
protocol: pairwise
inputs: [response_a, response_b]
criteria: {overall: x}
ties: false
---
## User
{{response_a}}
{{response_b}}
"""
RATE = """---
id: rate
version: 1
protocol: pointwise
inputs: [response]
criteria: {quality: x}
scale: {1: wrong, 2: fair, 3: right}
---
## User
{{scale}}
{{response}}
"""
MANIFEST: dict[str, Any] = {
    "resolved": {"suite": {"controls": {"length_penalty": 0}}},
    "judges": {
        "pw": {"rubric": "pair"},
        "pt": {"rubric": "rate", "protocol": "pointwise"},
    },
    "rubrics": {
        judge: parse_rubric(text, judge).model_dump(mode="json", exclude_none=True)
        for judge, text in (("pw", PAIR), ("pt", RATE))
    },
    "label_criteria": {"pw": {"d": {"overall": "overall"}}, "pt": {"d": {"quality": "quality"}}},
    "cards": {
        "d": {
            "id": "d",
            "criteria": {
                "overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]},
                "quality": {"kind": "pointwise", "range": [1, 3]},
            },
        }
    },
    "expected": {"pw": 8, "pt": 9},
    "exclusions": {"pw": {"d": {"items without an input of the rubric": 2}}},
}


class Hand:
    """Makes records with few words."""

    lengths: ClassVar = {"i1": (10, 5), "i2": (20, 30), "i3": (10, 20), "i4": (10, 10)}

    @staticmethod
    def item(name: str, cluster: str = "") -> Item:
        return Item("d", name, turns=("?",), cluster=cluster or name)

    @staticmethod
    def response(item: str, system: str, chars: int = 10) -> Response:
        return Response("d", item, system, text="x" * chars, chars=chars, families=("none",))

    @staticmethod
    def asked(item: str, shown: str, p: float | None, pair: str = "km", judge: str = "pw") -> Judgment:
        """Return one asking that gives system a the probability p; None is a failure."""
        a, b = tuple(pair)
        common: dict[str, Any] = {
            "dataset": "d", "judge": judge, "criterion": "overall", "item_id": item,
            "system_a": a, "system_b": b, "shown": Order(shown),
        }  # fmt: skip
        if p is None:
            return Judgment(**common, failure=FailureKind.TOO_LONG, detail="too long")
        logs = {"a": math.log(p) - 0.1, "b": math.log(1 - p) - 0.1}
        winner = Winner.TIE if p == 0.5 else Winner.A if p > 0.5 else Winner.B
        return Judgment(**common, winner=winner, p_a=p, logprobs=logs, choice_mass=math.exp(-0.1))

    @staticmethod
    def rated(item: str, system: str, value: float | None, judge: str = "pt") -> Judgment:
        failure = FailureKind.ENGINE if value is None else None
        return Judgment("d", judge, "quality", item, system, value=value, expected=value, failure=failure)

    @staticmethod
    def won(item: str, winner: str, pair: str = "km", annotator: str = "x") -> Label:
        kind = AnnotatorKind.HUMAN
        return Label(
            "d", item, "overall", annotator, kind, system_a=pair[0], system_b=pair[1], winner=Winner(winner)
        )

    @staticmethod
    def label(item: str, system: str, value: float) -> Label:
        return Label("d", item, "quality", "x", AnnotatorKind.HUMAN, system=system, value=value)

    @staticmethod
    def score(item: str, system: str, value: float | None, metric: str = "rougeL") -> Score:
        return Score("d", item, system, metric, value=value, reason=None if value is not None else "why")

    @staticmethod
    def pairs() -> list[Record]:
        """Four items, k against m in both orders; the second order of i4 failed."""
        probabilities = {"i1": (0.9, 0.6), "i2": (0.8, 0.3), "i3": (0.3, 0.2), "i4": (0.7, None)}
        records: list[Record] = []
        for item, (first, second) in probabilities.items():
            records.append(Hand.item(item))
            records += [
                Hand.response(item, system, chars)
                for system, chars in zip("km", Hand.lengths[item], strict=True)
            ]
            records += [Hand.asked(item, "ab", first), Hand.asked(item, "ba", second)]
        return [
            *records,
            *(Hand.won(item, winner) for item, winner in zip(Hand.lengths, "abba", strict=True)),
        ]


@pytest.fixture
def hand() -> type[Hand]:
    return Hand


@pytest.fixture
def results(tmp_path: Path) -> Callable[..., Results]:
    """Write records into a run and read it."""

    def write(records: Iterable[Record], *, seal: bool = True, **changes: Any) -> Results:
        writer = HandWriter.create(tmp_path, "s", MANIFEST | changes)
        for record in records:
            assert writer.append(record)
        if seal:
            writer.seal()
        writer.close()
        return Results(Run(writer.path))

    return write
