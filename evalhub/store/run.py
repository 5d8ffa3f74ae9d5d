"""A run folder: a manifest, and one part for each step of the suite.

runs/<suite>-<time>-<id>/
    manifest.json               the resolved suite, the engine's facts, the complete parts
    parts/<kind>-<key>/         see `evalhub.store.parts`
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalhub.errors import StorageError
from evalhub.records import KINDS, Completion, Record, kind_of
from evalhub.store.heartbeat import is_alive
from evalhub.store.journal import read_journal
from evalhub.store.lock import Lock
from evalhub.store.manifest import FORMAT, Manifest, State, read_manifest, write_manifest
from evalhub.store.parquet import read_records
from evalhub.store.part_writer import PartWriter, journal_name
from evalhub.store.parts import (
    PARTS,
    Part,
    PartFacts,
    PartKind,
    PartRecord,
    Step,
    check_content,
    describe_part,
    drop_files,
    link_part,
    part_problems,
    read_part,
)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file of records of one table.

    Attributes:
        sha256: The hash of its content when it was sealed.
        computed_in: The run that made it. None = the run that is read.
    """

    path: Path
    kind: str
    rows: int
    sha256: str
    computed_in: str | None = None

    def check(self) -> None:
        """Raise StorageError where the content is not what was sealed."""
        check_content(self.path, self.sha256)


OpenParts = Mapping[Path, PartRecord]
"""The parts of a run that are not complete, by their folder."""


class Run:
    """A run folder for reading. Readers never lock.

    Raises:
        InputError: The folder holds no run.
        StorageError: The manifest is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = read_manifest(path)

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def state(self) -> State:
        """The state of the run. A running one whose writer shows no sign of life is interrupted."""
        state = self.manifest.state
        return State.INTERRUPTED if state is State.RUNNING and not is_alive(self.path) else state

    @property
    def finished(self) -> bool:
        """Whether the run is complete and sealed."""
        return self.manifest.state is State.SEALED

    @property
    def unfinished(self) -> bool:
        """Whether the same command resumes this run. After a stop, a new run repeats what failed."""
        return self.manifest.state not in (State.SEALED, State.STOPPED)

    def part_folder(self, part: Part | Step) -> Path:
        """Return the folder of a part."""
        return self.path / PARTS / part.folder

    def part_record(self, part: Part) -> PartRecord:
        """Return what a complete part says of itself.

        Raises:
            StorageError: Its record is missing or damaged.
        """
        return read_part(self.part_folder(part), part.sha256)

    def part_records(self, part: Part, kind: str) -> Iterator[Record]:
        """Yield the records of one table of a complete part."""
        folder = self.part_folder(part)
        for file in (file for shard in self.part_record(part).shards for file in shard.files):
            if file.kind == kind:
                check_content(folder / file.name, file.sha256)
                yield from read_records(folder / file.name, kind)

    def open_parts(self) -> dict[Path, PartRecord]:
        """Return the parts that are not complete, by their folder."""
        records = {}
        for folder in self._incomplete_folders():
            with suppress(StorageError):  # `verify` names it, and the next writer makes it again
                records[folder] = read_part(folder)
        return records

    def _incomplete_folders(self) -> list[Path]:
        complete = {part.folder for part in self.manifest.parts}
        folders = sorted((self.path / PARTS).glob("[!.]*"))
        return [
            folder for folder in folders if folder.name not in complete and (folder / "part.json").is_file()
        ]

    def part_folders(self) -> dict[Path, str | None]:
        """Return the folder of each part, with the hash of its record if it is complete."""
        complete = {self.part_folder(part): part.sha256 for part in self.manifest.parts}
        return {**complete, **dict.fromkeys(self._incomplete_folders())}

    def files(self, kind: str, open_parts: OpenParts | None = None) -> list[SealedFile]:
        """Return the sealed files of one table, part by part.

        Args:
            kind: The table.
            open_parts: The parts that are not complete, by default those of now. See `snapshot`.
        """
        open_parts = self.open_parts() if open_parts is None else open_parts
        records = [
            (self.part_folder(part), self.part_record(part), part.computed_in)
            for part in self.manifest.parts
            if part.rows.get(kind)
        ]
        records += [(folder, record, None) for folder, record in open_parts.items()]
        return [
            SealedFile(folder / file.name, kind, file.rows, file.sha256, computed_in)
            for folder, record, computed_in in records
            for shard in record.shards
            for file in shard.files
            if file.kind == kind
        ]

    def count(self, kind: str) -> int:
        """Return the number of records of one table in complete parts."""
        return sum(part.rows.get(kind, 0) for part in self.manifest.parts)

    def journals(self, open_parts: OpenParts | None = None) -> dict[Path, PartRecord]:
        """Return the journals of all open shards, each with its part."""
        open_parts = self.open_parts() if open_parts is None else open_parts
        return {
            path: record
            for folder, record in open_parts.items()
            for path in sorted(folder.glob("*.jsonl"))
            if path.name not in {journal_name(shard.number) for shard in record.shards}
        }

    def snapshot(self) -> tuple[list[Record], OpenParts]:
        """Return the records that are not sealed, and the parts that are not complete, of one moment.

        With the files of these parts each record is there once, even while the run is being written.
        """
        while True:
            open_parts = self.open_parts()
            records: list[Record] = []
            with suppress(FileNotFoundError):
                for path in self.journals(open_parts):
                    records += read_journal(path)
            manifest = read_manifest(self.path)
            if manifest.parts == self.manifest.parts and open_parts == self.open_parts():
                return records, open_parts
            self.manifest = manifest

    def records(self, kind: str | None = None) -> Iterator[Record]:
        """Yield the records of one table, or of all. A completion that two parts share appears twice."""
        unsealed, open_parts = self.snapshot()
        for name in KINDS if kind is None else (kind,):
            for file in self.files(name, open_parts):
                file.check()
                for record in read_records(file.path, name):
                    yield _with_origin(record, file.computed_in)
        yield from (record for record in unsealed if kind is None or kind_of(record) == kind)


def _with_origin(record: Record, run: str | None) -> Record:
    """Return a completion of a part that another run made with that run's id."""
    if run is None or not isinstance(record, Completion) or record.computed_in:
        return record
    return replace(record, computed_in=run)


