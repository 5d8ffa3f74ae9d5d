"""Models of Anthropic's protocol that refuse a parameter, a forced tool or a begun answer."""

from typing import Any

import pytest

pytest.importorskip("anthropic")

from evalhub.engines import anthropic_server, complete, open_engine
from evalhub.records import Completion, FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec

SAMPLING = Sampling(temperature=0.25, top_p=0.9, top_k=7, max_tokens=33)
FORCED = "Thinking may not be enabled when tool_choice forces tool use."


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anthropic_server, "_BACKOFF", 0.001)


def answers(server: Any, *requests: Request, **settings: Any) -> list[Completion]:
    with open_engine(EngineSpec(**server.engine(concurrency=1, **settings)), name="m") as engine:
        return [next(complete(engine, [(str(number), request)])) for number, request in enumerate(requests)]


def text(**options: Any) -> Request:
    return Request((Message("user", "Hi"),), **{"sampling": SAMPLING, **options})


def verdict() -> Request:
    return Request((Message("user", "A or B?"),), Sampling(max_tokens=1), ("A", "B"))


def refusing(server: Any, refusals: dict[str, str]) -> Any:
    """Return a behaviour that refuses each of these fields in its own words."""

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        for name, words in refusals.items():
            if name in sent:
                return 400, server.refuse(words)
        if "tools" in sent:
            return 200, server.verdict("A")
        return 200, server.reply('{"answer": "A"}' if "output_config" in sent else "fine")

    return behave


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temperature", "`temperature` is deprecated for this model."),
        ("temperature", "temperature: Extra inputs are not permitted"),
        ("temperature", "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."),
        ("top_k", "`top_k` must be unset when thinking is enabled."),
        ("top_p", "`top_p` is not supported for this model."),
    ],
)
def test_a_refused_sampling_parameter_is_left_out_and_said(
    messages_server: Any, name: str, words: str
) -> None:
    messages_server.behave = refusing(messages_server, {name: words})
    first, second = answers(messages_server, text(), text())
    value = {"temperature": "0.25", "top_p": "0.9", "top_k": "7"}[name]
    assert first.text == second.text == "fine"
    assert set(first.unsent) == set(second.unsent) == {f"{name} {value}", "seed 0"}
    refused, *answered = messages_server.asked
    assert [set(refused) - set(sent) for sent in answered] == [{name}, {name}]


def test_of_two_that_exclude_each_other_the_temperature_stays(messages_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        if {"temperature", "top_p"} <= set(sent):
            words = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
            return 400, messages_server.refuse(words)
        return 200, messages_server.reply("fine")

    messages_server.behave = behave
    (completion,) = answers(messages_server, text())
    assert completion.unsent == ("top_p 0.9", "seed 0")
    assert messages_server.asked[-1]["temperature"] == 0.25


def test_a_model_that_takes_no_sampling_parameter_is_asked_without_any(messages_server: Any) -> None:
    deprecated = {
        name: f"`{name}` is deprecated for this model." for name in ("temperature", "top_p", "top_k")
    }
    messages_server.behave = refusing(messages_server, deprecated)
    completions = answers(messages_server, text(), verdict(), verdict())
    assert [completion.failure for completion in completions] == [None] * 3
    assert completions[0].unsent == ("temperature 0.25", "top_p 0.9", "top_k 7", "seed 0")
    assert completions[1].unsent == ("temperature 0", "seed 0")  # a top_p of 1 is nothing that is missing
    assert len(messages_server.asked) == 3 + 3


@pytest.mark.parametrize(
    ("settings", "refusals"),
    [
        ({"omit": []}, {"temperature": "`temperature` is deprecated for this model."}),
        ({}, {"temperature": "temperature: range: 0..1"}),
        ({"structured": "tool"}, {"tool_choice": FORCED}),
    ],
)
def test_what_a_suite_sets_is_not_changed(
    messages_server: Any, settings: Any, refusals: dict[str, str]
) -> None:
    messages_server.behave = refusing(messages_server, refusals)
    (completion,) = answers(messages_server, verdict(), **settings)
    assert completion.failure is FailureKind.ENGINE
    assert completion.detail == f"HTTP 400: {next(iter(refusals.values()))}"
    assert len(messages_server.asked) == 1


def test_a_message_that_quotes_a_prompt_changes_nothing(messages_server: Any) -> None:
    words = "This content is not allowed: what is the temperature in Rome?"
    messages_server.behave = lambda _: (400, messages_server.refuse(words))
    (completion,) = answers(messages_server, text())
    assert completion.failure is FailureKind.ENGINE
    assert len(messages_server.asked) == 1


@pytest.mark.parametrize("words", [FORCED, "tool_choice: forced tool use is not compatible with this model"])
def test_a_refused_tool_leaves_a_schema_of_the_text(messages_server: Any, words: str) -> None:
    messages_server.behave = refusing(messages_server, {"tool_choice": words})
    first, second = answers(messages_server, verdict(), verdict(), body={"output_config": {"effort": "low"}})
    assert first.text == second.text == '{"answer": "A"}'
    assert first.failure is second.failure is None
    assert (first.detail or "").startswith("hard verdict: ")
    refused, *answered = messages_server.asked
    assert refused["output_config"] == {"effort": "low"}
    assert len(answered) == 2
    output = answered[-1]["output_config"]
    assert (output["effort"], output["format"]["type"]) == ("low", "json_schema")
    assert output["format"]["schema"]["properties"]["answer"]["enum"] == ["A", "B"]
    assert not {"tools", "tool_choice"} & set(answered[-1])


@pytest.mark.parametrize(
    ("content", "kind"), [("I think A", "parse"), ("", "parse"), ('{"answer": "C"}', "parse"), ("A", None)]
)
def test_only_an_allowed_answer_of_the_schema_is_a_verdict(
    messages_server: Any, content: str, kind: str | None
) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply(content))
    (completion,) = answers(messages_server, verdict(), structured="json_schema")
    assert (completion.failure, completion.text) == (kind, content)


BEGUN = Request(
    (Message("user", "A or B?"), Message("assistant", "<think>\n")),
    Sampling(max_tokens=9, stop=("</think>",)),
)


def test_a_begun_answer_is_sent_without_the_space_at_its_end(messages_server: Any) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply("A is short.", stop="stop_sequence"))
    (completion,) = answers(messages_server, BEGUN)
    (sent,) = messages_server.asked
    assert sent["messages"][-1] == {"role": "assistant", "content": "<think>"}
    assert (completion.text, completion.failure) == ("A is short.", None)


@pytest.mark.parametrize(
    "words",
    [
        "This model does not support assistant message prefill. The conversation must end with a user "
        "message.",
        "Prefilling assistant messages is not supported for this model.",
    ],
)
def test_a_refused_begun_answer_says_which_mode_needs_it(messages_server: Any, words: str) -> None:
    messages_server.behave = lambda _: (400, messages_server.refuse(words))
    (completion,) = answers(messages_server, BEGUN)
    assert completion.failure is FailureKind.ENGINE
    assert completion.detail == f"the model takes no begun answer, which mode: think needs ({words})"
    assert len(messages_server.asked) == 1
