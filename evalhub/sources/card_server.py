"""This process's side of the server that does the jobs of cards."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from typing import Any


class CardServer:
    """Starts `evalhub.sandbox.server` when a job needs it, also again after it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forget)

    def run(self, job: dict[str, Any], seconds: float) -> int:
        """Have a job done in a process of its own.

        Args:
            job: What `evalhub.sandbox.child.work` reads.
            seconds: Wall time after which that process is killed.

        Returns:
            That process's exit code: 0, a crash's code, or the negative number of the signal that ended it.

        Raises:
            TimeoutError: The job takes longer than that.
            ChildProcessError: The server itself ended. Its text is the last line that the server printed.
        """
        line = json.dumps({**job, "path": [part for part in sys.path if part]})
        with self._lock:
            try:
                return self._exchange(self._running(), line, seconds)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End the server and what it does."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError), process:
            pass

    def _exchange(self, process: subprocess.Popen[str], line: str, seconds: float) -> int:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        if not select.select([process.stdout], [], [], seconds)[0]:
            raise TimeoutError
        code = process.stdout.readline()
        if code:
            return int(code)
        raise ChildProcessError(process.stderr.read().strip().rpartition("\n")[2])

    def _running(self) -> subprocess.Popen[str]:
        if self._process and self._process.poll() is None:
            return self._process
        self.stop()
        return self._start()

    def _start(self) -> subprocess.Popen[str]:
        search_path = os.pathsep.join(part for part in sys.path if part)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "evalhub.sandbox.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "TZ": "UTC", "PYTHONUTF8": "1", "PYTHONPATH": search_path},
            start_new_session=True,
        )
        return self._process

    def _forget(self) -> None:
        """In a fork, leave the server to the process that started it."""
        self._lock = threading.Lock()
        if self._process:
            self._process.returncode = 0  # so that nothing waits for what is no child of the fork
        self._process = None