class RunWriter(Run):
    """The one writer of a run folder.

    Attributes:
        damaged: The files that an earlier session sealed and that have changed since. They are made again.

    Raises:
        LockedError: Another process writes this run.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock(path)
        self._writers: dict[str, PartWriter] = {}
        try:
            super().__init__(path)
            self.damaged = self._drop_damaged()
            self._enter_complete_parts()
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def create(cls, root: Path, suite: str, facts: Mapping[str, Any]) -> RunWriter:
        """Create a run folder and open it for writing.

        Args:
            root: The folder that holds the runs.
            suite: Name of the suite, the first part of the folder's name.
            facts: Values of the manifest's other keys.
        """
        start = datetime.now(UTC)
        path = root / f"{suite.replace('/', '-')}-{start:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        try:
            (path / PARTS).mkdir(parents=True)
            write_manifest(
                path,
                Manifest.model_validate(
                    {
                        "format": FORMAT,
                        "run": path.name,
                        "suite": suite,
                        "state": State.RUNNING,
                        "parts": (),
                        "engines": (),
                        "created": start.isoformat(timespec="microseconds"),
                        **facts,
                    }
                ),
            )
        except OSError as error:
            raise StorageError(f"the run cannot be created ({error.strerror})", where=str(path)) from error
        return cls(path)

    @property
    def open_writers(self) -> list[PartWriter]:
        """The writers of the parts that are not complete."""
        return list(self._writers.values())

    def part(self, step: Step) -> Part | None:
        """Return the complete part of a step, or None."""
        key = step.key
        return next((part for part in self.manifest.parts if part.key == key), None)

    def open_part(self, step: Step, engine: str | None = None) -> PartWriter:
        """Return the writer of a step's part. It goes on where an earlier session stopped.

        Args:
            step: The step.
            engine: The hash of the identity of the engine that makes the part's completions.
        """
        if step.key not in self._writers:
            self._drop_outdated(step.place, step.key)
            self._writers[step.key] = PartWriter(self.part_folder(step), self.id, step, engine)
        return self._writers[step.key]

    def finish_part(self, writer: PartWriter, facts: PartFacts) -> Part:
        """Complete a part and enter it in the manifest."""
        part = describe_part(writer.folder, writer.finish(facts), self.id)
        self.update(parts=(*self.manifest.parts, part))
        self._writers.pop(part.key, None)
        return part

    def link_part(self, run: Run, part: Part) -> Part:
        """Reuse a complete part of another run."""
        self._drop_outdated(part.place, part.key)
        folder = self.part_folder(part)
        if writer := self._writers.pop(part.key, None):
            writer.close()
        shutil.rmtree(folder, ignore_errors=True)  # begun here before another run made all of it
        link_part(run.part_folder(part), folder)
        linked = describe_part(folder, read_part(folder), self.id)
        self.update(parts=(*self.manifest.parts, linked))
        return linked

    def update(self, **facts: Any) -> None:
        """Write facts into the manifest."""
        self.manifest = self.manifest.replace(**facts)
        write_manifest(self.path, self.manifest)

    def seal(self, state: State, **facts: Any) -> None:
        """End a session. Shards that are open keep their journals.

        Args:
            state: Sealed if the run is complete, stopped if an engine only failed, else interrupted.
            facts: Further facts for the manifest.
        """
        self.update(**facts, state=state, sealed=datetime.now(UTC).isoformat(timespec="microseconds"))

    def close(self) -> None:
        """Close all journals and release the lock."""
        try:
            for writer in self._writers.values():
                writer.close()
        finally:
            self._lock.release()

    def _drop_outdated(self, place: tuple[PartKind, str, str], key: str) -> None:
        """Remove what an earlier session made at the same place of something that has changed since."""
        outdated = [part for part in self.manifest.parts if part.place == place and part.key != key]
        if outdated:
            self.update(parts=tuple(part for part in self.manifest.parts if part not in outdated))
        for part in outdated:
            shutil.rmtree(self.part_folder(part), ignore_errors=True)
        for folder, record in self.open_parts().items():
            if record.step.place == place and record.step.key != key:
                shutil.rmtree(folder, ignore_errors=True)

    def _drop_damaged(self) -> tuple[str, ...]:
        """Remove files whose content has changed, so that their shards are made again. Return their paths."""
        damaged: list[str] = []
        for folder, sha256 in self.part_folders().items():
            problems = [name for name, (_, problem) in part_problems(folder, sha256).items() if problem]
            if problems:
                self.update(parts=tuple(part for part in self.manifest.parts if part.folder != folder.name))
                drop_files(folder, problems)
                damaged += [f"{folder.name}/{name}" for name in problems]
        return tuple(damaged)

    def _enter_complete_parts(self) -> None:
        """Enter the parts that were completed or linked just before an earlier session was killed."""
        parts = [
            describe_part(folder, record, self.id)
            for folder, record in self.open_parts().items()
            if record.complete
        ]
        if parts:
            self.update(parts=(*self.manifest.parts, *parts))
