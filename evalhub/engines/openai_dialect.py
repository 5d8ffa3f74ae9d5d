"""The parameters that a server of OpenAI's protocol is sent, and their changes where it refuses some.

A refusal leads to one change: the parameter that it names is renamed, lowered or left out, where the suite
allows that (`auto`). Each completion records the parameters that were left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalhub.engines.openai_settings import OpenaiSettings
from evalhub.engines.parameters import (
    OPTIONAL,
    is_out_of_range,
    refused_parameter,
    sampling_of,
    unsent_parameters,
)
from evalhub.records import Request

TOP = 20
"""Number of most probable tokens requested by default. OpenAI allows no more."""

FEWER = 5

_NOT_ASKED = "the suite asks for no log-probabilities (logprobs: none)"
_LENGTH = ("max_tokens", "max_completion_tokens")
_PROBABILITIES = ("logprobs", "top_logprobs")
_STRUCTURE = ("response_format", "json_schema")
_BOUND = re.compile(
    r"exceed|greater|less|at most|up to|between|max|limit|range|<=|≤|too (?:large|high|many)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of requests to a server.

    Attributes:
        logprobs: Number of most probable tokens requested beside a verdict. 0 for hard verdicts.
        token_limit: The name under which an answer's length is sent.
        omitted: The sampling parameters that are not sent, in the order of `OPTIONAL`.
        structured: Whether a hard verdict is constrained by a JSON schema.
        answer_tokens: Tokens that a hard verdict may take.
        body: Further fields of each request.
        why_hard: Why verdicts are hard.
    """

    logprobs: int = TOP
    token_limit: str = "max_tokens"
    omitted: tuple[str, ...] = ()
    structured: bool = True
    answer_tokens: int = 512
    body: Mapping[str, Any] = field(default_factory=dict)
    why_hard: str = ""

    def hard(self, request: Request) -> bool:
        """Whether a request is for a verdict without probabilities."""
        return bool(request.choices) and not self.logprobs

    def unsent(self, request: Request) -> tuple[str, ...]:
        """Return the parameters of a request that the server is not sent, each with its value."""
        return unsent_parameters(request, self.omitted)


def first_dialect(settings: OpenaiSettings) -> Dialect:
    """Return the dialect for a server that has refused nothing so far."""
    return Dialect(
        logprobs={"auto": TOP, "none": 0}[settings.logprobs]
        if isinstance(settings.logprobs, str)
        else settings.logprobs,
        token_limit="max_tokens" if settings.token_limit == "auto" else settings.token_limit,
        omitted=() if settings.omit == "auto" else tuple(name for name in OPTIONAL if name in settings.omit),
        structured=settings.structured != "none",
        answer_tokens=settings.answer_tokens,
        body=settings.body,
        why_hard=_NOT_ASKED,
    )


def without_probabilities(dialect: Dialect, settings: OpenaiSettings) -> Dialect | None:
    """Return the dialect of a server without log-probabilities. None where the suite sets them."""
    reason = "the server sends no log-probabilities"
    return replace(dialect, logprobs=0, why_hard=reason) if settings.logprobs == "auto" else None


def without_refused(
    dialect: Dialect, settings: OpenaiSettings, request: Request, words: str, parameter: str | None = None
) -> Dialect | None:
    """Return the dialect without the parameter that a server refuses. None where no change is allowed.

    Args:
        dialect: The dialect of the refused request.
        settings: Say which parameters may change.
        request: The refused request.
        words: The server's message.
        parameter: The parameter that the server names outside its message.
    """
    refused_name = refused_parameter(_sent_parameters(dialect, request), words, parameter)
    if refused_name in OPTIONAL and settings.omit == "auto" and not is_out_of_range(words):
        omitted = (*dialect.omitted, refused_name)
        return replace(dialect, omitted=tuple(name for name in OPTIONAL if name in omitted))
    if refused_name == "max_tokens" and settings.token_limit == "auto" and not is_out_of_range(words):
        return replace(dialect, token_limit="max_completion_tokens")
    if refused_name in _PROBABILITIES and settings.logprobs == "auto":
        reason = f"the server refuses log-probabilities ({words})"
        return replace(dialect, logprobs=_fewer_logprobs(dialect.logprobs, words), why_hard=reason)
    if refused_name in _STRUCTURE and settings.structured == "auto":
        return replace(dialect, structured=False)
    return None


def merge_dialects(first: Dialect, second: Dialect) -> Dialect:
    """Return the dialect that leaves out every parameter that one of two leaves out."""
    omitted = {*first.omitted, *second.omitted}
    return replace(
        min(first, second, key=lambda dialect: dialect.logprobs),
        token_limit=min(first.token_limit, second.token_limit, key=_LENGTH[::-1].index),
        omitted=tuple(name for name in OPTIONAL if name in omitted),
        structured=first.structured and second.structured,
    )


def _sent_parameters(dialect: Dialect, request: Request) -> Sequence[str]:
    parameters = [name for name in sampling_of(request) if name not in dialect.omitted]
    parameters.append(dialect.token_limit)
    if dialect.hard(request):
        return [*parameters, *(_STRUCTURE if dialect.structured else ())]
    return [*parameters, *(_PROBABILITIES if request.choices else ())]


def _fewer_logprobs(count: int, words: str) -> int:
    """Return the next number of log-probabilities: the most that the message allows, or 0."""
    if not _BOUND.search(words):
        return 0
    smaller = [number for number in map(int, re.findall(r"\b\d{1,3}\b", words)) if 1 <= number < count]
    return max(smaller, default=FEWER if count > FEWER else 0)
