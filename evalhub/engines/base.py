"""The contract of every engine: its identity, and the key of a completion."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import islice
from types import TracebackType
from typing import Any, Protocol, Self

from evalhub.engines.facts import EngineFacts
from evalhub.records import (
    SHORT_DIGITS,
    THINK_TAGS,
    Completion,
    FailureKind,
    Message,
    Question,
    Request,
    RequestKind,
    Sampling,
    ThinkTags,
    canonical,
    digest,
)
from evalhub.texts import clean, encode_original

# How long an engine may show no sign of life while it works. One step of a large model on a CPU is slow.
HANG_SECONDS = 600.0

REMOTE = "remote"
"""The device of a model behind a server."""

_LOWEST = -9999.0
_MESSAGES = "{messages}"


@dataclass(frozen=True)
class EngineIdentity:
    """Everything besides the request that decides the text of a completion.

    Attributes:
        engine: Its name in `ENGINES`.
        model: The model's id, for people. Not part of a completion's key.
        model_hash: sha256 of the model's content, or of a server's address and model name.
        chat_template_hash: sha256 of the chat template. None for a model without one.
        settings: The requested settings, fit for JSON and without secrets.
        version: vLLM's version. None for other engines.
        device: cpu, gpu, remote or none.
        since: The night since which a server is taken to answer alike, YYYY-MM-DD. Its earlier answers are
            not used again. None = since ever.
    """

    engine: str
    model: str
    model_hash: str
    chat_template_hash: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
    device: str = "none"
    since: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the model stands behind a server, so that it can change without a sign."""
        return self.device == REMOTE

    @cached_property
    def key_values(self) -> str:
        """What of the identity decides a completion's key, as canonical JSON."""
        return canonical(
            {
                "engine": self.engine,
                "model_hash": self.model_hash,
                "chat_template_hash": self.chat_template_hash,
                "settings": dict(self.settings),
                "version": self.version,
                "device": self.device,
                **({"since": self.since} if self.since else {}),
            }
        )


def clean_request(request: Request) -> Request:
    """Return a request whose texts are valid UTF-8, as it is sent, stored and hashed."""
    contents = [clean(message.content) for message in request.messages]
    if all(content is message.content for content, message in zip(contents, request.messages, strict=True)):
        return request
    messages = zip(request.messages, contents, strict=True)
    return replace(request, messages=tuple(Message(message.role, content) for message, content in messages))


def messages_text(request: Request) -> str:
    """Return the canonical JSON of a request's messages, as they are sent."""
    return _messages_text(request.messages)


@lru_cache(maxsize=8192)
def _messages_text(messages: tuple[Message, ...]) -> str:
    """Return the text of messages. The last ones stay in memory: a request's is needed at both ends."""
    return canonical([{"role": message.role, "content": clean(message.content)} for message in messages])


def completion_key(identity: EngineIdentity, request: Request) -> str:
    """Return the key of a completion, by which it is found again.

    Args:
        identity: The engine and its model. The model's content counts, its display id does not.
        request: The request.

    Returns:
        The first 128 bits of the sha256 of canonical JSON in which every value stands under its name.

    Example:
        >>> request = Request((Message("user", "Hello"),))
        >>> here, there = (EngineIdentity("scripted", name, "0") for name in ("here", "there"))
        >>> completion_key(here, request) == completion_key(there, request)
        True
    """
    before, after = _around_messages(
        identity.key_values,
        request.choices,
        request.sampling,
        request.sample,
        request.think,
        request.kind,
        request.question,
    )
    return digest(f"{before}{canonical(messages_text(request))}{after}")[:SHORT_DIGITS]


@lru_cache(maxsize=4096)
def _around_messages(
    key_values: str,
    choices: tuple[str, ...],
    sampling: Sampling,
    sample: int,
    think: tuple[ThinkTags, ...],
    kind: RequestKind,
    question: Question | None,
) -> tuple[str, str]:
    """Return the canonical JSON of all that decides a completion, before and after its messages.

    Most requests of a judge share it, and to encode it takes longer than the messages.
    """
    values = {
        **json.loads(key_values),
        "messages": _MESSAGES,
        "choices": list(choices),
        "sampling": {
            "temperature": float(sampling.temperature),
            "top_p": float(sampling.top_p),
            "top_k": sampling.top_k,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "stop": list(sampling.stop),
        },
        "sample": sample,
        **({"think": _think_pairs(think)} if think != THINK_TAGS else {}),
        **({"kind": kind.value} if kind is not RequestKind.GENERATE else {}),
        **({"question": question_values(question)} if question else {}),
    }
    before, _, after = canonical(values).partition(f'"messages":"{_MESSAGES}"')
    return f'{before}"messages":', after


def question_values(question: Question) -> dict[str, Any]:
    """Return a question as plain values."""
    options = [[name, clean(description)] for name, description in question.options]
    return {"kind": question.kind.value, "text": clean(question.text), "options": options}


