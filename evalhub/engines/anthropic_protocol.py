"""Anthropic's messages protocol: a request as a call, and a reply as an outcome.

The protocol has no log-probabilities, so every verdict is hard. The model has to call a tool whose only input
is one of the choices. Models that refuse a forced tool are asked for a text of the same JSON schema. Whatever
else comes back is a failure with its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalhub.engines.anthropic_settings import AnthropicSettings
from evalhub.engines.base import Outcome
from evalhub.engines.parameters import (
    OPTIONAL,
    is_out_of_range,
    refused_parameter,
    sampling_of,
    unsent_parameters,
)
from evalhub.engines.prompts import merge_turns
from evalhub.engines.remote import server_words, token_count
from evalhub.engines.thinking import outcome_of_text
from evalhub.judging import answer_schema, read_answer
from evalhub.records import CUT, FailureKind, Message, Request, end_of

TOOL = "verdict"

_NO_SEED = ("seed",)
_WHY_HARD = "hard verdict: Anthropic's protocol has no log-probabilities"
_NO_PREFILL = ("prefill", "must end with a user message")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of requests to a server.

    Attributes:
        omitted: The sampling parameters that are not sent, in the order of `OPTIONAL`. A seed is none of the
            protocol's parameters.
        structured: What constrains a verdict: tool or json_schema.
        answer_tokens: Tokens that a verdict may take.
        body: Further fields of each request.
    """

    omitted: tuple[str, ...] = _NO_SEED
    structured: str = "tool"
    answer_tokens: int = 512
    body: Mapping[str, Any] = field(default_factory=dict)

    def token_limit(self, request: Request) -> int:
        """Return the tokens that the answer to a request may take."""
        return self.answer_tokens if request.choices else request.sampling.max_tokens


def first_form(settings: AnthropicSettings) -> Form:
    """Return the form for a server that has refused nothing so far."""
    omitted = _NO_SEED if settings.omit == "auto" else (*settings.omit, *_NO_SEED)
    return Form(
        omitted=tuple(name for name in OPTIONAL if name in omitted),
        structured="tool" if settings.structured == "auto" else settings.structured,
        answer_tokens=settings.answer_tokens,
        body=settings.body,
    )


def without_refused(form: Form, settings: AnthropicSettings, request: Request, words: str) -> Form | None:
    """Return the form without what a server refuses. None where no change is allowed.

    Of a temperature and a top_p that cannot both be sent, the temperature stays.
    """
    if request.choices and form.structured == "tool" and "tool_choice" in words:
        return replace(form, structured="json_schema") if settings.structured == "auto" else None
    names = _sampling(request, form)
    name = refused_parameter(names, words)
    if name == "temperature" and "top_p" in names and "top_p" in words and "both" in words:
        name = "top_p"
    if name is None or settings.omit != "auto" or is_out_of_range(words):
        return None
    omitted = (*form.omitted, name)
    return replace(form, omitted=tuple(name for name in OPTIONAL if name in omitted))


def merge_forms(first: Form, second: Form) -> Form:
    """Return the form that leaves out every parameter that one of two leaves out."""
    omitted = {*first.omitted, *second.omitted}
    return replace(
        first,
        omitted=tuple(name for name in OPTIONAL if name in omitted),
        structured=min(first.structured, second.structured, key=("json_schema", "tool").index),
    )


def unsent(request: Request, form: Form) -> tuple[str, ...]:
    """Return the parameters of a request that the server is not sent, each with its value.

    A top_p of 1 leaves every token as it is, so that nothing is missing without it.
    """
    names = [name for name in form.omitted if name != "top_p" or request.sampling.top_p < 1]
    return unsent_parameters(request, names)


def call(model: str, request: Request, form: Form) -> dict[str, Any]:
    """Return the arguments of one call. Every parameter is sent unless the form leaves it out.

    The sampling parameters are no arguments of the SDK any more. They go into the body as they are.
    """
    system = "\n\n".join(message.content for message in request.messages if message.role == "system")
    body: dict[str, Any] = {**form.body, **_sampling(request, form)}
    arguments: dict[str, Any] = {
        "model": model,
        "messages": _turns(request.messages),
        "max_tokens": form.token_limit(request),
    }
    if system:
        arguments["system"] = system
    if request.sampling.stop:
        arguments["stop_sequences"] = list(request.sampling.stop)
    if request.choices and form.structured == "tool":
        schema = answer_schema(request.choices)
        arguments["tools"] = [{"name": TOOL, "description": "Give the verdict.", "input_schema": schema}]
        arguments["tool_choice"] = {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True}
    elif request.choices:
        schema = {"type": "json_schema", "schema": answer_schema(request.choices)}
        body["output_config"] = {**body.get("output_config", {}), "format": schema}
    if body:
        arguments["extra_body"] = body
    return arguments


