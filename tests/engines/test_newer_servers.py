"""OpenAI's protocol with the parameters and the words of newer models, and with replies of odd types."""

from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.engines import complete, open_engine, openai_server
from evalhub.records import Completion, FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec

TOP = [("A", -0.1), ("B", -2.5)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "_BACKOFF", 0.001)


def answers(server: Any, *requests: Request, **settings: Any) -> list[Completion]:
    with open_engine(EngineSpec(**server.engine(concurrency=1, **settings)), name="m") as engine:
        return [next(complete(engine, [(str(number), request)])) for number, request in enumerate(requests)]


def text() -> Request:
    return Request((Message("user", "Hi"),), Sampling(temperature=0.25, top_p=0.9, max_tokens=33))


def verdict() -> Request:
    return Request((Message("user", "A or B?"),), Sampling(max_tokens=1), ("A", "B"))


def test_a_reasoning_model_is_asked_with_what_it_takes(chat_server: Any) -> None:
    unsupported = "Unsupported parameter: '{}' is not supported with this model."
    refusals = {
        "max_tokens": f"{unsupported.format('max_tokens')} Use 'max_completion_tokens' instead.",
        "temperature": "Unsupported value: 'temperature' does not support 0 with this model. Only the "
                       "default (1) value is supported.",
        "top_p": unsupported.format("top_p"),
        "seed": unsupported.format("seed"),
        "logprobs": unsupported.format("logprobs"),
        "top_logprobs": unsupported.format("top_logprobs"),
    }  # fmt: skip

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        for name, words in refusals.items():
            if name in sent:
                return 400, chat_server.refuse(words, param=name, code="unsupported_parameter")
        return 200, chat_server.reply('{"answer": "A"}' if "response_format" in sent else "fine")

    chat_server.behave = behave
    first, second, third = answers(
        chat_server, verdict(), text(), verdict(), body={"reasoning_effort": "low"}
    )
    assert (first.text, first.logprobs, first.failure) == ('{"answer": "A"}', None, None)
    assert first.unsent == third.unsent == ("temperature 0", "top_p 1", "seed 0")
    assert (second.text, second.unsent) == ("fine", ("temperature 0.25", "top_p 0.9", "seed 0"))
    assert {sent["reasoning_effort"] for sent in chat_server.asked} == {"low"}
    answered = chat_server.asked[-1]
    assert answered["max_completion_tokens"] == 512
    assert not set(refusals) & set(answered)
    assert len(chat_server.asked) == 5 + 1 + 2  # five changes before the first answer, and none after it


def test_a_refused_effort_is_the_suites_to_mend(chat_server: Any) -> None:
    words = (
        "Unsupported value: 'reasoning_effort' does not support 'high' with this model. Supported values "
        "are: 'medium'."
    )
    chat_server.behave = lambda _: (400, chat_server.refuse(words, param="reasoning_effort"))
    (completion,) = answers(chat_server, verdict(), body={"reasoning_effort": "high"})
    assert (completion.failure, completion.detail) == (FailureKind.ENGINE, f"HTTP 400: {words}")
    assert len(chat_server.asked) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temperature", "gpt-5 models don't support temperature=0.25. Only temperature=1 is supported."),
        ("temperature", "temperature is not supported when reasoning_effort is not 'none'"),
        ("top_p", "Unsupported parameter: 'top_p' is not supported with this model."),
    ],
)
def test_newer_words_name_the_parameter_too(chat_server: Any, name: str, words: str) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        return (400, chat_server.refuse(words)) if name in sent else (200, chat_server.reply("fine"))

    chat_server.behave = behave
    (completion,) = answers(chat_server, text(), body={"reasoning_effort": "low"})
    assert completion.text == "fine"
    assert [note.split()[0] for note in completion.unsent] == [name]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "too_long",
        ),
        ("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "refused"),
        ("The response was filtered due to the prompt triggering our content management policy.", "refused"),
        ("Output blocked by content filtering policy", "refused"),
        ("Could not finish the message because max_tokens or model output limit was reached.", "truncated"),
        ("Something else is wrong.", "engine"),
    ],
)
@pytest.mark.parametrize("request_", [text(), verdict()])
def test_an_error_that_stands_for_a_reply_has_its_kind(
    chat_server: Any, words: str, kind: str, request_: Request
) -> None:
    chat_server.behave = lambda _: (400, chat_server.refuse(words))
    (completion,) = answers(chat_server, request_)
    assert (completion.failure, words in (completion.detail or "")) == (kind, True)
    assert len(chat_server.asked) == 1


@pytest.mark.parametrize("request_", [text(), verdict()])
def test_numbers_of_tokens_that_make_no_sense_are_no_numbers(chat_server: Any, request_: Request) -> None:
    usage = {"prompt_tokens": "7", "completion_tokens": -2, "prompt_tokens_details": {"cached_tokens": []}}
    chat_server.behave = lambda _: (200, {**chat_server.reply("A", top=TOP), "usage": usage})
    (completion,) = answers(chat_server, request_)
    assert (completion.text, completion.failure) == ("A", None)
    tokens = (completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens)
    assert tokens == (None, None, None)


@pytest.mark.parametrize("request_", [text(), verdict()])
def test_a_reply_that_is_nested_too_deeply_is_a_failure(chat_server: Any, request_: Request) -> None:
    chat_server.behave = lambda _: (200, b"[" * 100_000)
    (completion,) = answers(chat_server, request_)
    assert completion.failure is FailureKind.ENGINE
    assert "cannot be read" in (completion.detail or "")


def test_a_content_that_is_no_text_is_none_of_a_verdict(chat_server: Any) -> None:
    chat_server.behave = lambda _: (200, chat_server.reply(5, top=[("The", -0.1)]))  # type: ignore[arg-type]
    (completion,) = answers(chat_server, verdict())
    assert (completion.text, completion.failure) == (None, FailureKind.PARSE)
