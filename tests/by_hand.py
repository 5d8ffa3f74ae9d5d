"""Runs that are written by hand: every record goes into one part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalhub.records import Record
from evalhub.store import PartFacts, PartKind, RunWriter, State, Step

from .manifests import complete

STEP = Step(kind=PartKind.DATASET, dataset="d", source="d", inputs={})


class HandWriter:
    """The writer of a run with one part of one shard."""

    def __init__(self, run: RunWriter) -> None:
        self.run = run
        self.path = run.path
        self.part = run.open_part(STEP)

    @classmethod
    def create(cls, root: Path, suite: str = "s", facts: Mapping[str, Any] | None = None) -> "HandWriter":
        return cls(RunWriter.create(root, suite, complete(facts or {})))

    @property
    def id(self) -> str:
        return self.run.id

    def append(self, record: Record) -> bool:
        return self.part.shard(1).append(record)

    def seal(self, state: State = State.SEALED, **facts: Any) -> None:
        """Complete the part and end the run."""
        self.run.finish_part(self.part, PartFacts())
        self.run.seal(state, **facts)

    def close(self) -> None:
        self.run.close()
