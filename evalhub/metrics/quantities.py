"""One spelling for numbers, units and formulas inside an answer: `5 °C` and `5°C`, `25 m²` and `25 m^2`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from evalhub.metrics.tokenize import UNSPACED

_LENGTH = r"(?<![^\W\d_])(?:[kcdmμ]?m|in|ft|yd|mi)"
_NUMBER = r"\p{Sc}?\.?\d"
_ARABIC = str.maketrans("٬٫", ",.")
_SEPARATORS = str.maketrans("", "", ",'’ ")
_THOUSANDS = (
    r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?![\d,])"
    r"|(?<![\d.,])\d{1,3}(?:['’]\d{3})+(?![\d'’])"
    r"|(?<![\d.,])(?<!\d )\d{1,3}(?: \d{3})+(?! ?\d)"
)
_RULES = (
    # Exponents in braces, and those of lengths, which many write without a sign.
    (r"\s?\^\s?\{([^{}]*)\}", r"^\1"),
    (rf"({_LENGTH})\^([23])(?!\d)", r"\1\2"),
    # Signs apart from their number, and behind the currency.
    (rf"(?<=[=<>≈≤≥≠(:]\s*)-\s+(?={_NUMBER})", "-"),
    (rf"^\s*-\s+(?={_NUMBER}[\d.,/]*\s?[%‰°]?\s*\.?\s*$)", "-"),
    (r"(\p{Sc})\s?-\s?(?=\.?\d)", r"-\1"),
    # Spaces beside symbols.
    (r"(?<=\d)\s*[x×✕*]\s*(?=\d)", "×"),
    (r"(?<=\d)\s+([-:])\s+(?=\d)", r"\1"),
    (r"\s+([\p{Sm}^/])\s+", r"\1"),
    (r"(\p{Sc})\s+(?=\.?\d)", r"\1"),
    (r"([<>≤≥≈±~])\s+(?=[-+]?\.?\d)", r"\1"),
    (r"(?<=\d)\s+(?=\p{Sc}(?!\d)|°)", ""),
    # Spaces between a number and its unit.
    (rf"(?<=(?:^|[^\p{{L}}\d.,/])\d[\d.,/]*)(?<=\d)(?=[\p{{L}}--{UNSPACED}])", " "),
    (rf"(?<=\d)\s+(?={UNSPACED})|(?<={UNSPACED})\s+(?=\d)", ""),
)


def plain_quantities(text: str) -> str:
    """Return an answer whose numbers, units and formulas are spelled in one way.

    Separators of thousands are dropped, Arabic ones too. Spaces beside symbols do not count, nor does the one
    between a number and its unit. A minus sign stands directly before its number and currency.

    Args:
        text: A folded answer.

    Returns:
        The answer with single spaces. Only numbers, units and formulas change.

    Example:
        >>> plain_quantities("25 m^2"), plain_quantities("5km"), plain_quantities("$ 12,500")
        ('25 m2', '5 km', '$12500')
    """
    return _substitute()(" ".join(text.translate(_ARABIC).split()))


@cache
def _substitute() -> Callable[[str], str]:
    import regex

    thousands = regex.compile(_THOUSANDS)
    rules = [(regex.compile(pattern, regex.V1), shown) for pattern, shown in _RULES]

    def substitute(text: str) -> str:
        text = thousands.sub(lambda number: number[0].translate(_SEPARATORS), text)
        for pattern, shown in rules:
            text = pattern.sub(shown, text)
        return text

    return substitute
