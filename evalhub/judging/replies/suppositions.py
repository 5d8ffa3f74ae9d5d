"""Whether a rating is only supposed: it depends on a condition, is an example, or is in doubt."""

from __future__ import annotations

from evalhub.judging.replies.text import THING, any_of

_HOLD = r"(?:think|believe|say|agree|feel|see|consider|find)"
_MODAL = r"(?:would|could|might|should|must)"
_BREAK = r"[,;:–—]"

_BEGINS_AS_SUPPOSED = r"^\W*(?:had|were|suppose|supposing|assuming)\b"
_DOUBTS = r"\b(?:hypothetically|otherwise|doubt|disagree|mistake|wrong\s+to)\b"
_AS_AN_EXAMPLE = r"\b(?:for\s+(?:example|instance)|e\.g\.?|such\s+as|like|format|template|example)\W*$"
_CONDITION = any_of(r"(?<!as )\bif\b", r"\b(?:unless|whether)\b")
UNSAID = any_of(
    _BEGINS_AS_SUPPOSED,
    _CONDITION.pattern,
    _DOUBTS,
    rf"(?:\b(?:not|cannot)|n't)\s+{_HOLD}\b",
    rf"\b{_MODAL}\s+(?:have|need)\b[^,;:]*$",
    _AS_AN_EXAMPLE,
)
# Suppositions that reach beyond their own clause.
_GOVERNED = any_of(
    rf"\b(?:{THING}|I|we|you|one)(?:'d|\s+(?:\w+\s+)?{_MODAL})\b",
    rf"\b(?:if|unless)\s+(?:only\s+)?(?:{THING}|I|we|you|one)\b",
    rf"{_BREAK}\s*(?:and\s+|but\s+|or\s+)?(?:if|unless)\b",
    r"^\W*(?:an?|any|every|each|such)\s+(?:\w+\s+){1,3}(?:that|which|who)\b",
    _BEGINS_AS_SUPPOSED,
    rf"\b(?:I|we)(?:\s+(?:do|did|can|could)(?:\s+not|n't)|\s+cannot)\s+{_HOLD}\b",
    _DOUBTS,
    _AS_AN_EXAMPLE,
)
# A condition that the text tells of, after a word such as "covers", is no condition of the rating.
_TELLS = any_of(
    r"\b(?:cover|mention|note|notes|noting|tell|describe|describing|include|including|report|say|state|discuss"
    r"|explain|captur|reflect|convey|highlight|address|detail|summari[sz]|present|outlin|quot|give|name|naming"
    r"|refer|show|focus|cite|citing|retain|miss|omit|leave|question|warn|wonder|possib|accurate|correct|faithful"
    r"|who\b|which\b|although\b|though\b|while\b)"
)
# Openings that make the rest of the sentence depend on a condition: "But for the typo, it earns …".
_DEPENDS = any_of(
    r"^\W*(?:(?:and|so|yet|but)\s+)?(?:without|minus|ignoring|disregarding|excluding"
    r"|(?:setting|leaving|putting)\b[^,]*\baside|once|until|when|whenever|only|provided|as\s+long\s+as|so\s+long\s+as"
    r"|at\s+its\s+best|after\s+(?:some|a|an)\s|in\s+an?\s+(?:better|ideal|perfect|other)"
    r"|with\s+[^,]*\b(?:fixed|corrected|removed|added|mended|changed|edit\w*))\b",
    rf"(?:^|{_BREAK}\s*|\band\s+|\byet\s+)\W*(?:but|except|save|if\s+not)\s+for\b",
    r"^\W*(?:at\s+first|previously|originally|initially|formerly|yesterday|earlier)\b(?!.*\bnow\b)",
    r"^\W*(?:users?|quote|prompt|article|document|input|student|author|response|summary|text)\s*:",
    r"\bI(?:'m|\s+am)\s+(?:unable|not|unsure)\b",
    r"\b(?:barring|were\s+it\s+not|absent)\b",
)


def is_supposed(sentence: str, outside: str, anew: bool) -> bool:
    """Return whether the words before a rating make it a supposition, an example or somebody's doubt.

    Args:
        sentence: The sentence of the rating, up to its number.
        outside: The same without the words that lead to the number.
        anew: Whether these words begin a clause of their own, which few suppositions reach.
    """
    if _DEPENDS.search(sentence):
        return True
    if not anew:
        return bool(UNSAID.search(outside))
    if _GOVERNED.search(outside):
        return True
    return any(not _TELLS.search(outside[: condition.start()]) for condition in _CONDITION.finditer(outside))
