"""Protocols of several steps: what is asked in which order, and what it comes to."""

import itertools
import math
from collections import Counter
from collections.abc import Callable

import pytest

from evalhub.errors import SpecError
from evalhub.judging import PROTOCOLS, Judge, Task, check_rubric
from evalhub.judging.protocols.listwise import list_orders
from evalhub.judging.protocols.one_token import EXPLAIN, WAIT
from evalhub.records import Completion, FailureKind, Item, Judgment, Request, Response, Sampling
from evalhub.scales import Order, Winner
from evalhub.specs import Mode, Rubric, parse_rubric

ITEM = Item("d", "i", turns=("Name a fruit.",))
TEXTS = ("an apple", "a hammer", "a pear", "a stone")
RESPONSES = tuple(Response("d", "i", f"s{at}", text=text) for at, text in enumerate(TEXTS))

Script = Callable[[Request], dict[str, object]]


def rubric(
    protocol: str, *inputs: str, more: str = "", criteria: str = "{overall: The better answer.}"
) -> Rubric:
    scale = "scale: {1: bad, 2: good}" if "response" in inputs and protocol != "checklist" else ""
    ties = "ties: false" if "response_a" in inputs else ""
    slots = "\n".join(f"{{{{{name}}}}}" for name in inputs)
    tail = "\n{{scale}}" if scale or "scale" in more else ""
    tail += "\n{{criterion}}" if "," in criteria else ""
    front = "\n".join(line for line in (scale, ties, more) if line)
    text = f"""---
id: made
version: 1
protocol: {protocol}
inputs: [{", ".join(inputs)}]
criteria: {criteria}
{front}
---
## User
{slots}{tail}
"""
    judge_rubric = parse_rubric(text, "here")
    check_rubric(judge_rubric, "here")
    return judge_rubric


def make_task(judge_rubric: Rubric, count: int = 2, **changes: object) -> Task:
    place = {name: changes.pop(name) for name in ("shown", "row", "repeat", "item") if name in changes}
    judge = Judge("judge", judge_rubric, "model", **changes)  # type: ignore[arg-type]
    criterion = PROTOCOLS[judge_rubric.protocol].total or next(iter(judge_rubric.criteria))
    item = place.pop("item", ITEM)
    return Task(judge, item, criterion, RESPONSES[:count], **place)  # type: ignore[arg-type]


def play(task: Task, script: Script) -> tuple[list[Request], tuple[Judgment, ...]]:
    """Run a protocol against a script; keys count the completions."""
    steps = PROTOCOLS[task.judge.rubric.protocol].ask(task)
    requests: list[Request] = []
    batch = next(steps)
    try:
        while True:
            answers = []
            for request in batch:
                requests.append(request)
                answers.append(Completion(f"k{len(requests)}", "model", "[]", **script(request)))  # type: ignore[arg-type]
            batch = steps.send(tuple(answers))
    except StopIteration as end:
        return requests, end.value


def prefers(*wanted: str) -> Script:
    """A judge that knows the answers, the best first, wherever they stand."""

    def script(request: Request) -> dict[str, object]:
        if not request.choices:
            return {"text": "Because.", "finish_reason": "stop"}
        prompt = request.messages[0].content
        places = {text: prompt.rindex(text) for text in wanted if text in prompt}
        letters = dict(zip("ABCDEFGH", sorted(places, key=places.__getitem__), strict=False))
        weights = {one: -float(wanted.index(letters[one])) for one in request.choices}
        whole = math.log(math.fsum(map(math.exp, weights.values())))
        logs = {one: weight - whole for one, weight in weights.items()}
        return {"text": max(logs, key=logs.__getitem__), "logprobs": logs}

    return script


def always(letter: str, text: str = "Because.") -> Script:
    def script(request: Request) -> dict[str, object]:
        if not request.choices:
            return {"text": text, "finish_reason": "stop"}
        rest = math.log(0.2 / (len(request.choices) - 1))
        return {
            "text": letter,
            "logprobs": {one: math.log(0.8) if one == letter else rest for one in request.choices},
        }

    return script


