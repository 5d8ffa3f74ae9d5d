"""Whether the words around a number commit the writer to it: not denied, supposed, quoted or reported.

A denial or a condition counts where it governs this rating. One that ends before the rating's own clause
begins, and speaks of something else, does not: "it covers what happens if they lose, earning a score of 5".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

# What is rated, in the words of a judge.
THING = (
    r"(?:it|this|(?:the|this|that)\s+(?!(?:other|reference|previous|original|human)\b)(?:\w+\s+){0,2}?"
    r"(?:summary|response|answer|text|output|translation|dialogue|essay|reply|assistant))"
)
_UNSAID = re.compile(
    r"^\W*(?:had|were|suppose|supposing|assuming)\b|(?<!as )\bif\b|\b(?:unless|whether|hypothetically"
    r"|otherwise|doubt|disagree|mistake|wrong\s+to"
    r"|(?:not|cannot)\s+(?:think|believe|say|agree|feel|see|consider|find))\b"
    r"|n't\s+(?:think|believe|say|agree|feel|see|consider|find)\b"
    r"|\b(?:would|could|might|should|must)\s+(?:have|need)\b[^,;:]*$"
    r"|\b(?:for\s+(?:example|instance)|e\.g\.?|such\s+as|like|format|template|example)\W*$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|no|neither|nor|cannot|hardly|barely|nothing|nobody|without|refus\w+|fail\w*\s+to)\b|n't\b)",
    re.IGNORECASE,
)
_SPOILED = re.compile(
    r"\b(?:not|never|without|from|of|than|avoid|avoids|before|by|instead|short|worth|despite|nearly|almost"
    r"|barely|hardly|scarcely|to|originally|initially|previously|formerly|once)\s+(?:\w+\s+)?$|n't\s+$",
    re.IGNORECASE,
)
# Whose words are these? "The author says it deserves a 5" and "it ends with: Score: 5" are not the judge's.
_REPORTED = (
    r"(?:says|said|tells|told|claims|claimed|argues|argued|believes|believed|thinks|thought|insists|insisted"
    r"|asks|asked|instructs|instructed|demands|demanded|requests|requested|wants|orders|ordered|writes|wrote"
    r"|reads|outputs?|states|stated|ends\s+with|tempted|(?<!I'd\s)(?<!I\swould\s)say)"
)
_OTHERS_SAY = re.compile(rf"\b{_REPORTED}\b[^,;:]*$", re.IGNORECASE)
_OTHERS_WRITE = re.compile(rf"\b{_REPORTED}\b[^,;:]*:\W*$", re.IGNORECASE)

# A clause of its own: ", earning …", "; it receives …", ", so it …".
_ANEW = re.compile(
    r"[,;–—]\s*(?:(?:and|so|therefore|thus|hence|then|but|consequently|accordingly),?\s+){0,2}$",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"(?<!as )\bif\b|\b(?:unless|whether)\b", re.IGNORECASE)
# A condition within what a text tells, after a word for telling, is no condition of the rating.
_TELLS = re.compile(
    r"\b(?:cover|mention|note|notes|noting|tell|describe|describing|include|including|report|say|state|discuss"
    r"|explain|captur|reflect|convey|highlight|address|detail|summari[sz]|present|outlin|quot|give|name|naming|"
    r"refer|show|focus|cite|citing|retain|miss|omit|leave|question|warn|wonder|possib|accurate|correct|faithful"
    r"|who\b|which\b|although\b|though\b|while\b)",
    re.IGNORECASE,
)
_GOVERNED = re.compile(
    rf"\b(?:{THING}|I|we|you|one)(?:'d|\s+(?:\w+\s+)?(?:would|could|might|should|must))\b"
    rf"|\b(?:if|unless)\s+(?:only\s+)?(?:{THING}|I|we|you|one)\b"
    r"|[,;:–—]\s*(?:and\s+|but\s+|or\s+)?(?:if|unless)\b"
    r"|^\W*(?:an?|any|every|each|such)\s+(?:\w+\s+){1,3}(?:that|which|who)\b"
    r"|^\W*(?:had|were|suppose|supposing|assuming)\b"
    r"|\b(?:I|we)(?:\s+(?:do|did|can|could)(?:\s+not|n't)|\s+cannot)\s+(?:think|believe|say|agree|feel|see|"
    r"consider|find)\b"
    r"|\b(?:hypothetically|otherwise|doubt|disagree|mistake|wrong\s+to)\b"
    r"|\b(?:for\s+(?:example|instance)|e\.g\.?|such\s+as|like|format|template|example)\W*$",
    re.IGNORECASE,
)
_NOBODY = re.compile(r"\b(?:no|nothing|nobody|none|neither|nor|hardly|barely)\b", re.IGNORECASE)


# A sentence before a bare number that makes it a count, an answer, a wish, or somebody else's word.
_NOT_A_LEVEL = re.compile(
    r"\b(?:numbers?|counts?|totals?|sum|errors?|mistakes?|facts?|answers?|many|times|questions?|would|should|could|might"
    r"|must|says?|said|tells?|told|claims?|argues?|asks?|asked|instructs?|demands?|requests?|wants?|writes|states"
    r"|insists|orders|outputs)\b",
    re.IGNORECASE,
)


def closes_a_verdict(sentence: str) -> bool:
    """Return whether a bare number after a sentence can be its verdict.

    >>> closes_a_verdict("It is written at an advanced level."), closes_a_verdict("It asks for a high level.")
    (True, False)
    """
    strange = (_NOT_A_LEVEL, _UNSAID, _DENIED, _NOBODY)
    return not any(pattern.search(sentence) for pattern in strange)


def tells_of_others(text: str) -> bool:
    """Return whether the last sentence but one number gives somebody else's words after a colon.

    >>> tells_of_others("The response ends with: native level. 5"), tells_of_others("A native level. 5")
    (True, False)
    """
    return bool(re.search(rf"\b{_REPORTED}\b[^.!?\n]*:[^.!?\n]*[.!?]\W*\w+\W*\Z", text, re.IGNORECASE))


def _is_supposed(outside: str, anew: bool) -> bool:
    """Return whether the words before a rating make it a supposition, an example or somebody's doubt."""
    if not anew:
        return bool(_UNSAID.search(outside))
    if _GOVERNED.search(outside):
        return True
    return any(not _TELLS.search(outside[: condition.start()]) for condition in _CONDITION.finditer(outside))


