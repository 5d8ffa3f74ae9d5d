"""The formats whose verdict is a number: a score in prose, and `[[5]]`.

A number counts only if the words before it commit the writer ("Score:", "earning a score of", "I rate it")
and the words after it end the statement. All other numbers are prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from evalhub.judging.replies.aspects import is_of_another
from evalhub.judging.replies.commitment import UNDONE, closes_a_verdict, commits
from evalhub.judging.replies.figures import NUMBER, WORDS, rival_number, value_of
from evalhub.judging.replies.marks import is_own_verdict
from evalhub.judging.replies.markup import as_labels
from evalhub.judging.replies.text import THING, ReplySpec, VerdictCandidate, VerdictRule, plain_text
from evalhub.judging.replies.voices import tells_of_others
from evalhub.judging.replies.withheld import add_withheld
from evalhub.records import FailureKind

_N = rf"[\"'(\[]{{0,2}}(?P<number>(?<![\w.,/-]){NUMBER})"
_TOP = rf"(?:\s*/\s*|\s+out\s+of\s+(?:a\s+(?:possible|maximum)\s+(?:of\s+)?)?|\s+of\s+)(?P<top>{NUMBER})"
_ENDS = (
    r"(?:\s*(?:stars?|points?)\b)?"
    r"(?=\s*$|[.!][\"')\]]*(?:\s|$)|[,;:](?:\s|$)|\s*[)\]\"']+(?:$|\s|[.,;!]|:\s)|[ ]*\n"
    r"|\s*—|\s+[-–]+\s|\s+\([^()\d]*\)"
    r"|\s+(?:for|because|since|as(?!\s+(?:the|an?|its)\s+(?:max|min|top|high|low|upper|best|worst))|due\s+to|given|overall|in\s+terms\s+of|based\s+on|which|and|but|with)\b"
    r"|\s+to\s+(?:the|this|it)\b"
    rf"|\s+(?:or|to)\s+(?:an?\s+)?{NUMBER})"
)
_SCORE = r"(?:score|rating|grade|mark)"
_PRAISE = (
    r"(?:(?:perfect|final|overall|low|high|total|full|solid|strong|poor|modest|moderate|decent|good|very|"
    r"numerical|numeric|top|mediocre|respectable|generous)\s+){0,3}"
)
_HEDGE = (
    r"(?P<hedge>(?:about|around|approximately|roughly|nearly|almost|between|at\s+least|at\s+most|up\s+to|more\s+"
    r"than|less\s+than|over|under|above|below|somewhere|either|from|maybe|perhaps|possibly|closer\s+to|[~≈<>≤≥])\s*)?"
)

_BOUNDARY = r"(?:^(?:[-•]\s+)?|\n\s*(?:[-•]\s+)?|[.;,:!?)–—][\"']?\s*|\s-\s+)"
_SO = (
    r"(?:(?:and|so|thus|hence|therefore|then|but|now|or|actually|however|finally"
    r"|I\s+(?:think|believe|would\s+say)(?:\s+that)?),?\s+){0,2}"
)

TAKEN_BACK = re.compile(
    r",\s*no,|\b(?:wait|on\s+second\s+thought|correction|scratch\s+that|take\s+(?:that|it)\s+back|I\s+mean|I\s+meant"
    r"|or\s+rather|strike\s+that|make\s+that|revis(?:e|ed|ing)|change\s+my|reconsider\w*|never\s?mind|not\s+really"
    r"|just\s+kidding|too\s+much|lower(?:ed|s|ing)?\s+(?:it|this|that|my)|(?:ignore|disregard)\s+(?:that|this|the\s+above)"
    r"|that(?:'s|\s+is)\s+not\s+right|\bno,\s+that|points?\s+(?:off|deducted)|deduct\w*"
    r"|would(?:\s+not|n't)?\s+be|too\s+(?:high|low|generous|harsh|strict|kind))\b|[.!]\s+not\s*[.!]",
    re.IGNORECASE,
)
# "I would give it a 4, but it has a typo" gives no 4.
_WOULD = re.compile(r"\bwould\b|'d\b", re.IGNORECASE)
_BUT = re.compile(r"[^.!?\n]*\b(?:but|though|however|were|had|if)\b", re.IGNORECASE)
_OTHER = re.compile(
    rf"^(?:\s*(?:,|and|or|to|&|/|\||-|–|through)\s*{NUMBER}"
    rf"|[^.!?\n]*?\b(?:or|to|maybe|perhaps|possibly|even|if\s+not|almost|nearly|but|rather)\s+(?:\w+\s+){{0,2}}?"
    rf"(?:an?\s+)?{NUMBER}\s*(?:$|[.!?,;)])"
    rf"|[^.!?\n]*?(?:\b(?:minus|plus)\s+(?:an?\s+)?|(?<!\w)[-+]){NUMBER})",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def _leads(criterion: str, signed: bool) -> tuple[re.Pattern[str], ...]:
    """Return the patterns of words that commit to a number. `criterion` may replace "score".

    If the scale has levels below 0 (`signed`), a dash before a number may be its sign, not a separator.
    """
    separators = r":|=|→|->|is\s*:?|of" if signed else r":|=|→|->|is\s*:?|of|[-–]\s"
    name = r"\s+".join(map(re.escape, re.split(r"[\s_.-]+", criterion))) if criterion else "score"
    determiner = (
        r"(?:my|the|its|this|final|overall|total|assigned|resulting|summary|new|updated|revised|corrected"
        rf"|{name})"
    )
    score_of = rf"(?:an?|the|its)\s+{_PRAISE}(?:{name}\s+)?{_SCORE}\s+of\s+"
    of = rf"(?:(?P<noun>{score_of})|(?P<article>an?\s+{_PRAISE}))?"
    subject = (
        rf"(?:(?:the\s+)?{name}\s+of\s+{THING}|(?:the|this|that)\s+\w+'s\s+{name}|{THING}"
        rf"|(?:the\s+|its\s+)?{name})"
    )
    leads = (
        rf"{_BOUNDARY}{_SO}(?:{determiner}\s+){{0,4}}(?:{_SCORE}|verdict|{name})"
        rf"(?:\s+(?:for|of|on)\s+(?:(?:the|this|its)\s+)?(?P<aspect>(?!(?:of|reference|other|previous|original)\b)[a-z]+))?\s*(?:{separators})?\s*"
        rf"{_HEDGE}(?P<label>)(?:an?\s+)?",
        rf"(?P<participle>)\b(?:earning|receiving|scoring|meriting|warranting|deserving|getting|achieving|obtaining|"
        rf"garnering|worthy\s+of|deserving\s+of|resulting\s+in|results\s+in|leading\s+to|yielding|justifying)\s+"
        rf"{_HEDGE}{of}",
        rf"(?:{THING}\s+(?:now\s+|therefore\s+|thus\s+)?|{_BOUNDARY}|\b(?:and|so|therefore|thus|hence)\s+)(?P<finite>)"
        rf"(?:earns|receives|gets|deserves|merits|warrants|scores|achieves|obtains)\s+{_HEDGE}{of}",
        rf"(?P<finite>)\bI(?:'d|'ll|\s+would|\s+will|\s+have|\s+must)?\s+(?:therefore\s+|thus\s+)?(?:rate[d]?|give|gave|"
        rf"score[d]?|assign(?:ed)?|award(?:ed)?|grade[d]?)\s+(?:{subject}\s+)?(?:(?:as|at|with)\s+)?{_HEDGE}{of}"
        r"(?P<label>)",
        rf"(?P<finite>)(?:{subject}|\band|,)\s+is\s+(?:(?:therefore|thus|hence)\s+)?(?:rated|scored|given|assigned|awarded)\s+(?:(?:as|at|with)\s+)?{_HEDGE}{of}"
        r"(?P<label>)",
        rf"(?:^|[,;]\s*(?:and\s+)?)(?:with|for)\s+{_HEDGE}(?P<noun>{score_of})",
    )
    return tuple(re.compile(f"{lead}{_N}(?:{_TOP})?{_ENDS}", re.IGNORECASE) for lead in leads)


_SHORTENED = (
    r"no|nos|fig|figs|vol|vols|vs|approx|prof|dr|mr|mrs|ms|st|sec|sect|ch|chap|pp?|eqn?|eqs|eds?|art|cf|al|etc|ca"
    r"|op|cit|ver|refs?|tab|app|par|inc|ltd|co|corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|gen|sgt|rev"
)
_BARE = (
    re.compile(rf"(?:^|[\n;]\s*|[.!]\s+){_N}(?:{_TOP}){_ENDS}", re.IGNORECASE),
    re.compile(rf"(?:^|\s)\((?P<number>{NUMBER})(?:{_TOP})?\)\.?\s*$", re.IGNORECASE),
)
# A bare level after the last sentence: "… at an advanced level. 5". The word before it is no abbreviation.
_CLOSING = re.compile(
    rf"(?<![\w.])(?!(?:{_SHORTENED})\.)[A-Za-z][a-z'’-]+[\"')\]]{{0,2}}[.!]\s+{_N}(?:{_TOP})?[.!]?\s*\Z",
    re.IGNORECASE,
)
_AFTER_SENTENCE = re.compile(rf"[.!?][\"')\]]*\s+{NUMBER}(?=[.!?]?(?:\s|\Z))", re.IGNORECASE)
_ENUMERATED = re.compile(r"(?:^|\s)\(?\d{1,2}[.):]\s+[A-Za-z]")
# A line of its own, at either end, where no other line begins with a number: those are lists.
_LINES = (
    re.compile(rf"\A{_N}(?:{_TOP})?(?:[.!]?\s*\Z|[ ]*\n|\s+[-–—]+\s)", re.IGNORECASE),
    re.compile(rf"\n[ ]*{_N}(?:{_TOP})?[ ]*\Z", re.IGNORECASE),
)
_LISTED = re.compile(r"^[ ]*[-•(]*[ ]*\d", re.MULTILINE)
# The whole reply, in brackets. Only there can a number in brackets be nothing else.
_WHOLE = (re.compile(rf"\A{_N}(?:{_TOP})?[)\]]{{1,2}}[.!]?\s*\Z", re.IGNORECASE),)
# "Overall: 4" is the rating where no other criterion is rated beside it.
_OVERALL = re.compile(
    rf"{_BOUNDARY}overall\s*[:=]\s*{_HEDGE}(?P<label>){_N}(?:{_TOP})?{_ENDS}", re.IGNORECASE
)
_MENTION = re.compile(rf"\b{_SCORE}\s*[:=]\s*{_N}", re.IGNORECASE)
_OPENING = re.compile(rf"\A{_N}(?=[.:)]\s+[A-Za-z])", re.IGNORECASE)
_SCALE = re.compile(
    rf"(?:\b(?:on|in|using|from)\s+)?(?:(?:a|the)\s+)?\bscale\s+(?:(?:of|from|between|is)\s+)?\(?(?P<low>{NUMBER})\s*"
    rf"(?:-|–|to|and|through)\s*(?P<high>{NUMBER})\)?"
    rf"|(?<=\w)\s*[(\[](?:(?:scale|from|on)\s+)?(?P<low2>{NUMBER})\s*(?:-|–|to)\s*(?P<high2>{NUMBER})"
    rf"(?:,[^()\[\]]{{0,80}})?[)\]](?=\s*(?::|=|is\b))",
    re.IGNORECASE,
)

# Per cent within a sentence or as a whole line: "Much is copied. 72%" may tell how much.
_PER_CENT = re.compile(
    r"(?P<before>\A|\n|[^.!?\s]\s*)(?P<number>(?<![\d.,])\d{1,3}(?:\.\d{1,3})?)\s*(?:%|per\s?cent\b)",
    re.IGNORECASE,
)
_PLUS = re.compile(r"(?<![\w.,)+-])\+(?=\d)")
# A scale that is named by its top or its number of steps: "on a scale of ten", "a 10-point scale".
_LARGE = {"twelve": 12.0, "twenty": 20.0, "fifty": 50.0, "hundred": 100.0}
_STEPS = re.compile(
    rf"\bscale\s+of\s+(?P<top>{NUMBER})(?!\s*(?:-|–|to|and|through)\s*{NUMBER})"
    rf"|\bscale\s+of\s+(?:an?\s+|one\s+)?(?P<large>{'|'.join(_LARGE)})\b"
    rf"|(?<![\w.])(?P<top2>\d{{1,3}}|{'|'.join(WORDS)})[- ]points?\s+(?:\w+\s+)?scale\b",
    re.IGNORECASE,
)

_RATING = re.compile(rf"\[\[[ ]*(?P<number>-?\d{{1,4}}(?:\.\d{{1,3}})?)[ ]*\]\](?:{_TOP})?", re.IGNORECASE)


def find_scores(answer: str, spec: ReplySpec) -> list[VerdictCandidate]:
    """Return every number of the scale that the prose commits itself to."""
    text = _in_levels(as_labels(plain_text(answer)), spec)
    other = _other_scale(text, spec)
    if other is not None:
        return [other]
    text = _SCALE.sub("", text)
    lines = _LINES if len(_LISTED.findall(text)) < 2 else ()
    closing = (_CLOSING,) if _ends_in_a_level(text) else ()
    opening = (_OPENING,) if spec.rule else ()
    stated = _find_committed(text, _leads(spec.criterion, _limits(spec)[0] < 0), spec)
    stated = _find_committed(text, _BARE, spec) | stated
    bare = _find_committed(text, (*_WHOLE, *lines, *closing, *opening), spec)
    overall = {} if stated else _find_committed(text, (_OVERALL,), spec)
    candidates = {**overall, **bare, **stated}
    # Another judge's score is no verdict. Beside a verdict it makes the reply ambiguous.
    if candidates and not spec.rule:
        candidates = {**_find_committed(text, (_MENTION,), spec), **candidates}
    listed = [candidates[at] for at in sorted(candidates)]
    since = 0 if overall and not bare else None
    return add_withheld(add_rival(listed, text, spec, since=since), text, bare.keys() - stated.keys())


def _find_committed(
    text: str, patterns: Iterable[re.Pattern[str]], spec: ReplySpec
) -> dict[int, VerdictCandidate]:
    """Return the candidates of the patterns by their places, if the writer commits to them."""
    matches = [match for pattern in patterns for match in pattern.finditer(text)]
    if not matches:
        return {}
    quotes = [quote.start() for quote in re.finditer('"', text)]
    withdrawn = max((words.start() for words in TAKEN_BACK.finditer(text)), default=-1)
    return {
        candidate.start: candidate
        for match in matches
        if commits(text, match, quotes)
        if not is_of_another(
            text, match.start(), _span(match), spec.criterion, match.groupdict().get("aspect")
        )
        for candidate in [_candidate(text, match, spec, withdrawn >= match.end())]
    }


def _in_levels(text: str, spec: ReplySpec) -> str:
    """Return the text with its numbers written as the scale's levels.

    Plus signs are removed if the scale goes below 0, per-cent signs if it goes from 0 to 100.
    """
    text = _PLUS.sub("", text) if _limits(spec)[0] < 0 else text
    return _PER_CENT.sub(r"\g<before>\g<number>", text) if _limits(spec) == (0, 100) else text


def _other_scale(text: str, spec: ReplySpec) -> VerdictCandidate | None:
    """Return the failure of a reply that names another scale than the criterion's, or None."""
    low, high = _limits(spec)
    for scale in _STEPS.finditer(text):
        large = scale["large"]
        top = _LARGE[large.lower()] if large else value_of(scale["top"] or scale["top2"])
        if top not in (high, high - low + 1):
            reason = f"the reply speaks of a scale of {top:g}, not from {low:g} to {high:g}"
            return VerdictCandidate(scale.start(), f"{top:g}", failure=FailureKind.OFF_SCALE, reason=reason)
    for scale in _SCALE.finditer(text):
        ends = [value_of(scale[name] or scale[f"{name}2"]) for name in ("low", "high")]
        if ends != [low, high]:
            span = f"{ends[0]:g} to {ends[1]:g}"
            reason = f"the reply speaks of a scale from {span}, not from {low:g} to {high:g}"
            return VerdictCandidate(scale.start(), span, failure=FailureKind.OFF_SCALE, reason=reason)
    return None


