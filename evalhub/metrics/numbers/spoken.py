"""Numbers in English words, where a text has no others: `minus forty-two`, `three point one four`."""

from __future__ import annotations

import re
from fractions import Fraction

from evalhub.metrics.numbers.languages import primary_language
from evalhub.metrics.numbers.reading import Reading
from evalhub.metrics.numbers.signs import read_sign, signed

_SMALL = {
    word: number
    for number, word in enumerate(
        (
            *(
                "zero",
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "ten",
                "eleven",
            ),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        )
    )
}
_TENS = {
    word: 10 * tens
    for tens, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORD = rf"(?:{'|'.join((*sorted(_SMALL, key=len, reverse=True), *_TENS, 'hundred', *_SCALES))})"
_DIGIT = rf"(?:oh|{'|'.join(list(_SMALL)[:10])})"
_SPOKEN = re.compile(
    rf"\b(?P<whole>(?:a[ ](?=hundred|thousand|million|billion))?{_WORD}(?:(?:[ -]|,?[ ]and[ ]){_WORD})*+)"
    rf"(?:[ ]point(?P<decimals>(?:[ ]{_DIGIT})+))?\b",
    re.IGNORECASE,
)
# A part of something longer, or no number at all.
_CUT_BEFORE = re.compile(
    rf"(?:{_WORD}s?[ ](?:to|or|plus|minus|times|by|over|divided by|through)|point|half"
    r"|\b(?:no|some|any|every|each|this|that|which|the|another|other))[ -]$",
    re.IGNORECASE,
)
_CUT_BEHIND = re.compile(
    r"[ -](?:(?:and[ ])?an?[ ](?:half|quarter|third)|hal(?:f|ves)|quarters?|thirds?|fourths?|fifths?|sixths?"
    r"|sevenths?|eighths?|ninths?|tenths?|first|second|third|fifth|of\b|plus|minus|times|to\b|or\b|point|dozen|another)",
    re.IGNORECASE,
)
_ONE = re.compile(r"(?:^|\b(?:is|are|answer:?|equals|=)\s*)[\"“*(]*$", re.IGNORECASE)
_SEEN_BEFORE, _SEEN_BEHIND = 40, 24


def last_spoken_number(text: str, language: str | None = None) -> Reading | None:
    """Return the last number that an English text writes in words.

    Args:
        text: A text without digits.
        language: BCP 47 tag of the text; only English and unknown languages are read.

    Returns:
        The number, without value where it is a part of something longer (`two thirds`, `five or six`). None
        where the text has no such words.

    Example:
        >>> last_spoken_number("It is minus forty-two.").value, last_spoken_number("two thirds").value
        (Fraction(-42, 1), None)
    """
    if primary_language(language) not in {"", "en"}:
        return None
    spoken = next(reversed(list(_SPOKEN.finditer(text))), None)
    if spoken is None:
        return None
    before = text[max(0, spoken.start() - _SEEN_BEFORE) : spoken.start()]
    behind = text[spoken.end() : spoken.end() + _SEEN_BEHIND]
    value = _value(spoken["whole"].lower())
    # `one` is a pronoun more often than an answer.
    pronoun = spoken["whole"].lower() == "one" and not _ONE.search(before)
    if value is None or pronoun or _CUT_BEFORE.search(before) or _CUT_BEHIND.match(behind):
        return Reading(None)
    if spoken["decimals"]:
        digits = "".join(str(_SMALL.get(word, 0)) for word in spoken["decimals"].lower().split())
        value += Fraction(int(digits), 10 ** len(digits))
    return signed(Reading(value), read_sign(before, "", ""))


def _value(words: str) -> Fraction | None:
    """Return the value of number words; None where they are no single number, such as `five six`."""
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