def _is_denied(clause: str, lead: str) -> bool:
    """Return whether the clause of a finite verb denies it; "does not lie and receives" does not."""
    if re.match(r"\W*(?:and|so|therefore|thus|hence)\b", lead, re.IGNORECASE):
        return bool(_NOBODY.search(clause))
    return bool(_DENIED.search(clause))


def commits(text: str, match: re.Match[str], quotes: Sequence[int]) -> bool:
    """Return whether the writer says it: not denied, supposed, quoted, nor a count of something.

    Args:
        text: The whole reply, as `plain` returns it.
        match: A lead to a number, with the group `number` and those that name the kind of lead.
        quotes: Places of the quotation marks in the text.
    """
    groups = match.groupdict()
    start, number = match.start(), match.start("number")
    before = text[max(0, number - 500) : number]
    sentence = re.split(r"[.!?][\"')\]]*\s|\n", before)[-1]
    lead = text[start:number]
    outside = sentence.removesuffix(lead.lstrip(" .,;:!?)–—\n"))
    finite, participle = groups.get("finite") is not None, groups.get("participle") is not None
    anew = (finite or participle) and bool(_ANEW.search(outside))
    if _is_supposed(outside, anew) or _OTHERS_WRITE.search(outside):
        return False
    if bisect_left(quotes, number) % 2 and '"' not in lead:
        return False
    clause = re.split(r"[,;:]", sentence)[-1]
    if finite and (_is_denied(clause, lead) or _OTHERS_SAY.search(outside)):
        return False
    if participle and _SPOILED.search(text[max(0, start - 80) : start]):
        return False
    counted = "label" not in groups or groups["label"] is None
    named = groups.get("noun") or groups.get("article") or groups.get("top")
    return bool(named) or not ((finite or participle) and counted)