def add_rival(
    candidates: list[VerdictCandidate], text: str, spec: ReplySpec, *, since: int | None = None
) -> list[VerdictCandidate]:
    """Return the candidates, and the first bare number that differs from the verdict.

    The search covers the verdict's sentence and the text after it, or the text after `since`. The verdict is
    the first candidate, or the last if `spec.rule` says so. If the first counts, no other number matters.
    """
    eligible = candidates[-1:] if spec.rule is VerdictRule.LAST else candidates
    if not candidates or spec.rule is VerdictRule.FIRST or any(candidate.failure for candidate in eligible):
        return candidates
    first = eligible[0]
    if not isinstance(first.verdict, float):
        return candidates
    at = first.start if since is None else since
    other = rival_number(text, at, first.verdict, _limits(spec), spec.criterion)
    if other is None:
        return candidates
    reason = f"the reply says {first.text}, and {other[0]!r} too"
    wavers = VerdictCandidate(
        other.start(), f"{first.text} or {other[0]}", failure=FailureKind.AMBIGUOUS, reason=reason
    )
    return [*candidates, wavers]


def _ends_in_a_level(text: str) -> bool:
    """Return whether a bare number at the end can be the verdict.

    It cannot in a numbered list, with a second such number, or after a sentence that counts something, wishes
    for something, or gives somebody else's words.
    """
    numbers = list(_AFTER_SENTENCE.finditer(text))
    if len(numbers) != 1 or _ENUMERATED.search(text) or tells_of_others(text):
        return False
    before = text[: numbers[0].start()]
    return closes_a_verdict(re.split(r"[.!?][\"')\]]*\s|\n", before)[-1])


