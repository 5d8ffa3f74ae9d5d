"""The meanings of a number in a text, and whether two numbers agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

Value = Fraction | str
"""An exact number; or text that holds digits and is no number, such as a time or a date."""


class Agreement(Enum):
    """Whether two numbers are the same.

    `UNCLEAR`: only another meaning of theirs is the same. `UNREAD`: one of them has no value.
    """

    EQUAL = "equal"
    UNCLEAR = "unclear"
    UNREAD = "unread"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as it is read.

    Attributes:
        value: Its meaning by the rules. None where they leave it open, and in a part of an expression.
        other_meanings: Its meanings to other writers, such as 1234 for `1.234`.
    """

    value: Value | None
    other_meanings: frozenset[Value] = frozenset()

    @property
    def meanings(self) -> frozenset[Value]:
        """All meanings that the number could have."""
        return self.other_meanings if self.value is None else self.other_meanings | {self.value}


def compare(number: Reading, other: Reading) -> Agreement:
    """Return whether two numbers are the same.

    Args:
        number: One number.
        other: The other.

    Returns:
        `EQUAL` where the values are the same, `UNCLEAR` where only another meaning of theirs is, `UNREAD`
        where one has no value and no shared meaning.

    Example:
        >>> thousand, point = Fraction(1234), Fraction("1.234")
        >>> thousands, unclear = Reading(thousand), Reading(point, frozenset({thousand}))
        >>> compare(thousands, unclear).name, compare(thousands, thousands).name
        ('UNCLEAR', 'EQUAL')
    """
    if number.value is not None and number.value == other.value:
        return Agreement.EQUAL
    if number.meanings & other.meanings:
        return Agreement.UNCLEAR
    return Agreement.UNREAD if None in (number.value, other.value) else Agreement.DIFFERENT


def map_values(reading: Reading, change: Callable[[Fraction], Fraction]) -> Reading:
    """Return a reading with a function applied to all its meanings.

    Args:
        reading: A number.
        change: Applied to each meaning that is a number. Times and dates stay.

    Returns:
        The reading.

    Example:
        >>> map_values(Reading(Fraction(2)), lambda number: 10 * number).value
        Fraction(20, 1)
    """

    def change_value(value: Value) -> Value:
        return change(value) if isinstance(value, Fraction) else value

    value = None if reading.value is None else change_value(reading.value)
    return Reading(value, frozenset(map(change_value, reading.other_meanings)))


def with_meanings(reading: Reading, other: Reading) -> Reading:
    """Return a reading that could also have the meanings of another.

    Args:
        reading: What the number means.
        other: What it could mean.

    Returns:
        The first reading's value, with the meanings of both.

    Example:
        >>> sorted(with_meanings(Reading(Fraction(2)), Reading(Fraction(3))).meanings)
        [Fraction(2, 1), Fraction(3, 1)]
    """
    return Reading(reading.value, reading.other_meanings | other.meanings)
