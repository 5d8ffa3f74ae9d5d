"""A process that imports modules and forks a child for each job, so that a command pays for imports once.

Run as `python -m evalhub.forks.server SOCKET TARGET PRELOADS`. Each byte on the socket brings open files: the
pipe that takes the child's process id and later its exit code, the child's log, the job in JSON, and what the
job itself needs. The server and its children end with the other end of the socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

_MOST_FILES = 8
_PR_SET_PDEATHSIG = 1


class Server:
    """Takes jobs from a socket, and reports how their children end.

    Args:
        jobs: The socket.
        target: Module and function that do a job in its child, as `package.module:function`. The function
            takes the job and the descriptors of its files.
    """

    def __init__(self, jobs: socket.socket, target: str) -> None:
        self._jobs = jobs
        self._target = target
        self._reports: dict[int, int] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Start children until the other end of the socket is closed."""
        poll = select.poll()
        poll.register(self._jobs, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._wake_read in ready:
                os.read(self._wake_read, 1024)
                self._reap()
            if self._jobs.fileno() in ready:
                message, files, _, _ = socket.recv_fds(self._jobs, 1, _MOST_FILES)
                if not message:
                    return
                self._start(files)

    def _start(self, files: Sequence[int]) -> None:
        report, *files_of_child = files
        server = os.getpid()
        process = os.fork()
        if not process:
            os.close(report)
            self._do(files_of_child, server)
        # The child does the same. Whoever comes first, the group exists when the process id is known.
        with contextlib.suppress(OSError):
            os.setpgid(process, process)
        for descriptor in files_of_child:
            os.close(descriptor)
        self._reports[process] = report
        self._tell(report, process)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if not process:
                    return
                report = self._reports.pop(process)
                self._tell(report, os.waitstatus_to_exitcode(status))
                os.close(report)

    @staticmethod
    def _tell(report: int, number: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(report, number.to_bytes(4, "little", signed=True))

    def _do(self, files: Sequence[int], server: int) -> NoReturn:
        """Do a job in this process, cut off from the server's files, and end."""
        code = 1
        log, message, *files_of_job = files
        try:
            self._detach(log, server)
            with os.fdopen(message) as file:
                request = json.load(file)
            os.environ.clear()
            os.environ.update(request["environment"])
            sys.path[:] = request["path"]
            module, _, function = self._target.partition(":")
            getattr(import_module(module), function)(request["job"], files_of_job)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)

    def _detach(self, log: int, server: int) -> None:
        """Lead a process group that ends with the server, and print into the log."""
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != server:
            os._exit(1)
        for descriptor in (self._wake_read, self._wake_write, *self._reports.values()):
            os.close(descriptor)
        self._jobs.close()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)


def preload(names: Iterable[str]) -> None:
    """Import modules, and call functions that are named as `package.module:function`.

    What fails here fails again in the child, which reports it.
    """
    for name in names:
        module, _, function = name.partition(":")
        with contextlib.suppress(Exception):
            loaded: Any = import_module(module)
            if function:
                getattr(loaded, function)()
    gc.freeze()


def main(arguments: Sequence[str]) -> None:
    """Serve the socket, the target and the preloads that are given."""
    descriptor, target, *preloads = arguments
    jobs = socket.socket(fileno=int(descriptor))
    jobs.set_inheritable(False)
    preload(preloads)
    Server(jobs, target).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
