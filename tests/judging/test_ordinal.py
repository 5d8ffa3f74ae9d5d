"""A model that was trained on ratings as a judge: what it reads, and how a score becomes a level."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.judging import ORDINAL, Judge, Task, find_protocol
from evalhub.records import Completion, FailureKind, Item, Judgment, Request, RequestKind, Response
from evalhub.specs import Rubric, parse_rubric

ITEM = Item("d", "i", turns=("Name a fruit.",))
ANSWER = Response("d", "i", "k", text="An apple.")
RATE = """---
id: rate
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The answer is right.}
scale: SCALE
---
## System
You rate one answer.
## User
{{question}}
{{scale}}
{{response}}
"""
CUTS = (-1.0, 0.5, 2.0)


def rubric(scale: str) -> Rubric:
    return parse_rubric(RATE.replace("SCALE", scale), "rate.md")


FOUR = rubric("{1: wrong, 2: poor, 3: fair, 4: right}")


def start(rated: Rubric = FOUR, cut_points: tuple[float, ...] = CUTS) -> tuple[Any, Request]:
    judge = Judge("own", rated, "m", asks=RequestKind.REWARD, cut_points=cut_points)
    steps = ORDINAL.ask(Task(judge, ITEM, "quality", (ANSWER,)))
    (request,) = next(steps)
    return steps, request


def judged(completion: Completion, **options: Any) -> Judgment:
    steps, _ = start(**options)
    with pytest.raises(StopIteration) as end:
        steps.send((completion,))
    (judgment,) = end.value.value
    assert isinstance(judgment, Judgment)
    return judgment


def scored(score: float, **options: Any) -> Judgment:
    return judged(Completion("1", "m", "", values=(score,)), **options)


def test_it_reads_the_prompt_of_a_direct_judge() -> None:
    _, request = start()
    steps = find_protocol("pointwise").ask(Task(Judge("pt", FOUR, "m"), ITEM, "quality", (ANSWER,)))
    (direct,) = next(steps)
    assert request.messages == direct.messages
    assert (request.kind, request.choices) == (RequestKind.REWARD, ())


def test_a_score_and_the_cut_points_give_each_level_its_probability() -> None:
    judgment = scored(0.2)
    at_most = [1 / (1 + math.exp(0.2 - cut)) for cut in CUTS] + [1.0]
    by_hand = [at_most[0], *(high - low for low, high in itertools.pairwise(at_most))]
    assert judgment.logprobs is not None
    assert list(judgment.logprobs) == ["1", "2", "3", "4"]
    assert [math.exp(log) for log in judgment.logprobs.values()] == pytest.approx(by_hand)
    assert judgment.expected == pytest.approx(sum(n * share for n, share in enumerate(by_hand, 1)))
    assert judgment.value == 1.0 + by_hand.index(max(by_hand))
    assert (judgment.raw_text, judgment.completions, judgment.failure) == ("score 0.2", ("1",), None)


@given(st.floats(-1e6, 1e6, allow_subnormal=False), st.floats(-1e6, 1e6, allow_subnormal=False))
def test_a_higher_score_never_means_a_lower_level(first: float, second: float) -> None:
    low, high = scored(min(first, second)), scored(max(first, second))
    assert low.expected is not None
    assert high.expected is not None
    assert low.expected <= high.expected + 1e-12
    assert low.value is not None
    assert high.value is not None
    assert low.value <= high.value
    assert math.fsum(map(math.exp, (low.logprobs or {}).values())) == pytest.approx(1)


def test_where_lower_values_are_better_a_higher_score_means_a_lower_value() -> None:
    falling = rubric("{3: wrong, 2: fair, 1: right}")
    values = [scored(score, rated=falling, cut_points=(-1.0, 1.0)).value for score in (-5.0, 0.0, 5.0)]
    assert values == [3.0, 2.0, 1.0]


def test_a_level_that_is_not_applicable_has_no_probability() -> None:
    scale = "{0: {meaning: no answer, applicable: false}, 1: wrong, 2: fair, 3: right}"
    judgment = scored(9.0, rated=rubric(scale), cut_points=(-1.0, 1.0))
    assert judgment.value == 3.0
    assert list(judgment.logprobs or {}) == ["1", "2", "3"]


def test_a_failed_score_is_no_level() -> None:
    failed = judged(Completion("1", "m", "", failure=FailureKind.TOO_LONG, detail="long"))
    assert (failed.failure, failed.detail, failed.value) == (FailureKind.TOO_LONG, "long", None)
    assert judged(Completion("1", "m", "", values=(0.1, 0.2))).failure is FailureKind.ENGINE
