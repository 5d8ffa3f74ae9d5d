"""A run folder: a manifest, journals that grow, and segments that never change.

runs/<suite>-<time>-<id>/
    manifest.json               the resolved suite, the engine's facts, the sealed segments
    journal-0001.jsonl          records of this session, removed once they are sealed
    segments/0001-judgments.parquet
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalhub.errors import StorageError
from evalhub.files import file_sha256
from evalhub.records import KINDS, Record, key_of, kind_of
from evalhub.store.journal import Journal, read_journal
from evalhub.store.lock import Lock
from evalhub.store.manifest import FORMAT, Manifest, Segment, State, read_manifest, write_manifest
from evalhub.store.segments import read_segment, write_segment


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
    def finished(self) -> bool:
        """Whether the run is complete and sealed."""
        return self.manifest.state is State.SEALED

    @property
    def unfinished(self) -> bool:
        """Whether the same command resumes this run. After a stop, a new run repeats what failed."""
        return self.manifest.state not in (State.SEALED, State.STOPPED)

    def segments(self, kind: str) -> list[Path]:
        """Return the sealed files of one table, the oldest first."""
        return [self.path / part.path for part in self.manifest.segments if part.kind == kind]

    def journals(self) -> list[Path]:
        """Return the journals that are not sealed yet."""
        sealed = self.manifest.sealed_journals
        paths = sorted(self.path.glob("journal-*.jsonl"))
        return [path for path in paths if int(path.stem.split("-")[1]) > sealed]

    def unsealed_records(self) -> list[Record]:
        """Return the records that are not sealed yet. Records that are sealed meanwhile are in segments."""
        while True:
            records: list[Record] = []
            with suppress(FileNotFoundError):
                for path in self.journals():
                    records += read_journal(path)
            manifest = read_manifest(self.path)
            if manifest.sealed_journals == self.manifest.sealed_journals:
                return records
            self.manifest = manifest

    def records(self, kind: str | None = None) -> Iterator[Record]:
        """Yield the records of one table, or of all. A record may appear twice after a crash."""
        unsealed = self.unsealed_records()
        for name in KINDS if kind is None else (kind,):
            for path in self.segments(name):
                yield from read_segment(path, name)
        yield from (record for record in unsealed if kind is None or kind_of(record) == kind)


class RunWriter(Run):
    """The one writer of a run folder.

    Raises:
        LockedError: Another process writes this run.
    """

    def __init__(self, path: Path) -> None:
        self._lock = Lock(path)
        try:
            super().__init__(path)
            self._check_segments()
            self._records: dict[str, dict[tuple[Any, ...], Record]] = {kind: {} for kind in KINDS}
            for record in self.records():
                self._records[kind_of(record)].setdefault(key_of(record), record)
            self._sealed = {kind: self._sealed_keys(kind) for kind in KINDS}
            number = self.manifest.sealed_journals + 1
            self._journal = Journal(path / f"journal-{number:04d}.jsonl")
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
            (path / "segments").mkdir(parents=True)
            write_manifest(
                path,
                Manifest.model_validate(
                    {
                        "format": FORMAT,
                        "run": path.name,
                        "suite": suite,
                        "state": State.RUNNING,
                        "sealed_journals": 0,
                        "segments": (),
                        "engines": (),
                        "created": start.isoformat(timespec="microseconds"),
                        **facts,
                    }
                ),
            )
        except OSError as error:
            raise StorageError(f"the run cannot be created ({error.strerror})", where=str(path)) from error
        return cls(path)

    def append(self, record: Record) -> bool:
        """Store a record. Return False if a record of the same key is stored already."""
        records = self._records[kind_of(record)]
        key = key_of(record)
        if key in records:
            return False
        self._journal.append(record)
        records[key] = record
        return True

    def get(self, kind: str, key: tuple[Any, ...]) -> Record | None:
        """Return the record of that key, or None."""
        return self._records[kind].get(key)

    def table(self, kind: str) -> list[Record]:
        """Return all records of one table, in the order in which they were stored."""
        return list(self._records[kind].values())

    def update(self, **facts: Any) -> None:
        """Write facts into the manifest."""
        self.manifest = self.manifest.replace(**facts)
        write_manifest(self.path, self.manifest)

    def seal(self, state: State, **facts: Any) -> None:
        """Turn the journal into segments and start a new one.

        Args:
            state: Sealed if the run is complete, stopped if an engine only failed, else interrupted.
            facts: Further facts for the manifest.
        """
        self._journal.sync()
        number = self.manifest.sealed_journals + 1
        segments = []
        for kind, records in self._records.items():
            new_records = [record for key, record in records.items() if key not in self._sealed[kind]]
            if new_records:
                path = self.path / "segments" / f"{number:04d}-{kind}.parquet"
                sha256 = write_segment(path, kind, new_records)
                name = str(path.relative_to(self.path))
                segments.append(Segment(path=name, kind=kind, rows=len(new_records), sha256=sha256))
        self.update(
            **facts,
            state=state,
            sealed=datetime.now(UTC).isoformat(timespec="seconds"),
            sealed_journals=number,
            segments=(*self.manifest.segments, *segments),
        )
        self._journal.close()
        self._journal.path.unlink(missing_ok=True)
        self._sealed = {kind: set(records) for kind, records in self._records.items()}
        self._journal = Journal(self.path / f"journal-{number + 1:04d}.jsonl")

    def close(self) -> None:
        """Close the journal, remove it if it is empty, and release the lock."""
        try:
            self._journal.close()
            if self._journal.path.exists() and not self._journal.path.stat().st_size:
                self._journal.path.unlink()
        finally:
            self._lock.release()

    def _check_segments(self) -> None:
        """Refuse to resume from a segment whose content has changed."""
        for part in self.manifest.segments:
            path = self.path / part.path
            if not path.is_file() or file_sha256(path) != part.sha256:
                fix = "run `evalhub verify` on the run"
                raise StorageError("the segment is corrupt", where=str(path), fix=fix)

    def _sealed_keys(self, kind: str) -> set[tuple[Any, ...]]:
        return {key_of(record) for path in self.segments(kind) for record in read_segment(path, kind)}
