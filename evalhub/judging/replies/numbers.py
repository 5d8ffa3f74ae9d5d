"""Numbers that a recorded reply gives as its verdict: prose around a score, and `[[5]]`.

A number counts only where the words before it commit the writer ("Score:", "earning a score of", "I
rate it") and what follows ends the statement. All other numbers are prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from evalhub.judging.replies.aspects import is_of_another
from evalhub.judging.replies.commitment import UNDONE, closes_a_verdict, commits
from evalhub.judging.replies.figures import NUMBER, WORDS, rival, value_of
from evalhub.judging.replies.marks import is_the_writers
from evalhub.judging.replies.markup import as_labels
from evalhub.judging.replies.text import THING, Claim, Form, Rule, plain
from evalhub.judging.replies.voices import tells_of_others
from evalhub.judging.replies.withheld import beside_withheld
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
    """Return the ways to commit oneself to a number; `criterion` may stand in place of "score".

    Where the scale has levels below 0 (`signed`), a dash before a number may be its sign, not a separator.
    """
    separators = r":|=|→|->|is\s*:?|of" if signed else r":|=|→|->|is\s*:?|of|[-–]\s"
    name = r"\s+".join(map(re.escape, re.split(r"[\s_.-]+", criterion))) if criterion else "score"
    own = (
        r"(?:my|the|its|this|final|overall|total|assigned|resulting|summary|new|updated|revised|corrected"
        rf"|{name})"
    )
    score_of = rf"(?:an?|the|its)\s+{_PRAISE}(?:{name}\s+)?{_SCORE}\s+of\s+"
    of = rf"(?:(?P<noun>{score_of})|(?P<article>an?\s+{_PRAISE}))?"
    thing = (
        rf"(?:(?:the\s+)?{name}\s+of\s+{THING}|(?:the|this|that)\s+\w+'s\s+{name}|{THING}"
        rf"|(?:the\s+|its\s+)?{name})"
    )
    leads = (
        rf"{_BOUNDARY}{_SO}(?:{own}\s+){{0,4}}(?:{_SCORE}|verdict|{name})"
        rf"(?:\s+(?:for|of|on)\s+(?:(?:the|this|its)\s+)?(?P<aspect>(?!(?:of|reference|other|previous|original)\b)[a-z]+))?\s*(?:{separators})?\s*"
        rf"{_HEDGE}(?P<label>)(?:an?\s+)?",
        rf"(?P<participle>)\b(?:earning|receiving|scoring|meriting|warranting|deserving|getting|achieving|obtaining|"
        rf"garnering|worthy\s+of|deserving\s+of|resulting\s+in|results\s+in|leading\s+to|yielding|justifying)\s+"
        rf"{_HEDGE}{of}",
        rf"(?:{THING}\s+(?:now\s+|therefore\s+|thus\s+)?|{_BOUNDARY}|\b(?:and|so|therefore|thus|hence)\s+)(?P<finite>)"
        rf"(?:earns|receives|gets|deserves|merits|warrants|scores|achieves|obtains)\s+{_HEDGE}{of}",
        rf"(?P<finite>)\bI(?:'d|'ll|\s+would|\s+will|\s+have|\s+must)?\s+(?:therefore\s+|thus\s+)?(?:rate[d]?|give|gave|"
        rf"score[d]?|assign(?:ed)?|award(?:ed)?|grade[d]?)\s+(?:{thing}\s+)?(?:(?:as|at|with)\s+)?{_HEDGE}{of}"
        r"(?P<label>)",
        rf"(?P<finite>)(?:{thing}|\band|,)\s+is\s+(?:(?:therefore|thus|hence)\s+)?(?:rated|scored|given|assigned|awarded)\s+(?:(?:as|at|with)\s+)?{_HEDGE}{of}"
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

# Per cent that a sentence leads to, or that stand on a line: "Much is copied. 72%" may tell how much.
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


def scores(answer: str, form: Form) -> list[Claim]:
    """Return every place where prose commits itself to a number of the scale."""
    text = _in_levels(as_labels(plain(answer)), form)
    other = _other_scale(text, form)
    if other is not None:
        return [other]
    text = _SCALE.sub("", text)
    lines = _LINES if len(_LISTED.findall(text)) < 2 else ()
    closing = (_CLOSING,) if _ends_in_a_level(text) else ()
    opening = (_OPENING,) if form.rule else ()
    led = _committed(text, _leads(form.criterion, _limits(form)[0] < 0), form)
    led = _committed(text, _BARE, form) | led
    alone = _committed(text, (*_WHOLE, *lines, *closing, *opening), form)
    overall = {} if led else _committed(text, (_OVERALL,), form)
    claims = {**overall, **alone, **led}
    # A score of somebody else's is no verdict, yet beside another one it leaves open which is meant.
    if claims and not form.rule:
        claims = {**_committed(text, (_MENTION,), form), **claims}
    listed = [claims[at] for at in sorted(claims)]
    since = 0 if overall and not alone else None
    return beside_withheld(unrivalled(listed, text, form, since=since), text, alone.keys() - led.keys())


def _committed(text: str, patterns: Iterable[re.Pattern[str]], form: Form) -> dict[int, Claim]:
    """Return the claims of the patterns by their places, where the writer commits himself to them."""
    quotes = [quote.start() for quote in re.finditer('"', text)]
    withdrawn = max((words.start() for words in TAKEN_BACK.finditer(text)), default=-1)
    return {
        claim.at: claim
        for pattern in patterns
        for match in pattern.finditer(text)
        if commits(text, match, quotes)
        if not is_of_another(
            text, match.start(), _span(match), form.criterion, match.groupdict().get("aspect")
        )
        for claim in [_claim(text, match, form, withdrawn >= match.end())]
    }


def _in_levels(text: str, form: Form) -> str:
    """Return a text whose numbers are written as the scale's levels.

    Plus signs are taken off where a scale goes below 0, signs of per cent where it goes from 0 to 100.
    """
    text = _PLUS.sub("", text) if _limits(form)[0] < 0 else text
    return _PER_CENT.sub(r"\g<before>\g<number>", text) if _limits(form) == (0, 100) else text


def _other_scale(text: str, form: Form) -> Claim | None:
    """Return the failure of a reply that speaks of another scale than the one asked; None without."""
    low, high = _limits(form)
    for scale in _STEPS.finditer(text):
        large = scale["large"]
        top = _LARGE[large.lower()] if large else value_of(scale["top"] or scale["top2"])
        if top not in (high, high - low + 1):
            reason = f"the reply speaks of a scale of {top:g}, not from {low:g} to {high:g}"
            return Claim(scale.start(), f"{top:g}", failure=FailureKind.OFF_SCALE, reason=reason)
    for scale in _SCALE.finditer(text):
        ends = [value_of(scale[name] or scale[f"{name}2"]) for name in ("low", "high")]
        if ends != [low, high]:
            said = f"{ends[0]:g} to {ends[1]:g}"
            reason = f"the reply speaks of a scale from {said}, not from {low:g} to {high:g}"
            return Claim(scale.start(), said, failure=FailureKind.OFF_SCALE, reason=reason)
    return None


def unrivalled(claims: list[Claim], text: str, form: Form, *, since: int | None = None) -> list[Claim]:
    """Return the claims, and beside them the first bare number that says something else than the verdict.

    Looked at are the sentence of the first claim, or of the last where that counts, and all that follows it,
    or all that follows `since`. Where the first counts nothing else does.
    """
    counted = claims[-1:] if form.rule is Rule.LAST else claims
    if not claims or form.rule is Rule.FIRST or any(claim.failure for claim in counted):
        return claims
    first = counted[0]
    if not isinstance(first.verdict, float):
        return claims
    at = first.at if since is None else since
    other = rival(text, at, first.verdict, _limits(form), form.criterion)
    if other is None:
        return claims
    reason = f"the reply says {first.said}, and {other[0]!r} too"
    wavers = Claim(other.start(), f"{first.said} or {other[0]}", failure=FailureKind.AMBIGUOUS, reason=reason)
    return [*claims, wavers]


def _ends_in_a_level(text: str) -> bool:
    """Whether a bare number at the end can be the verdict: no list is counted, no other number stands so.

    Nor may the last sentence count something, wish for something, or give somebody else's words.
    """
    numbers = list(_AFTER_SENTENCE.finditer(text))
    if len(numbers) != 1 or _ENUMERATED.search(text) or tells_of_others(text):
        return False
    before = text[: numbers[0].start()]
    return closes_a_verdict(re.split(r"[.!?][\"')\]]*\s|\n", before)[-1])


def bracketed_ratings(answer: str, form: Form) -> list[Claim]:
    """Return every `[[5]]` that the writer gives; `[[5]]/10` must fit the scale."""
    text = _in_levels(plain(answer), form)
    other = _other_scale(text, form)
    if other is not None:
        return [other]
    text = _SCALE.sub("", text)
    withdrawn = max((found.start() for found in TAKEN_BACK.finditer(text)), default=-1)
    claims = [
        _claim(text, mark, form, withdrawn >= mark.end())
        for mark in _RATING.finditer(text)
        if is_the_writers(text, mark.start(), mark.end())
    ]
    return beside_withheld(unrivalled(claims, text, form), text)


def number_claim(at: int, value: float, form: Form) -> Claim:
    """Return the claim that a number makes: a verdict, or one that is off the scale."""
    low, high = _limits(form)
    if form.labels.get(f"{value:g}") is FailureKind.NOT_APPLICABLE:
        return Claim(at, f"{value:g}", FailureKind.NOT_APPLICABLE)
    if low <= value <= high:
        return Claim(at, f"{value:g}", value)
    reason = f"the reply says {value:g}, the scale is {low:g} to {high:g}"
    return Claim(at, f"{value:g}", failure=FailureKind.OFF_SCALE, reason=reason)


def _limits(form: Form) -> tuple[float, float]:
    if form.limits is None:
        raise ValueError(f"the format {form.format} needs the limits of the scale")
    return form.limits


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return the start of a number and the end of its top, or its own without one."""
    return match.start("number"), max(
        match.end("number"), match.end("top") if "top" in match.groupdict() else -1
    )


def _claim(text: str, match: re.Match[str], form: Form, withdrawn: bool) -> Claim:
    groups = match.groupdict()
    at, top = match.start("number"), groups.get("top")
    value, end = value_of(match["number"]), match.end()
    rest = text[end : end + 300]
    sentence = re.split(r"[.!?](?=\s|$)|\n", rest, maxsplit=1)[0]
    wavers = (_OTHER.match(rest), _OTHER.match(sentence), UNDONE.match(rest))
    wishes = _WOULD.search(text, match.start(), at) and _BUT.match(rest)
    if withdrawn or groups.get("hedge") or any(wavers) or wishes:
        reason = f"the reply wavers about its score near {match['number']!r}"
        return Claim(at, f"{value:g}?", failure=FailureKind.AMBIGUOUS, reason=reason)
    if top and value_of(top) != _limits(form)[1]:
        reason = f"the reply rates out of {value_of(top):g}, the scale ends at {_limits(form)[1]:g}"
        return Claim(at, f"{value:g}/{top}", failure=FailureKind.OFF_SCALE, reason=reason)
    return number_claim(at, value, form)
