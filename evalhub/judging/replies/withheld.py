"""Sentences that withhold a verdict, such as "No score." or "I cannot choose."."""

from __future__ import annotations

import re
from collections.abc import Collection

from evalhub.judging.replies.text import THING, VerdictCandidate
from evalhub.records import FailureKind
from evalhub.scales import Winner

_VERDICT = r"(?:score|rating|grade|mark|verdict|judge?ment|winner|preference)"
_JUDGE = r"(?:rate|score|grade|judge|assess|evaluate|choose|decide|pick)"
_JUDGED = r"(?:rated|scored|graded|judged|assessed|evaluated)"
_GIVEN = r"(?:given|assigned|awarded|available|applicable|possible|provided|due)"
_CANNOT = (
    r"(?:can't|can\s?not|won't|will\s+not|do\s+not|don't|would\s+not|wouldn't|(?:am|'m)\s+(?:unable|not\s+able)\s+to"
    r"|refuse\s+to|decline\s+to)"
)
_WRITER = r"(?:I|we|(?:the|this)\s+(?:judge|grader|rater|evaluator|annotator))"
_HAS = r"(?:gives?|gets?|receives?|earns?|deserves?|merits?|ha(?:s|ve)|assigns?|awards?|offers?|provides?)"
_BEGINS = r"(?:^|\n|[.!?;]\s)\W*"
_SENTENCES = (
    # "No score.", "There is no verdict.", "This deserves no rating.", "Without a grade."
    rf"{_BEGINS}(?P<words>(?:(?:there\s+is|there's|(?:I|we|{THING})\s+(?:(?:would|will|can)\s+)?{_HAS})\s+)?"
    rf"(?:no|without\s+an?|without)\s+(?:\w+\s+)?{_VERDICT}(?:\s+(?:is|was|can\s+be))?(?:\s+{_GIVEN})?"
    r"(?:\s+(?:here|yet|now|at\s+all))?)\s*(?=[.!?;\n,(–—]|$)",
    # "Score: N/A", "The rating is not available.", "Score: ?"
    rf"{_BEGINS}(?P<words>(?:(?:my|the|its|final|overall)\s+){{0,2}}{_VERDICT}\s*(?:(?::|=|is|was|-)?\s*"
    rf"(?:not\s+{_GIVEN}|none|n\s?/\s?a|nil|withheld|unavailable|no\s+{_VERDICT})|[:=]\s*[-–—?]+))\s*(?=[.!?;\n]|$)",
    # "Not rated.", "Unscored.", "It cannot be rated."
    rf"{_BEGINS}(?P<words>(?:{THING}\s+)?(?:(?:is\s+)?(?:not\s+{_JUDGED}|unrated|unscored|ungraded)"
    rf"|(?:cannot|can't|can\s+not)\s+be\s+{_JUDGED}))\s*(?=[.!?;\n]|$)",
    # "I cannot rate this.", "I refuse to give a score."
    rf"\b(?P<words>{_WRITER}\s*{_CANNOT}\s+(?:{_JUDGE}(?:\s+(?:{THING}|them|either|between\s+them))?"
    rf"|{_HAS}\s+(?:it\s+)?(?:an?|any|the)\s+(?:\w+\s+)?{_VERDICT}))\s*(?=[.!?;\n]|$)",
)
_WITHHELD = tuple(re.compile(sentence, re.IGNORECASE) for sentence in _SENTENCES)
# A bare number or letter may not follow a denial of any rating, such as "no rating" or "none".
_DENIED = re.compile(
    rf"(?P<words>\b(?:no|without|lacks?)\s+(?:any\s+|an?\s+)?(?:\w+\s+)?{_VERDICT}\b(?!\s+(?:of|below|above)\b)"
    rf"|(?:\b(?:not|never)|n't)\s+{_HAS}\s+(?:it\s+)?(?:an?|any)\s+(?:\w+\s+)?{_VERDICT}\b"
    rf"|\b{_WRITER}\s*{_CANNOT}\s+(?:\w+\s+)?{_JUDGE}\b|\b(?:not|cannot\s+be|can't\s+be)\s+{_JUDGED}\b)"
    rf"|{_BEGINS}(?P<nothing>n\s?/\s?a|none|nothing|refused|not\s+applicable|no\s+(?:points?|comment))\s*(?=[.!?;\n]|$)",
    re.IGNORECASE,
)


def add_withheld(
    candidates: list[VerdictCandidate], text: str, bare: Collection[int] = ()
) -> list[VerdictCandidate]:
    """Return the candidates, and each sentence that withholds a verdict, in the order of the text.

    A reply without candidates stays as it is. So does one whose candidates are ties, since a tie does not
    contradict "no winner".

    Args:
        candidates: The candidates of a reply.
        text: The reply.
        bare: The places of the candidates that no words lead to.

    >>> verdict = VerdictCandidate(10, "5", 5.0)
    >>> [candidate.text for candidate in add_withheld([verdict], "No score.\\n5")]
    ['No score', '5']
    """
    if all(candidate.verdict is Winner.TIE for candidate in candidates):
        return candidates
    words = [sentence for pattern in _WITHHELD for sentence in pattern.finditer(text)]
    if {candidate.start for candidate in candidates} <= {*bare}:
        words += [denial for denial in _DENIED.finditer(text) if denial.end() <= max(bare, default=0)]
    doubts = (_doubt(sentence) for sentence in words)
    return sorted([*candidates, *doubts], key=lambda candidate: candidate.start)


def _doubt(words: re.Match[str]) -> VerdictCandidate:
    group = "nothing" if words.groupdict().get("nothing") else "words"
    text = words[group]
    return VerdictCandidate(
        words.start(group), text, failure=FailureKind.AMBIGUOUS, reason=f"the reply says {text!r}"
    )