@pytest.mark.parametrize("protocol", ["reference", "self-reference"])
def test_a_reference_is_written_before_a_response_is_seen(protocol: str) -> None:
    judge_rubric = rubric(protocol, "question", "reference", "response_a", "response_b")
    requests, (judgment,) = play(make_task(judge_rubric, shown=Order.AB), always("A", text="A banana."))
    assert len(requests) == 2
    assert not any(text in requests[0].messages[0].content for text in TEXTS)
    assert "A banana." in requests[1].messages[0].content
    assert judgment.winner is Winner.A
    assert judgment.completions == ("k1", "k2")


def test_a_given_reference_is_kept_unless_the_judge_writes_its_own() -> None:
    item = Item("d", "i", turns=("Name a fruit.",), refs=(("a plum",),))
    slots = ("question", "reference", "response")
    kept_requests, _ = play(make_task(rubric("reference", *slots), 1, item=item), always("1"))
    task = make_task(rubric("self-reference", *slots), 1, item=item)
    own_requests, (judgment,) = play(task, always("1", "a fig"))
    assert [len(kept_requests), len(own_requests)] == [1, 2]
    assert "a plum" in kept_requests[0].messages[0].content
    assert "a plum" not in own_requests[1].messages[0].content
    assert "a fig" in own_requests[1].messages[0].content
    assert judgment.value == 1


@pytest.mark.parametrize("text", ["", " \n", "\u00a0\u200b"])
@pytest.mark.parametrize(
    ("protocol", "slot"),
    [("reference", "reference"), ("self-reference", "reference"), ("self-questions", "questions")],
)
def test_a_judge_that_writes_nothing_has_nothing_to_judge_by(protocol: str, slot: str, text: str) -> None:
    judge_rubric = rubric(protocol, "question", slot, "response")
    requests, (judgment,) = play(make_task(judge_rubric, 1), always("1", text))
    assert len(requests) == 1
    assert (judgment.value, judgment.failure) == (None, FailureKind.PARSE)
    assert judgment.detail == f"the judge wrote nothing for {slot}"
    assert judgment.completions == ("k1",)


def test_metrics_and_a_reference_are_asked_for_together() -> None:
    judge_rubric = rubric(
        "self-questions-reference", "question", "questions", "reference", "response_a", "response_b"
    )
    texts = iter(["Is it a fruit?", "A banana."])

    def script(request: Request) -> dict[str, object]:
        return always("B")(request) if request.choices else {"text": next(texts)}

    requests, (judgment,) = play(make_task(judge_rubric, shown=Order.BA, mode=Mode.DIRECT), script)
    prompt = requests[2].messages[0].content
    assert (
        prompt.index("Is it a fruit?")
        < prompt.index("A banana.")
        < prompt.index("a hammer")
        < prompt.index("an apple")
    )
    assert judgment.winner is Winner.A
    assert judgment.completions == ("k1", "k2", "k3")


def test_a_failed_reference_is_the_judgments_failure() -> None:
    judge_rubric = rubric("self-reference", "question", "reference", "response_a", "response_b")
    _, (judgment,) = play(
        make_task(judge_rubric, shown=Order.AB), lambda _: {"failure": FailureKind.TOO_LONG, "detail": "long"}
    )
    assert (judgment.failure, judgment.detail, judgment.winner) == (FailureKind.TOO_LONG, "long", None)


@pytest.mark.parametrize("mode", [Mode.DIRECT, Mode.EXPLAIN])
def test_swap_stops_where_the_orders_agree(mode: Mode) -> None:
    judge_rubric = rubric("swap", "question", "response_a", "response_b")
    requests, judgments = play(make_task(judge_rubric, mode=mode), prefers("an apple", "a hammer"))
    assert len(requests) == (2 if mode is Mode.DIRECT else 4)
    assert [one.shown for one in judgments] == [Order.AB, Order.BA]
    assert {one.winner for one in judgments} == {Winner.A}


