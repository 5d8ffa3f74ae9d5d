"""What every reader of recorded replies shares: the form that is asked for, claims, and plain text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from evalhub.records import THINK_TAGS, FailureKind, ThinkTags
from evalhub.scales import Winner


class Rule(StrEnum):
    """Which of several different verdicts counts; without a rule none does."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Form:
    """How replies of one recorded judge are written.

    Attributes:
        format: A name of `READERS`.
        limits: The lowest and highest number of the scale, where verdicts are numbers.
        labels: What each label of the scale stands for: a level's value, a side as shown, or that the
            criterion is not applicable.
        criterion: The criterion's name, which may stand before a score ("Coherence: 4").
        key: The field of a JSON object that holds the verdict.
        rule: Which of several different verdicts counts.
        think: What think text stands between.
    """

    format: str
    limits: tuple[float, float] | None = None
    labels: Mapping[str, float | Winner | FailureKind] = field(default_factory=dict)
    criterion: str = ""
    key: str = ""
    rule: Rule | None = None
    think: tuple[ThinkTags, ...] = THINK_TAGS


@dataclass(frozen=True, slots=True)
class Claim:
    """One place where a reply commits itself: a verdict, or why what stands there is none.

    `said` tells claims apart: two claims that say the same are one verdict.
    """

    at: int
    said: str
    verdict: float | Winner | FailureKind | None = None
    failure: FailureKind | None = None
    reason: str = ""


# What is rated, in the words of a judge.
THING = (
    r"(?:it|this|(?:the|this|that)\s+(?!(?:other|reference|previous|original|human|ideal|best|worst|better"
    r"|first|second|last|perfect|average|typical|next)\b)(?:\w+\s+){0,2}?"
    r"(?:summary|response|answer|text|output|translation|dialogue|essay|reply|assistant))"
)
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xFE0F, 0x20E3))
_SAME = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'",
    "−": "-", "‐": "-", "‑": "-", "⁄": "/", "∕": "/",
}  # fmt: skip
_PLAIN_CATEGORIES = ("Ll", "Lu", "Po", "Ps", "Pe", "Pd", "Sm")
_STRUCK = re.compile(r"~~.{0,200}?~~|<(s|del|strike)>.{0,200}?</\1>", re.DOTALL | re.IGNORECASE)
_STRESS = re.compile(r"(?<!\d)[*`]+|[*`]+(?!\d)|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)|</?(?i:b|i|em|strong|u)>")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<!\be\.g)[.!?]\s|\n", re.IGNORECASE)
_ANEW = re.compile(
    r"[,;:–—-]\s*(?:and\s+)?(?:so|therefore|thus|hence|but|consequently|accordingly)\b", re.IGNORECASE
)
_SUPPOSED = re.compile(r"\b(?:if|unless|whether|for example|e\.g|suppose)\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|never|neither|nor|cannot|rather than|instead of)\b|n't\b", re.IGNORECASE)
_LAST_END = re.compile(r".*(?:[.!?][\"')\]]*\s|\n)", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]{0,3}>.*$", re.MULTILINE)


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return the pattern of any of several, in either case."""
    return re.compile("|".join(patterns), re.IGNORECASE)


def sentence_before(text: str, at: int, longest: int = 500) -> str:
    """Return what stands before a place in its own sentence and line, at most so many characters.

    >>> sentence_before("It is clear. It earns a 5", 24)
    'It earns a '
    """
    start = max(0, at - longest)
    ended = _LAST_END.match(text, start, at)
    return text[ended.end() if ended else start : at]


def denied(text: str, at: int) -> bool:
    """Return whether the sentence before a place denies or supposes what is said there.

    A denial that a conclusion follows (", so my verdict is") is about something else.

    >>> denied("My verdict is not [[A]].", 18), denied("A is not right, so it is [[B]].", 25)
    (True, False)
    """
    sentence = _SENTENCE_END.split(text[max(0, at - 300) : at])[-1]
    return bool(_SUPPOSED.search(sentence) or _DENIED.search(_ANEW.split(sentence)[-1]))


def plain(text: str) -> str:
    r"""Return a text with one way to write each digit, quote, dash and space, without markdown's stress.

    What is struck out, or quoted by a line's `>`, is taken out. Fractions and raised digits stay as
    they are: they are no digits of the number before them.

    >>> plain("**Score：** ４/5\u00a0~~3/5~~")
    'Score: 4/5 …'
    """
    text = "".join(map(_plain_character, text.translate(_INVISIBLE)))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _QUOTED_LINE.sub("…", _STRUCK.sub("…", text))
    return _HEADING.sub("", _STRESS.sub("", text)).strip()


def _plain_character(character: str) -> str:
    if character.isascii():
        return " " if character in "\t\v\f" else character
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("Zs", "Zl", "Zp"):
        return " " if category == "Zs" else "\n"
    spelled = unicodedata.normalize("NFKC", character)
    return spelled if len(spelled) == 1 and spelled.isascii() and category in _PLAIN_CATEGORIES else character
