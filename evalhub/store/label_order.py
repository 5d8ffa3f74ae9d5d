"""The order in which an annotator sees a queue: who comes twice, and which response stands left."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalhub.scales import Order, Winner
from evalhub.store.label_queue import LabelQueue, QueueUnit

REPEATED_SHARE = 10
"""Of so many units, one comes twice."""
GAP = 10
"""At least so many units stand between the two times, where the queue is long enough."""


class Side(StrEnum):
    """The place of a response on the page, or neither."""

    LEFT = "left"
    TIE = "tie"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Showing:
    """A unit as an annotator sees it.

    Attributes:
        number: The place in the annotator's order, from 1. On the page it stands for the unit.
        repeat: 0 for the first time, 1 for the second.
        shown: Which system's response stands left. None for a single response.
    """

    number: int
    unit: QueueUnit
    repeat: int
    shown: Order | None

    @property
    def key(self) -> tuple[Any, ...]:
        """The unit, and which time it is."""
        return (self.repeat, *self.unit.key)

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The responses from left to right."""
        return self.unit.responses[::-1] if self.shown is Order.BA else self.unit.responses

    def winner(self, side: Side) -> Winner:
        """Return the verdict that a side stands for, in terms of the systems."""
        winner = {Side.LEFT: Winner.A, Side.TIE: Winner.TIE, Side.RIGHT: Winner.B}[side]
        return winner.swapped() if self.shown is Order.BA else winner

    def side(self, winner: Winner) -> Side:
        """Return the side that a verdict stands for."""
        return next(side for side in Side if self.winner(side) is winner)


def showings(queue: LabelQueue, annotator: str) -> tuple[Showing, ...]:
    """Return what an annotator sees of a queue, in order. The same annotator sees the same again.

    All annotators see the units in the order of the queue, which is random: wherever they stop, what they
    labelled is a random sample. A tenth of the units comes twice. Which, where again, and which response
    stands left is drawn for each annotator.

    Args:
        queue: The queue.
        annotator: The annotator's name, which is the seed.
    """
    firsts = [((place, 0, 0), unit) for place, unit in enumerate(queue.units)]
    again = _repeats(queue, annotator)
    slots = sorted([*firsts, *again], key=lambda slot: slot[0])
    return tuple(
        Showing(number, unit, min(repeat, 1), shown_order(annotator, unit, min(repeat, 1)))
        for number, ((_, repeat, _), unit) in enumerate(slots, 1)
    )


def shown_order(annotator: str, unit: QueueUnit, repeat: int = 0) -> Order | None:
    """Return which system's response an annotator sees left: a fair draw, and another for the second time.

    A second draw shows whether the answer hangs on the side. None for a single response.
    """
    if not unit.is_pair:
        return None
    return Order.BA if draw("side", annotator, repeat, *unit.key) % 2 else Order.AB


def _repeats(queue: LabelQueue, annotator: str) -> list[tuple[tuple[int, int, int], QueueUnit]]:
    """Return the units that come twice, each with where it is sorted in: behind a place of the queue."""
    total = len(queue.units)
    # The last units cannot come again far apart. In a short queue, those of the first half come again late.
    candidates = list(enumerate(queue.units))[: max(total - GAP, total // 2)]
    candidates.sort(key=lambda slot: draw("twice", annotator, *slot[1].key))
    slots = []
    for place, unit in candidates[: total // REPEATED_SHARE]:
        earliest = min(place + GAP, total - 1)
        number = draw("again", annotator, *unit.key)
        slots.append(((earliest + number % (total - earliest), 1, number), unit))
    return slots


def draw(*parts: object) -> int:
    """Return a number that only these parts decide, as a draw with them as the seed."""
    text = "\0".join("" if part is None else str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
