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
from evalhub.records import Request

TOP = 20
"""Number of most probable tokens requested by default. OpenAI allows no more."""

FEWER = 5

CHANGES = 10
"""Changes at most to one request."""

_NOT_ASKED = "the suite asks for no log-probabilities (logprobs: none)"
_OPTIONAL = ("temperature", "top_p", "top_k", "seed")
_LENGTH = ("max_tokens", "max_completion_tokens")
_PROBABILITIES = ("logprobs", "top_logprobs")
_STRUCTURE = ("response_format", "json_schema")
_REFUSED = re.compile(
    r"support|recogni[sz]e|unknown|unexpected|unsupported|allowed|permitted|invalid|deprecated|available|"
    r"enabled|implemented|accepted|must be|cannot (?:both )?be|can't be|exceed|greater|less than|"
    r"at most|between|maximum|range|too (?:large|high|many)|extra|no such|not (?:a )?valid|only|"
    r"remove|disabled|\buse\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"exceed|greater|less|at most|up to|between|max|limit|range|<=|≤|too (?:large|high|many)", re.IGNORECASE
)
# "seed" and "temperature" are words of any prompt or policy. They name a parameter in quotes or brackets,
# beside a word such as "parameter", or right before or behind what refuses them.
_WORDS = ("temperature", "seed")
_KIND = r"(?:parameter|param|argument|field|option|setting|key|property|name|value)(?:s|\(s\))?"
_DENIES = (
    r"(?:unsupported|un(?:known|expected|recogni[sz]ed)|invalid|deprecated|disabled|forbidden|extra|additional|only|too"
    r"|(?:not|no\s+longer|cannot\s+be|can't\s+be|may\s+only)\s+(?:\w+\s+)?(?:support|allow|permit|avail|implement"
    r"|accept|enabl|recogni|valid|be\s+set|set|used|specified))"
)
_IS = r"\s*(?:=?\s*\d[\d.]*)?\s*(?::|is|are|was|has\s+been|does|must\s+be)?\s*"
_REFUSES = (
    r"(?:(?:un|not\s+|n't\s+)(?:supported|support|known|expected|recogni[sz]ed)|invalid|deprecated"
    r"|allowed\s+to\s+set|only)"
)
_NAMES: Mapping[str, re.Pattern[str]] = {
    word: re.compile(
        rf"['\"`\[]{word}['\"`\]]|\b{word}\s+{_KIND}\b|(?:\b|_){_KIND}(?:[^.:]{{0,40}}:)?\s*(?:supplied:\s*)?{word}\b"
        rf"|\b{word}{_IS}{_DENIES}|\b{_REFUSES}\s+(?:the\s+)?{word}\b",
        re.IGNORECASE,
    )
    for word in _WORDS
}
# The server takes the parameter and refuses its value. The suite has to change it.
_OUT_OF_RANGE = re.compile(
    r"(?:between|at most|at least|(?:less|greater|more|higher|lower) than|maximum|minimum|range|[<>]=?)"
    r"\D{0,20}\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of requests to a server.

    Attributes:
        logprobs: Number of most probable tokens requested beside a verdict. 0 for hard verdicts.
        token_limit: The name under which an answer's length is sent.
        omitted: The sampling parameters that are not sent, in the order of `_OPTIONAL`.
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
        sampling = sampling_of(request)
        return tuple(f"{name} {sampling[name]:g}" for name in self.omitted if name in sampling)


def sampling_of(request: Request) -> dict[str, float]:
    """Return the sampling parameters of a request that a server may refuse."""
    sampling = request.sampling
    parameters = {
        "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k,
        "seed": sampling.seed + request.sample,
    }  # fmt: skip
    return (
        parameters
        if sampling.top_k
        else {name: value for name, value in parameters.items() if name != "top_k"}
    )


def first_dialect(settings: OpenaiSettings) -> Dialect:
    """Return the dialect for a server that has refused nothing so far."""
    return Dialect(
        logprobs={"auto": TOP, "none": 0}[settings.logprobs]
        if isinstance(settings.logprobs, str)
        else settings.logprobs,
        token_limit="max_tokens" if settings.token_limit == "auto" else settings.token_limit,
        omitted=() if settings.omit == "auto" else tuple(name for name in _OPTIONAL if name in settings.omit),
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
    refused_name = _refused_parameter(dialect, request, words, parameter)
    if refused_name in _OPTIONAL and settings.omit == "auto" and not _OUT_OF_RANGE.search(words):
        omitted = (*dialect.omitted, refused_name)
        return replace(dialect, omitted=tuple(name for name in _OPTIONAL if name in omitted))
    if refused_name == "max_tokens" and settings.token_limit == "auto" and not _OUT_OF_RANGE.search(words):
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
        omitted=tuple(name for name in _OPTIONAL if name in omitted),
        structured=first.structured and second.structured,
    )


def _refused_parameter(dialect: Dialect, request: Request, words: str, parameter: str | None) -> str | None:
    """Return the refused parameter: `parameter` if it was sent, else the first in the message."""
    parameters = _sent_parameters(dialect, request)
    names = re.findall(r"\w+", parameter or "")
    if names and names[0] in ("messages", "prompt", "input"):
        return None
    refused_name: str | None = next((name for name in names if name in parameters), None)
    if refused_name is not None:
        return refused_name
    if not _REFUSED.search(words):
        return None
    positions = {name: match.start() for name in parameters if (match := _mention(name, words))}
    return min(positions, key=lambda name: positions[name]) if positions else None


def _mention(name: str, words: str) -> re.Match[str] | None:
    """Return where a message names a parameter, not only a word of the same spelling."""
    return _NAMES[name].search(words) if name in _NAMES else re.search(rf"\b{name}\b", words)


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
