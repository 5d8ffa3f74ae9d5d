"""One writer per run."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from evalhub.errors import LockedError, StorageError

# The holder writes its name just after it has the lock. Until then the file names the holder before it.
_NAMING_SECONDS = 0.1


class Lock:
    """A lock for writing a run folder, held until `release` or until the process ends.

    Raises:
        LockedError: Another process holds the lock. The message has its pid and host.
        StorageError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(f"the run cannot be locked ({error.strerror})", where=str(path)) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            time.sleep(_NAMING_SECONDS)
            holder = os.read(self._file, 400).decode("utf-8", "replace").strip()
            os.close(self._file)
            raise LockedError(
                f"this run is being written by {holder or 'another process'}",
                where=str(folder),
                fix="wait for it, or stop it first",
            ) from error
        with suppress(OSError):  # a full disk costs the name, not the lock
            os.ftruncate(self._file, 0)
            os.write(self._file, f"pid {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Let other processes write."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