def _think_pairs(think: tuple[ThinkTags, ...]) -> list[list[Any]]:
    return [[pair.open, pair.close, pair.opened] for pair in think]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The part of a completion that comes from the model."""

    text: str | None = None
    reasoning: str | None = None
    logprobs: Mapping[str, float] | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    failure: FailureKind | None = None
    detail: str | None = None
    unsent: tuple[str, ...] | None = None
    top_token: str | None = None
    unlisted: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    answered_by: str | None = None
    batch: bool | None = None


def too_long_outcome(tokens: int, limit: int, *, kind: RequestKind = RequestKind.GENERATE) -> Outcome:
    """Return the failure of a prompt that the engine cannot hold, with the token that has to follow it."""
    follows = " and one must follow" if kind is RequestKind.GENERATE else ""
    return Outcome(
        failure=FailureKind.TOO_LONG,
        prompt_tokens=tokens,
        detail=f"the prompt has {tokens} tokens{follows}, the engine holds {limit}",
    )


def completion(key: str, model: str, request: Request, outcome: Outcome) -> Completion:
    """Return the record of one outcome: texts made valid UTF-8, log-probabilities finite.

    A log-probability of minus infinity becomes -9999, as vLLM writes it. NaN is a failure, and so is a value
    that is not finite.
    """
    if not all(map(math.isfinite, outcome.values)):
        detail = "the engine gave a value that is not finite"
        outcome = Outcome(failure=FailureKind.ENGINE, detail=detail)
    logprobs = outcome.logprobs
    if logprobs and any(math.isnan(value) for value in logprobs.values()):
        detail = "the engine gave NaN as a log-probability"
        outcome = Outcome(failure=FailureKind.ENGINE, detail=detail)
    elif logprobs and min(logprobs.values()) < _LOWEST:
        floored = {name: max(value, _LOWEST) for name, value in logprobs.items()}
        outcome = replace(outcome, logprobs=floored)
    return Completion(
        key=key,
        model=model,
        messages=messages_text(request),
        choices=request.choices,
        text=_clean(outcome.text),
        reasoning=_clean(outcome.reasoning),
        logprobs=outcome.logprobs,
        top_token=_clean(outcome.top_token),
        finish_reason=outcome.finish_reason,
        prompt_tokens=outcome.prompt_tokens,
        cached_tokens=outcome.cached_tokens,
        completion_tokens=outcome.completion_tokens,
        failure=outcome.failure,
        detail=_clean(outcome.detail),
        unsent=outcome.unsent or (),
        unlisted=outcome.unlisted,
        original=encode_original(outcome.text),
        values=outcome.values,
        question=canonical(question_values(request.question)) if request.question else None,
        answered_by=_clean(outcome.answered_by),
        batch=outcome.batch,
    )


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


class Engine(Protocol):
    """Runs requests. All methods are called from one thread. A subclass inherits the context manager."""

    @property
    def identity(self) -> EngineIdentity:
        """The model and its requested settings."""

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. Its work may begin at once."""

    def results(self) -> Iterator[Completion]:
        """Yield each completion as soon as it is finished, until nothing is in flight.

        `submit` may be called between two yields: follow-ups join the running batch.

        Raises:
            ModelError: A request cannot be asked of this model at all.
            EngineError: The engine died too often.
        """

    def take(self, seconds: float) -> list[Completion]:  # noqa: ARG002
        """Return what is finished, or finishes within about so many seconds. Empty with nothing in flight.

        Choose it over `results` where requests come at any time: `submit` may be called between two calls,
        so that a request joins the running batch while others take long. An engine without a method of its
        own waits for the first completion, however long that takes.

        Raises:
            ModelError, EngineError: As `results`.
        """
        return list(islice(self.results(), 1))

    @property
    def ready(self) -> int:
        """The number of completions that `results` yields next without waiting. 0 where it is not known."""
        return 0

    @property
    def intake(self) -> int | None:
        """The number of requests that are best handed in before `results` is read. None = as they come."""
        return None

    def drain(self) -> None:
        """Drop the requests that have not begun and finish the others. Safe in a signal handler."""

    def interrupt(self) -> str:
        """End the work for the user, and return a sentence that says how. Safe in a signal handler.

        By default it is drained. What goes on without this process may be left for a later session.
        """
        self.drain()
        return "stopping: finishing what has begun; Ctrl-C again stops at once"

    def facts(self) -> EngineFacts:
        """Return the settings in use and the work done so far."""

    def close(self) -> None:
        """End the engine. A second call does nothing."""

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()


def complete(engine: Engine, keyed_requests: Iterable[tuple[str, Request]]) -> Iterator[Completion]:
    """Submit requests and yield their completions, each as soon as it is finished.

    Args:
        engine: An open engine.
        keyed_requests: Each request after its completion's key.

    Yields:
        One completion for each request, in the order in which they finish.
    """
    for key, request in keyed_requests:
        engine.submit(key, request)
    yield from engine.results()
