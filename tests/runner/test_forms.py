"""A scale through plan and run: by labels or letters, the verdicts in terms of the levels."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from evalhub.analysis import Results, rows_of
from evalhub.runner import Options, prepare

RATE = """---
id: rate
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The answer is right.}
scale: SCALE
---
## User
{{question}}
{{scale}}
{{response}}
"""
TEN = "{0: none, 1: '', 2: '', 3: '', 4: '', 5: half, 6: '', 7: '', 8: '', 9: '', 10: all}"
HALF = "{1: a, 1.5: b, 2: c}"
PERCENT = "{0%: none, 50%: half, 100%: all}"


def judge(*rules: Any, **more: Any) -> dict[str, Any]:
    engine = {"type": "scripted", "script": {"rules": list(rules)}}
    return {"id": "j", "rubric": "rate", "model": "m", "families": ["beta"], "engine": engine, **more}


@pytest.mark.parametrize(
    ("scale", "letter", "value", "form"),
    [
        (TEN, "K", 10, "letters A to K"),
        (HALF, "B", 1.5, "letters A to C"),
        (PERCENT, "B", 50, "letters A to C"),
        ("{bad: x, good: y}", "B", 1, "letters A to B"),
        ("{1: a, 2: b}", "2", 2, "names"),
    ],
)
def test_verdicts_are_levels_whatever_was_asked(
    desk: Any, scale: str, letter: str, value: float, form: str
) -> None:
    desk.rubric("rate", RATE.replace("SCALE", scale))
    desk.suite(judges=[judge({"choice": letter})])
    done = desk.run()
    judgments = Results(done).judgments()
    assert (judgments["value"] == value).all()
    by_letters = form != "names"
    assert done.manifest.judges["j"].answers == ({"quality": "letters"} if by_letters else {})
    for logprobs in judgments["logprobs"]:
        shares = {name: math.exp(logprob) for name, logprob in dict(logprobs).items()}
        assert math.fsum(shares.values()) == pytest.approx(0.95)
        assert not by_letters or "A" not in shares
    resolved = prepare("s", Options(runs=desk.runs)).resolved
    assert resolved.judges[0].answers == ({"answers": {"quality": "letters"}} if by_letters else {})


def test_plan_and_checks_say_how_a_scale_is_asked(desk: Any, cli: Callable[..., Any]) -> None:
    desk.rubric("rate", RATE.replace("SCALE", TEN))
    desk.suite(judges=[judge()])
    (row,) = json.loads(cli("plan", "s", "--json").out)["tasks"]
    assert row["answers"] == "letters A to K"
    (row,) = json.loads(cli("suites", "check", "s", "--json").out)
    assert row["answers"] == {"j": "letters A to K"}
    (row,) = json.loads(cli("judges", "check", "rate", "--json").out)
    assert row["answers"] == "letters A to K"
    (row,) = json.loads(cli("judges", "check", "pair", "--json").out)
    assert row["answers"] is None
    assert "B = 1: \n" in cli("judges", "preview", "rate").out


@pytest.mark.parametrize(
    "command", [("plan", "s"), ("suites", "check", "s"), ("run", "s"), ("judges", "check", "rate")]
)
def test_too_many_levels_are_refused_before_anything_is_asked(
    desk: Any, cli: Callable[..., Any], command: tuple[str, ...]
) -> None:
    levels = ", ".join(f"{n}: ''" for n in range(0, 101, 2))
    desk.rubric("rate", RATE.replace("SCALE", f"{{{levels}}}"))
    desk.suite(judges=[judge()])
    answer = cli(*command)
    assert answer.code == 2
    assert "rate:scale: the scale has more levels than can be asked by letters" in answer.sentence
    assert "got '51 levels'; allowed: 26 levels" in answer.sentence
    assert not desk.runs.exists()


class TestChoiceMass:
    def suite(self, desk: Any, mass: float, **controls: float) -> None:
        desk.suite(
            judges=[judge({"match": "says 0", "mass": 0.01, "top_token": "Sure"}, {"mass": mass})],
            controls={"min_coverage": 0, **controls},
        )

    def test_a_change_of_the_floor_asks_nothing_again(self, desk: Any) -> None:
        self.suite(desk, 0.5)
        first = desk.run()
        failed = Results(first).judgments().query("failure == 'off_choice'")
        assert set(failed["item_id"]) == {"i000"}
        assert set(failed["top_token"]) == {"Sure"}
        assert failed["choice_mass"].tolist() == pytest.approx([0.01] * len(failed))
        self.suite(desk, 0.5, min_choice_mass=0)
        second = desk.run()
        assert second.id != first.id
        assert not second.manifest.engines
        assert Results(second).judgments()["failure"].isna().all()
        self.suite(desk, 0.5, min_choice_mass=0.6)
        with pytest.raises(Exception, match=r"no valid verdict at all \(off_choice: the allowed answers"):
            desk.run()

    def test_a_floor_outside_0_to_1(self, desk: Any, cli: Callable[..., Any]) -> None:
        for floor in (-0.1, 1.5, "half"):
            self.suite(desk, 0.5, min_choice_mass=floor)  # type: ignore[arg-type]
            answer = cli("plan", "s")
            assert answer.code == 2
            assert "controls.min_choice_mass" in answer.sentence

    def test_the_failures_are_counted_in_coverage(self, desk: Any) -> None:
        from evalhub.analysis import coverage, failures

        self.suite(desk, 0.5)
        results = Results(desk.run())
        (row,) = [row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"]
        assert row["estimate"] == pytest.approx(0.75)
        (row,) = rows_of(failures(results))
        assert (row["failure"], row["n"]) == ("off_choice", 2)
