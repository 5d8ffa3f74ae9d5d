"""Labels that a recorded reply gives as its verdict: `[[A]]`, a letter, a field of a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from evalhub.judging.replies.marks import NOUN, is_the_writers, other_label
from evalhub.judging.replies.markup import as_labels
from evalhub.judging.replies.numbers import TAKEN_BACK, number_claim
from evalhub.judging.replies.text import Claim, Form, plain
from evalhub.judging.replies.withheld import beside_withheld
from evalhub.records import FailureKind
from evalhub.scales import Winner

VERDICTS: Mapping[str, Winner] = {
    "A": Winner.A, "B": Winner.B, "C": Winner.TIE, "TIE": Winner.TIE,
    "A>>B": Winner.A, "A>B": Winner.A, "A=B": Winner.TIE, "B>A": Winner.B, "B>>A": Winner.B,
}  # fmt: skip
# The same comparisons from the other end: `A<B` says `B>A`.
_TURNED = {"A<<B": "B>>A", "A<B": "B>A", "B=A": "A=B", "B<A": "A>B", "B<<A": "A>>B"}
_BRACKETS = re.compile(
    r"\[\[[ ]*([A-Za-z]|tie|[A-Za-z][ ]*(?:[<>=]{1,2}|>>>)[ ]*[A-Za-z])[ ]*\]\]", re.IGNORECASE
)
_NAMED = r"(?:answer|verdict|choice|grade|rating|score|option|judge?ment|decision|preference|winner)"
_LEAD = (
    r"(?:(?:and|so|thus|hence|therefore|then|overall),?\s+){0,2}"
    r"(?:I\s+(?:think|believe|conclude)\s+(?:that\s+)?)?"
)
_AT_AN_END = r"(?=[.!]?(?:\s*$|\s*\n|\s+[-–—]\s)|[.;]\s)"
_MAX_OBJECTS = 64
_NAMED_SIDE = re.compile(rf"^{NOUN}[\s_-]+", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<value>[-+]?\d{1,4}(?:\.\d{1,3})?)"
    r"(?:\s*(?P<share>%)|\s*(?:/|\bout\s+of\b)\s*(?P<top>\d{1,4}(?:\.\d{1,3})?))?",
    re.IGNORECASE,
)


def verdicts(answer: str, _form: Form) -> list[Claim]:
    """Return every `[[A]]`, `[[A>>B]]` or `[[C]]` that is not denied; the letters are of the order shown."""
    text = plain(answer)
    claims = [
        _unless_taken_back(
            _verdict(mark.start(), sides, VERDICTS.get(sides), VERDICTS), text, mark.end(), "ABC"
        )
        for mark in _BRACKETS.finditer(text)
        if is_the_writers(text, mark.start(), mark.end())
        for spelled in [mark[1].upper().replace(" ", "")]
        for sides in [_TURNED.get(spelled, spelled)]
    ]
    return beside_withheld(claims, text)


def letters(answer: str, form: Form) -> list[Claim]:
    """Return every label that stands alone on the first or last line, or after "answer is" and its like."""
    text = as_labels(plain(answer))
    alone, *led = _places(form)
    found: dict[int, Claim] = {}
    inner: dict[int, Claim] = {}
    bare = set[int]()
    for match in [match for pattern in (alone, *led) for match in pattern.finditer(text)]:
        edge = not text[: match.start()].strip() or not text[match.end() :].strip()
        claim = _letter(match.start("label"), match["label"], form)
        if claim is not None and is_the_writers(text, match.start("at"), match.end("label")):
            held = _unless_taken_back(claim, text, match.end("label"), form.labels)
            (found if edge or match.re is not alone else inner)[claim.at] = held
            (bare.add if match.re is alone else bare.discard)(claim.at)
    # A label alone between other lines is no verdict, yet beside another one it leaves open which is meant.
    several = {match.start(): _several(match) for match in _lists(form).finditer(text)} if found else {}
    everything = {**inner, **several, **found} if found and not form.rule else found
    return beside_withheld([everything[at] for at in sorted(everything)], text, bare)


def _places(form: Form) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of a label alone on its line, as the whole reply, and after words for a verdict.

    A side may follow a noun, as in "Response A". A grade may not. In a rating "the correct answer" is the
    item's and not the judge's.
    """
    label = "|".join([*map(re.escape, _longest(form)), "[A-Z]"])
    mark = rf"[(\[\"']{{0,2}}(?P<label>{label})[)\]\"']{{0,2}}"
    sides = any(isinstance(verdict, Winner) for verdict in form.labels.values())
    noun = "(?P<at>)" + (rf"(?:[(\[\"']{{0,2}}(?:the\s+)?{NOUN}\s+)?" if sides else "")
    correct = "|correct" if sides else ""
    label_noun = rf"(?:(?:the|my|final|overall|best|better{correct})\s+){{0,3}}{_NAMED}"
    better = rf"|(?:(?:the|my)\s+)?(?:better|best|preferred|winning)\s+{NOUN}" if sides else ""
    rated = r"I\s+(?:rate|choose|pick|select|grade)(?:\s+(?:it|this))?(?:\s+(?:as|with))?\s*:?"
    begins = rf"(?:^|[\n.;,:!?]\s*){_LEAD}"
    patterns = (
        rf"(?:\A|\n)[ ]*(?P<at>){mark}[.!]?[ ]*(?=\n|\Z)",
        rf"\A{noun}{mark}[.!]?\Z",
        rf"{begins}(?:{label_noun}{better})\s*(?::|is\s*:?|=)\s*{noun}{mark}{_AT_AN_END}",
        rf"{begins}{rated}\s*{noun}{mark}{_AT_AN_END}",
    )
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


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
    if isinstance(value, str):
        value = value.strip()
        if label := _side(value, form):
            return Claim(at, label, form.labels[label])
        number = _NUMBER.fullmatch(value)
        value = float(number["value"]) if number and _fits(number, form.limits) else value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and form.limits and abs(value) < 1e9:
        return number_claim(at, float(value), form)
    reason = f"the key {form.key or form.criterion!r} holds no verdict of the scale"
    return Claim(at, json.dumps(value, default=str)[:80], failure=FailureKind.OFF_SCALE, reason=reason)


def _fits(number: re.Match[str], limits: tuple[float, float] | None) -> bool:
    """Return whether a number is one of the scale: out of its top, or per cent of a scale from 0 to 100."""
    if limits is None:
        return False
    return limits == (0, 100) if number["share"] else float(number["top"] or limits[1]) == limits[1]


def _side(value: str, form: Form) -> str | None:
    """Return the label that a whole field gives. A side may follow a noun, and in either case: `model_a`."""
    if value in form.labels:
        return value
    bare = _NAMED_SIDE.sub("", value.strip("[]")).casefold()
    return next(
        (
            label
            for label, verdict in form.labels.items()
            if isinstance(verdict, Winner) and label.casefold() == bare
        ),
        None,
    )


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
