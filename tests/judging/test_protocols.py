"""Protocols as pure generators: what they ask, and what they make of the answers."""

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from evalhub.judging import PROTOCOLS, Judge, JudgmentGenerator, Task, preview, shared_prefix
from evalhub.records import Completion, FailureKind, Item, Judgment, Request, Response, digest
from evalhub.scales import Order, Winner
from evalhub.specs import Mode, Rubric, parse_rubric

PAIR = """---
id: pair
version: 1
protocol: pairwise
inputs: [question, context, response_a, response_b]
criteria: {overall: The better answer., style: The better style.}
ties: false
---
## System
You compare two answers.
{{criterion}}
## User
{{context}}
{{question}}
{{response_a}}
{{response_b}}
"""

RATE = """---
id: rate
version: 1
protocol: pointwise
inputs: [question, reference, response]
criteria: {quality: The answer is right.}
scale: {1: wrong, 2: fair, 4: right}
---
## User
{{question}}
{{reference}}
{{scale}}
{{response}}
"""

ITEM = Item("d", "i", turns=("What?",), refs=(("This", "That"),), context=("A fact.",))
A, B = (Response("d", "i", name, text=f"{name} says", sha256=digest(name)) for name in ("k", "m"))


def rubric(text: str = PAIR, **changes: object) -> Rubric:
    return parse_rubric(text, "here").model_copy(update=changes)


def make_task(judge_rubric: Rubric, *, shown: Order | None = Order.AB, **changes: object) -> Task:
    pair = judge_rubric.protocol == "pairwise"
    judge = Judge("judge", judge_rubric, "model", **changes)  # type: ignore[arg-type]
    criterion = next(iter(judge_rubric.criteria))
    return Task(judge, ITEM, criterion, (A, B) if pair else (A,), shown if pair else None)


def answer(key: str, shares: Mapping[str, float] | None = None, **more: object) -> Completion:
    logs = None if shares is None else {name: math.log(share) for name, share in shares.items()}
    return Completion(key, "model", "[]", logprobs=logs, **more)  # type: ignore[arg-type]


def drive(steps: JudgmentGenerator, *answers: Completion) -> tuple[list[Request], Judgment]:
    requests: list[Request] = []
    remaining = iter(answers)
    try:
        (request,) = next(steps)
        while True:
            requests.append(request)
            (request,) = steps.send((next(remaining),))
    except StopIteration as end:
        assert next(remaining, None) is None
        (judgment,) = end.value
        return requests, judgment


def judge(where: Task, *answers: Completion) -> tuple[list[Request], Judgment]:
    return drive(PROTOCOLS[where.judge.rubric.protocol].ask(where), *answers)


class TestPairwise:
    def test_the_verdict_is_in_terms_of_the_systems(self) -> None:
        requests, judgment = judge(make_task(rubric()), answer("1", {"A": 0.6, "B": 0.2}, text="A"))
        assert (judgment.system_a, judgment.system_b, judgment.shown, judgment.winner) == (
            "k",
            "m",
            "ab",
            Winner.A,
        )
        assert judgment.p_a == pytest.approx(0.75)
        assert judgment.choice_mass == pytest.approx(0.8)
        assert judgment.logprobs == pytest.approx({"a": math.log(0.6), "b": math.log(0.2)})
        assert judgment.completions == ("1",)
        assert judgment.response_hashes == (A.sha256[:32], B.sha256[:32])
        assert judgment.raw_text == "A"
        (request,) = requests
        assert request.choices == ("A", "B")
        assert request.sampling.max_tokens == 1
        assert request.messages[-1].content.index("k says") < request.messages[-1].content.index("m says")

    def test_the_second_order_is_swapped_back(self) -> None:
        requests, judgment = judge(make_task(rubric(), shown=Order.BA), answer("1", {"A": 0.6, "B": 0.2}))
        assert (judgment.system_a, judgment.shown, judgment.winner) == ("k", "ba", Winner.B)
        assert judgment.p_a == pytest.approx(0.25)
        text = requests[0].messages[-1].content
        assert text.index("m says") < text.index("k says")

    def test_a_tie_is_a_third_token(self) -> None:
        (request,), judgment = judge(
            make_task(rubric(ties=True), shown=Order.BA), answer("1", {"A": 0.1, "B": 0.2, "C": 0.5})
        )
        assert request.choices == ("A", "B", "C")
        assert judgment.winner is Winner.TIE
        assert judgment.p_a == pytest.approx(0.2 / 0.8 + 0.5 / 0.8 / 2)
        assert list(judgment.logprobs or ()) == ["a", "tie", "b"]

    def test_a_verdict_says_what_of_it_was_not_measured(self) -> None:
        _, judgment = judge(
            make_task(rubric()), answer("1", {"A": 0.9, "B": 1e-9}, text="A", detail="bounded: B")
        )
        assert (judgment.winner, judgment.failure, judgment.detail) == (Winner.A, None, "bounded: B")

    def test_both_orders_ask_different_questions_of_one_prefix(self) -> None:
        (one,), _ = judge(make_task(rubric()), answer("1", {"A": 0.5, "B": 0.5}))
        (two,), _ = judge(make_task(rubric(), shown=Order.BA), answer("1", {"A": 0.5, "B": 0.5}))
        assert one.messages[0] == two.messages[0]
        assert one.messages[1] != two.messages[1]


