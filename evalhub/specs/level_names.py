"""Numbers within the names of levels: "five", "IV", "$5", "(1)", "level 1", "L2", "②"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_CARDINALS = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty",
)
_ORDINALS = re.findall(r"\w+", "first second third fourth fifth sixth seventh eighth ninth tenth")
_TENS = re.findall(r"\w+", "thirty forty fifty sixty seventy eighty ninety")
_WORDS: Mapping[str, float] = {
    **{name: float(number) for number, name in enumerate(_CARDINALS)},
    **{name: float(number) for number, name in enumerate(_ORDINALS, 1)},
    **{name: 10.0 * tens for tens, name in enumerate(_TENS, 3)},
    "half": 0.5,
}  # fmt: skip
# Words that may accompany a number in a name. "one of the best" has other words and so no number.
_UNITS = frozenset(
    re.findall(
        r"\w+",
        "a an the level levels lvl grade grades score scores rating ratings mark marks star stars point "
        "points class tier step stage rank place category band degree type number out of plus minus",
    )
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})", re.IGNORECASE)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}


def numbers_in_names(labels: Iterable[str]) -> dict[str, float]:
    """Return the number within each name of a scale, without names that have none.

    Digits within a word ("A1", "L2") count if all such words differ in their digits alone. Roman numerals
    count if one of them has several letters, since "I", "V" and "X" may be letters.

    Args:
        labels: The labels of the levels without a value.

    Example:
        >>> numbers_in_names(["level 2", "(4)", "six stars", "good"])
        {'level 2': 2.0, '(4)': 4.0, 'six stars': 6.0}
        >>> numbers_in_names(["A2", "B1", "one of the best"]), numbers_in_names(["I", "II"])
        ({}, {'I': 1.0, 'II': 2.0})
    """
    names = [str(label) for label in labels]
    plain = {name: unicodedata.normalize("NFKC", name) for name in names}
    shapes = {_DIGITS.sub("#", text) for text in plain.values() if re.search(r"[^\W\d]\d|\d[^\W\d]", text)}
    romans = {name: roman for name in names if (roman := _roman(plain[name])) is not None}
    if not any(len(_bare(plain[name])[-1]) > 1 for name in romans):
        romans = {}
    numbers = {}
    for name, text in plain.items():
        readings = (
            _signs(name),
            _digits(text, in_words=len(shapes) == 1),
            _words(text),
            romans.get(name),
        )
        number = next((reading for reading in readings if reading is not None), None)
        if number is not None:
            numbers[name] = number
    return numbers


def _signs(name: str) -> float | None:
    """Return the number of a single sign ("½", "五", "②"), or the number of stars."""
    sign = name.strip()
    if sign and not sign.strip("★⭐☆*"):
        return float(len(sign.replace("☆", "")))
    return unicodedata.numeric(sign, None) if len(sign) == 1 else None


def _digits(text: str, *, in_words: bool) -> float | None:
    """Return the first number in digits. Further numbers do not count."""
    pattern = _DIGITS if in_words else re.compile(rf"(?<![^\W\d])(?<![^\W\d]-){_DIGITS.pattern}(?![^\W\d])")
    match = pattern.search(text)
    if match is None:
        return None
    return float(match[0].replace(",", ".")) * (-1 if re.search(r"[-−]\s*\Z", text[: match.start()]) else 1)


def _bare(text: str) -> list[str]:
    """Return the words of a name without those for units."""
    words = re.findall(r"[^\W\d_]+", text)
    return [word for word in words if word.lower() not in _UNITS]


def _words(text: str) -> float | None:
    words = [word.lower() for word in _bare(text)]
    hundreds = 100.0 if words and words[-1] == "hundred" else 1.0
    words = [word for word in words if word not in ("and", "hundred")]
    if any(word not in _WORDS for word in words) or (hundreds == 1.0 and not words):
        return None
    return hundreds * (sum(_WORDS[word] for word in words) if words else 1.0)


def _roman(text: str) -> float | None:
    words = _bare(text)
    if len(words) != 1 or not _ROMAN.fullmatch(words[0]):
        return None
    values = [_ROMAN_VALUES[letter] for letter in words[0].upper()]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return float(sum(-value if value < after else value for value, after in pairs))
