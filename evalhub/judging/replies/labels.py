"""The formats whose verdict is a label: `[[A]]`, a letter, a field of a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from evalhub.judging.replies.marks import NOUN, is_own_verdict, other_label
from evalhub.judging.replies.markup import as_labels
from evalhub.judging.replies.numbers import TAKEN_BACK, number_candidate
from evalhub.judging.replies.text import ReplySpec, VerdictCandidate, plain_text
from evalhub.judging.replies.withheld import add_withheld
from evalhub.records import FailureKind
from evalhub.scales import Winner

VERDICTS: Mapping[str, Winner] = {
    "A": Winner.A, "B": Winner.B, "C": Winner.TIE, "TIE": Winner.TIE,
    "A>>B": Winner.A, "A>B": Winner.A, "A=B": Winner.TIE, "B>A": Winner.B, "B>>A": Winner.B,
}  # fmt: skip
# The same comparisons from the other end: `A<B` means `B>A`.
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


def find_verdicts(answer: str, _spec: ReplySpec) -> list[VerdictCandidate]:
    """Return every `[[A]]`, `[[A>>B]]` or `[[C]]` that is not denied, in letters of the order shown."""
    text = plain_text(answer)
    candidates = [
        _unless_taken_back(
            _verdict(mark.start(), sides, VERDICTS.get(sides), VERDICTS), text, mark.end(), "ABC"
        )
        for mark in _BRACKETS.finditer(text)
        if is_own_verdict(text, mark.start(), mark.end())
        for comparison in [mark[1].upper().replace(" ", "")]
        for sides in [_TURNED.get(comparison, comparison)]
    ]
    return add_withheld(candidates, text)


def find_letters(answer: str, spec: ReplySpec) -> list[VerdictCandidate]:
    """Return every label that is the whole first or last line, or that follows words such as "answer is"."""
    text = as_labels(plain_text(answer))
    label_line, *leads = _places(spec)
    verdicts: dict[int, VerdictCandidate] = {}
    inner: dict[int, VerdictCandidate] = {}
    bare = set[int]()
    for match in [match for pattern in (label_line, *leads) for match in pattern.finditer(text)]:
        edge = not text[: match.start()].strip() or not text[match.end() :].strip()
        candidate = _letter(match.start("label"), match["label"], spec)
        if candidate is not None and is_own_verdict(text, match.start("at"), match.end("label")):
            candidate = _unless_taken_back(candidate, text, match.end("label"), spec.labels)
            (verdicts if edge or match.re is not label_line else inner)[candidate.start] = candidate
            (bare.add if match.re is label_line else bare.discard)(candidate.start)
    # A label line between other lines is no verdict. Beside another label it makes the reply ambiguous.
    several = {match.start(): _several(match) for match in _lists(spec).finditer(text)} if verdicts else {}
    candidates = {**inner, **several, **verdicts} if verdicts and not spec.rule else verdicts
    return add_withheld([candidates[start] for start in sorted(candidates)], text, bare)


def _places(spec: ReplySpec) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of a label as a whole line, as the whole reply, and after words for a verdict.

    A side may follow a noun, as in "Response A". A grade may not. In a rating, "the correct answer" is the
    item's answer and not the judge's.
    """
    label = "|".join([*map(re.escape, _longest(spec)), "[A-Z]"])
    mark = rf"[(\[\"']{{0,2}}(?P<label>{label})[)\]\"']{{0,2}}"
    sides = any(isinstance(verdict, Winner) for verdict in spec.labels.values())
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


def _lists(spec: ReplySpec) -> re.Pattern[str]:
    """Return the pattern of a line that names several labels and nothing else, or ends in "A or B"."""
    label = "(?:" + "|".join([*map(re.escape, _longest(spec)), "[A-Z]"]) + ")"
    label_list = (
        rf"^\W*?(?:either|both|maybe|perhaps|options?:?|choices:?)?[ ]*{label}"
        rf"(?:[ ]*(?:,|/|\||&|or|and|vs\.?|to)[ ]*{label})+"
    )
    ending = rf"\b{label}[ ]*(?:/|,?[ ]*or\b)[ ]*{label}"
    return re.compile(rf"(?:{label_list}|{ending})[ ]*[.?!]?[ ]*$", re.IGNORECASE | re.MULTILINE)