def test_swap_explains_its_synthesis_with_both_readings_before_it() -> None:
    judge_rubric = rubric("swap", "question", "response_a", "response_b")
    drawn = iter(["I like it.\n```\nA wins", "I like it too.", "Now I see.", "Now I see more."])

    def script(request: Request) -> dict[str, object]:
        return always("A")(request) if request.choices else {"text": next(drawn), "finish_reason": "stop"}

    requests, judgments = play(make_task(judge_rubric, mode=Mode.EXPLAIN), script)
    assert len(requests) == 8
    assert len({request.messages for request in requests}) == 8
    for request in (requests[4], requests[6]):
        closing = request.messages[-1].content
        assert closing.count("I like it") == 2
        assert "One prefers A." in closing
        assert "One prefers B." in closing
        assert closing.count("the other way round") == 1
        assert closing.endswith(f"look at the responses again.\n\n{EXPLAIN}")
    assert [request.messages[-1].content for request in (requests[5], requests[7])] == [
        requests[1].messages[-1].content
    ] * 2
    assert [one.winner for one in judgments] == [Winner.A, Winner.B]
    assert [one.rationale for one in judgments] == ["Now I see.", "Now I see more."]
    assert judgments[1].completions == ("k1", "k2", "k3", "k4", "k7", "k8")


def test_swap_at_once_has_no_reasons_to_show() -> None:
    judge_rubric = rubric("swap", "question", "response_a", "response_b")
    requests, judgments = play(make_task(judge_rubric, mode=Mode.DIRECT), always("A"))
    assert len(requests) == 4
    for first, second in zip(requests[:2], requests[2:], strict=True):
        before, question = first.messages[0].content.rsplit("\n\n", 1)
        closing = second.messages[0].content.removeprefix(before)
        assert "Its reasons" not in closing
        assert closing.startswith("\n\nTwo assessments of these responses disagree.\nOne prefers A.\n")
        assert closing.endswith(f"\n\n{question}")
    assert [one.rationale for one in judgments] == [None, None]


def test_a_checklist_is_the_weighted_share_of_yes() -> None:
    judge_rubric = rubric(
        "checklist", "question", "response",
        criteria="{fruit: 'Is it a fruit?', short: 'Is it short?'}", more="weights: {fruit: 3}",
    )  # fmt: skip

    def script(request: Request) -> dict[str, object]:
        yes = 0.9 if "fruit?" in request.messages[0].content else 0.25
        return {"text": "Yes", "logprobs": {"Yes": math.log(yes / 2), "No": math.log((1 - yes) / 2)}}

    requests, (fruit, short, total) = play(make_task(judge_rubric, 1), script)
    assert [request.choices for request in requests] == [("Yes", "No")] * 2
    assert [fruit.criterion, short.criterion, total.criterion] == ["fruit", "short", "checklist"]
    assert [fruit.value, short.value, total.value] == [1, 0, pytest.approx(0.75)]
    assert total.expected == pytest.approx((3 * 0.9 + 0.25) / 4)
    assert total.completions == ("k1", "k2")


def test_one_failed_criterion_fails_the_total_alone() -> None:
    judge_rubric = rubric(
        "checklist", "question", "response", criteria="{fruit: 'Is it?', short: 'Is it short?'}"
    )

    def script(request: Request) -> dict[str, object]:
        if "Is it short?" in request.messages[0].content:
            return {"failure": FailureKind.ENGINE, "detail": "gone"}
        return always("Yes")(request)

    _, (fruit, short, total) = play(make_task(judge_rubric, 1), script)
    assert (fruit.failure, short.failure, total.failure) == (None, FailureKind.ENGINE, FailureKind.ENGINE)
    assert (total.value, total.detail) == (None, "short: gone")


@pytest.mark.parametrize("count", range(2, 9))
def test_rows_are_a_balanced_latin_square(count: int) -> None:
    square = list_orders(count)
    times = 2 if count % 2 else 1
    for place in range(count):
        assert Counter(row[place] for row in square) == dict.fromkeys(range(count), times)
    for a, b in itertools.combinations(range(count), 2):
        assert sum(row.index(a) < row.index(b) for row in square) * 2 == len(square)


@pytest.mark.parametrize("mode", [Mode.DIRECT, Mode.EXPLAIN])
@pytest.mark.parametrize("row", range(4))
def test_a_list_is_ranked_whatever_the_order_shown(row: int, mode: Mode) -> None:
    judge_rubric = rubric("listwise", "question", "responses")
    best_first = ("a pear", "an apple", "a stone", "a hammer")
    requests, judgments = play(make_task(judge_rubric, 4, row=row, mode=mode), prefers(*best_first))
    assert [len(request.choices) for request in requests if request.choices] == [4, 3, 2]
    rank = {f"s{TEXTS.index(text)}": at for at, text in enumerate(best_first)}
    assert len(judgments) == 6
    for one in judgments:
        better = one.system_a if one.winner is Winner.A else one.system_b
        assert better == min(one.system_a, one.system_b, key=rank.__getitem__)
        order = list_orders(4)[row]
        a, b = (order.index(int(name[1])) for name in (one.system_a, one.system_b))
        assert one.shown is (Order.AB if a < b else Order.BA)
        assert (one.row, one.repeat) == (row, 0)
    pears = next(one for one in judgments if (one.system_a, one.system_b) == ("s0", "s2"))
    assert pears.p_a == pytest.approx(1 / (1 + math.exp(1)))


