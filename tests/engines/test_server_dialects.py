"""Servers that refuse a parameter or send no log-probabilities, each a real one in a thread."""

import json
import threading
import time
from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.engines import complete, completion_key, identify, open_engine, openai_server, read_settings
from evalhub.errors import EngineError, SpecError
from evalhub.records import Completion, FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec

SAMPLING = Sampling(temperature=0.25, top_p=0.9, top_k=7, max_tokens=33, seed=5)
TOP = [("A", -0.1), ("B", -2.5), ("The", -5.0)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "_BACKOFF", 0.001)


def answers(server: Any, *requests: Request, **settings: Any) -> list[Completion]:
    with open_engine(EngineSpec(**server.engine(**settings)), name="m") as engine:
        keyed = [(str(number), request) for number, request in enumerate(requests)]
        return sorted(complete(engine, keyed), key=lambda completion: int(completion.key))


def text(words: str = "Hi", **options: Any) -> Request:
    return Request((Message("user", words),), **{"sampling": SAMPLING, **options})


def verdict(words: str = "A or B?") -> Request:
    return Request((Message("user", words),), Sampling(max_tokens=1), ("A", "B"))


def refusing(server: Any, *names: str, **bodies: Any) -> Any:
    """Return a behaviour that refuses each of these fields in its own words."""

    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        for name in names:
            if name in body:
                body = bodies.get(name, f"Unsupported parameter: '{name}' is not supported with this model.")
                return 400, body if isinstance(body, dict) else server.refuse(body)
        return 200, server.reply("A", top=TOP if body.get("logprobs") else None)

    return behave


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("temperature", "Unsupported value: 'temperature' does not support 0.25 with this model. Only the "
                        "default (1) value is supported."),
        ("top_p", {"error": {"message": "not with this model", "param": "top_p", "code": "unsupported"}}),
        ("top_k", "Unrecognized request argument supplied: top_k"),
        ("seed", {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}),
    ],
)  # fmt: skip
def test_a_refused_sampling_parameter_is_left_out_and_said(chat_server: Any, name: str, body: Any) -> None:
    chat_server.behave = refusing(chat_server, name, **{name: body})
    first, second = (answers(chat_server, text(words))[0] for words in ("one", "two"))
    value = {"temperature": "0.25", "top_p": "0.9", "top_k": "7", "seed": "5"}[name]
    assert first.text == second.text == "A"
    assert first.unsent == second.unsent == (f"{name} {value}",)
    refused, outcome_of_text = chat_server.asked[:2]
    assert set(refused) - set(outcome_of_text) == {name}
    assert outcome_of_text["max_tokens"] == 33


def test_each_of_several_refusals_is_met_and_remembered(chat_server: Any) -> None:
    names = ("max_tokens", "temperature", "top_p", "logprobs")
    chat_server.behave = refusing(chat_server, *names)
    with open_engine(EngineSpec(**chat_server.engine(concurrency=1)), name="m") as engine:
        (first,) = complete(engine, [("0", text())])
        (second,) = complete(engine, [("1", verdict())])
        met = len(chat_server.asked)
        (third,) = complete(engine, [("2", verdict("again"))])
        facts = engine.facts()
    assert met == 4 + 2  # three refusals before the first answer, one before the first verdict
    assert len(chat_server.asked) == met + 1
    assert first.unsent == ("temperature 0.25", "top_p 0.9")
    assert second.unsent == ("temperature 0", "top_p 1")
    assert (third.text, third.logprobs) == ("A", None)
    assert (second.detail or "").startswith("hard verdict: the server refuses log-probabilities (Unsupported")
    assert (facts.token_limit, facts.unsent, facts.logprobs, facts.structured) == (
        "max_completion_tokens", "temperature, top_p", 0, "json_schema",
    )  # fmt: skip
    assert facts.failures == 0
    assert "max_tokens" not in chat_server.asked[-1]
    assert chat_server.asked[-1]["max_completion_tokens"] == 512


