"""What stands around a marked verdict, such as `[[A]]` or "Answer: A", and takes it away from the writer."""

from __future__ import annotations

import re
from collections.abc import Collection

from evalhub.judging.replies.text import denied, sentence_before
from evalhub.judging.replies.voices import REPORTED

# What is compared, before the letter that it was shown with: "Response A".
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
# What a mark is said to be, or depends on: "[[A]] is wrong", "[[A]] if the first is better".
_SAID_OF = re.compile(
    r"[\"')\]]*\s*\?|"
    r"[\"')\]]*\s+(?:(?:is|are)\s+(?!(?:(?:clearly|the|much|slightly|my|final|overall)\s+){0,3}"
    r"(?:better|best|winner|verdict|choice|answer|decision|stronger|preferred)\b)"
    r"|(?:was|were|would|could|might|may|should|can|cannot|does|did|has|had|seems?|looks?|if|when|unless|only\s+if"
    r"|isn't|wasn't|doesn't|won't)\b)"
    rf"|[\"')\]]*\s*,?\s*(?:\w+\s+){{0,3}}(?:{REPORTED}|according\s+to)\b",
    re.IGNORECASE,
)


def is_the_writers(text: str, start: int, end: int) -> bool:
    """Return whether the writer gives the mark as a verdict: not denied, supposed, reported or spoken of.

    >>> text = "[[A]] is wrong, so my verdict is [[B]]."
    >>> is_the_writers(text, 0, 5), is_the_writers(text, 33, 38)
    (False, True)
    """
    before = _SO.split(sentence_before(text, start))[-1]
    return not (denied(text, start) or _OTHERS.search(before) or _SAID_OF.match(text, end, end + 80))


def other_label(text: str, end: int, said: str, labels: Collection[str]) -> str | None:
    """Return another label that stands bare behind a verdict, as in "A. On reflection, B."; None without.

    A label is bare where punctuation or a word such as "or" stands before it and punctuation behind it.
    """
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    bare = re.compile(
        rf"(?:[,;:.!?(–—-]\s*|\n\s*|\b(?i:or|maybe|perhaps|rather|actually|be|say|choose|pick|now|to|is)\s+)(?i:{NOUN}\s+)?"
        rf"[\"'(\[]{{0,2}}(?P<label>{names})[\"')\]]{{0,2}}(?=\s*(?:[.!?,;)]|\n|\Z))"
    )
    others = (match["label"] for match in bare.finditer(text, end) if match["label"] != said)
    return next(others, None)