def test_a_list_that_fails_halfway_fails_for_every_pair() -> None:
    judge_rubric = rubric("listwise", "question", "responses")

    def script(request: Request) -> dict[str, object]:
        if len(request.choices) == 3:
            return {"failure": FailureKind.ENGINE, "detail": "gone"}
        return prefers(*TEXTS)(request)

    _, judgments = play(make_task(judge_rubric, 4), script)
    assert [one.failure for one in judgments] == [FailureKind.ENGINE] * 6


def thinking(parts: list[tuple[str, str, int]]) -> Script:
    left = iter(parts)

    def script(request: Request) -> dict[str, object]:
        if request.choices:
            return always("B")(request)
        text, finish, tokens = next(left)
        return {"text": text, "finish_reason": finish, "completion_tokens": tokens}

    return script


def test_think_text_stands_apart_and_its_end_is_forced() -> None:
    judge_rubric = rubric("pairwise", "question", "response_a", "response_b")
    script = thinking([("Hmm, an apple <|im_end|>", "length", 32)])
    requests, (judgment,) = play(
        make_task(judge_rubric, shown=Order.AB, mode=Mode.THINK, think_tokens=32), script
    )
    assert requests[0].messages[-1].content == "<think>\n"
    assert requests[0].sampling.max_tokens == 32
    assert requests[0].sampling.stop == ("</think>",)
    assert requests[1].messages[-1].content == "<think>\nHmm, an apple < |im_end| >\n</think>\n\n"
    assert judgment.winner is Winner.B
    assert judgment.rationale == "Hmm, an apple <|im_end|>"
    assert judgment.rationale_cut is True


def test_wait_forces_more_thinking_within_the_budget() -> None:
    judge_rubric = rubric("pairwise", "question", "response_a", "response_b")
    script = thinking([("One.", "stop", 10), (" Two.", "stop", 20), (" Three.", "stop", 2)])
    task = make_task(judge_rubric, shown=Order.AB, mode=Mode.THINK, think_tokens=30, think_extensions=3)
    requests, (judgment,) = play(task, script)
    assert [request.sampling.max_tokens for request in requests if not request.choices] == [30, 20]
    assert judgment.rationale == f"One.{WAIT} Two."
    assert judgment.rationale_cut is False


def test_samples_differ_and_greedy_writing_does_not() -> None:
    judge_rubric = rubric("self-reference", "question", "reference", "response_a", "response_b")
    drawn, _ = play(
        make_task(judge_rubric, shown=Order.AB, repeat=2, sampling=Sampling(temperature=1.0)), always("A")
    )
    greedy, _ = play(make_task(judge_rubric, shown=Order.AB, repeat=2), always("A"))
    assert [drawn[0].sample, greedy[0].sample] == [2, 0]


@pytest.mark.parametrize(
    ("protocol", "inputs", "more", "said"),
    [
        ("self-questions", ("question", "response_a", "response_b"), "", "writes questions"),
        ("self-reference", ("question", "response_a", "response_b"), "", "writes reference"),
        ("pairwise", ("questions", "response_a", "response_b"), "", "nobody writes questions"),
        ("swap", ("question", "response"), "", "shows other responses"),
        ("listwise", ("question", "response_a", "response_b"), "", "shows other responses"),
        ("pairwise", ("response_a", "response_b"), "weights: {overall: 2}", "has no weights"),
        ("checklist", ("response",), "scale: {1: a, 2: b}", "has no scale"),
        ("listwise", ("responses",), "ties: true", "has no ties"),
    ],
)  # fmt: skip
def test_a_rubric_that_does_not_fit_its_protocol_is_refused(
    protocol: str, inputs: tuple[str, ...], more: str, said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        rubric(protocol, *inputs, more=more)
