"""One spelling for digits, signs, spaces and LaTeX, which makes numbers easy to find."""

from __future__ import annotations

import re
import unicodedata

from evalhub.metrics.fold import plain_digits, visible
from evalhub.metrics.numbers.separators import HARD_SPACE

SLASH = "⁄"
"""Between the parts of a certain fraction, such as `½` or one of LaTeX."""
_SAME = {
    **dict.fromkeys(map(ord, "−–‒‐‑﹣－˗➖"), "-"),
    **dict.fromkeys(map(ord, "＋﹢"), "+"),
    **dict.fromkeys(
        map(ord, "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"), HARD_SPACE
    ),
    **dict.fromkeys(map(ord, "’‘ʼ＇′´"), "'"),
    **dict.fromkeys(map(ord, "٪％﹪"), "%"),
    **dict.fromkeys(map(ord, "∕／"), "/"),
    **dict.fromkeys(map(ord, "✕✖∙⋅＊·∗"), "×"),
    **dict.fromkeys(map(ord, "．｡"), "."),
    **dict.fromkeys(map(ord, "，"), ","),
    ord("："): ":",
    ord("\u20e3"): None,
    ord("＃"): "#",
    ord("＄"): "$",
}
_VULGAR = re.compile(r"(\d?)([¼-¾⅐-⅞↉])")
_RAISED = re.compile(r"[⁺⁻]?[²³¹⁰⁴-⁹]+")
_LATEX = (
    (re.compile(r"\{([,.])\}"), r"\1"),
    (re.compile(r"(?<=\d)(?:\\[,;: ]|\\thinspace|~)(?=\d{3}(?!\d))"), HARD_SPACE),
    (re.compile(r"\\!|\\(?:left|right|displaystyle)(?![a-z])"), ""),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-z])"), "×"),
    (re.compile(r"\\pi(?![a-z])"), "π"),
    (re.compile(r"\\pm(?![a-z])"), "±"),
    (re.compile(r"\\sqrt(?![a-z])"), "√"),
    (re.compile(r"\\div(?![a-z])"), "÷"),
    (re.compile(r"(?<=[-+=])\\[,;: ]"), " "),
)
_SIGNED = r"([-+]?)\s*(\d(?:[\d.,\u00a0]*\d)?)"
_FRACTION = re.compile(
    rf"(?:(\d)\s*)?\\(?:[dtcs]|nice)?frac\s*(?:\{{\s*{_SIGNED}\s*\}}|(\d))\s*(?:\{{\s*{_SIGNED}\s*\}}|(\d))"
)
# 3分の2 and 3분의 2 are two thirds. 百分之 is a percent sign.
_PARTS = re.compile(r"(\d{1,15})\s?(?:分之|分の|분의)\s?(\d{1,15})(?![\d.,])")


def normalize_numbers(text: str) -> str:
    """Return a text whose numbers are spelled in one way.

    Digits of every script become 0-9. Minus, apostrophe, space and times have one sign each. LaTeX's
    fractions, thin spaces and `{,}` become what they show, and raised digits `^` and digits. Commas and
    points stay as they are.

    Args:
        text: Any text.

    Returns:
        The text. An ordinary space stays, and spaces that do not break a line become U+00A0.

    Example:
        >>> normalize_numbers("9{,}500 and 1½ and 10⁻³")
        '9,500 and 1 1⁄2 and 10^-3'
    """
    if not text.isascii():
        text = _VULGAR.sub(_spell_out, plain_digits(visible(text)).translate(_SAME))
        text = _RAISED.sub(
            lambda exponent: "^" + unicodedata.normalize("NFKC", exponent[0]).replace("−", "-"), text
        )
        text = _PARTS.sub(rf"\2{SLASH}\1", text)
    if "\\" in text or "{" in text or "~" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
        text = _FRACTION.sub(_fraction, text)
    return text


def _spell_out(fraction: re.Match[str]) -> str:
    digit, sign = fraction.groups()
    spelling = unicodedata.normalize("NFKC", sign)
    return f"{digit} {spelling}" if digit else spelling


def _fraction(fraction: re.Match[str]) -> str:
    digit, top_sign, top, short_top, bottom_sign, bottom, short_bottom = fraction.groups()
    negative = (top_sign == "-") != (bottom_sign == "-")
    if digit and negative:
        return fraction[0]
    spelling = f"{top or short_top}{SLASH}{bottom or short_bottom} "
    if digit:
        return f"{digit} {spelling}"
    apart = " " if fraction.string[max(0, fraction.start() - 1) : fraction.start()].isalpha() else ""
    return f"{apart}{'-' * negative}{spelling}"
