"""What a verdict can be: the levels of a rating, the outcomes of a comparison."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from enum import StrEnum

LETTERS = string.ascii_uppercase
"""By which levels are answered where their labels cannot be."""


class AnswerForm(StrEnum):
    """By what a judge answers with a level: the level's own label, or a letter that stands for it."""

    LABELS = "labels"
    LETTERS = "letters"


class Kind(StrEnum):
    """Whether one response is rated or two are compared."""

    POINTWISE = "pointwise"
    PAIRWISE = "pairwise"


class Winner(StrEnum):
    """The outcome of a comparison, in terms of the systems and never of the order shown."""

    A = "a"
    TIE = "tie"
    B = "b"

    def swapped(self) -> Winner:
        """Return the outcome as seen with the two sides exchanged."""
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
        """Return the outcome that a positive, zero or negative net sum stands for."""
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
        label: The level's name, such as "4", "10%" or "far better".
        value: What the level counts as in means; None where it says that the criterion is not applicable.
        meaning: What the level stands for, in words.
    """

    label: str
    value: float | None
    meaning: str

    @property
    def applicable(self) -> bool:
        """Whether the level rates the response; another one counts in coverage and in no mean."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Scale:
    """An ordered list of levels, the worst first; a level that is not applicable may stand anywhere.

    >>> scale = Scale((Level("3", 3.0, "rude"), Level("na", None, "no reply"), Level("1", 1.0, "kind")))
    >>> scale.values, scale.higher_is_better
    ((3.0, 1.0), False)
    """

    levels: tuple[Level, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all levels, in the order in which they are shown."""
        return tuple(level.label for level in self.levels)

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the applicable levels, the worst first."""
        return tuple(level.value for level in self.levels if level.value is not None)

    @property
    def higher_is_better(self) -> bool:
        """Whether the values rise from the worst level to the best."""
        values = self.values
        return not values or values[0] <= values[-1]

    def level_of(self, said: str | float) -> Level | None:
        """Return the level with a label, or that a number stands for; None where there is none.

        >>> scale = Scale((Level("0", None, "no reply"), Level("1", 1.0, "kind")))
        >>> scale.level_of(1).meaning, scale.level_of(0.0).applicable, scale.level_of("2")
        ('kind', False, None)
        """
        if isinstance(said, str):
            return next((level for level in self.levels if level.label == said), None)
        of_value = (level for level in self.levels if level.value == said)
        of_label = (level for level in self.levels if not level.applicable and number_in(level.label) == said)
        return next(of_value, None) or next(of_label, None)

    def answers(self, form: AnswerForm = AnswerForm.LABELS) -> tuple[str, ...]:
        """Return what a judge answers with for each level, in the order in which they are shown.

        >>> Scale((Level("-1", -1, "worse"), Level("1", 1, "better"))).answers(AnswerForm.LETTERS)
        ('A', 'B')
        """
        return self.labels if form is AnswerForm.LABELS else tuple(LETTERS[: len(self.levels)])

    def describe(self, form: AnswerForm = AnswerForm.LABELS) -> str:
        """Return the scale as it stands in a prompt, one level a line, the worst first."""
        names = self.labels
        if form is AnswerForm.LETTERS:
            names = tuple(f"{letter} = {name}" for letter, name in zip(LETTERS, names, strict=False))
        return "\n".join(f"{name}: {level.meaning}" for name, level in zip(names, self.levels, strict=True))


def number_in(label: object) -> float | None:
    """Return the finite number that a label is, a per cent as the number before its sign; None for a name.

    >>> number_in("2.5"), number_in("50%"), number_in("good"), number_in("nan")
    (2.5, 50.0, None, None)
    """
    text = str(label).removesuffix("%")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
