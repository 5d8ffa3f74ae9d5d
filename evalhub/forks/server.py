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
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

_MOST_FILES = 8
_PR_SET_PDEATHSIG = 1


def serve(jobs: socket.socket, target: str) -> None:
    """Start children until the other end of a socket is closed.

    Args:
        jobs: The socket.
        target: Module and function that do a job in its child, as `package.module:function`. The function
            takes the job and the descriptors of its files.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch the children
    server = os.getpid()
    while True:
        message, files, _, _ = socket.recv_fds(jobs, 1, _MOST_FILES)
        if not message:
            return
        if not os.fork():
            jobs.close()
            _end_with(server)
            _watch(target, *files)
        _close(files)


def _watch(target: str, report: int, *files: int) -> NoReturn:
    """Start the child of a job, report its process id, wait for it, and report its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    watcher = os.getpid()
    child = os.fork()
    if not child:
        os.close(report)
        _do(target, watcher, *files)
    # The child does the same. Whoever comes first, the group exists when the process id is known.
    _lead_group(child)
    _close(files)
    _write(report, child)
    _write(report, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)


def _write(report: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(report, number.to_bytes(4, "little", signed=True))


def _do(target: str, watcher: int, log: int, request: int, *files: int) -> NoReturn:
    """Do a job in this process and end. What it prints goes into the log."""
    code = 1
    try:
        _lead_group(0)
        _end_with(watcher)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        with os.fdopen(request) as file:
            values = json.load(file)
        os.environ.clear()
        os.environ.update(values["environment"])
        sys.path[:] = values["path"]
        _named(target)(values["job"], files)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _lead_group(process: int) -> None:
    with contextlib.suppress(OSError):
        os.setpgid(process, process)


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _close(files: Iterable[int]) -> None:
    for descriptor in files:
        os.close(descriptor)


def _named(name: str) -> Any:
    """Return a module, or the function of it that `package.module:function` names."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function) if function else import_module(module)


def main(arguments: Sequence[str]) -> None:
    """Import the modules and call the functions that are to be preloaded, then serve the socket."""
    descriptor, target, *preloads = arguments
    jobs = socket.socket(fileno=int(descriptor))
    jobs.set_inheritable(False)
    for name in preloads:
        with contextlib.suppress(Exception):  # it fails again in the child, which reports it
            loaded = _named(name)
            if ":" in name:
                loaded()
    gc.freeze()
    serve(jobs, target)


if __name__ == "__main__":
    main(sys.argv[1:])
