"""What a server of OpenAI's protocol is sent, and what is left out or renamed where it refuses a parameter.

A refusal is answered by one change: the parameter that it names is renamed, asked for less, or left out,
where the suite leaves that open (`auto`). What was left out is kept with each completion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalhub.engines.openai_settings import OpenaiSettings
from evalhub.records import Request

TOP = 20
"""How many most probable tokens are asked for where nothing else is set: the most that OpenAI allows."""

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
# The server takes the parameter and not this value of it: that is the suite's to mend.
_OUT_OF_RANGE = re.compile(
    r"(?:between|at most|at least|(?:less|greater|more|higher|lower) than|maximum|minimum|range|[<>]=?)"
    r"\D{0,20}\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server is asked.

    Attributes:
        logprobs: How many most probable tokens are asked for beside a verdict. 0 for hard verdicts.
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
        """Return what a request asks for and the server is not sent, each with its value."""
        asked = sampling_of(request)
        return tuple(f"{name} {asked[name]:g}" for name in self.omitted if name in asked)


def sampling_of(request: Request) -> dict[str, float]:
    """Return the sampling parameters of a request that a server may refuse."""
    sampling = request.sampling
    asked = {
        "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k,
        "seed": sampling.seed + request.sample,
    }  # fmt: skip
    return asked if sampling.top_k else {name: value for name, value in asked.items() if name != "top_k"}


def first_dialect(settings: OpenaiSettings) -> Dialect:
    """Return how a server is asked before it has refused anything."""
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
    """Return the dialect for a server that sends none where they were asked for. None where that is set."""
    why = "the server sends no log-probabilities"
    return replace(dialect, logprobs=0, why_hard=why) if settings.logprobs == "auto" else None


def without_refused(
    dialect: Dialect, settings: OpenaiSettings, request: Request, words: str, parameter: str | None = None
) -> Dialect | None:
    """Return the dialect changed by what a server refuses. None where it refuses nothing that may change.

    Args:
        dialect: How the server was asked.
        settings: What the suite leaves open.
        request: What was asked.
        words: The server's message.
        parameter: The parameter that the server names apart from its message.
    """
    named = _named(dialect, request, words, parameter)
    if named in _OPTIONAL and settings.omit == "auto" and not _OUT_OF_RANGE.search(words):
        omitted = (*dialect.omitted, named)
        return replace(dialect, omitted=tuple(name for name in _OPTIONAL if name in omitted))
    if named == "max_tokens" and settings.token_limit == "auto" and not _OUT_OF_RANGE.search(words):
        return replace(dialect, token_limit="max_completion_tokens")
    if named in _PROBABILITIES and settings.logprobs == "auto":
        why = f"the server refuses log-probabilities ({words})"
        return replace(dialect, logprobs=_fewer(dialect.logprobs, words), why_hard=why)
    if named in _STRUCTURE and settings.structured == "auto":
        return replace(dialect, structured=False)
    return None


def merged(one: Dialect, other: Dialect) -> Dialect:
    """Return the dialect that leaves out whatever either of two leaves out."""
    omitted = {*one.omitted, *other.omitted}
    return replace(
        min(one, other, key=lambda dialect: dialect.logprobs),
        token_limit=min(one.token_limit, other.token_limit, key=_LENGTH[::-1].index),
        omitted=tuple(name for name in _OPTIONAL if name in omitted),
        structured=one.structured and other.structured,
    )


def _named(dialect: Dialect, request: Request, words: str, parameter: str | None) -> str | None:
    """Return the parameter that a refusal is about: the one named apart, else the first in the message."""
    sent = _sent(dialect, request)
    apart = re.findall(r"\w+", parameter or "")
    if apart and apart[0] in ("messages", "prompt", "input"):
        return None
    named: str | None = next((name for name in apart if name in sent), None)
    if named is not None:
        return named
    if not _REFUSED.search(words):
        return None
    places = {name: match.start() for name in sent if (match := _mention(name, words))}
    return min(places, key=lambda name: places[name]) if places else None


def _mention(name: str, words: str) -> re.Match[str] | None:
    """Return where a message names a parameter, and not just a word of that spelling."""
    return _NAMES[name].search(words) if name in _NAMES else re.search(rf"\b{name}\b", words)


def _sent(dialect: Dialect, request: Request) -> Sequence[str]:
    sent = [name for name in sampling_of(request) if name not in dialect.omitted]
    sent.append(dialect.token_limit)
    if dialect.hard(request):
        return [*sent, *(_STRUCTURE if dialect.structured else ())]
    return [*sent, *(_PROBABILITIES if request.choices else ())]


def _fewer(asked: int, words: str) -> int:
    """Return how many probabilities to ask for next: the most that the message allows, or none."""
    if not _BOUND.search(words):
        return 0
    smaller = [number for number in map(int, re.findall(r"\b\d{1,3}\b", words)) if 1 <= number < asked]
    return max(smaller, default=FEWER if asked > FEWER else 0)
