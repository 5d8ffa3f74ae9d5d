"""Labels that people give outside of runs: one file for each annotator, to which lines are only appended."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from evalhub.errors import InputError, StorageError
from evalhub.records import AnnotatorKind, Label, digest
from evalhub.scales import Order, Winner

LABELS_FOLDER = "labels"
"""The folder beside the runs that holds the annotators' files."""
ADJUDICATED = "adjudicated"
"""The annotator of decisions between annotators who differ. Such a decision is the consensus of its unit."""

_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,100}")


class Decision(StrEnum):
    """What an annotator did with a unit."""

    LABEL = "label"
    CANNOT_DECIDE = "cannot decide"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEntry:
    """One line of an annotator's file: a decision on one response or pair.

    Attributes:
        annotator: The annotator's name, which names the file.
        queue: The name of the queue that the unit comes from. "" = none.
        repeat: 0 for the first time that the annotator sees the unit, 1 for the second. The second serves the
            agreement with oneself and never counts as a label.
        decision: Whether there is a label.
        winner: The verdict on a pair.
        value: The verdict on a response.
        shown: The order in which the pair was shown.
        probability: With which the unit was drawn for labelling.
        uniform: Whether it was drawn with equal probabilities.
        confidence: How sure the annotator is, from 1 (a guess) to 3 (sure). None = not asked.
        note: The annotator's remark.
        seconds: From the unit's appearance to the decision.
        guideline: Version of the guideline that the annotator saw.
        blind: Whether neither systems nor verdicts could be seen.
        is_review: Whether the annotator had seen the verdict. A review never counts as a label.
        texts: The hash of the responses' texts, as `hash_texts` makes it. The label counts only for these
            texts. "" = not known.
        time: When, in UTC, as ISO 8601.
        adjudicator: Who decided between the annotators. "" = the annotator gave the label.
        version: Version of evalhub that stored the entry. "" = not known.

    Raises:
        InputError: The systems of a pair are not in their order, or a probability is none.
    """

    annotator: str
    dataset: str
    item_id: str
    criterion: str
    system: str | None = None
    system_a: str | None = None
    system_b: str | None = None
    sample: int = 0
    queue: str = ""
    repeat: int = 0
    decision: Decision = Decision.LABEL
    winner: Winner | None = None
    value: float | None = None
    shown: Order | None = None
    probability: float | None = None
    uniform: bool | None = None
    confidence: int | None = None
    note: str = ""
    seconds: float | None = None
    guideline: str = ""
    blind: bool = True
    is_review: bool = False
    texts: str = ""
    time: str = ""
    adjudicator: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        first, second = self.system_a, self.system_b
        if first is not None and second is not None and first.encode() >= second.encode():
            raise InputError("the systems of a pair are not in their order", value=f"{first}, {second}")
        if self.probability is not None and not 0 < self.probability <= 1:
            raise InputError("a probability lies in (0, 1]", value=self.probability)

    @property
    def unit(self) -> tuple[Any, ...]:
        """The response or pair and its criterion."""
        return (
            self.dataset, self.item_id, self.criterion, self.system, self.system_a, self.system_b,
            self.sample,
        )  # fmt: skip

    @property
    def key(self) -> tuple[Any, ...]:
        """What a later line of the same key replaces."""
        return (self.queue, self.annotator, self.repeat, self.is_review, *self.unit)

    @property
    def is_first_blind(self) -> bool:
        """Whether the annotator decided blind and for the first time, so that the decision counts."""
        return self.blind and not self.is_review and not self.repeat

    def as_label(self) -> Label | None:
        """Return the label, if the entry counts as one: blind, first time, decided and no review."""
        if self.decision is not Decision.LABEL or not self.is_first_blind:
            return None
        return Label(
            self.dataset, self.item_id, self.criterion, self.annotator, AnnotatorKind.HUMAN,
            system=self.system, system_a=self.system_a, system_b=self.system_b, sample=self.sample,
            winner=self.winner, value=self.value, shown=self.shown, probability=self.probability,
            uniform=self.uniform,
        )  # fmt: skip


_TYPES = {"decision": Decision, "winner": Winner, "shown": Order}
_NAMES = tuple(field.name for field in fields(LabelEntry))


def labels_folder(runs: Path) -> Path:
    """Return the folder of the labels that belong to a folder of runs: it lies beside it."""
    return runs.resolve().parent / LABELS_FOLDER


