"""A gate on control responses: a judge that what answers nothing can win over is unfit."""

from typing import Any

import pytest

from evalhub.errors import InputError
from evalhub.night import Night, run_night
from evalhub.runner import Options
from evalhub.store import all_runs

GRADES = [{"match": "an answer of k", "choice": "3"}, {"match": "an answer of m", "choice": "2"}]
ITEMS = 80


@pytest.fixture
def night(desk: Any) -> Any:
    def run(*rules: dict[str, Any], items: int = ITEMS, limit: float = 0.1) -> Night:
        rows = [
            {
                "item_id": f"i{n:03}",
                "system": system,
                "family": "alpha",
                "text": f"an answer of {system}, {n}",
            }
            for n in range(items)
            for system in ("k", "m")
        ]
        desk.dataset(items=items, responses=rows)
        script = [*rules, *GRADES]
        engine = {"type": "scripted", "script": {"rules": [*script, {"match": ".", "choice": "1"}]}}
        judge = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": engine}
        desk.suite(judges=[judge], gates=[{"judge": "pt", "controls": limit}])
        return run_night("s", Options(runs=desk.runs), reports=False)

    return run


def test_an_honest_judge_passes_and_controls_are_tried_once(night: Any, desk: Any) -> None:
    first = night()
    assert {gate.state.value for gate in first.gates} == {"pass"}
    assert (first.exit_code, len({gate.id for gate in first.gates})) == (0, len(first.gates))
    assert all(gate.estimate.n >= 60 for gate in first.gates)
    runs = len(all_runs(desk.runs))
    assert night().exit_code == 0
    assert len(all_runs(desk.runs)) == runs + 1


def test_a_judge_that_a_control_fools_is_unfit_and_no_system_got_worse(night: Any) -> None:
    fooled = night({"match": "sorry", "choice": "3"}, {"match": "an answer of k", "choice": "2"})
    failed = [gate for gate in fooled.gates if gate.state.value == "fail"]
    assert failed
    assert fooled.exit_code == 3
    assert "prefers the control" in failed[0].sentence
    assert "at most 0.10 is asked for" in failed[0].sentence


def test_too_few_recorded_answers_are_refused_by_the_plan(night: Any) -> None:
    with pytest.raises(
        InputError, match=r"gates.0.controls: .*got '40 items'; allowed: a dataset of at least 60"
    ):
        night(items=40)
