"""Row 2: how often responses that answer nothing beat real ones is measured, on at least 60 items.

A judge that any of them can fool is told from one that none can, and from one that tosses a coin.
"""

from typing import Any

import pytest

from evalhub.analysis import Results, controls, rows_of
from evalhub.judging import CONTROLS
from evalhub.runner import AttackOptions, attack
from evalhub.specs import EngineSpec

NAMES = {"empty", "constant", "null-model", "refusal", "opener", "echo", "padding"}
PLAIN = r"`+\n(?:k|m) says \d+\n`+"
# Of two real responses each judge prefers k, so that every item has a better and a worse one.
K_BEFORE_M = [
    {"match": rf"(?s)First response:\n`+\nk says \d+\n`+\nSecond response:\n{PLAIN}", "choice": "A"},
    {"match": rf"(?s)First response:\n{PLAIN}\nSecond response:\n`+\nk says \d+\n`+", "choice": "B"},
]
REAL_FIRST = rf"(?s)First response:\n{PLAIN}"
JUDGES: dict[str, tuple[list[dict[str, Any]], float]] = {
    "fooled": ([*K_BEFORE_M, {"match": REAL_FIRST, "choice": "B"}, {"choice": "A"}], 1.0),
    "honest": ([*K_BEFORE_M, {"match": REAL_FIRST, "choice": "A"}, {"choice": "B"}], 0.0),
    "tosses": ([*K_BEFORE_M, {"choice": "A"}], 0.5),
}


@pytest.mark.parametrize("judge", JUDGES)
def test_each_control_wins_as_often_as_the_judge_lets_it(desk: Any, judge: str) -> None:
    rules, expected = JUDGES[judge]
    desk.dataset(items=60)
    engine = EngineSpec(type="scripted", script={"rules": rules})
    names = tuple(control.id for control in CONTROLS)
    assert set(names) >= NAMES
    run = attack(
        AttackOptions(
            rubric="pair", model="j", dataset="tiny", engine=engine, runs=desk.runs, names=names, limit=60
        )
    )
    rows = rows_of(controls(Results(run)))
    assert {(row["control"], row["opponent"]) for row in rows} == {
        (name, opponent) for name in names for opponent in ("preferred", "rejected")
    }
    for row in rows:
        assert (row["estimate"], row["n"], row["n_excluded"]) == (expected, 60, 0), row
    if judge == "honest":
        assert max(row["high"] for row in rows) < 0.1
    if judge == "fooled":
        assert min(row["low"] for row in rows) > 0.9
