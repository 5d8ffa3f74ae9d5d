"""OpenAI's chat protocol: a request as a call, and a reply as an outcome.

Verdict probabilities: one token is generated with the most probable tokens beside it, 20 where the server
allows that. A choice's probability is the sum over the tokens that spell it, with or without spaces around.
Choices outside of them are taken at equal shares of the most they can have. The outcome's `unlisted` names
them. Where no choice is among them, or none is more probable than what is outside, the outcome is a failure
of kind parse.

A verdict without probabilities is asked as a text, constrained by a JSON schema where the server can. What
it says is read by the judging room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalhub.engines.base import Outcome
from evalhub.engines.openai_dialect import Dialect
from evalhub.engines.parameters import sampling_of
from evalhub.engines.remote import server_words, token_count
from evalhub.engines.thinking import outcome_of_text
from evalhub.judging import answer_schema
from evalhub.records import CUT, FailureKind, Request, end_of

TOP = 20

# What rounding leaves unknown of a sum of probabilities near 1.
_ROUNDED = 1e-6


class NoProbabilities(Exception):
    """A reply without the log-probabilities that were asked for."""


def call(model: str, request: Request, dialect: Dialect) -> dict[str, Any]:
    """Return the arguments of one call. Every parameter is sent unless the dialect leaves it out."""
    sampling = {name: value for name, value in sampling_of(request).items() if name not in dialect.omitted}
    extra: dict[str, Any] = {**dialect.body}
    if "top_k" in sampling:
        extra["top_k"] = sampling.pop("top_k")
    arguments: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        dialect.token_limit: _token_limit(request, dialect),
        **sampling,
    }
    if request.messages[-1].role == "assistant":
        # vLLM's and SGLang's names. A server that ignores them answers anew, in a turn of its own.
        extra |= {"continue_final_message": True, "add_generation_prompt": False}
    if extra:
        arguments["extra_body"] = extra
    if request.sampling.stop:
        arguments["stop"] = list(request.sampling.stop)
    if dialect.hard(request):
        if dialect.structured:
            schema = {"name": "verdict", "strict": True, "schema": answer_schema(request.choices)}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif request.choices:
        arguments |= {"logprobs": True, "top_logprobs": dialect.logprobs}
    return arguments


def _token_limit(request: Request, dialect: Dialect) -> int:
    if dialect.hard(request):
        return dialect.answer_tokens
    return 1 if request.choices else request.sampling.max_tokens


def read(reply: Any, request: Request, dialect: Dialect) -> Outcome:
    """Return the outcome of a server's reply.

    Raises:
        NoProbabilities: The server sends none although they were requested.
    """
    if error := getattr(reply, "error", None):
        return Outcome(failure=FailureKind.ENGINE, detail=f"the server answers: {server_words(error)}")
    generation = reply.choices[0]
    details = getattr(reply.usage, "prompt_tokens_details", None)
    usage: dict[str, Any] = {
        "prompt_tokens": token_count(getattr(reply.usage, "prompt_tokens", None)),
        "cached_tokens": token_count(getattr(details, "cached_tokens", None)),
        "completion_tokens": token_count(getattr(reply.usage, "completion_tokens", None)),
    }
    limit = _token_limit(request, dialect)
    end = _end(generation, usage["completion_tokens"], limit)
    if refusal := _refusal(generation):
        return Outcome(failure=FailureKind.REFUSED, detail=refusal, finish_reason=end, **usage)
    if request.choices and not dialect.hard(request):
        listed = _listed_tokens(generation.logprobs)
        if not listed:
            raise NoProbabilities
        content = generation.message.content
        text = content if isinstance(content, str) else None
        return replace(_verdict(listed, request.choices, text), **usage)
    if not generation.message.content and end == CUT and not _reasoning(generation.message):
        detail = f"the answer was cut before it began ({dialect.token_limit} {limit})"
        return Outcome(failure=FailureKind.TRUNCATED, detail=detail, finish_reason=end, **usage)
    return outcome_of_text(
        generation.message.content or "",
        replace(request, sampling=replace(request.sampling, max_tokens=limit)),
        reasoning=_reasoning(generation.message),
        finish_reason=end,
        **usage,
    )


def _end(generation: Any, tokens: int | None, limit: int) -> str | None:
    """Return why an answer ends. Without a reason, an answer that fills its limit counts as cut."""
    if generation.finish_reason:
        return end_of(generation.finish_reason)
    return CUT if tokens is not None and tokens >= limit else None


def _reasoning(message: Any) -> str | None:
    """Return the think text that a server split off itself, under either of the names in use."""
    values = (getattr(message, name, None) for name in ("reasoning_content", "reasoning"))
    return next((text for text in values if isinstance(text, str) and text), None)


def _refusal(generation: Any) -> str | None:
    """Return why a model or a filter of the server gives no answer. None where there is an answer."""
    refusal = getattr(generation.message, "refusal", None)
    if not generation.message.content and isinstance(refusal, str) and refusal:
        return f"the model refuses: {refusal}"
    if generation.finish_reason == "content_filter":
        return "the server's content filter took the answer"
    return None


def _listed_tokens(logprobs: Any) -> list[tuple[str, float]]:
    """Return the most probable first tokens, or only the sampled token of a server that lists no others."""
    content = logprobs.content if logprobs else None
    if not content:
        return []
    tokens = content[0].top_logprobs or [content[0]]
    # A probability of 0 has no logarithm, which JSON writes as null.
    return [(token.token, float(token.logprob)) for token in tokens if token.logprob is not None]


def _verdict(listed: Sequence[tuple[str, float]], choices: tuple[str, ...], text: str | None) -> Outcome:
    logprobs_listed = choice_logprobs(listed, choices)
    missing = [choice for choice in choices if choice not in logprobs_listed]
    top = max(listed, key=lambda pair: pair[1])[0] if listed else None
    ceiling = unlisted(listed) if missing else -math.inf
    where = f"among the server's {len(listed)} most probable tokens"
    stands_out = bool(logprobs_listed) and max(logprobs_listed.values()) > ceiling
    ceiling = min(ceiling, _equal_share(listed, len(missing)))
    logprobs = {choice: logprobs_listed.get(choice, ceiling) for choice in choices}
    bounds: dict[str, Any] = {"logprobs": logprobs, "top_token": top, "unlisted": tuple(missing)}
    if not stands_out:
        detail = f"no choice stands out {where}; engine: {{logprobs: none}} asks for hard verdicts"
        return Outcome(text, failure=FailureKind.PARSE, detail=detail, **bounds)
    best = max(logprobs, key=lambda name: logprobs[name])
    share = "the most it can have" if len(missing) == 1 else "equal shares of the most they can have"
    note = f"not {where}, so taken at {share}: {', '.join(missing)}" if missing else None
    return Outcome(best, finish_reason="choice", detail=note, **bounds)


def _equal_share(listed: Sequence[tuple[str, float]], missing: int) -> float:
    """Return the log of the probability that the listed tokens leave, divided by the missing choices."""
    left = 1.0 - math.fsum(math.exp(min(logprob, 0.0)) for _, logprob in listed)
    return math.log(max(left, _ROUNDED) / max(missing, 1))


def unlisted(listed: Sequence[tuple[str, float]]) -> float:
    """Return the highest log-probability that a token outside of a list of the most probable can have.

    It is at most the least listed probability, and at most the probability that the listed tokens leave.

    Args:
        listed: Tokens with their natural-log probabilities.

    Example:
        >>> unlisted([("A", -0.1), ("The", -2.5), ("I", -6.0)])
        -6.0
    """
    values = [min(logprob, 0.0) for _, logprob in listed]
    left = 1.0 - math.fsum(map(math.exp, values))
    return min([*values, math.log(max(left, _ROUNDED))])


def choice_logprobs(listed: Sequence[tuple[str, float]], choices: Sequence[str]) -> Mapping[str, float]:
    """Return the log-probability of each choice that a listed token spells.

    Args:
        listed: Tokens with their natural-log probabilities.
        choices: The allowed answers.

    Example:
        >>> choice_logprobs([("A", -1.0), ("The", -1.5)], ["A", "B"])
        {'A': -1.0}
    """
    logprobs_by_choice: dict[str, list[float]] = {}
    for token, logprob in listed:
        if token.strip() in choices:
            logprobs_by_choice.setdefault(token.strip(), []).append(logprob)
    return {
        choice: logprobs_by_choice[choice][0]
        if len(logprobs_by_choice[choice]) == 1
        else math.log(math.fsum(map(math.exp, logprobs_by_choice[choice])))
        for choice in choices
        if choice in logprobs_by_choice
    }
