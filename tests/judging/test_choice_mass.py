"""Verdicts whose allowed answers the model hardly wanted to give."""

import math
from typing import Any

import pytest

from evalhub.judging import PROTOCOLS, Judge, Task
from evalhub.records import Completion, FailureKind, Item, Judgment, Response, digest
from evalhub.scales import Order
from evalhub.specs import Mode, Rubric, parse_rubric

HEAD = (
    "---\nid: r\nversion: 1\nprotocol: {protocol}\ninputs: [{inputs}]\ncriteria: {{c: x, d: y}}\n{more}---\n"
)
ITEM = Item("d", "i", turns=("What?",))
RESPONSES = tuple(Response("d", "i", name, text=name, sha256=digest(name)) for name in "klm")
KINDS = {
    "pointwise": (("response",), "scale: {1: bad, 2: good}\n"),
    "pairwise": (("response_a", "response_b"), "ties: true\n"),
    "swap": (("response_a", "response_b"), "ties: false\n"),
    "checklist": (("response",), ""),
    "listwise": (("responses",), ""),
}


def rubric(protocol: str) -> Rubric:
    inputs, more = KINDS[protocol]
    slots = [*inputs, "criterion", *(["scale"] if "scale" in more else [])]
    body = "## User\n" + "".join(f"{{{{{slot}}}}}\n" for slot in slots)
    head = HEAD.format(protocol=protocol, inputs=", ".join(inputs), more=more)
    return parse_rubric(head + body, "r")


def judged(protocol: str, mass: float, floor: float, **judge: Any) -> tuple[Judgment, ...]:
    """Return the judgments of an asking in which all answers together have a probability of `mass`."""
    shown = Order.BA if protocol == "pairwise" else None
    count = {"pointwise": 1, "checklist": 1, "listwise": 3}.get(protocol, 2)
    strict_judge = Judge("j", rubric(protocol), "m", min_choice_mass=floor, **judge)
    steps = PROTOCOLS[protocol].ask(Task(strict_judge, ITEM, "c", RESPONSES[:count], shown))
    try:
        requests = next(steps)
        while True:
            requests = steps.send(tuple(answer(request.choices, mass) for request in requests))
    except StopIteration as end:
        return tuple(end.value)


def answer(choices: tuple[str, ...], mass: float) -> Completion:
    if not choices:
        return Completion("r", "m", "[]", text="Because.", finish_reason="stop")
    logs = dict.fromkeys(choices, math.log(mass / len(choices)))
    return Completion("v", "m", "[]", choices, choices[0], logprobs=logs, top_token="Sure")


@pytest.mark.parametrize("protocol", KINDS)
@pytest.mark.parametrize("mode", list(Mode))
def test_below_the_floor_there_is_no_verdict(protocol: str, mode: Mode) -> None:
    for judgment in judged(protocol, 0.04, 0.05, mode=mode):
        assert judgment.failure is FailureKind.OFF_CHOICE
        assert (judgment.winner, judgment.value, judgment.p_a, judgment.expected) == (None,) * 4
        assert judgment.logprobs is None
        assert "less probable than 0.05 (controls.min_choice_mass)" in str(judgment.detail)
        assert "'Sure'" in str(judgment.detail)


@pytest.mark.parametrize("protocol", KINDS)
def test_what_the_model_wanted_is_kept_either_way(protocol: str) -> None:
    for floor in (0.0, 0.3):
        judgments = [
            judgment for judgment in judged(protocol, 0.2, floor) if judgment.criterion != "checklist"
        ]
        assert {judgment.top_token for judgment in judgments} == {"Sure"}
        assert [judgment.choice_mass for judgment in judgments] == pytest.approx([0.2] * len(judgments))
        assert {judgment.failure for judgment in judgments} == {FailureKind.OFF_CHOICE if floor else None}


@pytest.mark.parametrize(
    ("mass", "floor", "failed"),
    [
        (0.05, 0.05, False),
        (0.0499, 0.05, True),
        (1e-9, 0.0, False),
        (0.9, 1.0, True),
        # floating point: probabilities that are added up are a little off
        (0.3 - 1e-12, 0.3, False),
        (1 - 3e-8, 1.0, False),
        (0.99999, 1.0, True),
    ],
)
def test_the_floor_itself_is_enough(mass: float, floor: float, failed: bool) -> None:
    (judgment,) = judged("pointwise", mass, floor)
    assert (judgment.failure is FailureKind.OFF_CHOICE) is failed


def test_a_checklist_names_the_criterion_that_failed() -> None:
    *_, total = judged("checklist", 0.01, 0.05)
    assert total.failure is FailureKind.OFF_CHOICE
    assert str(total.detail).startswith("c: the allowed answers together")


def test_an_engine_that_does_not_say_its_wish() -> None:
    strict_judge = Judge("j", rubric("pointwise"), "m", min_choice_mass=0.5)
    steps = PROTOCOLS["pointwise"].ask(Task(strict_judge, ITEM, "c", RESPONSES[:1]))
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send((Completion("v", "m", "[]", logprobs={"1": -3.0, "2": -3.0}),))
    (judgment,) = end.value.value
    assert judgment.detail.endswith("(controls.min_choice_mass)")
    assert judgment.top_token is None


def test_only_the_first_place_of_a_list_must_be_wanted() -> None:
    strict_judge = Judge("j", rubric("listwise"), "m", min_choice_mass=0.05)
    steps = PROTOCOLS["listwise"].ask(Task(strict_judge, ITEM, "c", RESPONSES))
    (first,) = next(steps)
    (second,) = steps.send((answer(first.choices, 0.9),))
    with pytest.raises(StopIteration) as ended:
        steps.send((answer(second.choices, 0.001),))
    assert [judgment.failure for judgment in ended.value.value] == [None] * 3


@pytest.mark.parametrize(
    ("floor", "failure"), [(0.05, FailureKind.OFF_CHOICE), (0.01, FailureKind.PARSE), (0, FailureKind.PARSE)]
)
def test_choices_that_a_server_does_not_list_may_be_too_improbable(
    floor: float, failure: FailureKind
) -> None:
    strict_judge = Judge("j", rubric("pointwise"), "m", min_choice_mass=floor)
    steps = PROTOCOLS["pointwise"].ask(Task(strict_judge, ITEM, "c", RESPONSES[:1]))
    (request,) = next(steps)
    most = dict.fromkeys(request.choices, math.log(0.01))
    completion = Completion(
        "v", "m", "[]", request.choices, "Well", logprobs=most, unlisted=request.choices, top_token="Well",
        failure=FailureKind.PARSE, detail="no choice stands out",
    )  # fmt: skip
    with pytest.raises(StopIteration) as end:
        steps.send((completion,))
    (judgment,) = end.value.value
    off = failure is FailureKind.OFF_CHOICE
    assert (judgment.failure, judgment.value, judgment.logprobs) == (failure, None, None)
    assert judgment.choice_mass == (pytest.approx(0.02) if off else None)
    assert "'Well'" in str(judgment.detail) if off else judgment.detail == "no choice stands out"
