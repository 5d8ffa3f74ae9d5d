"""What a suite may not say of cascades."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub.runner import Options, prepare
from evalhub.specs import load_suite

ENGINE = {"engine": "scripted", "families": ["beta"]}
JUDGES = [
    {"id": "pw", "rubric": "pair", "model": "j", "pairs": {"by": "all"}, **ENGINE},
    {"id": "pt", "rubric": "rate", "model": "j", **ENGINE},
]


def one(**changes: Any) -> dict[str, Any]:
    return {"id": "c", "stages": ["pw"], **changes}


@pytest.mark.parametrize(
    ("cascades", "parts"),
    [
        ([one(stages=["pv"])], ("s.yaml:cascades.c.stages", "pv", "did you mean 'pw'?")),
        ([one(stages=["pt"])], ("s.yaml:cascades.c.stages", "compares two responses", "got 'pt'")),
        ([one(stages=["pw", "pw"])], ("s.yaml:cascades.0.stages", "a stage appears twice")),
        ([one(stages=[])], ("s.yaml:cascades.0.stages", "at least one entry")),
        ([one(), one()], ("s.yaml", "'c' appears twice among cascades")),
        ([one(agreement=1)], ("s.yaml:cascades.0.agreement", "less than 1")),
        ([one(confidence=0)], ("s.yaml:cascades.0.confidence", "greater than 0")),
        ([one(criterion="overal")], ("cascades.c.criterion", "did you mean 'overall'?")),
        ([one(criterion="quality")], ("cascades.c.criterion", "pairwise criterion", "quality")),
        ([one(stage=["pw"])], ("s.yaml:cascades.0.stage", "did you mean 'stages'?")),
        ([{"stages": ["pw"]}], ("s.yaml:cascades.0.id", "required")),
    ],
)
def test_a_wrong_cascade_is_one_sentence(
    desk: Any, cli: Callable[..., Any], cascades: list[dict[str, Any]], parts: tuple[str, ...]
) -> None:
    desk.suite(judges=JUDGES, cascades=cascades)
    result = cli("plan", "s")
    assert result.code == 2
    for part in parts:
        assert part in result.sentence


def test_one_stage_is_a_cascade_and_its_defaults_are_said(desk: Any) -> None:
    desk.suite(judges=JUDGES, cascades=[one()])
    (cascade,) = load_suite("s")[0].cascades
    assert (cascade.agreement, cascade.confidence, cascade.criterion) == (0.8, 0.9, None)
    assert prepare("s").resolved.suite.cascades == (cascade,)


def test_a_cascade_goes_with_its_judges(desk: Any) -> None:
    desk.suite(judges=JUDGES, cascades=[one()])
    assert prepare("s", Options(names=("pt",))).resolved.suite.cascades == ()
    assert len(prepare("s", Options(names=("pw",))).resolved.suite.cascades) == 1
