"""What a verdict can be: the levels of a rating, the outcomes of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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
        label: What the judge answers with, such as "4".
        value: What the level counts as in means.
        meaning: What the level stands for, in words.
    """

    label: str
    value: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Scale:
    """An ordered list of levels, the worst first."""

    levels: tuple[Level, ...]

    @classmethod
    def from_mapping(cls, levels: Mapping[object, str]) -> Scale:
        """Build a scale from a mapping of level to meaning, the worst first.

        Numeric labels count as their number, other labels as their rank from 0.

        >>> Scale.from_mapping({1: "poor", 2: "good"}).values
        (1.0, 2.0)
        >>> Scale.from_mapping({"no": "absent", "yes": "present"}).values
        (0.0, 1.0)
        """
        numbers = [_number(key) for key in levels]
        ranked = None in numbers
        return cls(
            tuple(
                Level(str(key), float(rank) if ranked else float(number or 0), meaning)
                for rank, ((key, meaning), number) in enumerate(zip(levels.items(), numbers, strict=True))
            )
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, the worst first."""
        return tuple(level.label for level in self.levels)

    @property
    def values(self) -> tuple[float, ...]:
        """The values, the worst first."""
        return tuple(level.value for level in self.levels)

    def value_of(self, label: str) -> float:
        """Return the value of a label; a KeyError tells that the scale has no such level."""
        for level in self.levels:
            if level.label == label:
                return level.value
        raise KeyError(label)

    def describe(self) -> str:
        """Return the scale as it stands in a prompt, one level a line, the worst first."""
        return "\n".join(f"{level.label}: {level.meaning}" for level in self.levels)


def _number(label: object) -> float | None:
    try:
        return float(str(label))
    except ValueError:
        return None
