"""What all formats of recorded replies share: the specification, candidates for the verdict, plain text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from evalhub.records import THINK_TAGS, FailureKind, ThinkTags
from evalhub.scales import Winner


class VerdictRule(StrEnum):
    """Which of several different verdicts counts. Without a rule none does."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """How the replies of one recorded judge on one criterion are parsed.

    Attributes:
        format: A name of `REPLY_FORMATS`.
        limits: The lowest and highest number of the scale, if verdicts are numbers.
        labels: The verdict of each label of the scale: a level's value, a side as shown, or that the
            criterion is not applicable.
        criterion: The criterion's name, which may stand before a score ("Coherence: 4").
        key: The field of a JSON object that holds the verdict.
        rule: Which of several different verdicts counts.
        think: The tags around think text.
    """

    format: str
    limits: tuple[float, float] | None = None
    labels: Mapping[str, float | Winner | FailureKind] = field(default_factory=dict)
    criterion: str = ""
    key: str = ""
    rule: VerdictRule | None = None
    think: tuple[ThinkTags, ...] = THINK_TAGS


@dataclass(frozen=True, slots=True)
class VerdictCandidate:
    """One place of a reply that may be its verdict.

    Attributes:
        start: Index of the place in the reply.
        text: The words. Two candidates with equal words are one verdict.
        verdict: The number, the side as shown, or that the criterion is not applicable.
        failure: The kind of failure if the words are no valid verdict.
        reason: The failure's reason in one sentence.
    """

    start: int
    text: str
    verdict: float | Winner | FailureKind | None = None
    failure: FailureKind | None = None
    reason: str = ""


# How a judge names the text that it rates.
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
    """Return the part of a sentence or line before a place, at most `longest` characters.

    >>> sentence_before("It is clear. It earns a 5", 24)
    'It earns a '
    """
    start = max(0, at - longest)
    last_end = _LAST_END.match(text, start, at)
    return text[last_end.end() if last_end else start : at]


def is_denied(text: str, at: int) -> bool:
    """Return whether the sentence before a place denies or supposes the words there.

    A denial before a conclusion (", so my verdict is") is about something else.

    >>> is_denied("My verdict is not [[A]].", 18), is_denied("A is not right, so it is [[B]].", 25)
    (True, False)
    """
    sentence = _SENTENCE_END.split(text[max(0, at - 300) : at])[-1]
    return bool(_SUPPOSED.search(sentence) or _DENIED.search(_ANEW.split(sentence)[-1]))


def plain_text(text: str) -> str:
    r"""Return a text with one spelling of each digit, quote, dash and space, without Markdown emphasis.

    Struck-out text and lines quoted by `>` are removed. Fractions and raised digits stay as they are, since
    they are no digits of the number before them.

    >>> plain_text("**Score：** ４/5\u00a0~~3/5~~")
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
    compatible = unicodedata.normalize("NFKC", character)
    is_plain = len(compatible) == 1 and compatible.isascii() and category in _PLAIN_CATEGORIES
    return compatible if is_plain else character
