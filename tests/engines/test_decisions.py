"""Decision models behind a server: what is sent, and what is made of each answer."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from evalhub.engines import complete, completion_key, identify, open_engine
from evalhub.engines.decision_wires import log_probabilities
from evalhub.errors import EngineError, ModelError, SpecError
from evalhub.records import (
    Completion,
    FailureKind,
    Message,
    Question,
    QuestionKind,
    Request,
    RequestKind,
    Sampling,
)
from evalhub.specs import EngineSpec
from tests.chat_server import ChatServer

STATE = (Message("system", "You compare."), Message("user", "# Response A\nyes\n# Response B\nno"))
CHOICE = Question(QuestionKind.CHOICE, "Which is better?", (("A", "A is better."), ("B", "")))
SCORE = Question(QuestionKind.SCORE, "How good?", (("1", "bad"), ("2", "fair"), ("3", "good")))
PREDICATE = Question(QuestionKind.PREDICATE, "It is polite.", (("Yes", ""), ("No", "")))
SYSTEMONE = {
    "model": "judge-1.2",
    "answers": {
        "0": {"type": "choice", "choice": "A", "probabilities": {"A": 0.75, "B": 0.25}},
        "1": {"type": "score", "score": 1.1, "probabilities": {"0": 0.2, "1": 0.5, "2": 0.3}},
        "2": {"type": "noul", "noul": 0.9},
    },
    "diagnostics": {"0": {"label_mass": 0.5, "argmax_is_label": True}},
    "usage": {"input_tokens": 100, "output_tokens": 3},
}
DECISIONS = {
    "model": "judge-1.2",
    "answers": [
        {
            "type": "choice", "choice": "A", "confidence": 0.5,
            "probabilities": [{"value": "B", "probability": 0.25}, {"value": "A", "probability": 0.75}],
        },
        {
            "type": "score", "score": 1.1, "confidence": 0.5,
            "probabilities": [
                {"label": "1", "value": 0, "probability": 0.2},
                {"label": "2", "value": 1, "probability": 0.5},
                {"label": "3", "value": 2, "probability": 0.3},
            ],
        },
        {"type": "predicate", "probability": 0.9},
    ],
    "usage": {"input_tokens": 100, "output_tokens": 3},
}  # fmt: skip
REPLIES = {"systemone": SYSTEMONE, "decisions": DECISIONS}


def asking(question: Question, state: tuple[Message, ...] = STATE) -> Request:
    names = tuple(name for name, _ in question.options)
    return Request(state, Sampling(max_tokens=1), names, kind=RequestKind.DECIDE, question=question)


@pytest.fixture
def ask(chat_server: ChatServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def asked(*requests: Request, wire: str = "systemone", **settings: Any) -> list[Completion]:
        spec = EngineSpec(**chat_server.engine(**{"type": wire, **settings}))
        with open_engine(spec, name="judge", log_folder=tmp_path) as engine:
            keyed = {str(number): request for number, request in enumerate(requests)}
            completions = {record.key: record for record in complete(engine, keyed.items())}
        return [completions[key] for key in keyed]

    monkeypatch.setattr("evalhub.engines.decisions._BACKOFF", 0.001)
    return asked


@pytest.mark.parametrize("wire", REPLIES)
def test_all_questions_about_one_state_are_one_request(chat_server: ChatServer, ask: Any, wire: str) -> None:
    chat_server.behave = lambda _: (200, REPLIES[wire])
    choice, score, predicate = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), wire=wire)
    assert [path for path, _ in chat_server.headers] == [f"/v1/{wire}"]
    mass = 0.5 if wire == "systemone" else 1.0
    assert choice.logprobs == pytest.approx({"A": math.log(0.75 * mass), "B": math.log(0.25 * mass)})
    assert score.logprobs == pytest.approx({"1": math.log(0.2), "2": math.log(0.5), "3": math.log(0.3)})
    assert predicate.logprobs == pytest.approx({"Yes": math.log(0.9), "No": math.log(0.1)})
    assert [record.text for record in (choice, score, predicate)] == ["A", "2", "Yes"]
    assert {record.answered_by for record in (choice, score, predicate)} == {"judge-1.2"}
    assert [record.prompt_tokens for record in (choice, score, predicate)] == [34, 33, 33]
    assert [record.completion_tokens for record in (choice, score, predicate)] == [1, 1, 1]
    assert json.loads(str(score.question))["text"] == "How good?"


def test_the_wire_of_systemone(chat_server: ChatServer, ask: Any) -> None:
    chat_server.behave = lambda _: (200, SYSTEMONE)
    ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), body={"priority": 2})
    assert chat_server.asked == [
        {
            "model": "judge",
            "state": "You compare.\n\n# Response A\nyes\n# Response B\nno",
            "questions": {
                "0": {
                    "type": "choice", "instructions": "Which is better?",
                    "criteria": {"A": "A is better.", "B": None},
                },
                "1": {
                    "type": "score", "instructions": "How good?",
                    "criteria": ["1: bad", "2: fair", "3: good"],
                },
                "2": {"type": "noul", "instructions": "It is polite."},
            },
            "priority": 2,
        }
    ]  # fmt: skip


def test_the_wire_of_decisions(chat_server: ChatServer, ask: Any) -> None:
    chat_server.behave = lambda _: (200, DECISIONS)
    ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), wire="decisions")
    assert chat_server.asked == [
        {
            "model": "judge",
            "input": [
                {"role": "system", "content": "You compare."},
                {"role": "user", "content": "# Response A\nyes\n# Response B\nno"},
            ],
            "questions": [
                {
                    "name": "0", "type": "choice", "instructions": "Which is better?",
                    "choices": [{"value": "A", "description": "A is better."}, {"value": "B"}],
                },
                {
                    "name": "1", "type": "score", "instructions": "How good?",
                    "levels": [
                        {"label": "1", "description": "bad"}, {"label": "2", "description": "fair"},
                        {"label": "3", "description": "good"},
                    ],
                },
                {"name": "2", "type": "predicate", "instructions": "It is polite."},
            ],
        }
    ]  # fmt: skip


def answering(request: dict[str, Any]) -> tuple[int, Any]:
    """Answer each question of systemone with even chances."""
    answers = {name: {"type": "noul", "noul": 0.5} for name in request["questions"]}
    return 200, {"model": "m", "answers": answers}


def test_other_states_and_full_requests_are_parted(chat_server: ChatServer, ask: Any) -> None:
    chat_server.behave = answering
    other = (Message("user", "another state"),)
    ask(*[asking(PREDICATE)] * 5, asking(PREDICATE, other), questions=2, concurrency=1)
    assert sorted(len(request["questions"]) for request in chat_server.asked) == [1, 1, 2, 2]


def test_a_request_that_is_refused_is_asked_question_by_question(chat_server: ChatServer, ask: Any) -> None:
    def behave(request: dict[str, Any]) -> tuple[int, Any]:
        if any(question["type"] == "score" for question in request["questions"].values()):
            return 422, {"error": "score needs 2-10 levels"}
        return answering(request)

    chat_server.behave = behave
    good, bad, fine = ask(asking(PREDICATE), asking(SCORE), asking(PREDICATE))
    assert good.failure is fine.failure is None
    assert bad.failure is FailureKind.ENGINE
    assert bad.detail == "HTTP 422: score needs 2-10 levels"
    assert len(chat_server.asked) == 4


def replaced(name: str, answer: Any) -> dict[str, Any]:
    return {**SYSTEMONE, "answers": {**SYSTEMONE["answers"], name: answer}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"probabilities": {"A": 0.5, "C": 0.5}}, "with the options A, C, and was asked for A, B"),
        ({"probabilities": {"A": 1.0}}, "with the options A, and was asked for A, B"),
        ({"probabilities": {}}, "with the options none"),
        ({"probabilities": {"A": 0.5, "B": 0.5, "C": 0}}, "with the options A, B, C"),
        ({"probabilities": {"A": 0.9, "B": 0.9}}, "sum to 1.8"),
        ({"probabilities": {"A": -0.5, "B": 1.5}}, "not a number from 0 to 1"),
        ({"probabilities": {"A": "0.5", "B": 0.5}}, "not a number from 0 to 1"),
        ({"probabilities": {"A": True, "B": 0}}, "not a number from 0 to 1"),
        ({"probabilities": {"A": None, "B": 1}}, "not a number from 0 to 1"),
        ({"probabilities": {"A": math.nan, "B": 1}}, "not a number from 0 to 1"),
        ({"probabilities": [["A", 0.5]]}, "without a name of its own"),
        ({"probabilities": [{"value": ["A"], "probability": 1}]}, "without a name of its own"),
        ({"probabilities": [{"value": "A", "probability": 1}] * 2}, "without a name of its own"),
        ({"probabilities": 7}, "no probabilities"),
        ({}, "no probabilities"),
        (None, "no answer to the question"),
        ("A", "no answer to the question"),
    ],
)
def test_an_answer_of_another_form_is_a_failure_of_its_own(
    chat_server: ChatServer, ask: Any, answer: Any, sentence: str
) -> None:
    chat_server.behave = lambda _: (200, replaced("0", answer))
    bad, score, predicate = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE))
    assert bad.failure is FailureKind.PARSE
    assert sentence in str(bad.detail)
    assert bad.logprobs is bad.text is None
    assert score.failure is predicate.failure is None


@pytest.mark.parametrize("noul", [None, "0.5", True, 1.5, -0.1, math.nan, [0.5]])
def test_a_predicate_without_a_probability_is_a_failure(chat_server: ChatServer, ask: Any, noul: Any) -> None:
    chat_server.behave = lambda _: (200, {"answers": {"0": {"type": "noul", "noul": noul}}})
    (bad,) = ask(asking(PREDICATE))
    assert bad.failure is FailureKind.PARSE


def test_rounded_probabilities_may_be_off_by_what_rounding_takes(chat_server: ChatServer, ask: Any) -> None:
    levels = tuple((str(level), "") for level in range(1, 7))
    answer = {"type": "score", "probabilities": {str(place): 0.17 for place in range(6)}}
    chat_server.behave = lambda _: (200, {"answers": {"0": answer}})
    (record,) = ask(asking(Question(QuestionKind.SCORE, "How good?", levels)))
    assert record.failure is None


def test_answers_in_another_order_are_found_by_their_names(chat_server: ChatServer, ask: Any) -> None:
    named = [{**answer, "name": str(place)} for place, answer in enumerate(DECISIONS["answers"])]  # type: ignore[arg-type]
    chat_server.behave = lambda _: (200, {**DECISIONS, "answers": named[::-1]})
    choice, score, predicate = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), wire="decisions")
    assert (choice.text, score.text, predicate.text) == ("A", "2", "Yes")


@pytest.mark.parametrize("mass", [10**400, -1, 2, True, "0.5", None, math.nan])
def test_a_mass_that_is_no_share_is_not_counted(chat_server: ChatServer, ask: Any, mass: Any) -> None:
    chat_server.behave = lambda _: (200, {**SYSTEMONE, "diagnostics": {"0": {"label_mass": mass}}})
    choice, *_ = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE))
    assert math.fsum(map(math.exp, (choice.logprobs or {}).values())) == pytest.approx(1)


def test_a_model_that_refuses_is_counted_as_such(chat_server: ChatServer, ask: Any) -> None:
    answers = [*DECISIONS["answers"][:2], {"type": "refusal", "name": "2"}]  # type: ignore[index]
    chat_server.behave = lambda _: (200, {**DECISIONS, "answers": answers})
    choice, score, predicate = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), wire="decisions")
    assert predicate.failure is FailureKind.REFUSED
    assert choice.failure is score.failure is None


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        ("systemone", {"answers": []}),
        ("systemone", {}),
        ("systemone", [1]),
        ("systemone", b"not JSON"),
        ("systemone", b'"text"'),
        ("decisions", {"answers": {}}),
        ("decisions", {**DECISIONS, "answers": DECISIONS["answers"][:2]}),  # type: ignore[index]
    ],
)
def test_a_reply_of_another_form_fails_all_its_questions(
    chat_server: ChatServer, ask: Any, wire: str, reply: Any
) -> None:
    chat_server.behave = lambda _: (200, reply)
    completions = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE), wire=wire)
    assert {record.failure for record in completions} == {FailureKind.ENGINE}
    assert all("cannot be read" in str(record.detail) for record in completions)


@pytest.mark.parametrize(
    "usage", [None, 7, {"input_tokens": "many"}, {"input_tokens": -1.5}, {"input_tokens": 10**30}]
)
def test_usage_that_is_no_number_is_not_counted(chat_server: ChatServer, ask: Any, usage: Any) -> None:
    chat_server.behave = lambda _: (200, {**SYSTEMONE, "usage": usage})
    choice, *_ = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE))
    assert (choice.failure, choice.prompt_tokens) == (None, None)


def test_a_probability_of_0_is_an_upper_bound() -> None:
    logprobs, unlisted = log_probabilities({"A": 0.9996, "B": 0.0004, "C": 0.0})
    assert unlisted == ("C",)
    assert logprobs["C"] == pytest.approx(math.log(0.00005))
    assert log_probabilities({"A": 1.0, "B": 0.0}) == log_probabilities({"A": 1.0, "B": 0.00})
    assert log_probabilities({"A": 1e-05, "B": 1 - 1e-05})[1] == ()
    assert log_probabilities({"A": 1.0, "B": 0.0})[0]["B"] == pytest.approx(math.log(0.005))


def test_what_is_no_typed_question_is_refused(chat_server: ChatServer, ask: Any) -> None:
    with pytest.raises(ModelError, match="typed questions alone"):
        ask(Request(STATE))
    assert chat_server.asked == []


def test_a_server_without_the_route_or_the_model_ends_the_run(chat_server: ChatServer, ask: Any) -> None:
    chat_server.behave = lambda _: (404, {"error": "not found"})
    with pytest.raises(EngineError, match="HTTP 404: not found"):
        ask(asking(CHOICE))


def test_a_server_that_does_not_serve_decisions_says_so(chat_server: ChatServer, ask: Any) -> None:
    words = "The model does not support the structured decision API"
    chat_server.behave = lambda _: (501, {"error": {"message": words}})
    (record,) = ask(asking(CHOICE))
    assert record.detail == f"HTTP 501: {words}"
    assert len(chat_server.asked) == 1


def test_a_busy_server_is_asked_again(chat_server: ChatServer, ask: Any) -> None:
    states = iter([429, 503, 200])
    chat_server.behave = lambda request: (
        (next(states), {"error": "busy"}) if False else _next(states, request)
    )
    (record,) = ask(asking(PREDICATE))
    assert record.failure is None
    assert len(chat_server.asked) == 3


def _next(states: Iterator[int], request: dict[str, Any]) -> tuple[int, Any]:
    status = next(states)
    return answering(request) if status == 200 else (status, {"error": "busy"})


def test_the_key_stands_in_no_record(
    chat_server: ChatServer, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-0123456789abcdef0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    chat_server.behave = lambda _: (200, {**SYSTEMONE, "model": f"judge {key}"})
    (record, *_) = ask(asking(CHOICE), asking(SCORE), asking(PREDICATE))
    assert record.answered_by == "judge [key]"


def test_the_question_parts_keys_and_the_address_is_needed() -> None:
    address = {"base_url": "http://127.0.0.1:1/v1"}
    identity = identify(EngineSpec(type="systemone", **address), name="judge")
    assert completion_key(identity, asking(CHOICE)) != completion_key(identity, asking(SCORE))
    assert identity.is_remote
    with pytest.raises(SpecError, match="engine decisions needs base_url"):
        identify(EngineSpec(type="decisions"), name="judge")
    with pytest.raises(SpecError, match="'state' is sent by evalhub itself"):
        open_engine(EngineSpec(type="systemone", **address, body={"state": "x"}), name="judge")


def test_after_a_drain_what_waits_is_dropped(chat_server: ChatServer, tmp_path: Any) -> None:
    spec = EngineSpec(**chat_server.engine(type="systemone"))
    with open_engine(spec, name="judge", log_folder=tmp_path) as engine:
        engine.submit("1", asking(CHOICE))
        engine.drain()
        assert list(engine.results()) == []
    assert chat_server.asked == []
