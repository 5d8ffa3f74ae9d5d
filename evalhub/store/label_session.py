"""What an annotator did with a queue so far, and the next decision. Every step is stored before it counts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.errors import InputError
from evalhub.scales import Winner
from evalhub.store.label_order import Showing, shown_order
from evalhub.store.label_queue import LabelQueue
from evalhub.store.labels import (
    ADJUDICATED,
    Decision,
    LabelEntry,
    LabelFile,
    last_entries,
)

_MINUTE = 60
_RESERVED = (ADJUDICATED, "consensus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an annotator decides about a unit. The attributes are those of `LabelEntry`."""

    decision: Decision = Decision.LABEL
    winner: Winner | None = None
    value: float | None = None
    confidence: int | None = None
    note: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotator is.

    Attributes:
        showings: All that there is to decide, in order.
        entries: What is decided, by the number of its showing, the latest last.
        rows: The number of steps that are stored, those that were undone too.
    """

    showings: tuple[Showing, ...]
    entries: dict[int, LabelEntry] = field(default_factory=dict)
    rows: int = 0

    @property
    def current(self) -> Showing | None:
        """The first showing without a decision. None = all are decided."""
        return next((showing for showing in self.showings if showing.number not in self.entries), None)

    @property
    def labelled(self) -> int:
        """The number of units with a label. A second label of a unit does not count."""
        return sum(entry.decision is Decision.LABEL and not entry.repeat for entry in self.entries.values())

    @property
    def minutes_left(self) -> float | None:
        """The time for the rest, by the median of the decisions so far. None before the first decision."""
        seconds = [entry.seconds for entry in self.entries.values() if entry.seconds is not None]
        if not seconds:
            return None
        return statistics.median(seconds) * (len(self.showings) - len(self.entries)) / _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSession:
    """One annotator's work on one queue.

    Attributes:
        folder: The folder of the labels.
        queue: The name of the queue.
        annotator: Whose file the decisions go to.
        showings: What there is to decide, in order.
        guideline: Version of the guideline that the annotator sees.
        adjudicator: Who decides between annotators. "" = the annotator labels.
    """

    folder: Path
    queue: str
    annotator: str
    showings: tuple[Showing, ...]
    guideline: str = ""
    adjudicator: str = ""

    def progress(self) -> Progress:
        """Return what is decided, as the file says now. Another window may have added to it."""
        numbers = {showing.key: showing.number for showing in self.showings}
        stored = LabelFile(self.folder, self.annotator).entries()
        rows = [entry for entry in stored if entry.queue == self.queue and not entry.is_review]
        keyed = ((numbers.get((entry.repeat, *entry.unit)), entry) for entry in last_entries(rows))
        entries = {number: entry for number, entry in keyed if number is not None}
        return Progress(self.showings, entries, len(rows))

    def decide(self, showing: Showing, answer: Answer) -> bool:
        """Store a decision. When this returns, it survives a power cut.

        Returns:
            Whether it replaces an earlier decision on the same showing, such as that of another window.

        Raises:
            StorageError: The disk is full or refuses. Nothing is decided then.
        """
        is_decided = showing.number in self.progress().entries
        self._append(
            self._entry(
                showing,
                decision=answer.decision, winner=answer.winner, value=answer.value,
                confidence=answer.confidence, note=answer.note, seconds=answer.seconds,
            )
        )  # fmt: skip
        return is_decided

    def undo(self) -> Showing | None:
        """Take the latest decision back. The row stays in the file, and a further row takes it back.

        Returns:
            The showing that is open again. None = there was no decision.

        Raises:
            StorageError: The disk is full or refuses. Nothing is undone then.
        """
        entries = self.progress().entries
        numbers = [number for number, entry in entries.items() if entry.adjudicator == self.adjudicator]
        if not numbers:
            return None
        showing = next(showing for showing in self.showings if showing.number == numbers[-1])
        self._append(self._entry(showing, decision=Decision.UNDO))
        return showing

    def _entry(self, showing: Showing, **values: Any) -> LabelEntry:
        unit = showing.unit
        return LabelEntry(
            annotator=self.annotator, dataset=unit.dataset, item_id=unit.item_id, criterion=unit.criterion,
            system=unit.system, system_a=unit.system_a, system_b=unit.system_b, sample=unit.sample,
            queue=self.queue, repeat=showing.repeat, shown=showing.shown, probability=unit.probability,
            uniform=unit.uniform, guideline=self.guideline, blind=True, texts=unit.texts,
            time=datetime.now(UTC).isoformat(timespec="seconds"), adjudicator=self.adjudicator,
            version=metadata.version("evalhub-laaj"), **values,
        )  # fmt: skip

    def _append(self, entry: LabelEntry) -> None:
        LabelFile(self.folder, self.annotator).append(entry)


def check_annotator(folder: Path, name: str) -> None:
    """Refuse a name that cannot be an annotator's.

    Raises:
        InputError: It cannot name a file, or it means something else.
    """
    LabelFile(folder, name)
    if name in _RESERVED:
        raise InputError("this name is not an annotator's", value=name, fix="take another name")


def disputes(
    queue: LabelQueue, labels: Iterable[LabelEntry]
) -> dict[tuple[Any, ...], tuple[LabelEntry, ...]]:
    """Return the labels of each unit of a queue on which two annotators or more differ, by unit.

    Args:
        queue: The queue.
        labels: The labels of its dataset, as `read_labels` returns them.
    """
    texts = {unit.key: unit.texts for unit in queue.units}
    by_unit: dict[tuple[Any, ...], list[LabelEntry]] = {}
    for entry in labels:
        if entry.annotator != ADJUDICATED and entry.texts in ("", texts.get(entry.unit)):
            by_unit.setdefault(entry.unit, []).append(entry)
    of_queue = {unit.key: tuple(by_unit.get(unit.key, ())) for unit in queue.units}
    return {
        key: of_unit
        for key, of_unit in of_queue.items()
        if len({(entry.winner, entry.value) for entry in of_unit}) > 1
    }


def disputed_showings(
    queue: LabelQueue, adjudicator: str, keys: Iterable[tuple[Any, ...]]
) -> tuple[Showing, ...]:
    """Return the units of a queue that an adjudicator sees, each once. Their numbers are their places."""
    disputed = set(keys)
    return tuple(
        Showing(number, unit, 0, shown_order(adjudicator, unit))
        for number, unit in enumerate(queue.units, 1)
        if unit.key in disputed
    )
