"""The one writer of a part: shards that are open have a journal, shards that are sealed never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.errors import StorageError
from evalhub.records import KINDS, Record, key_of, kind_of
from evalhub.store.journal import Journal
from evalhub.store.parquet import read_column, read_records, write_records
from evalhub.store.parts import (
    PartFacts,
    PartRecord,
    Shard,
    Step,
    StoredFile,
    read_part,
    write_part,
)

Records = Mapping[str, dict[tuple[Any, ...], Record]]
"""Records by table and key."""


class ShardWriter:
    """An open shard: its records are in memory and in a journal until it is sealed.

    Attributes:
        part: The part.
        number: The shard's number, from 1.
        sealed: Whether it is closed, and its records are in files.
    """

    def __init__(self, part: PartWriter, number: int) -> None:
        self.number = number
        self.sealed = False
        self._jobs = 0
        self.part = part
        self._journal = Journal(part.folder / journal_name(number))
        self._records = _by_table(self._journal.read())

    def append(self, record: Record) -> bool:
        """Store a record. Return False if a record of the same key is stored already.

        Raises:
            StorageError: The disk is full or refuses. Earlier records stay whole.
        """
        is_new = self.add(record)
        self.write()
        return is_new

    def add(self, record: Record) -> bool:
        """Have a record stored by the next `write`. Return False if one of the same key is stored already.

        A record that is added is found by `get`. Records that belong together cost one write.
        """
        records = self._records[kind_of(record)]
        key = key_of(record)
        if key in records:
            return False
        self._journal.add(record)
        records[key] = record
        return True

    def write(self) -> None:
        """Write the records that were added to the journal, so that they outlive this process.

        Raises:
            StorageError: The disk is full or refuses. Records that were written earlier stay whole.
        """
        self._journal.write()

    def get(self, kind: str, key: tuple[Any, ...]) -> Record | None:
        """Return the record of that key, or None."""
        return self._records[kind].get(key)

    def end_job(self) -> None:
        """Count a job whose records are stored. The last one that the part expects seals the shard."""
        self._jobs += 1
        if self._jobs == self.part.expected_jobs.get(self.number):
            self.seal()

    def records(self, kind: str) -> list[Record]:
        """Return the records of one table, in the order in which they were stored."""
        return list(self._records[kind].values())

    def seal(self) -> None:
        """Turn the journal into files that never change. The shard is then closed.

        Raises:
            StorageError: The disk is full or refuses. The journal stays.
        """
        self.part.store_shard(self.number, self.sync())
        self.discard()

    def sync(self) -> Records:
        """Make all records survive a power cut, and return them by table and key."""
        self._journal.sync()
        return self._records

    def discard(self) -> None:
        """Remove the journal. The records are in files."""
        self.sealed = True
        self._journal.close()
        self._journal.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal, and remove it if it is empty."""
        self._journal.close()
        path = self._journal.path
        if path.exists() and not path.stat().st_size:
            path.unlink()


