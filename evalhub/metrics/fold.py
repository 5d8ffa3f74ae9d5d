"""One spelling for characters that have several: width, accents, case, digits, invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

# Some apostrophes are letters in Unicode. Arabic and Persian keyboards write two letters differently.
_SAME_SIGN = str.maketrans("ʼʻʹˈ`´⁄∕−–‒‐‑〜٪يك", "''''''//-----~%یک")
# Vowel signs that are written in some texts and left out in others, and the line that stretches a word.
_OPTIONAL = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]+")
_DIGIT = re.compile(r"(?![0-9])\d")
_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞↉])")
_POWER = re.compile(r"(?<=[\d)])(?=[²³¹⁰⁴-⁹⁻])")


def fold(text: str) -> str:
    """Return a text as it is compared: lower case and one spelling for each character.

    - Full width, half width, ligatures and circled digits become plain characters.
    - Composed and decomposed accents become the same. Digits of every script become 0-9.
    - Invisible characters (joiners, marks of byte order and direction) are dropped.
    - The Arabic stretching line is dropped, and so are the vowel signs that Arabic and Hebrew may leave out.
    - `1½` becomes `1 1/2` and `10²` becomes `10^2`, so that neither becomes another number.

    Args:
        text: Any text.

    Returns:
        The folded text. For an ASCII text it is the text in lower case.

    Source: Unicode Standard Annex 15 (NFKC) and section 3.13 (case folding).

    Example:
        >>> fold("Ｃafé\\u200b ٤٢")
        'café 42'
    """
    if text.isascii():
        return text.lower()
    text = _POWER.sub("^", _AFTER_DIGIT.sub(" ", text.translate(_SAME_SIGN)))
    text = unicodedata.normalize("NFKC", visible(text)).translate(_SAME_SIGN)
    text = _OPTIONAL.sub("", visible(text)).casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", plain_digits(text))


def plain_digits(text: str) -> str:
    """Return a text whose decimal digits of every script are 0-9.

    Args:
        text: Any text.

    Returns:
        A text of the same length.

    Example:
        >>> plain_digits("४२ and ٤٢")
        '42 and 42'
    """
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def visible(text: str) -> str:
    """Return a text without the characters that are never shown.

    Args:
        text: Any text.

    Returns:
        The text without joiners, marks of byte order or direction, soft hyphens and variation selectors.

    Example:
        >>> visible("\\ufeffto\\u00adday")
        'today'
    """
    return text if text.isascii() else _drop_invisible()(text)


@cache
def _drop_invisible() -> Callable[[str], str]:
    import regex

    invisible = regex.compile(r"\p{Default_Ignorable_Code_Point}+")

    def drop(text: str) -> str:
        visible_text: str = invisible.sub("", text)
        return visible_text

    return drop