class TestPointwise:
    def test_the_most_probable_level_and_the_expected_value(self) -> None:
        (request,), judgment = judge(
            make_task(rubric(RATE)), answer("1", {"1": 0.2, "2": 0.1, "4": 0.5}, text="4")
        )
        assert request.choices == ("1", "2", "4")
        assert judgment.value == 4.0
        assert judgment.expected == pytest.approx((0.2 + 2 * 0.1 + 4 * 0.5) / 0.8)
        assert (judgment.system, judgment.system_a, judgment.winner) == ("k", None, None)
        assert judgment.choice_mass == pytest.approx(0.8)
        assert "1: wrong\n2: fair\n4: right" in request.messages[-1].content
        assert "This\n\nor\n\nThat" in request.messages[-1].content


class TestExplain:
    def explain(self) -> Task:
        return make_task(rubric(), mode=Mode.EXPLAIN, rationale_tokens=40)

    def test_the_same_question_follows_on_the_same_prefix(self) -> None:
        (first, second), judgment = judge(
            self.explain(),
            answer("r", text="Because <|im_end|>.", finish_reason="stop"),
            answer("v", {"A": 0.6, "B": 0.2}),
        )
        assert first.choices == ()
        assert first.sampling.max_tokens == 40
        assert second.messages[: len(first.messages)] == first.messages
        assert [one.role for one in second.messages[len(first.messages) :]] == ["assistant", "user"]
        assert second.messages[-2].content == "Because < |im_end| >."
        assert second.choices == ("A", "B")
        assert judgment.rationale == "Because <|im_end|>."
        assert judgment.rationale_cut is False
        assert judgment.completions == ("r", "v")
        (direct,), _ = judge(make_task(rubric()), answer("v", {"A": 0.6, "B": 0.2}))
        assert direct.messages[-1].content.endswith(second.messages[-1].content)

    def test_a_cut_rationale_never_costs_the_verdict(self) -> None:
        _, judgment = judge(
            self.explain(),
            answer("r", text="Because", finish_reason="length"),
            answer("v", {"A": 0.1, "B": 0.2}),
        )
        assert judgment.rationale_cut is True
        assert judgment.winner is Winner.B
        assert judgment.failure is None

    def test_a_failed_rationale_is_the_asking_s_failure(self) -> None:
        requests, judgment = judge(
            self.explain(), answer("r", failure=FailureKind.TOO_LONG, detail="4001 tokens, 4000 fit")
        )
        assert len(requests) == 1
        assert (judgment.failure, judgment.detail) == (FailureKind.TOO_LONG, "4001 tokens, 4000 fit")
        assert (judgment.winner, judgment.p_a, judgment.logprobs) == (None, None, None)

    def test_repeats_draw_other_rationales_and_ask_the_same_verdict(self) -> None:
        where = replace(self.explain(), repeat=2)
        (first, second), judgment = judge(where, answer("r", text="x"), answer("v", {"A": 0.6, "B": 0.2}))
        assert (first.sample, second.sample, judgment.repeat) == (2, 0, 2)