class PartWriter:
    """A part that is being made. It goes on where an earlier session stopped.

    Args:
        folder: The part's folder.
        run: The run that makes it.
        step: The step.
        engine: The hash of the identity of the engine that makes its completions.

    Attributes:
        open_shards: The shards that are not sealed, by number.
        expected_jobs: The number of jobs after which a shard is sealed. Others are sealed with the part.

    Raises:
        StorageError: The folder cannot be written, or its record is damaged.
    """

    def __init__(self, folder: Path, run: str, step: Step, engine: str | None = None) -> None:
        self.folder = folder
        self.open_shards: dict[int, ShardWriter] = {}
        self.expected_jobs: dict[int, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the part cannot be made ({error.strerror})", where=str(folder)) from error
        if (folder / "part.json").is_file():
            self.record = read_part(folder)
        else:
            self.record = PartRecord(run=run, step=step, engine=engine)
            write_part(folder, self.record)
        self._sealed = {shard.number for shard in self.record.shards}
        for journal in sorted(folder.glob("*.jsonl")):
            number = int(journal.stem)
            if self.is_sealed(number):
                journal.unlink()  # an earlier session was killed just before it did this
            else:
                self.shard(number)

    @property
    def step(self) -> Step:
        """The step that makes the part."""
        return self.record.step

    def is_sealed(self, number: int) -> bool:
        """Return whether a shard is sealed."""
        return number in self._sealed

    def expect_jobs(self, number: int, count: int) -> None:
        """Have a shard sealed as soon as so many jobs of this session have ended."""
        self.expected_jobs[number] = count

    def shard(self, number: int) -> ShardWriter:
        """Return an open shard, with the records of its journal.

        Raises:
            ValueError: The shard is sealed.
        """
        if number not in self.open_shards:
            if self.is_sealed(number):
                raise ValueError(f"shard {number} of {self.folder.name} is sealed")
            self.open_shards[number] = ShardWriter(self, number)
        return self.open_shards[number]

    def get(self, kind: str, key: tuple[Any, ...]) -> Record | None:
        """Return the record of that key, if an open shard has it."""
        for shard in self.open_shards.values():
            if (record := shard.get(kind, key)) is not None:
                return record
        return None

    def write_shard(self, number: int, records: Iterable[Record]) -> None:
        """Seal a shard without a journal, for records that are at hand together."""
        self.store_shard(number, _by_table(records))

    def store_shard(self, number: int, records: Records) -> None:
        """Write the files of a shard and enter it in the part's record."""
        shard = self._write_files(number, records)
        self._replace(shards=_in_order([*self.record.shards, shard]))
        self.open_shards.pop(number, None)

    def reopen(self) -> None:
        """Open the shards that are sealed. Their records are in journals again."""
        for shard in self.record.shards:
            paths = [(file.kind, self.folder / file.name) for file in shard.files]
            records = [record for kind, path in paths for record in read_records(path, kind)]
            journal = ShardWriter(self, shard.number)
            for record in records:
                journal.append(record)
            journal.sync()
            self._replace(shards=tuple(sealed for sealed in self.record.shards if sealed != shard))
            self.open_shards[shard.number] = journal
            for _, path in paths:
                path.unlink(missing_ok=True)

    def _write_files(self, number: int, records: Records) -> Shard:
        files = []
        for kind, by_key in records.items():
            if by_key:
                name = f"{number:04d}-{kind}.parquet"
                sha256 = write_records(self.folder / name, kind, list(by_key.values()))
                files.append(StoredFile(name=name, kind=kind, rows=len(by_key), sha256=sha256))
        return Shard(number=number, files=tuple(files))

    def sealed_files(self, kind: str) -> list[Path]:
        """Return the files of one table, by shard."""
        return [
            self.folder / file.name
            for shard in self.record.shards
            for file in shard.files
            if file.kind == kind
        ]

    def count_failures(self, kind: str) -> Counter[str | None]:
        """Return how many records have each failure. None stands for those without."""
        failures: Counter[str | None] = Counter()
        for path in self.sealed_files(kind):
            failures.update(read_column(path, "failure"))
        for record in self.open_records(kind):
            failures[getattr(record, "failure", None)] += 1
        return failures

    def records(self, kind: str) -> Iterator[Record]:
        """Yield the records of one table, those of sealed shards first."""
        for path in self.sealed_files(kind):
            yield from read_records(path, kind)
        yield from self.open_records(kind)

    def open_records(self, kind: str) -> Iterator[Record]:
        """Yield the records of one table that are not sealed."""
        for _, shard in sorted(self.open_shards.items()):
            yield from shard.records(kind)

    def finish(self, facts: PartFacts) -> PartRecord:
        """Seal all shards and enter the facts. The folder never changes afterwards."""
        open_shards = list(self.open_shards.values())
        shards = [self._write_files(shard.number, shard.sync()) for shard in open_shards]
        self._replace(shards=_in_order([*self.record.shards, *shards]), facts=facts, complete=True)
        for shard in open_shards:
            shard.discard()
        self.open_shards.clear()
        return self.record

    def close(self) -> None:
        """Close the journals of all open shards."""
        for shard in self.open_shards.values():
            shard.close()

    def _replace(self, **values: Any) -> None:
        self.record = self.record.model_copy(update=values)
        write_part(self.folder, self.record)
        self._sealed = {shard.number for shard in self.record.shards}


def _by_table(records: Iterable[Record]) -> Records:
    """Return records by table and key. Of two with one key the first counts."""
    tables: Records = {kind: {} for kind in KINDS}
    for record in records:
        tables[kind_of(record)].setdefault(key_of(record), record)
    return tables


def _in_order(shards: Iterable[Shard]) -> tuple[Shard, ...]:
    return tuple(sorted(shards, key=lambda shard: shard.number))


def journal_name(number: int) -> str:
    """Return the name of the journal of an open shard."""
    return f"{number:04d}.jsonl"
