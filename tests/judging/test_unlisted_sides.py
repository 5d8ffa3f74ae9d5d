"""Pairs of which a server lists a part: a probability near the truth, or a hard verdict with the reason."""

import math
import random

import pytest

from evalhub.judging import Judge, Task, preference
from evalhub.judging.aggregate import judgment_row, verdict
from evalhub.judging.expectation import MOST_MOVED
from evalhub.judging.protocols.listwise import listwise
from evalhub.judging.protocols.one_token import TokenAnswer
from evalhub.judging.protocols.pointwise_pairwise import compare
from evalhub.records import Completion, Item, Judgment, Response
from evalhub.scales import Order, Winner
from evalhub.specs import parse_rubric

BLANK = Judgment("d", "j", "tone", "i", system_a="k", system_b="l")
RANKS = """---
id: ranks
version: 1
protocol: listwise
inputs: [question, responses]
criteria: {short: It is short.}
---
## User
{{question}}
{{criterion}}
{{responses}}
"""


def judged(shares: dict[str, float], *unlisted: str, order: Order = Order.AB) -> Judgment:
    logprobs = {letter: math.log(share) for letter, share in shares.items()}
    answer = TokenAnswer((), logprobs=logprobs, unlisted=unlisted)
    return compare(Judgment("d", "j", "tone", "i", system_a="k", system_b="l", shown=order), answer, order)


def test_a_side_that_may_weigh_much_leaves_a_hard_verdict() -> None:
    judgment = judged({"A": 0.6, "B": 0.4}, "B", order=Order.BA)
    assert (judgment.winner, judgment.p_a, judgment.logprobs) == (Winner.B, None, None)
    assert (judgment.detail or "").startswith("hard verdict: the server does not list B, which could move")
    assert "up to 0.4 (allowed is 1% of the range, 0.01)" in (judgment.detail or "")


def test_a_tie_that_may_weigh_much_leaves_a_hard_verdict() -> None:
    judgment = judged({"A": 0.7, "B": 0.1, "C": 0.1}, "C")
    assert (judgment.winner, judgment.p_a) == (Winner.A, None)


def test_a_side_that_can_weigh_little_moves_nothing() -> None:
    judgment = judged({"A": 0.9, "B": 0.005}, "B")
    assert (judgment.winner, judgment.p_a, judgment.detail) == (Winner.A, 1.0, None)
    assert set(judgment.logprobs or {}) == {"a"}


def test_what_is_listed_whole_stays_as_it_is() -> None:
    judgment = judged({"A": 0.6, "B": 0.3, "C": 0.1})
    assert judgment.p_a == preference({"a": 0.6, "b": 0.3, "tie": 0.1})
    assert set(judgment.logprobs or {}) == {"a", "tie", "b"}


@pytest.mark.parametrize(
    ("first", "second", "p_a", "winner"),
    [
        # Each order: the shares of A and B as shown, and what the server does not list.
        (({"A": 0.995, "B": 0.004}, "B"), ({"A": 0.004, "B": 0.995}, "A"), 1.0, Winner.A),
        (({"A": 0.995, "B": 0.004}, "B"), ({"A": 0.004, "B": 0.995}, ""), 1.0, Winner.A),
        (({"A": 0.995, "B": 0.004}, "B"), ({"A": 0.995, "B": 0.004}, "B"), None, Winner.TIE),
        (({"A": 0.995, "B": 0.004}, "B"), ({"A": 0.4, "B": 0.6}, ""), None, Winner.A),
        (({"A": 0.6, "B": 0.4}, "B"), ({"A": 0.2, "B": 0.8}, ""), None, Winner.A),
    ],
)
def test_orders_are_combined_where_what_is_unlisted_cannot_lean(
    first: tuple[dict[str, float], str],
    second: tuple[dict[str, float], str],
    p_a: float | None,
    winner: Winner,
) -> None:
    askings = [
        judgment_row(judged(shares, *unlisted, order=order))
        for order, (shares, unlisted) in zip((Order.AB, Order.BA), (first, second), strict=True)
    ]
    chances, hard = verdict(askings)
    assert (None if chances is None else preference(chances), hard) == (p_a, winner)


def test_exchanging_the_sides_mirrors_what_is_unlisted() -> None:
    draw = random.Random(3)
    for _ in range(500):
        shares = dict(zip("ABC", sorted(draw.random() ** 9 for _ in range(3)), strict=True))
        shares = {letter: share / (sum(shares.values()) + 1e-9) for letter, share in shares.items()}
        unlisted = draw.choice([(), ("A",), ("C",), ("A", "C"), ("A", "B")])
        here, there = (judged(shares, *unlisted, order=order) for order in (Order.AB, Order.BA))
        assert here.winner is (there.winner.swapped() if there.winner else None)
        assert here.p_a == (None if there.p_a is None else 1 - there.p_a)


def test_no_short_list_gives_a_probability_far_from_the_truth() -> None:
    draw, soft = random.Random(4), 0
    for _ in range(3000):
        orders, exact, known = [], [], []
        for order in (Order.AB, Order.BA):
            weights = {name: math.exp(draw.gauss(0, draw.choice([1, 4, 9]))) for name in ("A", "B", "x", "y")}
            truth = {name: weight / sum(weights.values()) for name, weight in weights.items()}
            top = sorted(truth, key=lambda name: -truth[name])[: draw.choice([1, 2, 3, 4])]
            missing = [letter for letter in "AB" if letter not in top]
            if len(missing) == 2:
                break
            most = min(min(truth[name] for name in top), max(1 - sum(truth[name] for name in top), 1e-12))
            shares = {letter: most if letter in missing else truth[letter] for letter in "AB"}
            orders.append(judgment_row(judged(shares, *missing, order=order)))
            exact.append(judgment_row(judged({letter: truth[letter] for letter in "AB"}, order=order)))
        if len(orders) < 2:
            continue
        known, right = (verdict(askings)[0] for askings in (orders, exact))
        if known is not None and right is not None:
            assert abs(preference(known) - preference(right)) <= 2 * MOST_MOVED
            soft += 1
    assert soft > 300


@pytest.mark.parametrize(("share", "p_a"), [(0.2, None), (1e-5, 1.0)])
def test_a_ranked_list_has_no_probability_either(share: float, p_a: float | None) -> None:
    judge = Judge("judge", parse_rubric(RANKS, "here"), "model")
    responses = tuple(Response("d", "i", name, text="so", sha256=name) for name in "kl")
    steps = listwise(Task(judge, Item("d", "i", turns=("What?",)), "short", responses, None))
    (request,) = next(steps)
    logprobs = {"A": math.log(0.7), "B": math.log(share)}
    done = (Completion("k", "m", "", request.choices, "A", logprobs=logprobs, unlisted=("B",)),)
    with pytest.raises(StopIteration) as stop:
        steps.send(done)
    (judgment,) = stop.value.value
    assert (judgment.winner, judgment.p_a) == (Winner.A, p_a)
    assert (judgment.detail is None) is (p_a is not None)