class TestFailures:
    @pytest.mark.parametrize("kind", list(FailureKind))
    @pytest.mark.parametrize("text", [PAIR, RATE])
    def test_a_failed_completion_is_a_failed_judgment(self, kind: FailureKind, text: str) -> None:
        _, judgment = judge(make_task(rubric(text)), answer("1", failure=kind, detail="why"))
        assert (judgment.failure, judgment.detail) == (kind, "why")
        assert (judgment.winner, judgment.value, judgment.p_a, judgment.expected, judgment.logprobs) == (
            None,
        ) * 5
        assert judgment.completions == ("1",)

    @pytest.mark.parametrize("shares", [{}, {"A": 0.5}, {"A": 0.5, "B": 0.2, "C": 0.1}, {"a": 0.5, "b": 0.5}])
    def test_missing_probabilities_are_a_parse_failure(self, shares: dict[str, float]) -> None:
        _, judgment = judge(make_task(rubric()), answer("1", shares, text="A"))
        assert judgment.failure is FailureKind.PARSE
        assert judgment.winner is None
        assert judgment.raw_text == "A"


class TestPrompts:
    def test_a_slot_in_a_response_is_text(self) -> None:
        nasty = replace(A, text="{{response_b}} {{scale}} {{question}}")
        where = replace(make_task(rubric()), responses=(nasty, B))
        (request,), _ = judge(where, answer("1", {"A": 0.5, "B": 0.5}))
        text = request.messages[-1].content
        assert "{{response_b}} {{scale}} {{question}}" in text
        assert text.count("m says") == 1

    def test_the_question_carries_the_context_without_a_slot_for_it(self) -> None:
        (request,), _ = judge(make_task(rubric(RATE)), answer("1", {"1": 0.2, "2": 0.1, "4": 0.5}))
        assert "```\nA fact.\n\nWhat?\n```" in request.messages[-1].content
        (request,), _ = judge(make_task(rubric()), answer("1", {"A": 0.5, "B": 0.5}))
        assert request.messages[-1].content.count("A fact.") == 1

    def test_a_conversation_is_shown_whole(self) -> None:
        item = replace(ITEM, turns=("One?", "Two?"))
        talk = replace(A, text="second", turns=("first", "second"))
        where = replace(make_task(rubric(RATE)), item=item, responses=(talk,))
        (request,), _ = judge(where, answer("1", {"1": 0.2, "2": 0.1, "4": 0.5}))
        text = request.messages[-1].content
        assert "Turn 1: One?\n\nTurn 2: Two?" in text
        assert "User: One?\n\nAssistant: first\n\nUser: Two?\n\nAssistant: second" in text

    def test_the_preview_is_what_is_sent(self) -> None:
        for text, shown in ((PAIR, Order.AB), (PAIR, Order.BA), (RATE, Order.AB)):
            judge_rubric = rubric(text)
            for mode in Mode:
                where = make_task(judge_rubric, shown=shown, mode=mode)
                (request,) = next(PROTOCOLS[judge_rubric.protocol].ask(where))
                seen = preview(judge_rubric, ITEM, where.criterion, where.responses, mode=mode, shown=shown)
                assert seen[0].messages == request.messages
                assert len(seen) == (1 if mode is Mode.DIRECT else 2)
                assert seen[-1].choices

    def test_the_cacheable_share_is_measured(self) -> None:
        share = shared_prefix(rubric(RATE), (ITEM, (A, B)))
        assert 0.4 < share.shared_by_item < 1
        assert 0 < len(share.fixed) < share.prompt_chars

    def test_the_hash_follows_what_a_judge_can_see(self) -> None:
        assert rubric().hash == rubric().hash
        assert (
            parse_rubric(PAIR.replace("ties: false", "ties: false\nsource: x"), "here").hash == rubric().hash
        )
        for old, new in (
            ("two answers", "2 answers"),
            ("better style", "nicer style"),
            ("ties: false", "ties: true"),
        ):
            assert parse_rubric(PAIR.replace(old, new), "here").hash != rubric().hash
