"""Whether the words around a number commit the writer to it: not denied, supposed, quoted or reported.

A denial or a condition counts where it governs this rating. One that ends before the rating's own clause
begins, and speaks of something else, does not: "it covers what happens if they lose, earning a score of 5".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from evalhub.judging.reading_text import sentence_before

# What is rated, in the words of a judge.
THING = (
    r"(?:it|this|(?:the|this|that)\s+(?!(?:other|reference|previous|original|human|ideal|best|worst|better"
    r"|first|second|last|perfect|average|typical|next)\b)(?:\w+\s+){0,2}?"
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
REPORTED = (
    r"(?:says|said|tells|told|claims|claimed|argues|argued|believes|believed|thinks|thought|insists|insisted"
    r"|asks|asked|instructs|instructed|demands|demanded|requests|requested|wants|orders|ordered|writes|wrote"
    r"|reads|outputs?|states|stated|ends\s+with|tempted|(?<!I'd\s)(?<!I\swould\s)say)"
)
_OTHERS_SAY = re.compile(rf"\b{REPORTED}\b[^,;:]*$", re.IGNORECASE)
_OTHERS_WRITE = re.compile(
    rf"\b(?:{REPORTED}|write|output|print|type|say|respond|reply)\b[^,;:]*:\W*$", re.IGNORECASE
)
# Somebody's word on what is rated, or to whoever rates it: "claims that it is clear", "tells the grader".
_WHO_RATES = r"(?:graders?|judges?|raters?|evaluators?|annotators?|readers?|users?|reviewers?)"
_OTHERS_RATE = re.compile(
    rf"\b{REPORTED}\s+(?:(?:the|its|his|her|their|any|every|an?)\s+\w+\s+)?(?:that\s+)?(?:{THING}|itself|its)\b"
    rf"|\b{REPORTED}\s+(?:to\s+)?(?:(?:the|its|any|every|all|an?)\s+)?(?:{_WHO_RATES}|us|me|you|everyone|people)\b"
    r"|(?<!the\s)\b(?:claims|claimed|claiming|purports?|pretends?|boasts?|professes|alleges|asserts|insists|maintains)"
    r"\s+(?!made|in|of|and|or|are|is|were|was|from|about|with|without|but|which|not)\w"
    rf"|\b(?:suggests?|implies|notes|assures|hints|indicates|stresses|adds|announces)\s+(?:(?:us|me|you)\s+)?"
    rf"(?:that\s+)?(?:{THING}|itself)\b|\b(?:said|claimed|believed|alleged|supposed|thought)\s+to\b"
    r"|\b(?:promises|begs?|pleads?|hopes|wants)\s+(?:to|for|me|us|an?)\b"
    r"|\b(?:calls?|called|presents?|describes?|declares?|rates?|praises?)\s+itself\b|\bself-\w"
    r"|\b(?:according\s+to|in\s+the\s+(?:words|eyes|opinion)\s+of|by\s+(?:its|their)\s+own|in\s+(?:its|their)\s+own\s+words"
    r"|supposedly|allegedly|reportedly|purportedly|so-called)\b",
    re.IGNORECASE,
)
# A denial that is still open where a clause of its own begins: "It is not, in my view, earning …".
_OPEN_DENIAL = re.compile(
    r"(?:\b(?:not|never|hardly|barely|scarcely|nowhere|by\s+no\s+means|in\s+no\s+(?:way|sense)|anything\s+but|neither"
    r"|under\s+no\s+circumstances|on\s+no\s+account|at\s+no\s+(?:point|time)|far\s+from|nor|without|no\s+longer)|n't)"
    r"(?:\s+(?:be|really|quite|yet|truly|even))?\s*(?:[,(–—]|-\s)",
    re.IGNORECASE,
)
# What a sentence begins with that makes all that follows depend on it: "But for the typo, it earns …".
_DEPENDS = re.compile(
    r"^\W*(?:(?:and|so|yet|but)\s+)?(?:without|minus|ignoring|disregarding|excluding|(?:setting|leaving|putting)\b[^,]*\baside"
    r"|once|until|when|whenever|only|provided|as\s+long\s+as|so\s+long\s+as|at\s+its\s+best|after\s+(?:some|a|an)\s"
    r"|in\s+an?\s+(?:better|ideal|perfect|other)|with\s+[^,]*\b(?:fixed|corrected|removed|added|mended|changed|edit\w*))\b"
    r"|(?:^|[,;:–—]\s*|\band\s+|\byet\s+)\W*(?:but|except|save|if\s+not)\s+for\b|^\W*(?:at\s+first|previously|originally|initially|formerly|yesterday|earlier)\b(?!.*\bnow\b)"
    r"|^\W*(?:users?|quote|prompt|article|document|input|student|author|response|summary|text)\s*:"
    r"|\bI(?:'m|\s+am)\s+(?:unable|not|unsure)\b|\b(?:barring|were\s+it\s+not|absent)\b",
    re.IGNORECASE,
)
# What follows a rating and takes it out of the judge's mouth, or makes it depend on something.
UNDONE = re.compile(
    rf"^[^.!?\n]*(?:\b{REPORTED}\b|\baccording\s+to\b|\b(?<!even\s)(?:if|unless|provided|assuming|but\s+only|only\s+with|but\s+for|except|aside)\b"
    r"|,\s*(?:were|had)\b)"
    r"|^\W*(?:before|until|pending|prior\s+to|excluding|minus|without|ignoring|except|at\s+(?:best|most|least))\b",
    re.IGNORECASE,
)

# A clause of its own: ", earning …", "; it receives …", ", so it …".
_ANEW = re.compile(
    r"[,;–—]\s*(?:(?:and|so|therefore|thus|hence|then|but|consequently|accordingly),?\s+){0,2}$",
    re.IGNORECASE,
)
# What the judge holds, and not what might be said or is false: "I think that it earns …".
_THAT = re.compile(r"\bthat\s*$", re.IGNORECASE)
_I_HOLD = re.compile(
    r"\b(?:I|we)(?:'d|\s+would|\s+must)?\s+(?:think|believe|feel|find|say|conclude|judge)\s+that\s*$"
    r"|\b(?:so|such)\b[^,;]*\bthat\s*$|\bmeans?\s+that\s*$",
    re.IGNORECASE,
)
# A part of the text, or another text, that a label speaks of: "Paragraph 1: Score: 5".
_PART = re.compile(
    r"\b(?:paragraph|section|sentence|part|half|line|chapter|version|draft|example|reference|source|article)s?\b"
    r"[^.!?\n,;]*?[:–—-]\s*(?:\w+\s+){0,3}(?:score|rating|grade|mark)\b",
    re.IGNORECASE,
)
# "The grammar of the summary earns …" rates the grammar.
_OF_THE_THING = re.compile(r"\b(?:of|in|by|from|than|with|for|about|behind)\s+$", re.IGNORECASE)
_SUBJECT = re.compile(rf"\b(?:{THING}|they|these|I|we)\b", re.IGNORECASE)
_BEGINS_A_CLAUSE = re.compile(
    r"(?:^|[,;:.()–—-])[\s\"']*(?:(?:and|so|therefore|thus|hence|then|but|consequently|accordingly)[,\s]+){0,2}$"
    r"|\b(?:and|thus|therefore|hence|is|are)\s+(?:(?:now|clearly|fully|well|therefore|thus)\s+)?$",
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
    return bool(re.search(rf"\b{REPORTED}\b[^.!?\n]*:[^.!?\n]*[.!?]\W*\w+\W*\Z", text, re.IGNORECASE))


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
    sentence = sentence_before(text, number)
    lead = text[start:number]
    outside = sentence.removesuffix(lead.lstrip(" .,;:!?)–—\n"))
    finite, participle = groups.get("finite") is not None, groups.get("participle") is not None
    anew = (finite or participle) and bool(_ANEW.search(outside))
    strange = (_OTHERS_WRITE, _OTHERS_RATE, _OPEN_DENIAL)
    if _DEPENDS.search(sentence):
        return False
    if _is_supposed(outside, anew) or any(pattern.search(outside) for pattern in strange):
        return False
    if _PART.search(sentence) or (_THAT.search(outside) and not _I_HOLD.search(outside)):
        return False
    if finite and _OF_THE_THING.search(outside) and re.match(THING, lead, re.IGNORECASE):
        return False
    if bisect_left(quotes, number) % 2 and '"' not in lead:
        return False
    clause = re.split(r"[,;:]", sentence)[-1]
    if finite and (_is_denied(clause, lead) or _OTHERS_SAY.search(outside)):
        return False
    if finite and outside.strip() and re.match(r"\W", lead) and not _SUBJECT.search(outside):
        return False
    if participle and not _BEGINS_A_CLAUSE.search(outside):
        return False
    if participle and _SPOILED.search(text[max(0, start - 80) : start]):
        return False
    counted = "label" not in groups or groups["label"] is None
    named = groups.get("noun") or groups.get("article") or groups.get("top")
    return bool(named) or not ((finite or participle) and counted)
