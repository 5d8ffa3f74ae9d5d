"""The number that a worked answer arrives at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from evalhub.metrics.numbers.factors import multiply_by_word
from evalhub.metrics.numbers.han import last_han_number
from evalhub.metrics.numbers.plain import normalize_numbers
from evalhub.metrics.numbers.reading import Reading
from evalhub.metrics.numbers.separators import read_digits
from evalhub.metrics.numbers.signs import apply_sign, read_sign
from evalhub.metrics.numbers.spoken import last_spoken_number
from evalhub.metrics.numbers.tokens import ANY, GLUED, PREFIX_LENGTH, SUFFIX_LENGTH, read_token

RULE = "after-####>in-boxed>last|parts:unread|words:en,zh"
"""The part of a signature that says which number of a text is taken, and what is not read."""

_MARK = re.compile(r"####[ \t*_]*")
# Digits that are the entire text, or the entire text behind the first mark. Nothing else has to be read.
_BARE = re.compile(r"(?:\s*|[^#]*(?:#(?!###)[^#]*)*####[ \t]*)(?P<digits>[0-9]+)\s*")
# `#### 2. Then` is a heading of a list, not an answer.
_HEADING = re.compile(r"[.):][ \t]+\w")
_INDEX = re.compile(r"[\^_]\{[^{}]*\Z")
_LABELLED = re.compile(r"^[ \t*_>#(]*[0-9]+[.)]", re.MULTILINE)
_FIRST_LABEL = re.compile(r"^[ \t*_>#(]*1[.)]", re.MULTILINE)
# Between a word or a full stop and a word, where no number goes over the end of the line.
_NEW_LINE = re.compile(r"[A-Za-z.!?:]\n(?=[A-Za-z])")
_LABEL = re.compile(r"[.)][*_]*[ \t]+\S")
_LIST = re.compile(
    r"[^0-9=]*?(?:[,;、，]|\\text\s*\{\s*(?:and|or)|\b(?:and|or|und|oder|et|ou|y|o)\b|\\q?quad|和|或)[^0-9≈]*"
)
_BRACE = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*)?\{|\}")


def final_number(text: str, language: str | None = None) -> Reading | None:
    """Return the number that a worked answer arrives at.

    As in the official GSM8K code it is the number after the first `####`. Where a text has no such mark it is
    the number in the last `\\boxed{…}`, else the last number that is no label of a list. Digits of all
    scripts, signs, thousands, decimals, fractions, exact powers, scientific notation and words such as
    `million` are read. Currencies, percent signs and other units are not part of a number. Numbers in words
    are read in Chinese, and in English where there are no digits. A part of an expression or a range is
    never the number.

    Args:
        text: A response or a reference.
        language: BCP 47 tag of the text, which says what `1.234` and `billion` mean. None where
            it is not known.

    Returns:
        The number with its other meanings, without value where it is not read. None where the text holds no
        number at all.

    Source: Cobbe et al. 2021, Training Verifiers to Solve Math Word Problems, and
        `extract_answer` of `grade_school_math/dataset.py`.

    Example:
        >>> final_number("She pays 3 * $400 = $1,200.50 in all.").value
        Fraction(2401, 2)
    """
    text = normalize_numbers(text)
    if digits_match := _BARE.fullmatch(text):
        return read_digits(digits_match["digits"], None)
    for mark in _MARK.finditer(text):
        token = ANY.match(text, mark.end())
        if token and not _HEADING.match(text, token.end()):
            return read_token(token, language)
    boxes = [(start, end) for start, end in _boxes(text) if text[start:end].strip()]
    if boxes:
        return _number_in_box(text, *boxes[-1], language)
    return _last_number(text, 0, len(text), language)


def _number_in_box(text: str, start: int, end: int, language: str | None) -> Reading | None:
    """Return the number in a box. It has no value if the box holds several, or an expression of letters."""
    numbers = [token for token in ANY.finditer(text, start, end) if token.end() <= end]
    for first, second in pairwise(numbers):
        if _LIST.fullmatch(text, first.end(), second.start()):
            return Reading(None, read_token(first, language).meanings | read_token(second, language).meanings)
    number = _last_number(text, start, end, language)
    if number is None and re.search("[√π^]", text[start:end]):
        return Reading(None)
    return number or Reading(text[start:end])


def _last_number(text: str, start: int, end: int, language: str | None) -> Reading | None:
    """Return the last number of a part of a text, in digits or in Chinese characters."""
    tokens = _tail_numbers(text, start, end) or _independent_numbers(text, start, end)
    labels = _list_labels(text, tokens)
    token = next((token for token in reversed(tokens) if token not in labels), None)
    han = last_han_number(text, token.end() if token else start, end, language)
    if han:
        prefix = text[max(0, han.start - PREFIX_LENGTH) : han.start]
        suffix = text[han.end : han.end + SUFFIX_LENGTH]
        number = apply_sign(multiply_by_word(han.reading, suffix, money=False), read_sign(prefix, "", ""))
        return Reading(
            number.value, number.other_meanings | (read_token(token, language).meanings if token else set())
        )
    if token:
        return read_token(token, language)
    if not re.search("[0-9]", _LABELLED.sub("", text[start:end]) if len(labels) > 1 else text[start:end]):
        return last_spoken_number(text[start:end], language)
    # Exponents and indices are no numbers, but an expression of them may have a value.
    return Reading(None)


def _tail_numbers(text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the numbers of the last line with digits, so that earlier lines need not be searched.

    The list is empty where all numbers of the text are needed: in a list with labels, and where the line may
    continue a number of the line before.
    """
    last_digit = max(text.rfind(digit, start, end) for digit in "0123456789")
    line = text.rfind("\n", start, last_digit) if last_digit > start else -1
    if line <= start or _FIRST_LABEL.search(text, start, end) or not _NEW_LINE.match(text, line - 1):
        return []
    return [token for token in ANY.finditer(text, line, end) if not _is_index(token)]


def _is_index(token: re.Match[str]) -> bool:
    return bool(_INDEX.search(token.string, max(0, token.start() - 30), token.start()))


def _independent_numbers(text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the numbers in digits that are no exponents or indices, or else those on letters."""
    tokens = list(ANY.finditer(text, start, end)) or list(GLUED.finditer(text, start, end))
    return [token for token in tokens if not _is_index(token)]


def _list_labels(text: str, tokens: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """Return `1.`, `2.`, `3.` where they count the lines of a list."""
    labels: list[re.Match[str]] = []
    for token in tokens:
        if (
            token[0] == str(len(labels) + 1)
            and _LABEL.match(text, token.end())
            and not text[text.rfind("\n", 0, token.start()) + 1 : token.start()].strip(" \t*_>#(")
        ):
            labels.append(token)
    return labels


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
