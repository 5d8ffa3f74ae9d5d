"""Starts a child process of an engine, and talks with it without ever blocking on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalhub.engines.wire import Lines, encode

_BLOCK = 1 << 18
_PIPE = 1 << 20
_END_SECONDS = 5.0
_KEPT_LOGS = 20
_ROOT = Path(__file__).resolve().parents[2]


class Process:
    """One child, its two pipes and its log.

    Args:
        log: File that takes what the child prints.
        environment: Variables besides this process's own.

    Linux ends the child with the thread that starts it: start it in one that lives as long.
    """

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self.closed = False
        self._lines = Lines()
        self._unsent = bytearray()
        child_read, self._write_fd = os.pipe()
        self._read_fd, child_write = os.pipe()
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        descriptors = (child_read, child_write)
        arguments = [str(number) for number in (*descriptors, os.getpid())]
        try:
            with log.open("ab") as out:
                self._child = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "evalhub.engines.child",
                        *arguments,
                    ],
                    env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    pass_fds=descriptors,
                    start_new_session=True,
                )
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for descriptor in (self._write_fd, self._read_fd):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message. It leaves as soon as the pipe takes it."""
        self._unsent += encode(message)

    def exchange(self, seconds: float) -> list[dict[str, Any]]:
        """Send queued bytes and return the messages received, after at most so many seconds."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        if self._unsent:
            poll.register(self._write_fd, select.POLLOUT)
        ready = dict(poll.poll(seconds * 1000))
        if self._write_fd in ready:
            self._flush()
        return self._receive() if self._read_fd in ready else []

    def end(self) -> str:
        """End the child and all processes that it started. Return how the child ended."""
        for descriptor in (self._write_fd, self._read_fd):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._write_fd = self._read_fd = -1
        self.closed = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(_END_SECONDS)
        self.kill()
        return _ending(self._child.wait())

    def kill(self) -> None:
        """Kill the child and all processes that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines that the child printed."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 16)))
            return b"\n".join(file.read().splitlines()[-lines:]).decode("utf-8", "replace")
        return ""

    def _flush(self) -> None:
        try:
            del self._unsent[: os.write(self._write_fd, self._unsent[:_BLOCK])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent.clear()

    def _receive(self) -> list[dict[str, Any]]:
        try:
            data = os.read(self._read_fd, _BLOCK)
        except BlockingIOError:
            return []
        self.closed = not data
        return self._lines.feed(data)


def _ending(code: int) -> str:
    """Say how a process ended.

    >>> _ending(-9), _ending(1)
    ('signal SIGKILL', 'exit code 1')
    """
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def last_words(process: Process) -> str:
    """Return the last line that a child printed."""
    lines = [line.strip() for line in process.log_tail().splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was logged"


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def new_log(folder: Path, model: str) -> Path:
    """Return a fresh file name for a child's log, in a folder that keeps the newest few."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"), key=_changed, reverse=True)[_KEPT_LOGS:]:
        old.unlink(missing_ok=True)
    name = "".join(char if char.isalnum() else "-" for char in model)[:60]
    return folder / f"{name}-{os.getpid()}-{time.monotonic_ns()}.log"
