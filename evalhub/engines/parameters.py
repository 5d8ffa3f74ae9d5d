"""The sampling parameters of a request, and how the words of a server that refuses one name it.

A refusal leads to one change of the request's form. `adapt` asks again until nothing more is to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from evalhub.engines.base import Outcome
from evalhub.records import Request

CHANGES = 10
"""Changes at most to one request."""

OPTIONAL = ("temperature", "top_p", "top_k", "seed")
"""The parameters that a request does without, in the order in which they are named."""

_REFUSED = re.compile(
    r"support|recogni[sz]e|unknown|unexpected|unsupported|allowed|permitted|invalid|deprecated|available|"
    r"enabled|implemented|accepted|must be|cannot (?:both )?be|can't be|exceed|greater|less than|"
    r"at most|between|maximum|range|too (?:large|high|many)|extra|no such|not (?:a )?valid|only|"
    r"remove|disabled|\buse\b",
    re.IGNORECASE,
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
_OUT_OF_RANGE = re.compile(
    r"(?:between|at most|at least|(?:less|greater|more|higher|lower) than|maximum|minimum|range|[<>]=?)"
    r"\D{0,20}\d",
    re.IGNORECASE,
)


Form = TypeVar("Form")


def adapt(form: Form, ask: Callable[[Form], tuple[Outcome, Form | None]]) -> tuple[Outcome, Form]:
    """Return the outcome of a request, and the form in which it was asked last.

    Args:
        form: How the request is sent first.
        ask: Returns the outcome of a form, and another form where the server refuses a parameter.
    """
    for _ in range(CHANGES):
        outcome, changed = ask(form)
        if changed is None:
            break
        form = changed
    return outcome, form


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


def unsent_parameters(request: Request, names: Collection[str]) -> tuple[str, ...]:
    """Return the parameters of a request that are not sent, each with its value."""
    sampling = sampling_of(request)
    return tuple(f"{name} {sampling[name]:g}" for name in names if name in sampling)


def refused_parameter(parameters: Collection[str], words: str, parameter: str | None = None) -> str | None:
    """Return the refused parameter: `parameter` if it was sent, else the first in the message.

    Args:
        parameters: The names that were sent.
        words: The server's message.
        parameter: The name that the server gives outside its message.
    """
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


def is_out_of_range(words: str) -> bool:
    """Whether a server takes a parameter and refuses its value. The suite has to change it."""
    return bool(_OUT_OF_RANGE.search(words))


def _mention(name: str, words: str) -> re.Match[str] | None:
    """Return where a message names a parameter, not only a word of the same spelling."""
    return _NAMES[name].search(words) if name in _NAMES else re.search(rf"\b{name}\b", words)
