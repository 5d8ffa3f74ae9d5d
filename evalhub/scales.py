"""The possible verdicts: the levels of a rating and the outcomes of a comparison."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from enum import StrEnum

LETTERS = string.ascii_uppercase
"""The letters that stand for levels where a judge cannot answer with their names."""


class AnswerForm(StrEnum):
    """How a judge names a level: by its name, or by a letter that stands for it."""

    NAMES = "names"
    LETTERS = "letters"


class Kind(StrEnum):
    """Whether one response is rated or two are compared."""

    POINTWISE = "pointwise"
    PAIRWISE = "pairwise"


class Shape(StrEnum):
    """How many responses a rubric shows at once: one, a pair, or a list."""

    RESPONSE = "response"
    PAIR = "pair"
    LIST = "list"


class Winner(StrEnum):
    """The outcome of a comparison, in terms of the systems and not of the order shown."""

    A = "a"
    TIE = "tie"
    B = "b"

    def swapped(self) -> Winner:
        """Return the outcome with the two sides exchanged."""
        return {Winner.A: Winner.B, Winner.B: Winner.A, Winner.TIE: Winner.TIE}[self]

    @property
    def sign(self) -> int:
        """1 where a wins, 0 for a tie, -1 where b wins."""
        return {Winner.A: 1, Winner.TIE: 0, Winner.B: -1}[self]

    @property
    def points(self) -> float:
        """The share of the win that side a gets: 1 for a win, 0.5 for a tie, 0 for a loss.

        >>> Winner.A.points, Winner.TIE.points, Winner.A.swapped().points
        (1.0, 0.5, 0.0)
        """
        return {Winner.A: 1.0, Winner.TIE: 0.5, Winner.B: 0.0}[self]

    @classmethod
    def of_sign(cls, net: float) -> Winner:
        """Return the outcome of a net sum: a if positive, b if negative, else a tie."""
        return cls.A if net > 0 else cls.B if net < 0 else cls.TIE


class Order(StrEnum):
    """Which system's response was shown first."""

    AB = "ab"
    BA = "ba"

    def swapped(self) -> Order:
        """Return the other order."""
        return Order.BA if self is Order.AB else Order.AB


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a rating scale.

    Attributes:
        name: Such as "4", "10%" or "far better".
        value: The number that the level contributes to means. None if the level says "not applicable".
        meaning: The meaning of the level in words.
    """

    name: str
    value: float | None
    meaning: str

    @property
    def applicable(self) -> bool:
        """Whether the level rates the response. A level that is not applicable counts in coverage only."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Scale:
    """An ordered list of levels, the worst first. A level that is not applicable may be anywhere in it.

    >>> scale = Scale((Level("3", 3.0, "rude"), Level("na", None, "no reply"), Level("1", 1.0, "kind")))
    >>> scale.values, scale.higher_is_better
    ((3.0, 1.0), False)
    """

    levels: tuple[Level, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all levels, in the order in which they are shown."""
        return tuple(level.name for level in self.levels)

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the applicable levels, the worst first."""
        return tuple(level.value for level in self.levels if level.value is not None)

    @property
    def higher_is_better(self) -> bool:
        """Whether the values rise from the worst level to the best."""
        values = self.values
        return not values or values[0] <= values[-1]

    def level_of(self, answer: str | float) -> Level | None:
        """Return the level that an answer gives by its name or its number. None if there is no such level.

        >>> scale = Scale((Level("0", None, "no reply"), Level("1", 1.0, "kind")))
        >>> scale.level_of(1).meaning, scale.level_of(0.0).applicable, scale.level_of("2")
        ('kind', False, None)
        """
        if isinstance(answer, str):
            return next((level for level in self.levels if level.name == answer), None)
        by_value = (level for level in self.levels if level.value == answer)
        by_name = (level for level in self.levels if not level.applicable and number_in(level.name) == answer)
        return next(by_value, None) or next(by_name, None)

    def answers(self, form: AnswerForm = AnswerForm.NAMES) -> tuple[str, ...]:
        """Return a judge's answer for each level, in the order in which the levels are shown.

        >>> Scale((Level("-1", -1, "worse"), Level("1", 1, "better"))).answers(AnswerForm.LETTERS)
        ('A', 'B')
        """
        return self.names if form is AnswerForm.NAMES else tuple(LETTERS[: len(self.levels)])

    def describe(self, form: AnswerForm = AnswerForm.NAMES) -> str:
        """Return the scale as text for a prompt, one level per line, the worst first."""
        names = self.names
        if form is AnswerForm.LETTERS:
            names = tuple(f"{letter} = {name}" for letter, name in zip(LETTERS, names, strict=False))
        return "\n".join(f"{name}: {level.meaning}" for name, level in zip(names, self.levels, strict=True))


def number_in(label: object) -> float | None:
    """Return the finite number that a label spells. None for any other label.

    A percentage counts as the number before its sign.

    >>> number_in("2.5"), number_in("50%"), number_in("good"), number_in("nan")
    (2.5, 50.0, None, None)
    """
    text = str(label).removesuffix("%")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
