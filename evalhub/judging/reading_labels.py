"""Labels that a recorded reply gives as its verdict: `[[A]]`, a letter, a field of a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from evalhub.judging.reading_marks import is_the_writers, other_label
from evalhub.judging.reading_numbers import TAKEN_BACK, number_claim
from evalhub.judging.reading_text import Claim, Form, plain
from evalhub.records import FailureKind
from evalhub.scales import Winner

VERDICTS: Mapping[str, Winner] = {
    "A": Winner.A, "B": Winner.B, "C": Winner.TIE, "TIE": Winner.TIE,
    "A>>B": Winner.A, "A>B": Winner.A, "A=B": Winner.TIE, "B>A": Winner.B, "B>>A": Winner.B,
}  # fmt: skip
_BRACKETS = re.compile(r"\[\[[ ]*([A-Za-z]|tie|[A-Za-z](?:[<>=]{1,2}|>>>)[A-Za-z])[ ]*\]\]", re.IGNORECASE)
_NAMED = r"(?:answer|verdict|choice|grade|rating|score|option|judge?ment|decision|preference|winner)"
_LEAD = (
    r"(?:(?:and|so|thus|hence|therefore|then|overall),?\s+){0,2}"
    r"(?:I\s+(?:think|believe|conclude)\s+(?:that\s+)?)?"
)
_AT_AN_END = r"(?=[.!]?(?:\s*$|\s*\n|\s+[-–—]\s)|[.;]\s)"
_MAX_OBJECTS = 64


def verdicts(answer: str, _form: Form) -> list[Claim]:
    """Return every `[[A]]`, `[[A>>B]]` or `[[C]]` that is not denied; the letters are of the order shown."""
    text = plain(answer)
    return [
        _unless_taken_back(
            _verdict(mark.start(), said, VERDICTS.get(said), VERDICTS), text, mark.end(), "ABC"
        )
        for mark in _BRACKETS.finditer(text)
        if is_the_writers(text, mark.start(), mark.end())
        for said in [mark[1].upper()]
    ]


def letters(answer: str, form: Form) -> list[Claim]:
    """Return every label that stands alone on the first or last line, or after "answer is" and its like."""
    text = plain(answer)
    mark = (
        r"[(\[\"']{0,2}(?P<label>" + "|".join([*map(re.escape, _longest(form)), "[A-Z]"]) + r")[)\]\"']{0,2}"
    )
    # In a rating "the correct answer" is the item's and not the judge's.
    correct = "|correct" if any(isinstance(label, Winner) for label in form.labels.values()) else ""
    alone = re.compile(rf"(?:\A|\n)[ ]*{mark}[.!]?[ ]*(?=\n|\Z)", re.IGNORECASE)
    named = re.compile(
        rf"(?:^|[\n.;,:!?]\s*){_LEAD}(?:(?:the|my|final|overall|best|better{correct})\s+){{0,3}}{_NAMED}\s*(?::|is|=)"
        rf"\s*{mark}"
        rf"{_AT_AN_END}",
        re.IGNORECASE,
    )
    chosen = re.compile(
        rf"(?:^|[\n.;,:!?]\s*){_LEAD}I\s+(?:rate|choose|pick|select|grade)(?:\s+(?:it|this))?(?:\s+(?:as|with))?\s*:?\s*"
        rf"{mark}{_AT_AN_END}",
        re.IGNORECASE,
    )
    found: dict[int, Claim] = {}
    inner: dict[int, Claim] = {}
    for match in [*alone.finditer(text), *named.finditer(text), *chosen.finditer(text)]:
        edge = not text[: match.start()].strip() or not text[match.end() :].strip()
        claim = _letter(match.start("label"), match["label"], form)
        if claim is not None and is_the_writers(text, match.start("label"), match.end("label")):
            held = _unless_taken_back(claim, text, match.end("label"), form.labels)
            (found if edge or match.re is not alone else inner)[claim.at] = held
    # A label alone between other lines is no verdict, yet beside another one it leaves open which is meant.
    several = {match.start(): _several(match) for match in _lists(form).finditer(text)} if found else {}
    everything = {**inner, **several, **found} if found and not form.rule else found
    return [everything[at] for at in sorted(everything)]


def _lists(form: Form) -> re.Pattern[str]:
    """Return the pattern of a line that names several labels and nothing else, or ends in "A or B"."""
    label = "(?:" + "|".join([*map(re.escape, _longest(form)), "[A-Z]"]) + ")"
    alone = (
        rf"^\W*?(?:either|both|maybe|perhaps|options?:?|choices:?)?[ ]*{label}"
        rf"(?:[ ]*(?:,|/|\||&|or|and|vs\.?|to)[ ]*{label})+"
    )
    ending = rf"\b{label}[ ]*(?:/|,?[ ]*or\b)[ ]*{label}"
    return re.compile(rf"(?:{alone}|{ending})[ ]*[.?!]?[ ]*$", re.IGNORECASE | re.MULTILINE)


def _several(match: re.Match[str]) -> Claim:
    said = match[0].strip()
    reason = f"the reply names several labels: {said!r}"
    return Claim(match.start(), said, failure=FailureKind.AMBIGUOUS, reason=reason)


def _unless_taken_back(claim: Claim, text: str, end: int, labels: Collection[str]) -> Claim:
    """Return a claim, or an ambiguous one where what follows takes it back ("A. Wait, B", "A. Or B.")."""
    if not TAKEN_BACK.search(text, end) and other_label(text, end, claim.said, labels) is None:
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
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,4}(?:\.\d{1,3})?\s*", value):
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
