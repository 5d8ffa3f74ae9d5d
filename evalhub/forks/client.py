"""This process's side of a fork server: it starts children that need not import what they use."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_ROOT = str(Path(__file__).resolve().parents[2])


class Fork:
    """A child that a fork server started. It leads a process group of its own.

    Args:
        report: Descriptor of the pipe that brings its process id and then its exit code.
        errors: What the server prints.

    Raises:
        ChildProcessError: The server ended. Its text is the last line that the server printed.
    """

    def __init__(self, report: int, errors: IO[bytes]) -> None:
        self._files: tuple[int, ...] = (report, os.dup(errors.fileno()))
        self._code: int | None = None
        try:
            self.pid = self._read(None)
        except BaseException:
            self._close_files()
            raise

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code: 0, a crash's code, or the negative number of the signal that ended it.

        Args:
            seconds: After which the wait is given up. None waits for ever.

        Raises:
            TimeoutError: The child still runs.
            ChildProcessError: The server ended, and the child with it.
        """
        if self._code is None:
            self._code = self._read(seconds)
        return self._code

    def close(self) -> None:
        """Kill what is left of the child."""
        self.kill()
        self._close_files()

    def kill(self) -> None:
        """Kill the child and all processes that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self, seconds: float | None) -> int:
        report, errors = self._files
        poll = select.poll()
        poll.register(report, select.POLLIN)
        if not poll.poll(None if seconds is None else 1000 * seconds):
            raise TimeoutError
        if number := os.read(report, 4):
            return int.from_bytes(number, "little", signed=True)
        text = os.pread(errors, 1 << 16, 0).decode("utf-8", "replace")
        raise ChildProcessError(text.strip().rpartition("\n")[2])

    def _close_files(self) -> None:
        files, self._files = self._files, ()
        for descriptor in files:
            os.close(descriptor)


class ForkServer:
    """Starts `evalhub.forks.server` when a job needs it, also again after it ended.

    Args:
        target: Module and function that do a job, as `package.module:function`.
        preloads: Modules that the server imports, and functions of modules that it calls.
        environment: Variables that the server is started with, besides this process's own.
    """

    def __init__(
        self, target: str, preloads: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._arguments = (target, *preloads)
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forget)

    def start(self, job: Mapping[str, Any], log: Path, files: Sequence[int] = ()) -> Fork:
        """Start a child that does a job. It has this process's variables and module path as they are now.

        Args:
            job: Plain values that the target takes.
            log: File to which the child's output is appended.
            files: Descriptors that the target takes. They stay open here.

        Raises:
            ChildProcessError: The server cannot start. Its text is the last line that the server printed.
        """
        request = {
            "job": job,
            "environment": {**os.environ, **self._environment},
            "path": [_ROOT, *(part for part in sys.path if part not in ("", _ROOT, str(Path.cwd())))],
        }
        report, report_of_server = os.pipe()
        try:
            with self._lock, log.open("ab") as output, contextlib.suppress(ConnectionError):
                server = self._running()
                # Variables may hold secrets, so they go through a pipe and touch no disk.
                source, target = os.pipe()
                with os.fdopen(target, "w", encoding="utf-8") as message:
                    try:
                        socket.send_fds(server, [b"."], [report_of_server, output.fileno(), source, *files])
                    finally:
                        os.close(source)
                    json.dump(request, message)
        except BaseException:
            os.close(report)
            raise
        finally:
            os.close(report_of_server)
        return Fork(report, self._errors)

    def stop(self) -> None:
        """End the server and its children."""
        process, self._process = self._process, None
        if process is None:
            return
        self._socket.close()
        process.kill()
        process.wait()
        self._errors.close()

    def _running(self) -> socket.socket:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._start()
        return self._socket

    def _start(self) -> None:
        self._socket, socket_of_server = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the server
        path = [_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        descriptor = socket_of_server.fileno()
        with socket_of_server:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "evalhub.forks.server", str(descriptor), *self._arguments],
                env={**os.environ, **self._environment, "PYTHONPATH": os.pathsep.join(path)},
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=[descriptor],
                start_new_session=True,
            )

    def _forget(self) -> None:
        """In a fork of this process, leave the server to the process that started it."""
        self._lock = threading.Lock()
        if self._process:
            self._process.returncode = 0  # so that nothing waits for what is no child of the fork
            self._socket.close()
        self._process = None
