"""Queues: files of responses or pairs that people label next, one unit on each line."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.specs.base import Id, Spec, validate
from evalhub.store.labels import hash_texts
from evalhub.texts import clean

QUEUES_FOLDER = "queues"
"""The folder beside the runs that holds the queues which the dashboard makes."""

_FIX = "draw a queue with `evalhub labels queue`"


class QueueUnit(Spec):
    """A response or a pair to label, with what its annotator reads. Columns of others are passed over.

    Attributes:
        probability: With which the unit was drawn.
        uniform: Whether it was drawn with equal probabilities.
        context: The documents that belong to the prompt.
        references: The right answers, where the criterion is about them.
        response, response_a, response_b: The texts. None = the system gave none.
        guideline, guideline_version: What annotators are told, where the queue says it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    dataset: Id
    item_id: Id
    criterion: Id
    system: Id | None = None
    system_a: Id | None = None
    system_b: Id | None = None
    sample: int = Field(default=0, ge=0)
    probability: float | None = Field(default=None, gt=0, le=1)
    uniform: bool | None = None
    prompt: str
    context: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    response: str | None = None
    response_a: str | None = None
    response_b: str | None = None
    guideline: str = ""
    guideline_version: str = ""

    @field_validator("context", "references", mode="before")
    @classmethod
    def _without_documents(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("prompt", "response", "response_a", "response_b", "context", "references", "guideline")
    @classmethod
    def _is_valid_text(cls, value: Any) -> Any:
        """Return valid UTF-8: JSON may escape lone surrogates."""
        if isinstance(value, tuple):
            return tuple(map(clean, value))
        return value if value is None else clean(value)

    @model_validator(mode="after")
    def _names_a_unit_with_texts(self) -> QueueUnit:
        first, second = self.system_a, self.system_b
        has_pair = first is not None and second is not None
        has_side = first is not None or second is not None
        if has_side != has_pair or has_pair == (self.system is not None):
            raise ValueError("the line names neither one response (system) nor a pair (system_a, system_b)")
        if first is not None and second is not None and first.encode() >= second.encode():
            raise ValueError("the systems of a pair are not in their order")
        for name in ("response_a", "response_b") if has_pair else ("response",):
            if name not in self.model_fields_set:
                raise ValueError(f"the line has no {name}")
        return self

    @property
    def is_pair(self) -> bool:
        """Whether two responses are compared."""
        return self.system_a is not None

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems of the responses, in their order."""
        return tuple(name for name in (self.system, self.system_a, self.system_b) if name is not None)

    @property
    def responses(self) -> tuple[str | None, ...]:
        """The texts of the responses, in the order of their systems."""
        return (self.response_a, self.response_b) if self.is_pair else (self.response,)

    @property
    def texts(self) -> str:
        """The hash of the responses' texts. A label counts only for these."""
        return hash_texts(self.responses)

    @property
    def key(self) -> tuple[Any, ...]:
        """The response or pair and its criterion, as `LabelEntry.unit` names it."""
        return (
            self.dataset, self.item_id, self.criterion, self.system, self.system_a, self.system_b,
            self.sample,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelQueue:
    """The units of a queue in their random order. All are about one criterion of one dataset.

    Attributes:
        name: The name of the file without its ending. Labels are stored with it.
    """

    name: str
    units: tuple[QueueUnit, ...]

    @property
    def dataset(self) -> str:
        """The dataset of all units."""
        return self.units[0].dataset

    @property
    def criterion(self) -> str:
        """The criterion of all units."""
        return self.units[0].criterion

    @property
    def is_pairwise(self) -> bool:
        """Whether the units are pairs."""
        return self.units[0].is_pair

    @property
    def systems(self) -> frozenset[str]:
        """The systems of all units."""
        return frozenset(name for unit in self.units for name in unit.systems)


def queues_folder(runs: Path) -> Path:
    """Return the folder of the queues that belong to a folder of runs: it lies beside it."""
    return runs.resolve().parent / QUEUES_FOLDER


def new_queue_path(folder: Path, dataset: str, criterion: str, day: str) -> Path:
    """Return the file of a new queue. Its name says what it is about, and names neither judge nor system."""
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", f"{dataset}-{criterion}-{day}").lstrip(".-")
    for number in itertools.count(1):
        path = folder / f"{name}{f'-{number}' if number > 1 else ''}.jsonl"
        if not path.exists():
            return path
    raise AssertionError  # the numbers do not end


def write_queue(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows of a labelling queue as a new file.

    Raises:
        InputError: The file exists.
        StorageError: The disk is full or refuses.
    """
    if path.exists():
        raise InputError("the file exists already", where=str(path), fix="name another one, or remove it")
    lines = "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, lines.encode("utf-8"), shared=True)
    except OSError as error:
        raise StorageError(f"the queue cannot be written ({error.strerror})", where=str(path)) from error


def read_queue(path: Path) -> LabelQueue:
    """Return the queue in a file.

    Raises:
        InputError: There is no such file, or a line is none of a queue. The line is named.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        problem = f"the queue cannot be read ({error.strerror})"
        raise InputError(problem, where=str(path), fix=_FIX) from error
    except UnicodeDecodeError as error:
        raise InputError("the file is no UTF-8, so it is no queue", where=str(path), fix=_FIX) from error
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise InputError("the queue is empty", where=str(path), fix=_FIX)
    units: dict[tuple[Any, ...], QueueUnit] = {}
    for number, line in lines:
        where = f"{path}:{number}"
        unit = _unit(line, where)
        if unit.key in units:
            raise InputError("the queue has this line twice", where=where, value=unit.item_id)
        units[unit.key] = unit
    _check_alike(path, tuple(units.values()))
    return LabelQueue(clean(path.stem), tuple(units.values()))


def _unit(line: str, where: str) -> QueueUnit:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError("the line is no JSON", where=where, value=line[:80], fix=_FIX) from error
    if not isinstance(row, dict):
        raise InputError("the line is no JSON object", where=where, value=line[:80], fix=_FIX)
    return validate(QueueUnit, row, where)


def _check_alike(path: Path, units: tuple[QueueUnit, ...]) -> None:
    """Refuse a queue about several criteria. Its annotators would have several questions to answer."""
    for name in ("dataset", "criterion", "is_pair"):
        values = sorted({str(getattr(unit, name)) for unit in units})
        if len(values) > 1:
            problem = "a queue is about one criterion of one dataset, and of pairs or of responses"
            raise InputError(problem, where=str(path), value=values, fix="make a file for each")
