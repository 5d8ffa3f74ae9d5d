"""A reward model as a judge: what it reads, and how rewards become verdicts."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.errors import SpecError
from evalhub.judging import Judge, Task, check_rubric, check_use, find_protocol, preview
from evalhub.judging.prompts.conversation import conversation
from evalhub.records import Completion, FailureKind, Item, Judgment, Message, Request, RequestKind, Response
from evalhub.scales import Kind, Order, Shape, Winner
from evalhub.specs import JudgeUse, Rubric, load_rubric, parse_rubric

ITEM = Item("d", "i", turns=("Name a fruit.",))
ANSWERS = (Response("d", "i", "k", text="An apple."), Response("d", "i", "m", text="A hammer."))
PROMPT = """---
id: fits
version: 1
protocol: reward
verdict: pairwise
inputs: [question, response]
criteria: {fits: The response fits.}
---
## System
You are strict.
## User
{{question}}

{{response}}

Does it fit? Answer with one word: Yes or No.
"""


def judged(rubric: Rubric, completions: tuple[Completion, ...], responses: Any = ANSWERS) -> Judgment:
    """Return the judgment of one task, from these completions."""
    steps = find_protocol("reward").ask(Task(Judge("rm", rubric, "m"), ITEM, "reward", responses))
    requests = next(steps)
    assert len(requests) == len(completions) == len(responses)
    assert {request.kind for request in requests} == {RequestKind.REWARD}
    with pytest.raises(StopIteration) as end:
        steps.send(completions)
    (judgment,) = end.value.value
    assert isinstance(judgment, Judgment)
    return judgment


def given_reward(key: str, *values: float, **fields: Any) -> Completion:
    return Completion(key, "m", "", values=values, **fields)


def test_a_pair_is_the_sigmoid_of_the_difference_of_its_rewards() -> None:
    judgment = judged(load_rubric("reward"), (given_reward("1", 2.0), given_reward("2", 0.5)))
    assert judgment.p_a == pytest.approx(1 / (1 + math.exp(-1.5)))
    assert judgment.winner is Winner.A
    assert judgment.logprobs is not None
    assert math.exp(judgment.logprobs["a"]) + math.exp(judgment.logprobs["b"]) == pytest.approx(1)
    assert (judgment.shown, judgment.completions) == (None, ("1", "2"))
    assert judgment.raw_text == "reward of a 2, of b 0.5"


@given(st.floats(-1e6, 1e6, allow_subnormal=False), st.floats(-1e6, 1e6, allow_subnormal=False))
def test_exchanged_rewards_exchange_the_verdict_to_the_last_bit(first: float, second: float) -> None:
    rubric = load_rubric("reward")
    there = judged(rubric, (given_reward("1", first), given_reward("2", second)))
    back = judged(rubric, (given_reward("2", second), given_reward("1", first)))
    assert there.p_a is not None
    assert back.p_a is not None
    assert there.p_a == 1 - back.p_a
    assert there.logprobs is not None
    assert back.logprobs is not None
    assert (there.logprobs["a"], there.logprobs["b"]) == (back.logprobs["b"], back.logprobs["a"])
    assert there.winner is not None
    assert there.winner.sign == -(back.winner or Winner.TIE).sign
    assert all(map(math.isfinite, there.logprobs.values()))


def test_equal_rewards_are_a_tie() -> None:
    judgment = judged(load_rubric("reward"), (given_reward("1", 3.0), given_reward("2", 3.0)))
    assert (judgment.winner, judgment.p_a) == (Winner.TIE, 0.5)


def test_a_single_response_has_its_reward_as_its_value() -> None:
    judgment = judged(load_rubric("reward-value"), (given_reward("1", -7.25),), ANSWERS[:1])
    assert (judgment.value, judgment.expected, judgment.winner) == (-7.25, -7.25, None)
    assert load_rubric("reward-value").bounds_of("reward") is None
    assert load_rubric("response-checklist").bounds_of("checklist") == (0.0, 1.0)
    assert load_rubric("answer-correctness").bounds_of("correctness") == (1.0, 3.0)


def test_a_failed_reward_is_no_verdict() -> None:
    failed = Completion("2", "m", "", failure=FailureKind.TOO_LONG, detail="the prompt has 9 tokens")
    judgment = judged(load_rubric("reward"), (given_reward("1", 2.0), failed))
    assert (judgment.failure, judgment.detail) == (FailureKind.TOO_LONG, "the prompt has 9 tokens")
    assert judgment.winner is judgment.p_a is judgment.logprobs is None


@pytest.mark.parametrize("values", [(), (1.0, 2.0)])
def test_another_number_of_values_is_no_verdict(values: tuple[float, ...]) -> None:
    judgment = judged(load_rubric("reward"), (given_reward("1", *values), given_reward("2", 0.5)))
    assert judgment.failure is FailureKind.ENGINE
    assert f"{len(values)} values for one reward" in str(judgment.detail)
    assert judgment.winner is None


def test_a_reward_model_reads_the_conversation_itself() -> None:
    rubric = load_rubric("reward")
    assert (rubric.kind, rubric.shape, rubric.shows) == (Kind.PAIRWISE, Shape.PAIR, ("response",))
    assert conversation(rubric, ITEM, "reward", ANSWERS[0]) == (
        Message("user", "Name a fruit."),
        Message("assistant", "An apple."),
    )
    two_turns = Item("d", "i", turns=("Hi", "And now?"), context=("Background.",))
    answer = Response("d", "i", "k", text="Later.", turns=("Hello <|im_end|>", "Later."))
    assert conversation(rubric, two_turns, "reward", answer) == (
        Message("user", "Background.\n\nHi"),
        Message("assistant", "Hello < |im_end| >"),
        Message("user", "And now?"),
        Message("assistant", "Later."),
    )
    history = Item("d", "i", turns=("Next?",), messages=(("system", "S"), ("user", "Next?")))
    assert [turn.role for turn in conversation(rubric, history, "reward", ANSWERS[0])] == [
        "system", "user", "assistant",
    ]  # fmt: skip


def test_a_rubric_without_an_assistant_section_is_a_prompt() -> None:
    rubric = parse_rubric(PROMPT, "fits.md")
    check_rubric(rubric, "fits.md")
    system, user = conversation(rubric, ITEM, "fits", ANSWERS[0])
    assert (system.role, user.role) == ("system", "user")
    assert "```\nAn apple.\n```" in user.content
    assert user.content.endswith("Yes or No.")


def test_a_preview_shows_both_requests() -> None:
    requests = preview(load_rubric("reward"), ITEM, "reward", ANSWERS, shown=Order.AB)
    assert [request.messages[-1].content for request in requests] == ["An apple.", "A hammer."]
    assert all(isinstance(request, Request) for request in requests)


@pytest.mark.parametrize(
    ("front", "sections", "sentence"),
    [
        ("", "## User\n{{question}}\n## Assistant\n{{response}}", "needs verdict"),
        ("verdict: pairwise\nties: false", "## User\n{{question}}\n{{response}}", "has no ties"),
        (
            "verdict: pointwise\nscale: {1: bad, 2: good}",
            "## User\n{{question}}\n{{response}}\n{{scale}}",
            "has no scale",
        ),
        (
            "verdict: pairwise",
            "## User\nRead this:\n{{question}}\n## Assistant\n{{response}}",
            "is the conversation itself",
        ),
        ("verdict: best", "## User\n{{question}}\n{{response}}", "verdict"),
    ],
)
def test_a_reward_rubric_that_does_not_fit_is_refused(front: str, sections: str, sentence: str) -> None:
    text = (
        "---\nid: r\nversion: 1\nprotocol: reward\ninputs: [question, response]\n"
        f"criteria: {{r: Good.}}\n{front}\n---\n{sections}\n"
    )
    with pytest.raises(SpecError, match=sentence):
        check_rubric(parse_rubric(text, "r.md"), "r.md")


def test_other_protocols_have_no_assistant_section_and_no_verdict() -> None:
    text = (
        "---\nid: r\nversion: 1\nprotocol: pairwise\ninputs: [question, response_a, response_b]\n"
        "ties: false\ncriteria: {r: Good.}\n---\n## User\n{{question}}\n{{response_a}}\n{{response_b}}\n"
    )
    with pytest.raises(SpecError, match="has no assistant"):
        check_rubric(parse_rubric(f"{text}## Assistant\nYes\n", "r.md"), "r.md")
    with pytest.raises(SpecError, match="has no verdict"):
        check_rubric(parse_rubric(text.replace("ties: false", "ties: false\nverdict: pairwise"), "r.md"), "r")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"positions": "random"}, "positions"),
        ({"mode": "explain"}, "mode"),
        ({"rationale_tokens": 64}, "rationale_tokens"),
        ({"sampling": {"temperature": 1}}, "sampling"),
    ],
)
def test_what_a_reward_judge_has_no_use_for_is_refused(settings: dict[str, Any], key: str) -> None:
    use = JudgeUse(id="rm", protocol="reward", model="m", **settings)
    assert use.rubric == "reward"
    with pytest.raises(SpecError, match="no use for this") as refusal:
        check_use(use, load_rubric("reward"), "s.yaml:judges.rm")
    assert refusal.value.where.endswith(key)


def test_a_classifier_of_the_prompt_gives_the_log_odds_of_the_answer_shown_first() -> None:
    rubric = load_rubric("helpfulness")
    judge = Judge("two", rubric, "m", asks=RequestKind.REWARD)
    direct = Judge("direct", rubric, "m")
    for order, side in ((Order.AB, "a"), (Order.BA, "b")):
        steps, direct_steps = (
            find_protocol("pairwise").ask(Task(asker, ITEM, "helpfulness", ANSWERS, order))
            for asker in (judge, direct)
        )
        (request,), (asked,) = next(steps), next(direct_steps)
        assert (request.kind, request.messages, request.choices) == (RequestKind.REWARD, asked.messages, ())
        with pytest.raises(StopIteration) as end:
            steps.send((given_reward("1", 1.25),))
        (judgment,) = end.value.value
        assert judgment.winner == side
        assert judgment.p_a == pytest.approx(1 / (1 + math.exp(-1.25 if side == "a" else 1.25)))
        assert (judgment.shown, judgment.completions, judgment.choice_mass) == (order, ("1",), None)


def test_a_classifier_answers_each_criterion_of_a_checklist() -> None:
    rubric = load_rubric("response-checklist")
    judge = Judge("two", rubric, "m", asks=RequestKind.REWARD)
    steps = find_protocol("checklist").ask(Task(judge, ITEM, "checklist", ANSWERS[:1]))
    requests = next(steps)
    assert len(requests) == len(rubric.criteria)
    with pytest.raises(StopIteration) as end:
        steps.send(tuple(given_reward(str(place), 0.0) for place in range(len(requests))))
    *criteria, total = end.value.value
    assert {judgment.value for judgment in criteria} == {1.0}
    assert total.expected == pytest.approx(0.5)


@pytest.mark.parametrize("values", [(), (1.0, 2.0)])
def test_a_classifier_of_several_outputs_gives_no_verdict(values: tuple[float, ...]) -> None:
    judge = Judge("two", load_rubric("helpfulness"), "m", asks=RequestKind.REWARD)
    steps = find_protocol("pairwise").ask(Task(judge, ITEM, "helpfulness", ANSWERS, Order.AB))
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send((given_reward("1", *values),))
    assert end.value.value[0].failure is FailureKind.ENGINE
