"""What a written number means, what else it could mean, and whether two of them agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

Value = Fraction | str
"""An exact number; or text that holds digits and is no number, such as a time or a date."""


class Agreement(Enum):
    """Whether two numbers are the same.

    `UNCLEAR` where only another reading of theirs is, `UNREAD` where one of them is not read.
    """

    EQUAL = "equal"
    UNCLEAR = "unclear"
    UNREAD = "unread"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as it is read.

    Attributes:
        value: What it means by the rules; None where they do not say, or where it is a part of an expression.
        others: What it could mean to another writer, such as 1234 for `1.234`.
    """

    value: Value | None
    others: frozenset[Value] = frozenset()

    @property
    def meanings(self) -> frozenset[Value]:
        """All that the number could mean."""
        return self.others if self.value is None else self.others | {self.value}


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
