"""The client of Anthropic's messages protocol, against a real server in a thread."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

pytest.importorskip("anthropic")

from evalhub.engines import anthropic_server, complete, completion_key, identify, open_engine
from evalhub.errors import EngineError, SpecError
from evalhub.judging import read_answer
from evalhub.records import Completion, FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec

KEY = "sk-ant-canary-5ad20e"
SAMPLING = Sampling(temperature=0.25, top_p=0.9, top_k=7, max_tokens=33, seed=5, stop=("END",))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anthropic_server, "_BACKOFF", 0.001)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def answers(server: Any, *requests: Request, **settings: Any) -> list[Completion]:
    with open_engine(EngineSpec(**server.engine(**settings)), name="m") as engine:
        keyed = [(str(number), request) for number, request in enumerate(requests)]
        return sorted(complete(engine, keyed), key=lambda completion: int(completion.key))


def answer(server: Any, request: Request, **settings: Any) -> Completion:
    (completion,) = answers(server, request, **settings)
    return completion


def text(words: str = "Hi", **options: Any) -> Request:
    return Request((Message("user", words),), **{"sampling": SAMPLING, **options})


def verdict(words: str = "A or B?") -> Request:
    return Request((Message("user", words),), Sampling(max_tokens=1), ("A", "B"))


def test_a_text_is_asked_in_the_form_of_the_protocol(messages_server: Any) -> None:
    usage = {
        "input_tokens": 7,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 300,
        "output_tokens": 2,
    }
    messages_server.behave = lambda _: (200, messages_server.reply("fine", usage=usage))
    turns = [
        Message("system", "Be brief."), Message("user", "Hi"), Message("user", "you"),
        Message("assistant", "Yes?"), Message("user", "How are you?"), Message("system", "Be kind."),
    ]  # fmt: skip
    completion = answer(messages_server, Request(tuple(turns), SAMPLING), body={"metadata": {"user_id": "x"}})
    (sent,) = messages_server.asked
    assert sent == {
        "model": "m", "max_tokens": 33, "system": "Be brief.\n\nBe kind.", "stop_sequences": ["END"],
        "messages": [
            {"role": "user", "content": "Hi\n\nyou"}, {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": "How are you?"},
        ],
        "temperature": 0.25, "top_p": 0.9, "top_k": 7, "metadata": {"user_id": "x"},
    }  # fmt: skip
    ((path, headers),) = messages_server.headers
    assert path == "/v1/messages"
    assert KEY in (headers.get("x-api-key") or headers["authorization"])
    assert "anthropic-version" in headers
    assert (completion.text, completion.finish_reason, completion.failure) == ("fine", "end_turn", None)
    tokens = (completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens)
    assert tokens == (327, 300, 2)
    assert completion.unsent == ("seed 5",)  # the protocol has none


def test_a_verdict_is_a_forced_call_of_a_tool_with_the_choices(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.verdict("B"))
    completion = answer(messages_server, verdict())
    (sent,) = messages_server.asked
    (tool,) = sent["tools"]
    assert tool["input_schema"] == {
        "type": "object", "properties": {"answer": {"type": "string", "enum": ["A", "B"]}},
        "required": ["answer"], "additionalProperties": False,
    }  # fmt: skip
    assert sent["tool_choice"] == {"type": "tool", "name": tool["name"], "disable_parallel_tool_use": True}
    assert (sent["max_tokens"], sent["temperature"]) == (512, 0)
    assert "top_p" not in sent
    assert read_answer(completion.text or "", ("A", "B")) == "B"
    assert (completion.text, completion.logprobs, completion.failure) == ('{"answer": "B"}', None, None)
    assert completion.detail == "hard verdict: Anthropic's protocol has no log-probabilities"
    assert completion.unsent == ("seed 0",)


def test_facts_say_how_verdicts_were_asked(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.verdict("B"))
    with open_engine(EngineSpec(**messages_server.engine()), name="m") as engine:
        list(complete(engine, [("0", verdict())]))
        facts = engine.facts()
    assert (facts.engine, facts.platform, facts.logprobs, facts.structured) == (
        "anthropic",
        "remote",
        0,
        "tool",
    )
    assert (facts.prompt_tokens, facts.completion_tokens, facts.failures) == (7, 2, 0)
    assert facts.unsent == "seed"


@pytest.mark.parametrize(
    ("blocks", "kind", "detail"),
    [
        ([], "parse", "0 times"),
        ([{"type": "text", "text": "A"}], "parse", "0 times"),
        ("call twice", "ambiguous", "2 times"),
        ({"answer": "C"}, "parse", "not one of A, B and nothing else"),
        ({"answer": "a"}, "parse", "not one of A, B and nothing else"),
        ({"answer": "A", "why": "It is short."}, "parse", "not one of A, B and nothing else"),
        ({"answer": ["A"]}, "parse", "not one of A, B and nothing else"),
        ({"answer": 1}, "parse", "not one of A, B and nothing else"),
        ({"answer": None}, "parse", "not one of A, B and nothing else"),
        ({"answer": "\ud800A"}, "parse", "not one of A, B and nothing else"),
        ({"answer": "A\0B"}, "parse", "not one of A, B and nothing else"),
        ({}, "parse", "not one of A, B and nothing else"),
        ("A string", "parse", "gives it no object"),
        ("another tool", "parse", "calls another tool"),
    ],
)  # fmt: skip
def test_another_call_is_never_a_verdict(messages_server: Any, blocks: Any, kind: str, detail: str) -> None:
    call = messages_server.call
    special = {
        "call twice": [call({"answer": "A"}), call({"answer": "B"})],
        "A string": [call("A")],
        "another tool": [call({"answer": "A"}, name="search")],
    }
    content = (
        special[blocks] if isinstance(blocks, str) else blocks if isinstance(blocks, list) else [call(blocks)]
    )
    messages_server.behave = lambda _: (200, messages_server.reply(content, stop="tool_use"))
    completion = answer(messages_server, verdict())
    assert completion.failure == kind
    assert detail in (completion.detail or "")
    assert completion.prompt_tokens == 7


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
def test_a_cut_verdict_is_truncated_also_where_its_call_is_whole(messages_server: Any, stop: str) -> None:
    messages_server.behave = lambda _: (200, messages_server.verdict("A", stop=stop))
    completion = answer(messages_server, verdict(), answer_tokens=99)
    assert completion.failure is FailureKind.TRUNCATED
    assert "(max_tokens 99); engine: answer_tokens allows more" in (completion.detail or "")
    assert completion.finish_reason == "length"


def test_a_text_without_a_reason_that_fills_its_limit_is_cut(messages_server: Any) -> None:
    usage = {"input_tokens": 7, "output_tokens": 33}
    messages_server.behave = lambda _: (200, messages_server.reply("and so", stop=None, usage=usage))
    completion = answer(messages_server, text())
    assert (completion.text, completion.finish_reason) == ("and so", "length")


@pytest.mark.parametrize("request_", [text(), verdict()])
def test_a_refusal_says_its_category(messages_server: Any, request_: Request) -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "This may be misused."}
    messages_server.behave = lambda _: (200, messages_server.reply([], stop="refusal", stop_details=details))
    completion = answer(messages_server, request_)
    assert completion.failure is FailureKind.REFUSED
    assert completion.detail == "the model refuses: bio: This may be misused."
    messages_server.behave = lambda _: (200, messages_server.reply("half an ans", stop="refusal"))
    assert answer(messages_server, request_).detail == "the model refuses"


def test_thoughts_are_kept_apart(messages_server: Any) -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x"}
    blocks = [thinking, {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "yes"}]
    messages_server.behave = lambda _: (200, messages_server.reply(blocks))
    completion = answer(messages_server, text(), body={"thinking": {"type": "adaptive"}})
    assert (completion.text, completion.reasoning, completion.failure) == ("yes", "hm", None)
    messages_server.behave = lambda _: (200, messages_server.reply([thinking], stop="max_tokens"))
    completion = answer(messages_server, text())
    assert (completion.text, completion.reasoning) == (None, "hm")
    assert completion.failure is FailureKind.TRUNCATED


def test_an_answer_that_was_cut_before_it_began_is_truncated(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply([], stop="max_tokens"))
    completion = answer(messages_server, text())
    assert completion.failure is FailureKind.TRUNCATED
    assert completion.detail == "the answer was cut before it began (max_tokens 33)"


@pytest.mark.parametrize(
    "body",
    [
        b"not json", b"{}", b"null", b"[]", b'"A"', b"[" * 100_000, b'{"content": null, "usage": null}',
        b'{"content": "A", "stop_reason": "end_turn"}', b'{"content": [5], "stop_reason": "end_turn"}',
        b'{"content": [{"type": "text", "text": 5}], "stop_reason": "end_turn"}',
        b'{"content": [{"type": "text"}], "stop_reason": "end_turn"}',
        b'{"content": [{"type": "text", "text": "A"}], "stop_reason": 5}',
        b'{"content": [{"type": "thinking", "thinking": []}], "stop_reason": "end_turn"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("request_", [text(), verdict()])
def test_a_reply_that_cannot_be_read(messages_server: Any, body: bytes, request_: Request) -> None:
    messages_server.behave = lambda _: (200, body)
    completion = answer(messages_server, request_)
    assert completion.failure is FailureKind.ENGINE
    assert "cannot be read" in (completion.detail or "")
    assert len(messages_server.asked) == 1


@pytest.mark.parametrize(
    "usage", [None, {}, 5, {"input_tokens": "7"}, {"input_tokens": -1, "output_tokens": 10**30}]
)
def test_a_usage_that_makes_no_sense_is_no_number(messages_server: Any, usage: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply("fine", usage=usage))
    completion = answer(messages_server, text())
    assert (completion.text, completion.prompt_tokens, completion.completion_tokens) == ("fine", None, None)


def test_a_text_that_is_no_valid_unicode_is_repaired(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply("a\ud800b\0c"))
    completion = answer(messages_server, text("Hi\ud800\0"))
    assert (completion.text or "").encode().decode() == completion.text
    assert "\0" not in (completion.text or "")
    assert completion.original is not None


def test_an_error_in_an_answer_is_a_failure(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.refuse("upstream broke"))
    completion = answer(messages_server, text())
    assert (completion.failure, completion.detail) == (
        FailureKind.ENGINE,
        "the server answers: upstream broke",
    )


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
def test_what_passes_is_tried_again(messages_server: Any, status: int) -> None:
    replies = [
        (status, messages_server.refuse("busy")),
        (status, b"<html>"),
        (200, messages_server.reply("at last")),
    ]
    messages_server.behave = lambda _: replies.pop(0)
    assert answer(messages_server, text()).text == "at last"
    assert len(messages_server.asked) == 3


def test_what_does_not_pass_is_a_failure_of_its_own(messages_server: Any) -> None:
    def behave(sent: Any) -> tuple[int, Any]:
        bad = sent["messages"][-1]["content"] == "bad"
        return (529, messages_server.refuse("Overloaded")) if bad else (200, messages_server.reply("fine"))

    messages_server.behave = behave
    bad, good = answers(messages_server, text("bad"), text("good"))
    assert bad.failure is FailureKind.ENGINE
    assert bad.detail == "the server failed 6 times: HTTP 529: Overloaded"
    assert good.text == "fine"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_cannot_be_used_ends_the_run(messages_server: Any, status: int) -> None:
    messages_server.behave = lambda _: (status, messages_server.refuse(f"invalid x-api-key {KEY}"))
    with pytest.raises(EngineError) as error:
        answer(messages_server, text())
    assert f"(HTTP {status}: invalid x-api-key [key])" in str(error.value)
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "prompt is too long: 208310 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"),
        (413, "Request exceeds the maximum allowed number of bytes."),
    ],
)
@pytest.mark.parametrize("request_", [text(), verdict()])
def test_a_prompt_beyond_the_context_is_too_long(
    messages_server: Any, status: int, words: str, request_: Request
) -> None:
    messages_server.behave = lambda _: (status, messages_server.refuse(words))
    completion = answer(messages_server, request_)
    assert (completion.failure, completion.detail) == (FailureKind.TOO_LONG, words)
    assert len(messages_server.asked) == 1


def test_a_slow_server_is_a_failure_that_says_so(
    messages_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anthropic_server, "ATTEMPTS", 2)
    messages_server.behave = lambda _: time.sleep(0.5) or (200, messages_server.reply("late"))
    completion = answer(messages_server, text(), timeout=0.1)
    assert completion.failure is FailureKind.ENGINE
    assert "failed 2 times: Request timed out" in (completion.detail or "")


def test_nothing_but_the_suite_says_where_requests_go(
    messages_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-another-tool")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    messages_server.behave = lambda _: (200, messages_server.reply("fine"))
    assert answer(messages_server, text()).text == "fine"
    ((_, headers),) = messages_server.headers
    assert "token-of-another-tool" not in str(headers)


def test_the_address_is_anthropics_unless_a_suite_names_another() -> None:
    identity = identify(EngineSpec(type="anthropic"), name="claude")
    assert identity.settings == {"base_url": "https://api.anthropic.com", "keeps": 1}
    assert (identity.is_remote, KEY in repr(identity)) == (True, False)


def test_keys_follow_from_the_settings_that_decide_a_text() -> None:
    def key(**settings: Any) -> str:
        return completion_key(identify(EngineSpec(type="anthropic", **settings), name="m"), verdict())

    assert key() == key(
        timeout=5, concurrency=2, api_key_env="OTHER", structured="auto", omit="auto", body={}
    )
    changed = [
        {"base_url": "http://here"}, {"structured": "tool"}, {"structured": "json_schema"}, {"omit": []},
        {"omit": ["top_k"]}, {"answer_tokens": 9}, {"body": {"speed": "fast"}},
    ]  # fmt: skip
    assert len({key(), *(key(**settings) for settings in changed)}) == len(changed) + 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": None}, "needs base_url, a server's address without /v1"),
        ({"base_url": "https://user:secret@host"}, "no key and no password"),
        ({"logprobs": 5}, "the engine anthropic has no such setting"),
        ({"omit": ["seed"]}, "'temperature', 'top_p' or 'top_k'"),
        ({"body": {"tool_choice": {"type": "auto"}}}, "leave it out of body"),
        ({"body": {"output_config": {"format": {}}}}, "leave it out of body"),
        ({"body": {"output_config": 5}}, "leave it out of body"),
        ({"answer_tokens": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense(settings: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        identify(EngineSpec(type="anthropic", **settings), name="m")


@pytest.mark.parametrize("engine", ["anthropic", "openai"])
def test_a_missing_package_is_named_with_its_command(engine: str) -> None:
    code = (
        f"import sys; sys.modules[{engine!r}] = None\n"
        "from evalhub.engines import open_engine; from evalhub.specs import EngineSpec\n"
        f"open_engine(EngineSpec(type={engine!r}, base_url='http://here/v1'), name='m')"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"the package {engine} is not installed" in process.stderr
    assert f"pip install 'evalhub-laaj[{engine}]'" in process.stderr


def test_requests_are_valid_json_whatever_a_prompt_holds(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply("fine"))
    answer(messages_server, text('"\\\n\u2028\ud800</s>'))
    assert json.dumps(messages_server.asked[0])