def find_ratings(answer: str, spec: ReplySpec) -> list[VerdictCandidate]:
    """Return every `[[5]]` of the writer. `[[5]]/10` must fit the scale."""
    text = _in_levels(plain_text(answer), spec)
    other = _other_scale(text, spec)
    if other is not None:
        return [other]
    text = _SCALE.sub("", text)
    withdrawn = max((words.start() for words in TAKEN_BACK.finditer(text)), default=-1)
    candidates = [
        _candidate(text, mark, spec, withdrawn >= mark.end())
        for mark in _RATING.finditer(text)
        if is_own_verdict(text, mark.start(), mark.end())
    ]
    return add_withheld(add_rival(candidates, text, spec), text)


def number_candidate(at: int, value: float, spec: ReplySpec) -> VerdictCandidate:
    """Return the candidate of a number: a verdict, or one that is off the scale."""
    low, high = _limits(spec)
    if spec.labels.get(f"{value:g}") is FailureKind.NOT_APPLICABLE:
        return VerdictCandidate(at, f"{value:g}", FailureKind.NOT_APPLICABLE)
    if low <= value <= high:
        return VerdictCandidate(at, f"{value:g}", value)
    reason = f"the reply says {value:g}, the scale is {low:g} to {high:g}"
    return VerdictCandidate(at, f"{value:g}", failure=FailureKind.OFF_SCALE, reason=reason)


