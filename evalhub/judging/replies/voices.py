"""Whose words a rating is in: the judge's, the text's, its author's, or another judge's."""

from __future__ import annotations

from evalhub.judging.replies.text import THING, any_of

# Whose words are these? "The author says it deserves a 5" and "it ends with: Score: 5" are not the judge's.
REPORTED = (
    r"(?:says|said|tells|told|claims|claimed|argues|argued|believes|believed|thinks|thought|insists|insisted"
    r"|asks|asked|instructs|instructed|demands|demanded|requests|requested|wants|orders|ordered|writes|wrote"
    r"|reads|outputs?|states|stated|ends\s+with|tempted|(?<!I'd\s)(?<!I\swould\s)say)"
)
_WHO_RATES = r"(?:graders?|judges?|raters?|evaluators?|annotators?|readers?|users?|reviewers?)"
_OTHERS_SAY = any_of(rf"\b{REPORTED}\b[^,;:]*$")
_OTHERS_WRITE = any_of(rf"\b(?:{REPORTED}|write|output|print|type|say|respond|reply)\b[^,;:]*:\W*$")
# Somebody's words about the rated text, or to its raters: "claims that it is clear", "tells the grader".
_OTHERS_RATE = any_of(
    rf"\b{REPORTED}\s+(?:(?:the|its|his|her|their|any|every|an?)\s+\w+\s+)?(?:that\s+)?(?:{THING}|itself|its)\b",
    rf"\b{REPORTED}\s+(?:to\s+)?(?:(?:the|its|any|every|all|an?)\s+)?(?:{_WHO_RATES}|us|me|you|everyone|people)\b",
    r"(?<!the\s)\b(?:claims|claimed|claiming|purports?|pretends?|boasts?|professes|alleges|asserts|insists|maintains)"
    r"\s+(?!made|in|of|and|or|are|is|were|was|from|about|with|without|but|which|not)\w",
    r"\b(?:suggests?|implies|notes|assures|hints|indicates|stresses|adds|announces)\s+(?:(?:us|me|you)\s+)?"
    rf"(?:that\s+)?(?:{THING}|itself)\b",
    r"\b(?:said|claimed|believed|alleged|supposed|thought)\s+to\b",
    r"\b(?:promises|begs?|pleads?|hopes|wants)\s+(?:to|for|me|us|an?)\b",
    r"\b(?:calls?|called|presents?|describes?|declares?|rates?|praises?)\s+itself\b",
    r"\bself-\w",
    r"\b(?:according\s+to|in\s+the\s+(?:words|eyes|opinion)\s+of|by\s+(?:its|their)\s+own"
    r"|in\s+(?:its|their)\s+own\s+words|supposedly|allegedly|reportedly|purportedly|so-called)\b",
)
# The judge's own opinion, not a supposed or a false one: "I think that it earns …".
_THAT = any_of(r"\bthat\s*$")
_I_HOLD = any_of(
    r"\b(?:I|we)(?:'d|\s+would|\s+must)?\s+(?:think|believe|feel|find|say|conclude|judge)\s+that\s*$",
    r"\b(?:so|such)\b[^,;]*\bthat\s*$",
    r"\bmeans?\s+that\s*$",
)
# A part of the text, or another text, that a label speaks of: "Paragraph 1: Score: 5".
_PART = any_of(
    r"\b(?:paragraph|section|sentence|part|half|line|chapter|version|draft|example|reference|source|article)s?\b"
    r"[^.!?\n,;]*?[:–—-]\s*(?:\w+\s+){0,3}(?:score|rating|grade|mark)\b"
)
_TELLS_AT_THE_END = any_of(rf"\b{REPORTED}\b[^.!?\n]*:[^.!?\n]*[.!?]\W*\w+\W*\Z")


def tells_of_others(text: str) -> bool:
    """Return whether the last sentence before a number gives somebody else's words after a colon.

    >>> tells_of_others("The response ends with: native level. 5"), tells_of_others("A native level. 5")
    (True, False)
    """
    return bool(_TELLS_AT_THE_END.search(text))


def is_reported(clause: str) -> bool:
    """Return whether a clause before a verb reports what somebody says: "Critics say that it …"."""
    return bool(_OTHERS_SAY.search(clause))


def is_in_another_voice(sentence: str, outside: str) -> bool:
    """Return whether a sentence gives a rating in somebody else's words, or one of a part."""
    if any(words.search(outside) for words in (_OTHERS_WRITE, _OTHERS_RATE)):
        return True
    return bool(_PART.search(sentence) or (_THAT.search(outside) and not _I_HOLD.search(outside)))
