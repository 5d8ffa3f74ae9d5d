"""The journal: one finished record per line, each with a checksum, synced in groups.

A process may be killed at any moment: whatever follows the last whole line is cut off when the journal is
opened again.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic_core import from_json, to_json

from evalhub.errors import StorageError
from evalhub.records import Record, from_dict, kind_of, open_line, seal_line, to_dict

SYNC_SECONDS = 0.2
"""A power cut loses at most the records of so many seconds."""


def encode(record: Record) -> bytes:
    """Return a record as one line of a journal.

    Raises:
        ValueError: One of its numbers is not finite.
    """
    values = to_dict(record)
    body = to_json({"kind": kind_of(record), "record": values})
    if b"NaN" in body or b"Infinity" in body:  # most often in a text
        _refuse_infinite(values)
    return seal_line(body)


def _refuse_infinite(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            numbers: Iterable[Any] = value.values()
        else:
            numbers = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
            raise ValueError(f"{name} is not finite: {value}")


def decode(line: bytes) -> Record | None:
    """Return the record of one line. None if the line is torn or damaged."""
    body = open_line(line)
    if body is None:
        return None
    values = from_json(body)
    return from_dict(values["kind"], values["record"])


def read_journal(path: Path) -> Iterator[Record]:
    """Yield the records of a journal. Torn and damaged lines are skipped."""
    with path.open("rb") as file:
        for line in file:
            if (record := decode(line)) is not None:
                yield record


class Journal:
    """An open journal. It has one writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._size = _cut_torn_tail(self._file, path)
        except OSError as error:
            raise _storage_error(error, path) from error
        self._unwritten: list[bytes] = []
        self._synced_at = time.monotonic()

    def append(self, record: Record) -> None:
        """Write one record.

        Raises:
            StorageError: The disk is full or refuses. Earlier records stay whole.
        """
        self.add(record)
        self.write()

    def add(self, record: Record) -> None:
        """Have a record written by the next `write`. Records that belong together cost one write."""
        self._unwritten.append(encode(record))

    def write(self) -> None:
        """Write the records that were added.

        Raises:
            StorageError: The disk is full or refuses. Records that were written earlier stay whole.
        """
        if not self._unwritten:
            return
        lines = b"".join(self._unwritten)
        self._unwritten.clear()
        try:
            self._write_all(lines)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
            raise _storage_error(error, self.path) from error
        self._size += len(lines)
        if time.monotonic() - self._synced_at > SYNC_SECONDS:
            self.sync()

    def _write_all(self, lines: bytes) -> None:
        """Write lines, of which one call takes 2 GiB at most."""
        remaining = memoryview(lines)
        while remaining:
            size = os.write(self._file, remaining)
            if not size:
                raise OSError(errno.ENOSPC, "the disk is full")
            remaining = remaining[size:]

    def read(self) -> Iterator[Record]:
        """Yield the records that the journal had when it was opened, and those since."""
        yield from read_journal(self.path)

    def sync(self) -> None:
        """Make all records so far survive a power cut."""
        self.write()
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise _storage_error(error, self.path) from error
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Sync and close."""
        if self._file >= 0:
            try:
                self.sync()
            finally:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cut_torn_tail(file: int, path: Path) -> int:
    """Cut off whatever follows the last whole line, and return the new size in bytes."""
    valid_end = end = 0
    with path.open("rb") as lines:
        for line in lines:
            end += len(line)
            if decode(line) is not None:
                valid_end = end
    os.ftruncate(file, valid_end)
    os.lseek(file, valid_end, os.SEEK_SET)
    return valid_end


def _storage_error(error: OSError, path: Path) -> StorageError:
    return StorageError(
        f"the journal cannot be written ({error.strerror or error})",
        where=str(path),
        fix="free some room and repeat the command: finished work is kept",
    )
