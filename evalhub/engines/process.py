"""Starts a child process of an engine, and talks with it without ever blocking on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from evalhub.engines.wire import Lines, encode
from evalhub.errors import EngineError
from evalhub.forks import ForkServer

_BLOCK = 1 << 18
_PIPE = 1 << 20
_END_SECONDS = 5.0
_KEPT_LOGS = 20


class Process:
    """One child, its two pipes and its log.

    Args:
        log: File that takes what the child prints.
        environment: Variables besides this process's own.
        preload: What the child has already imported, as `package.module:function`. None = nothing.

    Raises:
        EngineError: The child cannot start.
    """

    def __init__(self, log: Path, environment: Mapping[str, str], preload: str | None = None) -> None:
        self.log = log
        self.closed = False
        self._lines = Lines()
        self._unsent = bytearray()
        child_read, self._write_fd = os.pipe()
        self._read_fd, child_write = os.pipe()
        try:
            server = _server(preload, tuple(environment.items()))
            self._fork = server.start({}, log, [child_read, child_write])
        except ChildProcessError as error:
            os.close(self._read_fd)
            os.close(self._write_fd)
            raise EngineError("the engine cannot start", where=str(log), value=str(error)) from error
        finally:
            for descriptor in (child_read, child_write):
                os.close(descriptor)
        for descriptor in (self._write_fd, self._read_fd):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._fork.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message. It leaves as soon as the pipe takes it."""
        self._unsent += encode(message)

    def exchange(self, seconds: float) -> list[dict[str, Any]]:
        """Send queued bytes and return the messages received, after at most so many seconds."""
        poll = select.poll()
        self.register(poll)
        ready = dict(poll.poll(seconds * 1000))
        if self._write_fd in ready:
            self._flush()
        return self._receive() if self._read_fd in ready else []

    def register(self, poll: select.poll) -> None:
        """Have a poll report when this process has messages or takes more bytes."""
        poll.register(self._read_fd, select.POLLIN)
        if self._unsent:
            poll.register(self._write_fd, select.POLLOUT)

    def end(self) -> str:
        """End the child and all processes that it started. Return how the child ended."""
        for descriptor in (self._write_fd, self._read_fd):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._write_fd = self._read_fd = -1
        self.closed = True
        try:
            with contextlib.suppress(TimeoutError):
                self._fork.wait(_END_SECONDS)
            self.kill()
            return _ending(self._fork.wait())
        except ChildProcessError:
            return "the process that starts engines ended"
        finally:
            self._fork.close()

    def kill(self) -> None:
        """Kill the child and all processes that it started."""
        self._fork.kill()

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


def wait_for(processes: Iterable[Process], seconds: float) -> float:
    """Wait until one of some processes has messages or takes bytes, and return the seconds that it took."""
    start_time = time.monotonic()
    poll = select.poll()
    for process in processes:
        process.register(poll)
    poll.poll(seconds * 1000)
    return time.monotonic() - start_time


@cache
def _server(preload: str | None, environment: tuple[tuple[str, str], ...]) -> ForkServer:
    """Return the server of all engines with the same imports and variables."""
    preloads = ["evalhub.engines.child", *filter(None, [preload])]
    return ForkServer("evalhub.engines.child:serve", preloads, dict(environment))


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
