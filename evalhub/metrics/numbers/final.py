"""The number that a worked answer arrives at."""

from __future__ import annotations

import re
from fractions import Fraction

from evalhub.metrics.numbers.languages import decimal_mark
from evalhub.metrics.numbers.magnitudes import han_words
from evalhub.metrics.numbers.plain import plain
from evalhub.metrics.numbers.reading import Reading
from evalhub.metrics.numbers.tokens import ANY, GLUED, read_token

RULE = "after-####>in-boxed>last"
"""Which number of a text is taken, as a signature says it."""

_MARK = re.compile(r"####[ \t*_]*")
# `#### 2. Then` is a heading of a list, not an answer.
_HEADING = re.compile(r"[.):][ \t]+\w")
_BRACE = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*)?\{|\}")


def final_number(text: str, language: str | None = None) -> Reading | None:
    """Return the number that a worked answer arrives at.

    As in the official GSM8K code it is the number after the first `####`. Where a text has no such mark it is
    the last number in a `\\boxed{…}`, else the last number of all. Digits of all scripts, signs, thousands,
    decimals, fractions, scientific notation and words such as `million` are read. Currencies, percent signs
    and other units are not part of a number. Numbers in words are not read, except in Chinese characters
    where a text has no digits.

    Args:
        text: A response or a reference.
        language: BCP 47 tag of the text, which says what `1.234` means; None where it is not known.

    Returns:
        The number with its other meanings; None where the text holds no digits.

    Source: Cobbe et al. 2021, Training Verifiers to Solve Math Word Problems; `grade_school_math/dataset.py`,
        `extract_answer`.

    Example:
        >>> final_number("She pays 3 * $400 = $1,200.50 in all.").value
        Fraction(2401, 2)
    """
    text = plain(text)
    decimal = decimal_mark(language)
    for mark in _MARK.finditer(text):
        token = ANY.match(text, mark.end())
        if token and not _HEADING.match(text, token.end()):
            return read_token(token, decimal)
    for within in (_boxes(text), [(0, len(text))]):
        for pattern in (ANY, GLUED):
            tokens = [token for start, end in within for token in pattern.finditer(text, start, end)]
            if tokens:
                return read_token(tokens[-1], decimal)
    words = han_words(text)
    return Reading(Fraction(words)) if words else None


def _boxes(text: str) -> list[tuple[int, int]]:
    """Return where the contents of closed boxes begin and end, without boxes in boxes."""
    open_braces: list[int | None] = []
    boxes: list[tuple[int, int]] = []
    for brace in _BRACE.finditer(text):
        if brace[0] != "}":
            open_braces.append(brace.end() if brace["box"] else None)
        elif open_braces and (start := open_braces.pop()) is not None:
            while boxes and boxes[-1][0] > start:
                boxes.pop()
            boxes.append((start, brace.start()))
    return boxes
