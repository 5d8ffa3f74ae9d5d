"""Sentences that say that there is no verdict, such as "No score." or "I cannot choose."."""

from __future__ import annotations

import re

from evalhub.judging.reading_text import Claim
from evalhub.records import FailureKind

_VERDICT = r"(?:score|rating|grade|mark|verdict|judge?ment)"
_GIVEN = r"(?:given|assigned|awarded|available|applicable|possible|provided|due)"
_JUDGES = r"(?:rate|score|grade|judge|assess|evaluate|choose|decide)"
_GIVES = r"(?:(?:I|we)\s+(?:give|assign|have|award|offer|provide)|it\s+(?:gets|receives|earns|has))"
_THING = r"(?:it|this|that|them|either|between\s+them|(?:this|the)\s+(?:summary|response|answer|text))"
_BEGINS = r"(?:^|\n|[.!?;]\s)\W*"
_SENTENCES = (
    # "No score.", "There is no verdict.", "No rating was given.", "Without a grade."
    rf"{_BEGINS}(?P<words>(?:(?:there\s+is|there's|{_GIVES})\s+)?(?:no|without\s+an?|without)\s+(?:\w+\s+)?{_VERDICT}"
    rf"(?:\s+(?:is|was|can\s+be))?(?:\s+{_GIVEN})?)",
    # "Score: N/A", "The rating is not available."
    rf"{_BEGINS}(?P<words>(?:(?:my|the|its|final|overall)\s+){{0,2}}{_VERDICT}\s*(?::|=|is|was|-)?\s*"
    rf"(?:not\s+{_GIVEN}|none|n\s?/\s?a|nil|withheld|unavailable))",
    # "Not rated.", "Unscored."
    rf"{_BEGINS}(?P<words>(?:it\s+is\s+)?(?:not\s+(?:rated|scored|graded|judged)|unrated|unscored|ungraded))",
    # "I cannot rate this."
    r"\b(?P<words>(?:I|we)\s+(?:can't|can\s?not|won't|will\s+not|do\s+not|don't|am\s+unable\s+to|decline\s+to)"
    rf"\s+{_JUDGES}(?:\s+{_THING})?)",
)
_WITHHELD = tuple(re.compile(rf"{words}\s*(?=[.!?;\n]|$)", re.IGNORECASE) for words in _SENTENCES)


def beside_withheld(claims: list[Claim], text: str) -> list[Claim]:
    """Return the claims in their order, and beside them each sentence that says that there is no verdict.

    Without a claim there is nothing to doubt, and the reply stays unread.

    >>> verdict = Claim(10, "5", 5.0)
    >>> [claim.said for claim in beside_withheld([verdict], "No score.\\n5")]
    ['No score', '5']
    """
    doubts = [
        Claim(sentence.start("words"), said, failure=FailureKind.AMBIGUOUS, reason=f"the reply says {said!r}")
        for pattern in (_WITHHELD if claims else ())
        for sentence in pattern.finditer(text)
        for said in [sentence["words"]]
    ]
    return sorted([*claims, *doubts], key=lambda claim: claim.at)