@pytest.mark.parametrize(
    ("settings", "body", "absent"),
    [
        ({"token_limit": "max_completion_tokens"}, {"max_completion_tokens": 33}, "max_tokens"),
        ({"omit": ["temperature", "seed"]}, {"top_p": 0.9, "top_k": 7}, "temperature"),
        ({"omit": ["temperature", "seed"]}, {"max_tokens": 33}, "seed"),
        ({"body": {"reasoning_effort": "low"}}, {"reasoning_effort": "low", "temperature": 0.25}, "logprobs"),
    ],
)
def test_settings_are_sent_at_once(chat_server: Any, settings: Any, body: Any, absent: str) -> None:
    answers(chat_server, text(), **settings)
    (request,) = chat_server.asked
    assert body.items() <= request.items()
    assert absent not in request


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"omit": []}, "temperature"),
        ({"token_limit": "max_tokens"}, "max_tokens"),
        ({"logprobs": 7}, "top_logprobs"),
        ({"logprobs": "none", "structured": "json_schema"}, "response_format"),
    ],
)
def test_what_a_suite_sets_is_not_changed(chat_server: Any, settings: Any, name: str) -> None:
    chat_server.behave = refusing(chat_server, name)
    (completion,) = answers(chat_server, verdict(), **settings)
    assert completion.failure is FailureKind.ENGINE
    assert f"'{name}' is not supported" in (completion.detail or "")
    assert len(chat_server.asked) == 1


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("top_logprobs must be between 0 and 5", [20, 5]),
        ("Invalid value for top_logprobs: 20. It should be less than or equal to 8.", [20, 8]),
        ("Requested sample logprobs of 20, which is greater than max allowed: 3", [20, 3]),
        ("top_logprobs is too large", [20, 5]),
    ],
)
def test_fewer_are_asked_for_where_the_server_allows_fewer(
    chat_server: Any, words: str, numbers: list[int]
) -> None:
    limit = numbers[-1]

    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        if body["top_logprobs"] > limit:
            return 400, chat_server.refuse(words)
        return 200, chat_server.reply("A", top=TOP[: body["top_logprobs"]])

    chat_server.behave = behave
    (completion,) = answers(chat_server, verdict())
    assert [body["top_logprobs"] for body in chat_server.asked] == numbers
    assert completion.logprobs == {"A": -0.1, "B": -2.5}


def test_a_403_that_refuses_log_probabilities_gives_hard_verdicts(chat_server: Any) -> None:
    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        if "logprobs" in body:
            return 403, chat_server.refuse("You are not allowed to request logprobs from this model")
        return 200, chat_server.reply('{"answer": "B"}')

    chat_server.behave = behave
    (completion,) = answers(chat_server, verdict())
    assert (completion.text, completion.logprobs, completion.failure) == ('{"answer": "B"}', None, None)
    assert "not allowed to request logprobs" in (completion.detail or "")


def test_a_token_of_probability_0_has_no_logarithm(chat_server: Any) -> None:
    reply = chat_server.reply("A", top=TOP)
    reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"][-1]["logprob"] = None
    chat_server.behave = lambda _: (200, reply)
    (completion,) = answers(chat_server, verdict())
    assert (completion.text, completion.failure) == ("A", None)
    assert completion.logprobs == {"A": -0.1, "B": -2.5}


def test_a_server_without_log_probabilities_gives_hard_verdicts(chat_server: Any) -> None:
    chat_server.behave = lambda body: (200, chat_server.reply('{"answer": "B"}'))
    requests = [verdict(f"question {number}") for number in range(6)]
    completions = answers(chat_server, *requests, concurrency=1)
    assert {(completion.text, completion.logprobs, completion.failure) for completion in completions} == {
        ('{"answer": "B"}', None, None)
    }
    assert {completion.detail for completion in completions} == {
        "hard verdict: the server sends no log-probabilities"
    }
    assert len(chat_server.asked) == 7
    schema = chat_server.asked[-1]["response_format"]["json_schema"]
    assert schema["schema"]["properties"]["answer"]["enum"] == ["A", "B"]
    assert "logprobs" not in chat_server.asked[-1]


