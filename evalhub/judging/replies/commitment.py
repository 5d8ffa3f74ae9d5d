"""Whether the words around a number commit the writer to it: not denied, supposed, quoted or reported.

A denial or a condition counts where it governs this rating. One that ends before the rating's own clause
begins, and speaks of something else, does not: "it covers what happens if they lose, earning a score of 5".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from evalhub.judging.replies.suppositions import UNSAID, is_supposed
from evalhub.judging.replies.text import THING, any_of, sentence_before
from evalhub.judging.replies.voices import REPORTED, is_in_another_voice, is_reported

_SO = r"(?:and|so|therefore|thus|hence|then|but|consequently|accordingly)"
# Words after a rating that give it to somebody else, or make it depend on a condition.
UNDONE = any_of(
    rf"^[^.!?\n]*(?:\b{REPORTED}\b|\baccording\s+to\b|,\s*(?:were|had)\b"
    r"|\b(?<!even\s)(?:if|unless|provided|assuming|but\s+only|only\s+with|but\s+for|except|aside)\b)",
    r"^\W*(?:before|until|pending|prior\s+to|excluding|minus|without|ignoring|except|at\s+(?:best|most|least))\b",
)
_DENIED = any_of(
    r"(?:\b(?:not|never|no|neither|nor|cannot|hardly|barely|nothing|nobody|without|refus\w+|fail\w*\s+to)\b|n't\b)"
)
_NOBODY = any_of(r"\b(?:no|nothing|nobody|none|neither|nor|hardly|barely)\b")
_SPOILED = any_of(
    r"\b(?:not|never|without|from|of|than|avoid|avoids|before|by|instead|short|worth|despite|nearly|almost"
    r"|barely|hardly|scarcely|to|originally|initially|previously|formerly|once)\s+(?:\w+\s+)?$",
    r"n't\s+$",
)
# A denial that is still open where a clause of its own begins: "It is not, in my view, earning …".
_OPEN_DENIAL = any_of(
    r"(?:\b(?:not|never|hardly|barely|scarcely|nowhere|by\s+no\s+means|in\s+no\s+(?:way|sense)|anything\s+but|neither"
    r"|under\s+no\s+circumstances|on\s+no\s+account|at\s+no\s+(?:point|time)|far\s+from|nor|without|no\s+longer)|n't)"
    r"(?:\s+(?:be|really|quite|yet|truly|even))?\s*(?:[,(–—]|-\s)"
)
# Where clauses begin, and their subjects.
_ANEW = any_of(rf"[,;–—]\s*(?:{_SO},?\s+){{0,2}}$")
_BEGINS_A_CLAUSE = any_of(
    rf"(?:^|[,;:.()–—-])[\s\"']*(?:{_SO}[,\s]+){{0,2}}$",
    r"\b(?:and|thus|therefore|hence|is|are)\s+(?:(?:now|clearly|fully|well|therefore|thus)\s+)?$",
)
_SUBJECT = any_of(rf"\b(?:{THING}|they|these|I|we)\b")
# "The grammar of the summary earns …" rates the grammar.
_OF_THE_THING = any_of(r"\b(?:of|in|by|from|than|with|for|about|behind)\s+$")
# A sentence before a bare number that makes it a count, an answer, a wish, or somebody else's word.
_NOT_A_LEVEL = any_of(
    r"\b(?:numbers?|counts?|totals?|sum|errors?|mistakes?|facts?|answers?|many|times|questions?|would|should|could|might"
    r"|must|says?|said|tells?|told|claims?|argues?|asks?|asked|instructs?|demands?|requests?|wants?|writes|states"
    r"|insists|orders|outputs)\b"
)


def closes_a_verdict(sentence: str) -> bool:
    """Return whether a bare number after a sentence can be its verdict.

    >>> closes_a_verdict("It is written at an advanced level."), closes_a_verdict("It asks for a high level.")
    (True, False)
    """
    return not any(words.search(sentence) for words in (_NOT_A_LEVEL, UNSAID, _DENIED, _NOBODY))


def _is_denied(clause: str, lead: str) -> bool:
    """Return whether a finite verb's clause denies it. "It does not lie and receives" does not."""
    goes_on = re.match(r"\W*(?:and|so|therefore|thus|hence)\b", lead, re.IGNORECASE)
    return bool((_NOBODY if goes_on else _DENIED).search(clause))


def _asserts(sentence: str, outside: str, lead: str) -> bool:
    """Return whether a finite verb, as in "it earns a score of 5", has the rated text as its subject."""
    if _OF_THE_THING.search(outside) and re.match(THING, lead, re.IGNORECASE):
        return False
    if _is_denied(re.split(r"[,;:]", sentence)[-1], lead) or is_reported(outside):
        return False
    return not (outside.strip() and re.match(r"\W", lead) and not _SUBJECT.search(outside))


def commits(text: str, match: re.Match[str], quotes: Sequence[int]) -> bool:
    """Return whether the writer asserts the number: it is not denied, supposed, quoted, nor a count.

    Args:
        text: The whole reply, as `plain_text` returns it.
        match: A lead to a number, with the group `number` and the groups for the kind of lead.
        quotes: Places of the quotation marks in the text.
    """
    groups = match.groupdict()
    start, number = match.start(), match.start("number")
    sentence, lead = sentence_before(text, number), text[start:number]
    outside = sentence.removesuffix(lead.lstrip(" .,;:!?)–—\n"))
    finite, participle = groups.get("finite") is not None, groups.get("participle") is not None
    anew = (finite or participle) and bool(_ANEW.search(outside))
    if (
        is_supposed(sentence, outside, anew)
        or is_in_another_voice(sentence, outside)
        or _OPEN_DENIAL.search(outside)
    ):
        return False
    if bisect_left(quotes, number) % 2 and '"' not in lead:
        return False
    if finite and not _asserts(sentence, outside, lead):
        return False
    if participle and (
        not _BEGINS_A_CLAUSE.search(outside) or _SPOILED.search(text[max(0, start - 80) : start])
    ):
        return False
    may_count = "label" not in groups or groups["label"] is None
    scale_words = groups.get("noun") or groups.get("article") or groups.get("top")
    return bool(scale_words) or not ((finite or participle) and may_count)
