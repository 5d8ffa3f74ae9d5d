"""Numbers in English words, where a text has no others: `minus forty-two`, `three point one four`."""

from __future__ import annotations

import re
from fractions import Fraction

from evalhub.metrics.numbers.factors import DOZEN, PART, PARTS, is_operand_of_words, multiply_by_word
from evalhub.metrics.numbers.languages import primary_language
from evalhub.metrics.numbers.reading import Reading
from evalhub.metrics.numbers.signs import apply_sign, read_sign

_SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_SMALL = {word: number for number, word in enumerate(_SMALL_WORDS.split())}
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * tens for tens, word in enumerate(_TENS_WORDS.split(), start=2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORD = rf"(?:{'|'.join((*sorted(_SMALL, key=len, reverse=True), *_TENS, 'hundred', *_SCALES))})(?![a-z])"
_DIGIT = rf"(?:oh|{'|'.join(list(_SMALL)[:10])})"
_SPOKEN = re.compile(
    rf"\b(?:(?P<number>(?P<whole>(?:a[ ](?=hundred|thousand|million|billion))?{_WORD}"
    rf"(?:(?:[ -]|,?[ ]and[ ](?!\w+[ -]{PART}\b)){_WORD})*+)(?:[ ]point(?P<decimals>(?:[ ]{_DIGIT})+))?"
    rf"|(?P<half>(?:a[ ])?half[ -](?:a[ -])?)dozen|a[ ]dozen)"
    rf"(?:(?:[ ]and)?(?:[ ](?:an?|{_DIGIT}))?[ -]{PART}\b)?"
    rf"|(?:(?P<a>an?)[ ])?(?P<alone>{PART})(?![\w-]))\b",
    re.IGNORECASE,
)
# A part of something longer, or no number at all.
_CUT_BEFORE = re.compile(
    rf"(?:{_WORD}s?[ ](?:to|or|plus|minus|times|by|over|divided by|through)|point|half|couple|few|several"
    r"|\b(?:no|some|any|every|each|this|that|which|the|another|other))[ -]$",
    re.IGNORECASE,
)
_CUT_BEHIND = re.compile(
    rf"[ -](?:(?:and[ ])?(?:\w+[ -])?{PART}\b|first|second|of\b|plus|minus|times|to\b|or\b|point|dozen"
    r"|another)",
    re.IGNORECASE,
)
_SCALE_AT_END = re.compile(r"(?:hundred|thousand|illion|dozen)$", re.IGNORECASE)
_AND_BEHIND = re.compile(rf"[ ]and[ ](?:an?[ ])?{PART}\b", re.IGNORECASE)
_ANSWER = r"(?:^|\b(?:is|are|answer:?|equals)\s*|(?:=|'s|####)\s*)(?:\\text\s*)?[\"“*({]*"
_ONE = re.compile(rf"{_ANSWER}$", re.IGNORECASE)
_LAST = re.compile(r"[\"”*)}.!\s]*$")
# "in half", "the second half": no number.
_NO_PART_BEFORE = re.compile(
    r"\b(?:first|second|last|other|better|latter|former|each|this|that|the|by|in|into|on|my|your|his|her|its)"
    r"[ ]$",
    re.IGNORECASE,
)
# Answers that are a multiple or a part of something unnamed.
_OPEN = re.compile(
    rf"{_ANSWER}(?:an?[ ](?:pair|couple|score|gross)|double|twice|thrice|triple"
    r"|(?:(?:an?[ ]few|several|some|many)[ ])?dozens?"
    rf"|half[ -](?:(?:an?|the|its|his|her|their|my|our)[ ].*|\w+)|(?:an?[ ])?{PART}(?=[ ]of\b))"
    rf"(?:[ ]of\b.*)?{_LAST.pattern}",
    re.IGNORECASE,
)
_HALF = frozenset((
    "halb", "hälfte", "die hälfte", "moitié", "la moitié", "mitad", "la mitad", "metà", "la metà", "metade",
    "a metade", "helft", "de helft", "половина", "половину", "połowa", "polovina", "hälften", "halvdelen",
    "puolet", "yarısı", "yarım", "半分", "半", "一半", "절반", "반", "نصف", "النصف", "आधा", "ครึ่ง", "nửa",
    "một nửa", "setengah",
))  # fmt: skip
_PREFIX_LENGTH, _SUFFIX_LENGTH = 40, 24


def last_spoken_number(text: str, language: str | None = None) -> Reading | None:
    """Return the last number that an English text writes in words.

    Args:
        text: A text without digits.
        language: BCP 47 tag of the text. Only English, unknown languages and words for a half are read.

    Returns:
        The number, without value where it is a part of something longer (`two thirds of it`, `five or six`)
        or a multiple of an unnamed number (`a pair`). None where the text has no such words.

    Example:
        >>> last_spoken_number("It is minus forty-two.").value, last_spoken_number("two thirds").value
        (Fraction(-42, 1), Fraction(2, 3))
        >>> last_spoken_number("two thirds of them").value is None
        True
    """
    if text.strip(" \n.。!*\"'").casefold() in _HALF:
        return Reading(Fraction(1, 2))
    if primary_language(language) not in {"", "en"}:
        return None
    for match in reversed(list(_SPOKEN.finditer(text))):
        prefix = text[max(0, match.start() - _PREFIX_LENGTH) : match.start()]
        end = match.end("number") if match["number"] else match.end()
        suffix = text[end : end + _SUFFIX_LENGTH]
        reading = _number(match, prefix, suffix) if match["number"] else _part(match, prefix, suffix)
        if reading:
            return reading
    return Reading(None) if _OPEN.search(text) else None


def _number(match: re.Match[str], prefix: str, suffix: str) -> Reading:
    # `one` is a pronoun more often than an answer.
    pronoun = match[0].lower() == "one" and not _ONE.search(prefix)
    value = _value(match["whole"].lower()) if match["whole"] else Fraction(DOZEN, 2 if match["half"] else 1)
    if value is None or pronoun or _CUT_BEFORE.search(prefix) or is_operand_of_words(prefix):
        return Reading(None)
    if match["decimals"]:
        digits = "".join(str(_SMALL.get(word, 0)) for word in match["decimals"].lower().split())
        value += Fraction(int(digits), 10 ** len(digits))
    # `a million and a half` is half a million more, not one half.
    if _SCALE_AT_END.search(match["number"]) and _AND_BEHIND.match(suffix):
        return Reading(None)
    number = Reading(value)
    product = multiply_by_word(number, suffix, money=False)
    if product is number and _CUT_BEHIND.match(suffix):
        return Reading(None)
    return apply_sign(product, read_sign(prefix, "", ""))


def _part(match: re.Match[str], prefix: str, suffix: str) -> Reading | None:
    """Return `half` or `a third` where it is the answer. It has no value where it only ends a text."""
    name = match["alone"].lower()
    ordinal = not match["a"] and name not in ("half", "quarter")
    if ordinal or name.endswith("s") or _NO_PART_BEFORE.search(prefix) or not _LAST.match(suffix):
        return None
    value = PARTS[name]
    return Reading(value) if _ONE.search(prefix) else Reading(None, frozenset({value}))


def _value(words: str) -> Fraction | None:
    """Return the value of number words. None where they are no single number, such as `five six`."""
    total = section = 0
    last_scale, smallest = 10**15, 1000
    for word in re.findall(r"[a-z]+", words):
        if word in _SCALES:
            if _SCALES[word] >= last_scale:
                return None
            last_scale, smallest = _SCALES[word], 1000
            total, section = total + max(section, 1) * last_scale, 0
        elif word == "hundred":
            if smallest <= 100 and not 0 < section < 100:
                return None
            section, smallest = max(section, 1) * 100, 100
        elif word in _TENS or word in _SMALL:
            number = _TENS.get(word, _SMALL.get(word, 0))
            size = 10 if number < 10 else 100
            if smallest < size or (smallest == 10 and number >= 10):
                return None
            section, smallest = section + number, 1 if number < 20 else 10
    return Fraction(total + section)