class LabelFile:
    """The file of one annotator.

    Args:
        folder: The folder of the labels.
        annotator: The annotator's name.

    Raises:
        InputError: The name cannot name a file.
    """

    def __init__(self, folder: Path, annotator: str) -> None:
        if not _NAME.fullmatch(annotator) or annotator.startswith("."):
            raise InputError(
                "this cannot name an annotator",
                value=annotator,
                allowed="1 to 100 of A-Z a-z 0-9 . _ @ + -, not beginning with a dot",
            )
        self.annotator = annotator
        self.path = folder / f"{annotator}.jsonl"

    def append(self, *entries: LabelEntry) -> None:
        """Store entries. When this returns, they survive a power cut.

        Raises:
            StorageError: The disk is full or refuses. Earlier entries stay.
        """
        lines = b"".join(map(_encode, entries))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                size = os.fstat(file).st_size
                if size and os.pread(file, 1, size - 1) != b"\n":
                    lines = b"\n" + lines  # a killed process left half a line
                if os.write(file, lines) != len(lines):
                    raise OSError(28, "No space left on device")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StorageError(
                f"the label cannot be stored ({error.strerror or error})",
                where=str(self.path),
                fix="free some room and give the label again",
            ) from error

    def entries(self) -> list[LabelEntry]:
        """Return all entries in their order. Torn and damaged lines are skipped."""
        return list(_read(self.path))


def read_entries(folder: Path) -> list[LabelEntry]:
    """Return the entries of all annotators that count, see `last_entries`."""
    return last_entries(entry for path in sorted(folder.glob("*.jsonl")) for entry in _read(path))


def last_entries(entries: Iterable[LabelEntry]) -> list[LabelEntry]:
    """Return the entries that count, the latest last: the last of each key, unless it undoes."""
    last: dict[tuple[Any, ...], LabelEntry] = {}
    for entry in entries:
        last.pop(entry.key, None)
        if entry.decision is not Decision.UNDO:
            last[entry.key] = entry
    return list(last.values())


def read_labels(folder: Path, datasets: Iterable[str]) -> list[LabelEntry]:
    """Return the entries of some datasets that are labels.

    Of two decisions of one annotator on one unit the later counts, also where that is none.
    """
    names = set(datasets)
    labels: dict[tuple[Any, ...], LabelEntry] = {}
    for entry in read_entries(folder):
        if entry.dataset in names and entry.is_first_blind:
            key = (entry.annotator, *entry.unit)
            labels.pop(key, None)
            if entry.decision is Decision.LABEL:
                labels[key] = entry
    return list(labels.values())


def hash_texts(texts: Iterable[str | None]) -> str:
    """Return the hash of the texts of the responses that were labelled, in the order of their systems."""
    return "-".join(hashlib.sha256((text or "").encode()).hexdigest()[:16] for text in texts)


def labels_hash(labels: Iterable[Label]) -> str:
    """Return the hash of labels, in any order. Tables that are made of other labels are made anew."""
    return digest(sorted(to_json(asdict(label)).decode() for label in labels))


def _encode(entry: LabelEntry) -> bytes:
    body = to_json({"label": asdict(entry)})
    return b'{"crc":%d,' % zlib.crc32(body) + body[1:] + b"\n"


def _read(path: Path) -> Iterator[LabelEntry]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"labels cannot be read ({error.strerror})", where=str(path)) from error
    for number, line in enumerate(lines, 1):
        try:
            entry = _decode(line)
        except (ValueError, TypeError, KeyError, InputError) as error:
            raise StorageError(
                "this label cannot be read: another version of evalhub wrote it, or it was edited",
                where=f"{path}:{number}",
                fix="use that version, or remove the line",
            ) from error
        if entry is not None:
            yield entry


def _decode(line: bytes) -> LabelEntry | None:
    """Return the entry of a line. None if the line is torn or damaged."""
    head, comma, tail = line.partition(b",")
    body = b"{" + tail
    if not comma or not head.startswith(b'{"crc":') or head[7:] != b"%d" % zlib.crc32(body):
        return None
    values: dict[str, Any] = from_json(body)["label"]
    for name, make in _TYPES.items():
        if values.get(name) is not None:
            values[name] = make(values[name])
    return LabelEntry(**{name: values[name] for name in _NAMES if name in values})
