"""The ledger of batches: what was submitted to a server, so that a later session collects it.

A line is written and synced before what it announces is done. The lines of one batch share a token, which
the batch carries on the server too:

    intent   the batch is about to be submitted: the keys of its requests, and the form they are asked in
    file     the requests are on the server, as a file of this id
    batch    the server has taken the batch under this id
    release  these keys got no answer, or the batch was never submitted: they may be asked anew

A key that an intent names, and that no line releases, is never submitted again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from evalhub.errors import StorageError
from evalhub.files import sync
from evalhub.records import open_line, seal_line

TOKEN_BYTES = 12


@dataclass(slots=True, eq=False)
class Submission:
    """A batch as the ledger knows it.

    Attributes:
        token: Its name on this side, which no other batch has.
        keys: The keys of the completions that it was submitted for, in its order.
        form: The form of its requests, as plain values.
        time: The time of its intent, in seconds since 1970.
        file: The id of the server's file of requests.
        batch: The id of the server. None = not known to be submitted.
        open_keys: The keys that are not released.
    """

    token: str
    keys: tuple[str, ...]
    form: Mapping[str, Any]
    time: float
    file: str | None = None
    batch: str | None = None
    open_keys: set[str] = field(default_factory=set)

    def custom_ids(self) -> dict[str, str]:
        """Return the id of each request on the server, by its key."""
        return {key: f"{self.token}-{number}" for number, key in enumerate(self.keys)}


class Ledger:
    """The ledger of one engine in one run. Safe in threads.

    Args:
        path: The file. It is made with its folder if need be.
        earlier: The ledgers of other runs. They are read alone.

    Raises:
        StorageError: A file cannot be read or written.
    """

    def __init__(self, path: Path, earlier: Sequence[Path] = ()) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._submissions: dict[str, Submission] = {}
        self._by_key: dict[str, Submission] = {}
        try:
            for ledger in earlier:
                if ledger != path:
                    self._read(ledger)
            self._tokens = self._read(path) if path.exists() else set()
            self._file = self._open()
        except OSError as error:
            raise self._storage_error(error) from error

    @property
    def batch_ids(self) -> Collection[str]:
        """The ids of all batches that the ledger knows."""
        with self._lock:
            return {submission.batch for submission in self._submissions.values() if submission.batch}

    def claim(self, key: str) -> Submission | None:
        """Return the batch that a key was submitted in and that may still answer it."""
        return self._by_key.get(key)

    def intend(self, keys: Sequence[str], form: Mapping[str, Any]) -> Submission:
        """Enter that a batch is about to be submitted.

        Raises:
            StorageError: The disk is full or refuses. Nothing may be submitted then.
        """
        submission = Submission(secrets.token_hex(TOKEN_BYTES), tuple(keys), form, time.time())
        self._write("intent", submission, time=submission.time, keys=submission.keys, form=form)
        return submission

    def adopt(self, submission: Submission) -> None:
        """Enter a batch that the ledger of another run has, so that this one is whole in itself.

        Raises:
            StorageError: The disk is full or refuses.
        """
        if submission.token not in self._tokens:
            self._write_lines(submission, [])

    def enter_file(self, submission: Submission, file: str) -> None:
        """Enter the file of a batch's requests.

        Raises:
            StorageError: The disk is full or refuses.
        """
        self._write("file", submission, id=file)

    def enter_batch(self, submission: Submission, batch: str) -> None:
        """Enter the id under which the server has taken a batch.

        Raises:
            StorageError: The disk is full or refuses.
        """
        self._write("batch", submission, id=batch)

    def release(self, submission: Submission, keys: Collection[str]) -> None:
        """Enter that the batch gives these keys no answer.

        Raises:
            StorageError: The disk is full or refuses.
        """
        if keys:
            self._write("release", submission, keys=sorted(keys))

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write(self, event: str, submission: Submission, **values: Any) -> None:
        self._write_lines(submission, [(event, values)])

    def _write_lines(self, submission: Submission, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        with self._lock:
            is_of_another = submission.token in self._submissions and submission.token not in self._tokens
            lines = [*(_retold(submission) if is_of_another else ()), *events]
            content = b"".join(_line(event, submission.token, values) for event, values in lines)
            try:
                size = os.fstat(self._file).st_size
                _write_all(self._file, content)
                os.fsync(self._file)
            except OSError as error:
                with contextlib.suppress(OSError):  # the line that follows must not begin in a torn one
                    os.ftruncate(self._file, size)
                raise self._storage_error(error) from error
            self._tokens.add(submission.token)
            for event, values in events:
                self._apply(event, submission, values)

    def _apply(self, event: str, submission: Submission, values: Mapping[str, Any]) -> None:
        if event == "intent":
            submission.open_keys = set(submission.keys)
            self._submissions[submission.token] = submission
            self._by_key.update(dict.fromkeys(submission.keys, submission))
        elif event == "file":
            submission.file = values["id"]
        elif event == "batch":
            submission.batch = values["id"]
        elif event == "release":
            submission.open_keys.difference_update(values["keys"])
            for key in values["keys"]:
                if self._by_key.get(key) is submission:
                    del self._by_key[key]

    def _read(self, path: Path) -> set[str]:
        """Apply the lines of a file, and return the tokens that it has intents of."""
        tokens = set()
        with path.open("rb") as file:
            for line in file:
                if (body := open_line(line)) is None:
                    continue
                values = from_json(body)
                event, token = values["event"], values["token"]
                submission = self._submissions.get(token)
                if event == "intent":
                    tokens.add(token)
                    if submission is None:
                        entry = Submission(token, tuple(values["keys"]), values["form"], values["time"])
                        self._apply(event, entry, values)
                elif submission is not None:
                    self._apply(event, submission, values)
        return tokens

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        # What follows a torn line begins a line of its own.
        if (size := os.fstat(file).st_size) and os.pread(file, 1, size - 1) != b"\n":
            _write_all(file, b"\n")
        for folder in (self.path.parent, self.path.parent.parent):
            sync(folder)
        return file

    def _storage_error(self, error: OSError) -> StorageError:
        return StorageError(
            f"the ledger of batches cannot be read or written ({error.strerror or error})",
            where=str(self.path),
            fix="free some room and repeat the command: what was submitted is found again",
        )


def _line(event: str, token: str, values: Mapping[str, Any]) -> bytes:
    return seal_line(to_json({"event": event, "token": token, **values}))


def _retold(submission: Submission) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the lines of a batch that another ledger has."""
    yield "intent", {"time": submission.time, "keys": submission.keys, "form": submission.form}
    if submission.file:
        yield "file", {"id": submission.file}
    if submission.batch:
        yield "batch", {"id": submission.batch}
    if released := sorted(set(submission.keys) - submission.open_keys):
        yield "release", {"keys": released}


def _write_all(file: int, lines: bytes) -> None:
    remaining = memoryview(lines)
    while remaining:
        remaining = remaining[os.write(file, remaining) :]
