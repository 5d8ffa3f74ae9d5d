"""The other numbers beside a verdict: each must agree with it, or be no level.

A bare number could be a level itself. A number is not bare if it counts something ("2 facts", "3 of the"),
numbers something ("paragraph 2", "1. It is"), is denied ("not a 5"), or is the scale's top ("out of 5").
"""

from __future__ import annotations

import re

from evalhub.judging.replies.aspects import names
from evalhub.judging.replies.text import sentence_before

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER = rf"(?:-?\d{{1,4}}(?:\.\d{{1,3}})?|{'|'.join(WORDS)})(?![\d\w%])(?:\s+and\s+a\s+half\b)?"

_FIGURE = re.compile(rf"(?<![\w.,/$€£#:%-]){NUMBER}|(?<=\D[/:]){NUMBER}", re.IGNORECASE)
# Words that may follow a level. Any other word is the thing that the number counts.
_FUNCTION = (
    r"(?:stars?|points?|marks?|and|or|but|for|if|because|since|as|in|on|out|of|to|with|by|at|after|before|is|are|was|were"
    r"|would|may|might|could|should|seems?|when|while|though|although|instead|now|then|overall|given|due|based|which"
    r"|that|it|this|the|an?|rather|from|until|unless|only|again|so|not|maybe|perhaps|also|too|afterwards?|later|best"
    r"|worst|max|maximum|min|minimum|total|at|here|there|today|finally|actually|really|i|my|we|you)\b"
)
_COUNTS = re.compile(
    rf"(?:[-–:]\d+)?[ -]?(?!{_FUNCTION})[^\W\d]{{2,}}|\s+\d+-[a-z]|[ -]points?\s+(?:\w+\s+)?scale\b"
    r"|\s+of\s+(?:the|these|those|its|their|his|her|all)\b",
    re.IGNORECASE,
)
_NUMBERS_A_THING = re.compile(
    r"\b(?:paragraph|section|sentence|line|page|figure|fig|table|part|item|chapter|example|question|option|version|no"
    r"|number|year|type|stage|source|article|act|step|fact|january|february|march|april|may|june|july|august|september"
    r"|october|november|december)s?\.?\s+$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|rather\s+than|instead\s+of|short\s+of|originally|initially|previously|formerly|once)|n't)\s+"
    r"(?:\w+\s+){0,3}$",
    re.IGNORECASE,
)
_TOP = re.compile(
    r"(?:/|\bout\s+of|\bscale\s+of|\d\s+of)\s*(?:a\s+)?(?:(?:possible|maximum)\s+)?(?:of\s+)?$", re.IGNORECASE
)
_PAIR = re.compile(r"\s*[-–:]\s*\d")
_WORD_BEFORE = re.compile(rf"\b(?!{_FUNCTION})[^\W\d]{{2,}}\s+$", re.IGNORECASE)
_MARKER = re.compile(r"(?:^|\n)[ ]*\(?$")
_NAME = re.compile(r"\w[^.!?\n]*\s[A-Z]\w+\s+$")
_YEAR = re.compile(r"\b(?:in|since|by|until|from|of)\s+$", re.IGNORECASE)
_STOP = re.compile(r"[.!?](?=\s|$)|\n")
_ALONE = re.compile(r"(?:[:,;.(–—-]|\b(?:of|is|be|to|as|it|or|an?|say))\s*$", re.IGNORECASE)
_LABELLED = re.compile(
    r"(?:^|\n|[,;.]\s)\W*(?!\w*\s*(?:score|rating|grade|mark))[a-z]+(?:\s[a-z]+)?\s*[:=-]\s*$", re.IGNORECASE
)


def value_of(number: str) -> float:
    """Return the value of a number in digits or as a word, with or without "and a half"."""
    word, _, half = " ".join(number.lower().split()).partition(" ")
    return (WORDS.index(word) if word in WORDS else float(word)) + (0.5 if half else 0)


def rival_number(
    text: str, at: int, verdict: float, limits: tuple[float, float], criterion: str
) -> re.Match[str] | None:
    """Return a bare number that differs from the verdict, or None if all agree.

    The search covers the verdict's sentence and the text after it. In later sentences only numbers of the
    scale count. If the verdict's sentence names its criterion, numbers after other labels belong to other
    criteria.

    Args:
        text: The whole reply, as `plain_text` returns it.
        at: Index of the verdict's number.
        verdict: The verdict.
        limits: The lowest and highest number of the scale.
        criterion: The criterion of the question, or an empty text.
    """
    sentence = sentence_before(text, at, 1000)
    stop = _STOP.search(text, at)
    ends = stop.start() if stop else len(text)
    names_criterion = bool(criterion) and names(sentence, criterion)
    for figure in _FIGURE.finditer(text, at - len(sentence)):
        value = value_of(figure[0])
        if value == verdict or (figure.start() > ends and not limits[0] <= value <= limits[1]):
            continue
        before = text[max(0, figure.start() - 60) : figure.start()]
        if names_criterion and _LABELLED.search(before):
            continue
        if not _is_harmless(before, figure[0], text[figure.end() : figure.end() + 60], limits[1]):
            return figure
    return None


def _is_harmless(before: str, figure: str, after: str, top: float) -> bool:
    """Return whether a number is a count, an ordinal, a date, denied, or the scale's top."""
    value = value_of(figure)
    if figure.lower() == "one" and not (_ALONE.search(before) and re.match(r"\s*(?:$|[.!,;)\n])", after)):
        return True
    return bool(
        _COUNTS.match(after)
        or _NUMBERS_A_THING.search(before)
        or _DENIED.search(before)
        or (value == top and _TOP.search(before))
        or (_PAIR.match(after) and _WORD_BEFORE.search(before))
        or (_MARKER.search(before) and re.match(r"[.):]\s+\S", after))
        or (value > top and _NAME.search(before))
        or (value >= 1000 and _YEAR.search(before))
    )