def test_where_they_are_set_their_absence_is_a_failure_that_says_what_to_set(chat_server: Any) -> None:
    (completion,) = answers(chat_server, verdict(), logprobs=20)
    assert completion.failure is FailureKind.ENGINE
    assert "the server sends no log-probabilities" in (completion.detail or "")
    assert "logprobs: none" in (completion.detail or "")


def test_one_odd_reply_does_not_make_all_verdicts_hard(chat_server: Any) -> None:
    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        odd = body["messages"][-1]["content"] == "question 2"
        return 200, chat_server.reply("A", top=None if odd else TOP)

    chat_server.behave = behave
    completions = answers(chat_server, *[verdict(f"question {number}") for number in range(5)], concurrency=1)
    assert [completion.logprobs is None for completion in completions] == [False, False, True, False, False]


def test_the_drawn_token_alone_is_a_probability_too(chat_server: Any) -> None:
    body = chat_server.reply("A", top=[("A", -0.2)])
    body["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = []
    chat_server.behave = lambda _: (200, body)
    (completion,) = answers(chat_server, verdict())
    assert completion.logprobs is not None
    assert completion.logprobs["A"] == -0.2
    assert completion.logprobs["B"] < -0.2
    assert "taken at the most it can have: B" in (completion.detail or "")


def test_a_refused_schema_leaves_plain_text(chat_server: Any) -> None:
    chat_server.behave = refusing(
        chat_server, "logprobs", "response_format", response_format="response_format is not available"
    )
    (completion,) = answers(chat_server, verdict())
    assert completion.text == "A"
    assert [("logprobs" in body, "response_format" in body) for body in chat_server.asked] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip


def test_a_message_that_quotes_a_prompt_changes_nothing_for_others(chat_server: Any) -> None:
    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        words = body["messages"][-1]["content"]
        if "flag" in words:
            return 400, chat_server.refuse(f"This content is not allowed: {words}")
        return 200, chat_server.reply("fine")

    chat_server.behave = behave
    with open_engine(EngineSpec(**chat_server.engine(concurrency=1)), name="m") as engine:
        (flagged,) = complete(engine, [("0", text("flag: what is the temperature in Rome?"))])
        (other,) = complete(engine, [("1", text("Hi"))])
    assert flagged.failure is FailureKind.ENGINE
    assert "what is the temperature in Rome" in (flagged.detail or "")
    assert other.unsent == ()
    assert chat_server.asked[-1]["temperature"] == 0.25


def test_a_message_that_lists_all_fields_is_about_the_first(chat_server: Any) -> None:
    words = "unknown field `seed`, expected one of `model`, `messages`, `temperature`, `top_p`, `max_tokens`"
    chat_server.behave = refusing(chat_server, "seed", seed=words)
    (completion,) = answers(chat_server, text())
    assert completion.unsent == ("seed 5",)
    assert chat_server.asked[-1]["temperature"] == 0.25


def test_a_value_out_of_range_is_the_suites_to_mend(chat_server: Any) -> None:
    chat_server.behave = refusing(
        chat_server, "temperature", temperature="temperature must be between 0 and 2"
    )
    (completion,) = answers(chat_server, text())
    assert completion.failure is not None
    assert "between 0 and 2" in completion.detail


def test_many_at_once_learn_the_same(chat_server: Any) -> None:
    gate = threading.Barrier(8)

    def behave(body: dict[str, Any]) -> tuple[int, Any]:
        if "temperature" in body:
            gate.wait(10)
        return refusing(chat_server, "temperature", "logprobs")(body)

    chat_server.behave = behave
    completions = answers(
        chat_server, *[verdict(f"question {number}") for number in range(40)], concurrency=8
    )
    assert {(completion.text, completion.unsent, completion.failure) for completion in completions} == {
        ("A", ("temperature 0",), None)
    }
    assert len(chat_server.asked) <= 8 * 3 + 32


@pytest.mark.parametrize(
    ("reply", "failure", "detail"),
    [
        ({"content": None, "refusal": "I will not judge people."}, "refused", "I will not judge people."),
        ({"content": "A", "finish": "content_filter"}, "refused", "content filter"),
        ({"content": None, "finish": "length"}, "truncated", "cut before it began (max_tokens 33)"),
        ({"content": "<think>hmm", "finish": "length"}, "truncated", "max_tokens 33"),
    ],
)
def test_no_answer_is_never_an_empty_one(chat_server: Any, reply: Any, failure: str, detail: str) -> None:
    chat_server.behave = lambda _: (200, chat_server.reply(**reply))
    (completion,) = answers(chat_server, text())
    assert (completion.failure, completion.text) == (failure, None)
    assert detail in (completion.detail or "")


def test_a_slow_server_is_a_failure_that_says_so(chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "ATTEMPTS", 2)
    chat_server.behave = lambda _: time.sleep(0.5) or (200, chat_server.reply("late"))
    (completion,) = answers(chat_server, text(), timeout=0.1)
    assert completion.failure is FailureKind.ENGINE
    assert "failed 2 times: Request timed out" in (completion.detail or "")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_cannot_be_used_gives_its_reason_whole(chat_server: Any, status: int) -> None:
    reason = "the model `m` does not exist, or you do not have access to it; " + "see the list of models " * 6
    chat_server.behave = lambda _: (status, chat_server.refuse(reason))
    with pytest.raises(EngineError) as error:
        answers(chat_server, text())
    assert f"(HTTP {status}: {reason.strip()})" in str(error.value)


def test_keys_follow_from_the_settings_and_not_from_what_a_server_refused(chat_server: Any) -> None:
    def key(**settings: Any) -> str:
        return completion_key(identify(EngineSpec(**chat_server.engine(**settings)), name="m"), verdict())

    chat_server.behave = refusing(chat_server, "temperature", "logprobs")
    before = key()
    answers(chat_server, verdict())
    defaults = {"logprobs": "auto", "omit": "auto", "token_limit": "auto", "structured": "auto", "body": {}}
    assert before == key() == key(**defaults) == key(timeout=5, concurrency=2)
    changed = [
        {"logprobs": "none"}, {"logprobs": 5}, {"omit": ["temperature"]}, {"omit": []}, {"answer_tokens": 9},
        {"token_limit": "max_completion_tokens"}, {"structured": "none"}, {"body": {"x": 1}},
    ]  # fmt: skip
    keys = [key(**settings) for settings in changed]
    assert len({before, *keys}) == len(changed) + 1
    settings = identify(EngineSpec(**chat_server.engine(omit=["seed"])), name="m").settings
    assert json.loads(json.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"logprobs": 0}, "greater than or equal to 1"),
        ({"logprobs": "some"}, "'auto' or 'none'"),
        ({"omit": ["stop"]}, "'temperature', 'top_p', 'top_k' or 'seed'"),
        ({"body": {"temperature": 1}}, "leave it out of body"),
        ({"token_limit": "tokens"}, "max_completion_tokens"),
    ],
)
def test_settings_that_make_no_sense(chat_server: Any, settings: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words.replace("'", ".")):
        identify(EngineSpec(**chat_server.engine(**settings)), name="m")


@pytest.mark.parametrize(
    ("settings", "setting"),
    [({"type": "vllm", "logprobs": 5}, "logprobs"), ({"type": "scripted", "base_url": "x"}, "base_url")],
)
def test_an_engine_refuses_the_settings_of_others(settings: Any, setting: str) -> None:
    with pytest.raises(SpecError) as error:
        read_settings(EngineSpec(**settings), where="s.yaml:judges.j.engine")
    sentence = str(error.value)
    assert sentence.startswith(f"s.yaml:judges.j.engine.{setting}: the engine {settings['type']} has no such")
    assert "; allowed: " in sentence