def _sampling(request: Request, form: Form) -> dict[str, float]:
    sampling = {name: value for name, value in sampling_of(request).items() if name not in form.omitted}
    if sampling.get("top_p") == 1:
        # Newer models refuse it beside a temperature, and it changes nothing.
        del sampling["top_p"]
    return sampling


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return the turns of a conversation, which alternate. A begun answer may not end with a space."""
    turns = merge_turns([message for message in messages if message.role != "system"])
    contents = [{"role": turn.role, "content": turn.content} for turn in turns]
    if contents and contents[-1]["role"] == "assistant":
        contents[-1]["content"] = contents[-1]["content"].rstrip()
        if not contents[-1]["content"]:
            contents.pop()
    return contents


def refuses_begun_answer(request: Request, words: str) -> bool:
    """Whether a server refuses a request because it ends with a turn that the assistant has begun."""
    is_begun = request.messages[-1].role == "assistant"
    return is_begun and any(sign in words.lower() for sign in _NO_PREFILL)


def read(reply: Any, request: Request, form: Form) -> Outcome:
    """Return the outcome of a server's reply.

    Raises:
        TypeError, AttributeError: The reply has another form than the protocol says.
    """
    if error := getattr(reply, "error", None):
        return Outcome(failure=FailureKind.ENGINE, detail=f"the server answers: {server_words(error)}")
    usage = _usage(reply.usage)
    end = _end(reply, usage["completion_tokens"], form.token_limit(request))
    facts: dict[str, Any] = {**usage, "finish_reason": end}
    if end == "refusal":
        return Outcome(failure=FailureKind.REFUSED, detail=_refusal(reply), **facts)
    text = "".join(_text(block.text) for block in reply.content if block.type == "text")
    thoughts = [_text(block.thinking) for block in reply.content if block.type == "thinking"]
    reasoning = "\n".join(filter(None, thoughts)) or None
    if request.choices:
        return _verdict(reply, request, form, text=text, reasoning=reasoning, **facts)
    if not text and end == CUT and not reasoning:
        limit = form.token_limit(request)
        detail = f"the answer was cut before it began (max_tokens {limit})"
        return Outcome(failure=FailureKind.TRUNCATED, detail=detail, **facts)
    return outcome_of_text(text, request, reasoning=reasoning, **facts)


def _verdict(reply: Any, request: Request, form: Form, *, text: str, **facts: Any) -> Outcome:
    """Return the outcome of a verdict. Only one allowed answer and nothing else is one."""
    if facts["finish_reason"] == CUT:
        limit = form.token_limit(request)
        detail = (
            f"the verdict was cut at its token limit (max_tokens {limit}); engine: answer_tokens allows more"
        )
        return Outcome(text or None, failure=FailureKind.TRUNCATED, detail=detail, **facts)
    if form.structured == "tool":
        calls = [block for block in reply.content if block.type == "tool_use"]
        if len(calls) != 1:
            detail = f"the model calls the tool of the verdict {len(calls)} times and not once"
            kind = FailureKind.AMBIGUOUS if calls else FailureKind.PARSE
            return Outcome(text, failure=kind, detail=detail, **facts)
        text = json.dumps(calls[0].input, ensure_ascii=False)
        if calls[0].name != TOOL or not isinstance(calls[0].input, dict):
            detail = "the model calls another tool, or gives it no object"
            return Outcome(text, failure=FailureKind.PARSE, detail=detail, **facts)
    if read_answer(text, request.choices) is None:
        mismatch = f"the answer is not one of {', '.join(request.choices)} and nothing else"
        detail = mismatch if text.strip() else "the answer is empty"
        return Outcome(text, failure=FailureKind.PARSE, detail=detail, **facts)
    return Outcome(text, detail=_WHY_HARD, **facts)


def _end(reply: Any, tokens: int | None, limit: int) -> str | None:
    """Return why an answer ends. Without a reason, an answer that fills its limit counts as cut."""
    if reply.stop_reason:
        return end_of(reply.stop_reason)
    return CUT if tokens is not None and tokens >= limit else None


def _refusal(reply: Any) -> str:
    details = getattr(reply, "stop_details", None)
    category, explanation = (getattr(details, name, None) for name in ("category", "explanation"))
    reasons = [reason for reason in (category, explanation) if isinstance(reason, str) and reason]
    return ": ".join(["the model refuses", *reasons])


def _usage(usage: Any) -> dict[str, int | None]:
    """Return the numbers of tokens. Those that are written to the cache or read from it are prompt tokens."""
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    fresh, stored, cached, completion = (token_count(getattr(usage, name, None)) for name in names)
    prompt = None if fresh is None else fresh + (stored or 0) + (cached or 0)
    return {"prompt_tokens": prompt, "cached_tokens": cached, "completion_tokens": completion}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is of type {type(value).__name__}")
    return value
