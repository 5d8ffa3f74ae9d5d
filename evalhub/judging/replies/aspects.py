"""Whether a score is for the right criterion: "a score of 5 for grammar" says nothing of clarity."""

from __future__ import annotations

import re

from evalhub.judging.replies.text import sentence_before

# Names of the whole text, and other words that may follow "for".
_WHOLE = frozenset((
    "summary", "response", "answer", "text", "output", "translation", "dialogue", "essay", "reply",
    "assistant", "it", "this", "that", "me", "now", "everything", "all", "reason", "reasons", "whole",
    "overall", "quality", "being", "lack", "absence",
))  # fmt: skip
_DETERMINER = re.compile(
    r"(?:(?:the|an?|its|this|that|these|those|their|his|her|your|overall)\s+)+", re.IGNORECASE
)
_TAIL = re.compile(r"\s+(?:of|in|by)\s+(?:the|this|that|its)\b.*", re.IGNORECASE)
_FOR = re.compile(
    r"\s*(?:stars?|points?)?\s*[,;(]?\s*(?:for|in\s+terms\s+of|regarding|concerning|as\s+to|as\s+for"
    r"|with\s+(?:respect|regard)\s+to|as\s+(?:far\s+as|regards))\s+(?P<phrase>[^.,;:()\n]+)",
    re.IGNORECASE,
)
_IN = re.compile(r"\s*[,;(]?\s*(?:on|in)\s+(?P<phrase>[^.,;:()\n]+)", re.IGNORECASE)
_ONLY = re.compile(r"\s*[,;(]?\s*(?P<phrase>[a-z]+)\s+only\b", re.IGNORECASE)
_WISE = re.compile(r"\b(?P<phrase>[a-z]+)-wise\b", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\s*\((?P<phrase>[a-z]+(?:\s+[a-z]+)?)\)", re.IGNORECASE)
_FRONT = re.compile(
    r"^\W*(?:for|as\s+(?:far\s+as|regards|for|to)|in\s+terms\s+of|regarding|concerning|on|in"
    r"|with\s+(?:respect|regard)\s+to)\s+(?P<phrase>[^.,;:()\n]+)[,:]",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"\b(?P<phrase>(?!(?:on|in|upon|after|my|your|the)\b)[a-z]+(?:\s+[a-z]+)?)\s*(?:[:–—-]\s*|\n\W*)$",
    re.IGNORECASE,
)
# Names of qualities, by their endings: fluency, clarity, completeness, coherence, relevance, precision.
_QUALITY = re.compile(r"(?:cy|ity|ness|ence|ance|style|grammar|tone|structure|spelling|depth|wording)$")


def is_of_another(text: str, start: int, number: tuple[int, int], criterion: str, aspect: str | None) -> bool:
    """Return whether the words around a score say that it is for another criterion.

    Args:
        text: The whole reply, as `plain_text` returns it.
        start: Where the words that lead to the score begin.
        number: Start and end of the score.
        criterion: The criterion of the question.
        aspect: The quality that the lead itself names ("score for grammar: 5").
    """
    if aspect is not None and _names_another(aspect, criterion):
        return True
    sentence = sentence_before(text, number[0])
    purpose = _FOR.match(text, number[1])
    if purpose and _names_another(purpose["phrase"], criterion):
        return True
    heading = _HEADING.search(text[max(0, start - 80) : start + 1].rstrip(" "))
    if heading and not names(heading["phrase"], criterion):
        head = _head(heading["phrase"])
        if _QUALITY.search(head) and _names_another(head, criterion):
            return True
    around = (
        _FRONT.match(sentence),
        _WISE.search(sentence),
        *(pattern.match(text, number[1]) for pattern in (_IN_BRACKETS, _IN, _ONLY)),
    )
    phrases = [match["phrase"] for match in around if match]
    return any(_QUALITY.search(_head(phrase)) and _names_another(phrase, criterion) for phrase in phrases)


def names(phrase: str, criterion: str) -> bool:
    """Return whether a phrase names the criterion, also as its opposite: "incoherence", "disfluency"."""
    stems = [word[: max(5, len(word) - 3)] for word in re.findall(r"[a-z]+", criterion.lower())]
    return any(stem in word for stem in stems for word in re.findall(r"[a-z]+", phrase.lower()))


def _head(phrase: str) -> str:
    words = re.findall(r"[a-z]+", _TAIL.sub("", phrase).lower())
    return words[-1] if words else ""


def _names_another(phrase: str, criterion: str) -> bool:
    """Return whether a phrase names another quality, and no reason ("for missing the point")."""
    bare = _DETERMINER.sub("", phrase.strip(), count=1)
    short = _TAIL.sub("", bare)
    words = re.findall(r"[a-z'-]+", short.lower())
    if not words or names(phrase, criterion) or words[0] in _WHOLE or words[-1] in _WHOLE:
        return False
    if words[0].endswith("ing") and len(words) > 1:
        return False
    determined = bare != phrase.strip()
    return not determined or len(words) <= 2
