"""Digits with points, commas, spaces and apostrophes between them: thousands, decimals, or a list."""

from __future__ import annotations

import re
from fractions import Fraction

from evalhub.metrics.numbers.languages import Decimal
from evalhub.metrics.numbers.reading import Reading, Value

HARD_SPACE = "\u00a0"
ARABIC_DECIMAL, ARABIC_THOUSANDS = "٫", "٬"
_PARTS = re.compile(r"([^0-9])")
_SPACES = re.compile(f"[ {HARD_SPACE}]")
_THOUSANDS_ONLY = f"'_{ARABIC_THOUSANDS}"
_LONGEST = 400
"""In digits; longer ones are compared as they are written."""


def read_digits(run: str, decimal: Decimal | None) -> Reading:
    """Return what digits with separators mean.

    A form that only one convention allows is read by it, in every language: `1.234,50`, `1,234.50`, `12 000`,
    `1'234`, `1,23,456` and `12,5`. A form that two allow (`1,234`, `1.234`) is read as the language
    writes, and as English where there is none. The other meaning is kept too, except in a language that
    writes a decimal point, where it is an error. Commas that separate neither thousands nor decimals
    separate numbers, of which the last is taken.
    Groups that are only in part of three digits (`5,000,00`) have no value.

    Args:
        run: Digits 0-9, with one of ``. , ' _ ٫ ٬``, a space or a no-break space between two of them.
        decimal: What the text's language writes before decimals. None where it is not known.

    Returns:
        A value of at least 0, with its other meanings.

    Example:
        >>> read_digits("1.234", Decimal.COMMA).value, read_digits("1.234", None).value
        (Fraction(1234, 1), Fraction(617, 500))
    """
    if run.isdigit():
        return Reading(_number(run))
    groups, separators = _PARTS.split(run)[::2], _PARTS.split(run)[1::2]
    kinds = set(separators)
    if kinds & {" ", HARD_SPACE, *_THOUSANDS_ONLY, ARABIC_DECIMAL}:
        return _definite_thousands(run, groups, separators, decimal)
    if kinds == {".", ","}:
        return _point_and_comma(run, groups, separators, decimal)
    if len(separators) > 1:
        return _repeated_separator(run, groups, separators[0])
    return _single_separator(groups, separators[0], decimal)


def _definite_thousands(
    run: str, groups: list[str], separators: list[str], decimal: Decimal | None
) -> Reading:
    """Read digits of which a space, an apostrophe or an Arabic sign says what the separators are."""
    decimals = separators[-1] in f".,{ARABIC_DECIMAL}"
    integer_groups, marks = (groups[:-1], separators[:-1]) if decimals else (groups, separators)
    if _is_grouped(integer_groups) and len(set(marks)) <= 1 and ARABIC_DECIMAL not in marks:
        value = _number("".join(integer_groups), groups[-1] if decimals else "")
        return Reading(value, _number_after_space(run, decimal) if " " in marks else frozenset())
    if _SPACES.search(run):
        return read_digits(_SPACES.split(run)[-1], decimal)
    return Reading(run, frozenset(map(_number, groups)))


def _point_and_comma(run: str, groups: list[str], separators: list[str], decimal: Decimal | None) -> Reading:
    last_separator, *marks = separators[::-1]
    if last_separator not in marks and (
        _is_grouped(groups[:-1]) or (last_separator == "." and _is_grouped_by_two(groups[:-1]))
    ):
        return Reading(_number("".join(groups[:-1]), groups[-1]))
    return read_digits(run.split(",")[-1], decimal)


def _repeated_separator(run: str, groups: list[str], separator: str) -> Reading:
    if separator == ",":
        last_number = _number(groups[-1])
        is_grouped = _is_grouped(groups) or _is_grouped_by_two(groups)
        if is_grouped:
            return Reading(_number("".join(groups)), frozenset({last_number}))
        is_list = all(len(group) != 3 for group in groups[1:])
        return Reading(last_number if is_list else None, frozenset({last_number}))
    return (
        Reading(_number("".join(groups)))
        if _is_grouped(groups)
        else Reading(run, frozenset(map(_number, groups)))
    )


def _single_separator(groups: list[str], separator: str, decimal: Decimal | None) -> Reading:
    fraction = _number(*groups)
    listed_numbers = {_number(groups[-1])} if separator == "," else set()
    if not _is_grouped(groups):
        if separator == "," and decimal is Decimal.POINT:
            return Reading(_number(groups[-1]), frozenset({fraction}))
        return Reading(fraction, frozenset() if decimal is Decimal.COMMA else frozenset(listed_numbers))
    thousands = _number("".join(groups))
    is_decimal = (decimal or Decimal.POINT) == separator
    value, other_value = (fraction, thousands) if is_decimal else (thousands, fraction)
    return Reading(
        value, frozenset() if decimal is Decimal.POINT else frozenset({other_value, *listed_numbers})
    )


def _number_after_space(run: str, decimal: Decimal | None) -> frozenset[Value]:
    """Return the number after the last space, which may be a number of its own."""
    return read_digits(run.rsplit(" ", 1)[-1], decimal).meanings


def _is_grouped(groups: list[str]) -> bool:
    """Return whether groups of digits are thousands: one to three digits, then three each."""
    first, *later_groups = groups
    return (not later_groups or (len(first) <= 3 and first[0] != "0")) and all(
        len(group) == 3 for group in later_groups
    )


def _is_grouped_by_two(groups: list[str]) -> bool:
    """Return whether groups of digits are lakhs and crores: one or two digits, then two each, then three."""
    first, *middle, last_group = groups
    return (
        len(first) <= 2
        and first[0] != "0"
        and len(last_group) == 3
        and all(len(group) == 2 for group in middle)
    )


def _number(integer: str, decimals: str = "") -> Value:
    digits = f"{integer}.{decimals}" if decimals else integer
    if len(digits) > _LONGEST:
        return digits
    return Fraction(digits) if decimals else Fraction(int(integer))