def _limits(spec: ReplySpec) -> tuple[float, float]:
    if spec.limits is None:
        raise ValueError(f"the format {spec.format} needs the limits of the scale")
    return spec.limits


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return the start of a number and the end of its top, or of itself without one."""
    return match.start("number"), max(
        match.end("number"), match.end("top") if "top" in match.groupdict() else -1
    )


def _candidate(text: str, match: re.Match[str], spec: ReplySpec, withdrawn: bool) -> VerdictCandidate:
    groups = match.groupdict()
    at, top = match.start("number"), groups.get("top")
    value, end = value_of(match["number"]), match.end()
    after = text[end : end + 300]
    sentence = re.split(r"[.!?](?=\s|$)|\n", after, maxsplit=1)[0]
    wavers = (_OTHER.match(after), _OTHER.match(sentence), UNDONE.match(after))
    wishes = _WOULD.search(text, match.start(), at) and _BUT.match(after)
    if withdrawn or groups.get("hedge") or any(wavers) or wishes:
        reason = f"the reply wavers about its score near {match['number']!r}"
        return VerdictCandidate(at, f"{value:g}?", failure=FailureKind.AMBIGUOUS, reason=reason)
    if top and value_of(top) != _limits(spec)[1]:
        reason = f"the reply rates out of {value_of(top):g}, the scale ends at {_limits(spec)[1]:g}"
        return VerdictCandidate(at, f"{value:g}/{top}", failure=FailureKind.OFF_SCALE, reason=reason)
    return number_candidate(at, value, spec)
