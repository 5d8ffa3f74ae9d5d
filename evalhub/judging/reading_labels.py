"""Labels that a recorded reply gives as its verdict: `[[A]]`, a letter, a field of a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.judging.reading_numbers import TAKEN_BACK, number_claim
from evalhub.judging.reading_text import Claim, Form, denied, plain
from evalhub.records import FailureKind
from evalhub.scales import Winner

VERDICTS: Mapping[str, Winner] = {
    "A": Winner.A, "B": Winner.B, "C": Winner.TIE, "TIE": Winner.TIE,
    "A>>B": Winner.A, "A>B": Winner.A, "A=B": Winner.TIE, "B>A": Winner.B, "B>>A": Winner.B,
}  # fmt: skip
_BRACKETS = re.compile(r"\[\[[ ]*([A-Za-z]|tie|[A-Za-z](?:[<>=]{1,2}|>>>)[A-Za-z])[ ]*\]\]", re.IGNORECASE)
_NAMED = r"(?:answer|verdict|choice|grade|rating|score|option|judge?ment|decision|preference|winner)"
_MAX_OBJECTS = 64


def verdicts(answer: str, _form: Form) -> list[Claim]:
    """Return every `[[A]]`, `[[A>>B]]` or `[[C]]` that is not denied; the letters are of the order shown."""
    text = plain(answer)
    return [
        _verdict(mark.start(), said, VERDICTS.get(said), VERDICTS)
        for mark in _BRACKETS.finditer(text)
        if not denied(text, mark.start())
        for said in [mark[1].upper()]
    ]


def letters(answer: str, form: Form) -> list[Claim]:
    """Return every label that stands alone on the first or last line, or after "answer is" and its like."""
    text = plain(answer)
    mark = (
        r"[(\[\"']{0,2}(?P<label>" + "|".join([*map(re.escape, _longest(form)), "[A-Z]"]) + r")[)\]\"']{0,2}"
    )
    alone = re.compile(rf"(?:\A|\n)[ ]*{mark}[.!]?[ ]*(?=\n|\Z)", re.IGNORECASE)
    named = re.compile(
        rf"(?:^|[\n.;,:!?]\s*|\b(?:the|my|final|correct|best|better)\s+){_NAMED}\s*(?::|is|=)\s*{mark}"
        r"(?=[.!]?(?:\s*$|\s*\n|\s+[-–—]\s)|[.;]\s)",
        re.IGNORECASE,
    )
    found = {}
    for match in [*alone.finditer(text), *named.finditer(text)]:
        edge = not text[: match.start()].strip() or not text[match.end() :].strip()
        if match.re is named or edge:
            claim = _letter(match.start("label"), match["label"], form)
            if claim is not None and not denied(text, match.start("label")):
                found[claim.at] = _unless_taken_back(claim, text[match.end("label") :])
    return [found[at] for at in sorted(found)]


def _unless_taken_back(claim: Claim, rest: str) -> Claim:
    """Return a claim, or an ambiguous one where what follows takes it back ("A. Wait, B")."""
    if not TAKEN_BACK.search(rest):
        return claim
    reason = f"the reply wavers about {claim.said!r}"
    return Claim(claim.at, f"{claim.said}?", failure=FailureKind.AMBIGUOUS, reason=reason)


def _letter(at: int, said: str, form: Form) -> Claim | None:
    """Return the claim of a label; one letter counts in its own case alone: "a" is an article."""
    for label, verdict in form.labels.items():
        if said == label or (len(label) > 1 and said.lower() == label.lower()):
            return Claim(at, label, verdict)
    if len(said) == 1 and said.isupper():
        return _verdict(at, said, None, form.labels)
    return None


def _longest(form: Form) -> list[str]:
    return sorted(form.labels, key=len, reverse=True)


def _verdict(
    at: int, said: str, verdict: float | Winner | FailureKind | None, known: Mapping[str, Any]
) -> Claim:
    if verdict is not None:
        return Claim(at, said, verdict)
    reason = f"the reply says {said!r}, allowed are {', '.join(known)}"
    return Claim(at, said, failure=FailureKind.OFF_SCALE, reason=reason)


def fields(answer: str, form: Form) -> list[Claim]:
    """Return the verdict of every JSON object, fenced or bare, that has the key."""
    key = form.key or form.criterion
    return [_field(at, value, form) for at, pairs in _objects(answer) for name, value in pairs if name == key]


def _field(at: int, value: Any, form: Form) -> Claim:
    if isinstance(value, str) and value.strip() in form.labels:
        return Claim(at, value.strip(), form.labels[value.strip()])
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,4}(?:\.\d{1,3})?\s*", value):
        value = float(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and form.limits and abs(value) < 1e9:
        return number_claim(at, float(value), form)
    reason = f"the key {form.key or form.criterion!r} holds no verdict of the scale"
    return Claim(at, json.dumps(value, default=str)[:80], failure=FailureKind.OFF_SCALE, reason=reason)


class _Object(list[tuple[str, Any]]):
    """The pairs of a JSON object, so that a key that stands twice is seen twice."""


def _objects(answer: str) -> Iterator[tuple[int, _Object]]:
    """Yield the outermost JSON objects of a text with their places."""
    decoder = json.JSONDecoder(object_pairs_hook=_Object)
    at, tries = answer.find("{"), 0
    while at >= 0 and tries < _MAX_OBJECTS:
        tries += 1
        try:
            found, end = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield at, found
        at = answer.find("{", end)
