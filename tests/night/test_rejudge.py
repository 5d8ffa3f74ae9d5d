"""Answers of a baseline are judged anew only where a gate needs it, and without verdicts nothing is split."""

from typing import Any

import pytest

from evalhub.night import Night, run_night
from evalhub.runner import Options
from evalhub.store import all_runs, set_tags
from tests.conftest import RATE_JUDGE, scripted

ITEMS = 60
GATE = {"system": "k", "measure": "mean score", "margin": 0.5, "sd": 0.5}
ROUGE = {"system": "k", "measure": "rouge1", "margin": 0.1, "sd": 0.1}
EVEN = "[02468] plus"


@pytest.fixture
def night(desk: Any) -> Any:
    """Run a night with a text for all answers and other rules of the judge."""

    def run(text: str, *rules: dict[str, Any], **suite: Any) -> Night:
        responses = [
            {"item_id": f"i{n:03}", "system": "k", "family": "alpha", "text": f"{text} {n}"}
            for n in range(ITEMS)
        ]
        desk.dataset(items=ITEMS, responses=responses)
        desk.suite(judges=[{**RATE_JUDGE, "engine": scripted(*rules)}], **({"gates": [GATE]} | suite))
        return run_night("s", Options(runs=desk.runs), reports=False)

    return run


def without_verdict(text: str) -> dict[str, Any]:
    return {"match": text, "top_token": "well", "mass": 1e-9}


def test_old_answers_without_a_verdict_split_nothing(night: Any) -> None:
    """The new judge has verdicts on two of the old answers, which give no interval."""
    first = night("old", {"match": EVEN, "choice": "2"}, {"choice": "3"})
    set_tags(first.results.run, ["baseline"])
    few = without_verdict(r"old ([1-9]\d|[2-9])\b")
    second = night("new", few, {"match": EVEN, "choice": "1"}, {"choice": "2"})
    (gate,) = second.gates
    assert second.exit_code == 3
    assert "because the judge changed (engine settings)" in gate.sentence
    assert ": what moved it is not known (" in gate.sentence
    assert "neither" not in gate.sentence
    assert gate.split is not None
    assert gate.split.cause.value == "not known"


def test_a_judge_without_verdicts_on_old_answers_hides_no_regression(night: Any) -> None:
    suite = {"gates": [GATE, ROUGE], "metrics": ["rouge"]}
    first = night("It is", {"match": EVEN, "choice": "2"}, {"choice": "3"}, **suite)
    set_tags(first.results.run, ["baseline"])
    second = night("new", without_verdict("It is"), {"match": EVEN, "choice": "1"}, {"choice": "2"}, **suite)
    assert [gate.state.value for gate in second.gates] == ["inconclusive", "fail"]
    assert second.exit_code == 1


def test_nothing_is_judged_anew_for_gates_that_do_not_need_it(night: Any, desk: Any) -> None:
    gates = [{"coverage": 0.9}, {**GATE, "against": 1.0}]
    first = night("old", {"choice": "2"}, gates=gates)
    set_tags(first.results.run, ["baseline"])
    night("new", {"choice": "3"}, gates=gates)
    assert [run.manifest.suite for run in all_runs(desk.runs)] == ["s", "s"]
