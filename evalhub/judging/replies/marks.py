"""Words around a marked verdict, such as `[[A]]` or "Answer: A", that make it not the writer's own."""

from __future__ import annotations

import re
from collections.abc import Collection

from evalhub.judging.replies.text import is_denied, sentence_before
from evalhub.judging.replies.voices import REPORTED

# The noun before the letter of a response: "Response A".
NOUN = r"(?:response|assistant|answer|output|model|option|candidate|summary|translation|system)"
# Somebody else's choice: "the model chose …", "the other judge says …".
_OTHERS = re.compile(
    rf"\b(?:{REPORTED}|chose|chooses|picked|picks|selected|selects|answered|gave|according\s+to"
    r"|contain(?:s|ing)?|includes?|including|example|format|template|ignore"
    r"|(?:other|another|previous|first|second)\s+(?:judge|grader|rater|reviewer)'?s?)\b",
    re.IGNORECASE,
)
_SO = re.compile(
    r"[,;:–—-]\s*(?:and\s+)?(?:so|therefore|thus|hence|but|consequently|accordingly)\b", re.IGNORECASE
)
# Words about a mark, or a condition for it: "[[A]] is wrong", "[[A]] if the first is better".
_SAID_OF = re.compile(
    r"[\"')\]]*\s*\?|"
    r"[\"')\]]*\s+(?:(?:is|are)\s+(?!(?:(?:clearly|the|much|slightly|my|final|overall)\s+){0,3}"
    r"(?:better|best|winner|verdict|choice|answer|decision|stronger|preferred)\b)"
    r"|(?:was|were|would|could|might|may|should|can|cannot|does|did|has|had|seems?|looks?|if|when|unless|only\s+if"
    r"|isn't|wasn't|doesn't|won't)\b)"
    rf"|[\"')\]]*\s*,?\s*(?:\w+\s+){{0,3}}(?:{REPORTED}|according\s+to)\b",
    re.IGNORECASE,
)


def is_own_verdict(text: str, start: int, end: int) -> bool:
    """Return whether the mark is the writer's verdict: not denied, supposed, reported or discussed.

    >>> text = "[[A]] is wrong, so my verdict is [[B]]."
    >>> is_own_verdict(text, 0, 5), is_own_verdict(text, 33, 38)
    (False, True)
    """
    before = _SO.split(sentence_before(text, start))[-1]
    return not (is_denied(text, start) or _OTHERS.search(before) or _SAID_OF.match(text, end, end + 80))


def other_label(text: str, end: int, verdict: str, labels: Collection[str]) -> str | None:
    """Return another bare label after a verdict, as in "A. On reflection, B.", or None without one.

    A bare label has punctuation or a word such as "or" before it, and punctuation after it.
    """
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    bare = re.compile(
        rf"(?:[,;:.!?(–—-]\s*|\n\s*|\b(?i:or|maybe|perhaps|rather|actually|be|say|choose|pick|now|to|is)\s+)(?i:{NOUN}\s+)?"
        rf"[\"'(\[]{{0,2}}(?P<label>{names})[\"')\]]{{0,2}}(?=\s*(?:[.!?,;)]|\n|\Z))"
    )
    labels_after = (match["label"] for match in bare.finditer(text, end))
    return next((label for label in labels_after if label != verdict), None)
