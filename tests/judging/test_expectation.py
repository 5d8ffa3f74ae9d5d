"""Expected scores where a server lists few tokens: near the truth, or absent with the reason."""

import math
import random

import pytest

from evalhub.judging import Judge, Task
from evalhub.judging.expectation import MOST_MOVED, expectation, why_hard
from evalhub.judging.protocols.checklist import checklist
from evalhub.judging.protocols.one_token import TokenAnswer
from evalhub.judging.protocols.pointwise_pairwise import rate
from evalhub.records import Completion, Item, Judgment, Response
from evalhub.scales import Scale
from evalhub.specs import LevelSpec, parse_rubric, scale_of

TICKS = """---
id: ticks
version: 1
protocol: checklist
inputs: [response]
criteria: {short: It is short., right: It is right.}
---
## User
{{criterion}}
{{response}}
"""
TEN = scale_of(dict.fromkeys(range(1, 11), "x"))


def judged(scale: Scale, shares: dict[str, float], *unlisted: str) -> Judgment:
    answer = TokenAnswer(
        (), logprobs={label: math.log(share) for label, share in shares.items()}, unlisted=unlisted
    )
    return rate(Judgment("d", "j", "tone", "i", system="k"), answer, scale)


def test_an_expected_score_that_unlisted_levels_could_move_is_absent() -> None:
    shares = {str(level): 0.02 for level in range(1, 11)} | {"6": 0.4, "7": 0.3, "8": 0.1}
    judgment = judged(TEN, shares, "1", "2", "3", "4", "5", "9", "10")
    assert (judgment.value, judgment.expected, judgment.logprobs) == (6.0, None, None)
    assert (judgment.detail or "").startswith("hard verdict: the server does not list 1, 2, 3, 4, 5, 9, 10")
    assert "(allowed is 1% of the range, 0.09)" in (judgment.detail or "")


def test_what_is_hardly_probable_moves_nothing() -> None:
    shares = {str(level): 1e-6 for level in range(1, 11)} | {"6": 0.6, "7": 0.3}
    judgment = judged(TEN, shares, "1", "2", "3", "4", "5", "8", "9", "10")
    assert judgment.expected == pytest.approx((6 * 0.6 + 7 * 0.3) / 0.9)
    assert judgment.detail is None


def test_a_level_that_is_not_applicable_moves_nothing() -> None:
    scale = scale_of({"na": LevelSpec(meaning="x", applicable=False), 1: "y", 2: "z"})
    assert judged(scale, {"na": 0.3, "1": 0.3, "2": 0.4}, "na").expected == pytest.approx(1.1 / 0.7)


def test_no_listing_of_few_tokens_gives_an_expected_score_far_from_the_truth() -> None:
    draw = random.Random(5)
    values = {str(level): float(level) for level in range(1, 11)}
    settled = 0
    for _ in range(3000):
        weights = {label: math.exp(draw.gauss(0, draw.choice([0.5, 2, 5]))) for label in (*values, "other")}
        truth = {label: weight / sum(weights.values()) for label, weight in weights.items()}
        top = sorted(truth, key=lambda label: -truth[label])[: draw.choice([2, 5, 9])]
        listed = {label: math.log(truth[label]) for label in top if label in values}
        unlisted = [label for label in values if label not in listed]
        if not listed or not unlisted:
            continue
        left = max(1 - sum(truth[label] for label in top), 1e-12)
        share = min(min(truth[label] for label in top), left / len(unlisted))
        logprobs = {**listed, **dict.fromkeys(unlisted, math.log(share))}
        level, bound = expectation(logprobs, values, unlisted)
        mass = sum(truth[label] for label in values)
        exact = sum(truth[label] * value for label, value in values.items()) / mass
        assert abs(level - exact) <= bound + 1e-9
        if why_hard(values, unlisted, bound) is None:
            assert abs(level - exact) <= 9 * MOST_MOVED
            settled += 1
    assert settled > 100


@pytest.mark.parametrize(("share", "expected"), [(0.2, None), (1e-6, 1.0)])
def test_a_checklist_has_none_either(share: float, expected: float | None) -> None:
    judge = Judge("judge", parse_rubric(TICKS, "here"), "model")
    responses = (Response("d", "i", "k", text="so", sha256="0"),)
    steps = checklist(Task(judge, Item("d", "i", turns=("What?",)), "short", responses, None))
    request = next(steps)
    logprobs = {"Yes": math.log(0.7), "No": math.log(share)}
    while True:
        done = tuple(
            Completion("k", "m", "", one.choices, "Yes", logprobs=logprobs, unlisted=("No",))
            for one in request
        )
        try:
            request = steps.send(done)
        except StopIteration as stop:
            judgments = stop.value
            break
    assert {judgment.value for judgment in judgments} == {1.0}
    assert [judgment.expected for judgment in judgments] == [expected] * len(judgments)
    if expected is None:
        assert all("does not list No" in (judgment.detail or "") for judgment in judgments)
