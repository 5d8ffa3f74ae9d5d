"""Rules for all texts: valid UTF-8, what counts as blank, and how texts and numbers are shown to people."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from functools import cache

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

ABSENT = "–"
"""Stands for a value that is absent."""


def clean(text: str) -> str:
    """Return valid UTF-8: lone surrogates become U+FFFD, NUL is dropped.

    >>> clean("a\\ud800b\\x00")
    'a\\ufffdb'
    """
    return text if _is_clean(text) else _clean(text)


def encode_original(text: str | None) -> str | None:
    """Return the bytes of a text that `clean` changes, as base64 of UTF-8 in which lone surrogates stay.

    None for a text that it does not change.

    >>> encode_original("a\\x00"), encode_original("a")
    ('YQA=', None)
    """
    if text is None or _is_clean(text):
        return None
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _is_clean(text: str) -> bool:
    """Return whether a text is valid UTF-8 without NUL. Nearly every text is, and this is quickly seen."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")


def is_blank(text: str) -> bool:
    """Return whether a text is empty, or all its characters are invisible.

    Invisible are white space of any script, control characters, characters that fonts leave out by default
    (such as the zero-width space, the soft hyphen and the byte order mark), and the blank Braille cell.

    Source: Unicode Standard Annex 44, White_Space and Default_Ignorable_Code_Point.

    Example:
        >>> is_blank(" \\u00a0\\u200b\\n"), is_blank("-")
        (True, False)
    """
    return bool(_match_invisible()(text))


def without_blanks(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that are not blank, in their order.

    >>> without_blanks(["Oslo", "", "\\t"])
    ('Oslo',)
    """
    return tuple(text for text in texts if not is_blank(text))


def escape_formula(text: str) -> str:
    """Return a text that no spreadsheet runs: one that starts as a formula gets an apostrophe in front of it.

    >>> escape_formula("=1+1"), escape_formula("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def unescape_formula(text: str) -> str:
    """Return what `escape_formula` was given.

    >>> unescape_formula("'=1+1"), unescape_formula("'quoted'")
    ('=1+1', "'quoted'")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def make_printable(text: str, *, multiline: bool = False) -> str:
    """Return a text that cannot steer a terminal or hide its order on a page.

    White space becomes a space. Every other character that is not printable becomes U+FFFD: control
    characters such as ESC, bidirectional marks such as U+202E, and characters of zero width. Markup of a
    language, such as Markdown or HTML, is text here. Whoever writes in such a language escapes it too.

    Args:
        text: Any text.
        multiline: Whether line breaks and tabs stay.

    Example:
        >>> make_printable("a\\x1b[31mb\\nc"), make_printable("a\\nb", multiline=True)
        ('a�[31mb c', 'a\\nb')
    """
    layout = "\n\t" if multiline else ""
    return "".join(
        sign if sign.isprintable() or sign in layout else " " if sign.isspace() else "\ufffd" for sign in text
    )


def number(value: float | None, places: int = 2, *, thousands: bool = True) -> str:
    """Return a number with a fixed number of decimal places. An absent number is a dash.

    Args:
        value: The number.
        places: How many decimal places.
        thousands: Whether thousands are separated.

    Example:
        >>> number(0.625), number(-0.14), number(-0.001), number(1234.5, 0), number(None)
        ('0.62', '-0.14', '0.00', '1,234', '–')
    """
    if value is None:
        return ABSENT
    text = f"{value:,.{places}f}" if thousands else f"{value:.{places}f}"
    return text if text.strip("-0.,") else text.lstrip("-")


def count(value: float | None) -> str:
    """Return a whole number with thousands separated. An absent number is a dash.

    >>> count(12345), count(None)
    ('12,345', '–')
    """
    return ABSENT if value is None or math.isnan(value) else f"{value:,.0f}"


@cache
def _match_invisible() -> Callable[[str], object]:
    import regex

    characters = r"[\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB]*"
    fullmatch: Callable[[str], object] = regex.compile(characters).fullmatch
    return fullmatch