def _several(match: re.Match[str]) -> VerdictCandidate:
    text = match[0].strip()
    reason = f"the reply names several labels: {text!r}"
    return VerdictCandidate(match.start(), text, failure=FailureKind.AMBIGUOUS, reason=reason)


def _unless_taken_back(
    candidate: VerdictCandidate, text: str, end: int, labels: Collection[str]
) -> VerdictCandidate:
    """Return the candidate, or an ambiguous one if later words take it back ("A. Wait, B", "A. Or B.")."""
    if not TAKEN_BACK.search(text, end) and other_label(text, end, candidate.text, labels) is None:
        return candidate
    reason = f"the reply wavers about {candidate.text!r}"
    return VerdictCandidate(
        candidate.start, f"{candidate.text}?", failure=FailureKind.AMBIGUOUS, reason=reason
    )


def _letter(start: int, text: str, spec: ReplySpec) -> VerdictCandidate | None:
    """Return the candidate of a label. The case of a single letter matters, since "a" is an article."""
    for label, verdict in spec.labels.items():
        if text == label or (len(label) > 1 and text.lower() == label.lower()):
            return VerdictCandidate(start, label, verdict)
    if len(text) == 1 and text.isupper():
        return _verdict(start, text, None, spec.labels)
    return None


def _longest(spec: ReplySpec) -> list[str]:
    return sorted(spec.labels, key=len, reverse=True)


def _verdict(
    start: int, text: str, verdict: float | Winner | FailureKind | None, labels: Mapping[str, Any]
) -> VerdictCandidate:
    if verdict is not None:
        return VerdictCandidate(start, text, verdict)
    reason = f"the reply says {text!r}, allowed are {', '.join(labels)}"
    return VerdictCandidate(start, text, failure=FailureKind.OFF_SCALE, reason=reason)


def find_fields(answer: str, spec: ReplySpec) -> list[VerdictCandidate]:
    """Return the verdict of every JSON object, fenced or bare, that has the key."""
    key = spec.key or spec.criterion
    return [
        _field(start, value, spec)
        for start, pairs in _objects(answer)
        for name, value in pairs
        if name == key
    ]


def _field(start: int, value: Any, spec: ReplySpec) -> VerdictCandidate:
    if isinstance(value, str):
        value = value.strip()
        if label := _side(value, spec):
            return VerdictCandidate(start, label, spec.labels[label])
        number = _NUMBER.fullmatch(value)
        value = float(number["value"]) if number and _fits(number, spec.limits) else value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and spec.limits and abs(value) < 1e9:
        return number_candidate(start, float(value), spec)
    reason = f"the key {spec.key or spec.criterion!r} holds no verdict of the scale"
    text = json.dumps(value, default=str)[:80]
    return VerdictCandidate(start, text, failure=FailureKind.OFF_SCALE, reason=reason)


def _fits(number: re.Match[str], limits: tuple[float, float] | None) -> bool:
    """Return whether a number belongs to the scale: out of its top, or per cent of a scale from 0 to 100."""
    if limits is None:
        return False
    return limits == (0, 100) if number["share"] else float(number["top"] or limits[1]) == limits[1]


def _side(value: str, spec: ReplySpec) -> str | None:
    """Return the label of a whole field. A side may follow a noun, in upper or lower case: `model_a`."""
    if value in spec.labels:
        return value
    bare = _NAMED_SIDE.sub("", value.strip("[]")).casefold()
    return next(
        (
            label
            for label, verdict in spec.labels.items()
            if isinstance(verdict, Winner) and label.casefold() == bare
        ),
        None,
    )


class _Object(list[tuple[str, Any]]):
    """The pairs of a JSON object, so that a repeated key stays visible."""


def _objects(answer: str) -> Iterator[tuple[int, _Object]]:
    """Yield the outermost JSON objects of a text with their places."""
    decoder = json.JSONDecoder(object_pairs_hook=_Object)
    at, tries = answer.find("{"), 0
    while at >= 0 and tries < _MAX_OBJECTS:
        tries += 1
        try:
            pairs, end = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield at, pairs
        at = answer.find("{", end)
