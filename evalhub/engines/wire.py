"""JSON lines over a pair of pipes: the messages of parent and child.

Parent to child: `open` once, then `ask` and `drain`. Child to parent: `ready` or `failed` once, then
`done`, `refused`, `dropped`, and `beat` as a sign of life, which carries the counters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from evalhub.engines.base import Outcome
from evalhub.records import (
    FailureKind,
    Message,
    Question,
    QuestionKind,
    Request,
    RequestKind,
    Sampling,
    ThinkTags,
)


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line. A text with a lone surrogate has no UTF-8 and is sent in escapes."""
    try:
        return to_json(message) + b"\n"
    except PydanticSerializationError:
        return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class Lines:
    """Collects bytes and hands out whole messages. A cut last line is never handed out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages that these bytes complete."""
        self._buffer += data
        if b"\n" not in data:
            return []
        *lines, remainder = self._buffer.split(b"\n")
        self._buffer = bytearray(remainder)
        return [json.loads(line) for line in lines if line]


def request_to_wire(request: Request) -> dict[str, Any]:
    """Return a request as plain values."""
    return {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "sampling": _plain(request.sampling),
        "choices": request.choices,
        "sample": request.sample,
        "think": [_plain(tags) for tags in request.think],
        "kind": request.kind,
        "question": asdict(request.question) if request.question else None,
    }


@lru_cache(maxsize=256)
def _plain(part: Sampling | ThinkTags) -> dict[str, Any]:
    """Return a part of a request as plain values. Most requests share theirs."""
    return asdict(part)


def request_from_wire(values: Mapping[str, Any]) -> Request:
    """Return the request of `request_to_wire`."""
    sampling = dict(values["sampling"])
    return Request(
        messages=tuple(Message(**message) for message in values["messages"]),
        sampling=Sampling(**{**sampling, "stop": tuple(sampling["stop"])}),
        choices=tuple(values["choices"]),
        sample=values["sample"],
        think=tuple(ThinkTags(**pair) for pair in values["think"]),
        kind=RequestKind(values["kind"]),
        question=_question(values["question"]),
    )


def _question(values: Mapping[str, Any] | None) -> Question | None:
    if values is None:
        return None
    options = tuple((name, description) for name, description in values["options"])
    return Question(QuestionKind(values["kind"]), values["text"], options)


def outcome_to_wire(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome's known values, plain."""
    values = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    return {name: value for name, value in values.items() if value is not None and value != ()}


def outcome_from_wire(values: Mapping[str, Any]) -> Outcome:
    """Return the outcome of `outcome_to_wire`."""
    failure = values.get("failure")
    enums = {"failure": None if failure is None else FailureKind(failure)}
    return Outcome(**{**values, **enums, "values": tuple(values.get("values", ()))})
