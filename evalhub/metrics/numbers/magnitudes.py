"""Words behind a number that multiply it, in the language of the text: `5 million`, `5k`, `5 Mrd. €`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from evalhub.metrics.numbers.languages import primary_language


class Magnitude(NamedTuple):
    """The power of ten that words name.

    Attributes:
        power: The exponent, 0 where there is no such word. None where languages differ.
        other_powers: What it is in other languages.
    """

    power: int | None
    other_powers: frozenset[int] = frozenset()


LETTERS: Mapping[str, int] = {"k": 3, "K": 3, "M": 6, "B": 9}
"""Single letters that multiply where they touch the number."""
MONEY_LETTERS: Mapping[str, int] = {**LETTERS, "m": 6}
"""The same behind an amount of money, where `5m` is no length."""
# In most texts these are units and other words. They multiply only where the language is known.
_ORDINARY = frozenset(
    (
        *("miles", "míle", "mie", "mii", "miler", "min", "mi", "bi", "tri", "tril", "mr", "tr", "md", "mds"),
        *("ma", "mia", "tis", "rb", "jt", "bio", "tuh", "kun", "ming", "libo", "εκ", "زره"),
    )
)
_SHORT_AND_UNCLEAR = frozenset(("bil", "bill", "mill", "bin", "mil"))
_INFLECTING = "az be bg bs cs el et eu fi hr hu hy is ka kk ky lt lv mk mn pl ro ru sk sl sq sr tr uk"
_SHORTEST_STEM = 4
# Not the ending of `миллионер`, who is a person.
_ENDING = re.compile(r"(?![eеaáäиi]?[rрř])\w{1,3}")
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ece"
    "\u102b-\u103e\u17b4-\u17d3"
)
_WORD = re.compile(
    rf"[ \u00a0-]?(?:(?:de|na|их) )?([A-Za-zÀ-ɏḀ-ỿ\u0300-\u036f]+|(?:[^\W\d_]|[{_MARKS}])+)\.?"
)
_MONEY = re.compile(r"[ \u00a0]?([kKM])(?=[ \u00a0]?[€$£])")
# Millions in French and Spanish, moles per litre in chemistry, a size elsewhere.
_LONE_M = re.compile(r"[ \u00a0]M(?![\w'’&])")
_WORD_FIRST = ("sw", "si", "my", "zu")
_WORD_BEFORE = re.compile(rf"(?<![\w{_MARKS}])((?:[^\W\d_]|[{_MARKS}])+)[ \u00a0]$")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def magnitude(suffix: str, language: str | None = None, letters: Mapping[str, int] = LETTERS) -> Magnitude:
    """Return the power of ten that the words behind a number name.

    Args:
        suffix: The text that follows a number.
        language: BCP 47 tag of the text, which says what `billion` is. None where it is not known.
        letters: The single letters that multiply.

    Returns:
        The power. Without a language a word is read as English where English has it.

    Example:
        >>> magnitude(" million euros").power, magnitude(" mil millones", "es").power, magnitude(" km").power
        (6, 9, 0)
        >>> magnitude(" Billion", "de"), magnitude(" billion").power
        (Magnitude(power=12, other_powers=frozenset()), 9)
    """
    if letters and (letter := _MONEY.match(suffix)):
        return Magnitude(LETTERS[letter[1]])
    if _LONE_M.match(suffix):
        return Magnitude(None, frozenset({0, 6}))
    total = Magnitude(0)
    while word := _WORD.match(suffix):
        word_text = word[1]
        if word_text in letters and word[0] == word_text and total == Magnitude(0):
            return Magnitude(letters[word_text])
        name, step = _look_up(unicodedata.normalize("NFC", word_text).casefold(), language)
        if step == Magnitude(0):
            break
        total = _product(total, step)
        suffix = suffix[word.start(1) + len(name) :] if name else suffix[word.end() :]
    return total


def magnitude_before(prefix: str, language: str | None) -> Magnitude:
    """Return the power of ten that a word before a number names, as `milioni 5` does in Swahili.

    Args:
        prefix: The text before a number.
        language: BCP 47 tag of the text. Without it such a word makes the number unclear.

    Returns:
        The power, 0 where there is no such word or the language writes it behind.

    Example:
        >>> magnitude_before("milioni ", "sw").power, magnitude_before("milioni ", "it").power
        (6, 0)
    """
    word = _WORD_BEFORE.search(prefix)
    language_code = primary_language(language)
    name = unicodedata.normalize("NFC", word[1]).casefold() if word else ""
    powers = frozenset(
        magnitude_words()[first][name]
        for first in _WORD_FIRST
        if language_code in ("", first) and name in magnitude_words()[first]
    )
    if not powers:
        return Magnitude(0)
    return Magnitude(next(iter(powers))) if language_code else Magnitude(None, powers | {0})


def _look_up(word: str, language: str | None) -> tuple[str, Magnitude]:
    """Return the matched part of a word that has no spaces around it, and the power that it names."""
    if _UNSPACED.match(word):
        name = next((name for name in _unspaced_words() if word.startswith(name)), "")
        return name, _meaning(name, language)
    return "", _meaning(word, language)


@lru_cache(maxsize=1 << 14)
def _meaning(word: str, language: str | None) -> Magnitude:
    language_code = primary_language(language)
    by_language = magnitude_words()
    own_powers = by_language.get(language_code, {})
    if word in own_powers:
        return Magnitude(own_powers[word])
    if word in _ORDINARY:
        return Magnitude(0)
    powers = frozenset(powers[word] for powers in by_language.values() if word in powers)
    if word in by_language["en"]:
        english = by_language["en"][word]
        return Magnitude(english, powers - {english})
    if len(powers) > 1 or (powers and word in _SHORT_AND_UNCLEAR):
        return Magnitude(None, powers | {0})
    return Magnitude(next(iter(powers), 0)) if powers else _inflected_meaning(word, language_code)


def _inflected_meaning(word: str, language_code: str) -> Magnitude:
    """Return the power that an inflected word names, such as `миллионами` or `miljoonassa`."""
    powers = frozenset(
        power
        for language in _INFLECTING.split()
        if language_code in ("", language)
        for stem, power in magnitude_words()[language].items()
        if len(stem) >= _SHORTEST_STEM and word.startswith(stem) and _ENDING.fullmatch(word, len(stem))
    )
    return Magnitude(next(iter(powers))) if len(powers) == 1 else Magnitude(None if powers else 0, powers)


def _product(first: Magnitude, second: Magnitude) -> Magnitude:
    def add(first_powers: Iterable[int | None], second_powers: Iterable[int | None]) -> frozenset[int]:
        return frozenset(
            a + b for a in first_powers for b in second_powers if a is not None and b is not None
        )

    power = None if first.power is None or second.power is None else first.power + second.power
    meanings = add({first.power, *first.other_powers}, {second.power, *second.other_powers})
    return Magnitude(power, meanings - {power})


@cache
def magnitude_words() -> dict[str, dict[str, int]]:
    """Return the power of ten of each word, by language."""
    languages = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        language: {word: int(power) for power, words in powers.items() for word in words}
        for language, powers in languages.items()
    }


@cache
def _unspaced_words() -> list[str]:
    words = {word for powers in magnitude_words().values() for word in powers if _UNSPACED.match(word)}
    return sorted(words, key=len, reverse=True)
