"""Two rules for all texts: they are valid UTF-8, and a text without visible characters is blank."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache


def clean(text: str) -> str:
    """Return valid UTF-8: lone surrogates become U+FFFD, NUL is dropped.

    >>> clean("a\\ud800b\\x00")
    'a\\ufffdb'
    """
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


@cache
def _match_invisible() -> Callable[[str], object]:
    import regex

    characters = r"[\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB]*"
    fullmatch: Callable[[str], object] = regex.compile(characters).fullmatch
    return fullmatch
