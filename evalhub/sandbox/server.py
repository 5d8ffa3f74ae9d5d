"""A process that starts a confined process for each card, so that a command pays for its imports once.

Each line of its standard input is a job. Each line of its standard output is the exit code of the process
that did the job: 0, a crash's code, or the negative number of the signal that ended it. The server ends with
its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from evalhub.sandbox import child

LOG = "log.txt"


def serve() -> None:
    """Do one job after another."""
    import duckdb  # noqa: F401  what takes most of the time of a start

    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        process = os.fork()
        if not process:
            _do(job)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _do(job: dict[str, Any]) -> NoReturn:
    """Do a job in this process, cut off from the server's pipes, and end."""
    code = 1
    try:
        _redirect(Path(job["folder"]) / LOG)
        sys.path[:] = job["path"]
        child.do_job(job)
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _redirect(log: Path) -> None:
    source = os.open(os.devnull, os.O_RDONLY)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, number in ((source, 0), (target, 1), (target, 2)):
        os.dup2(descriptor, number)


if __name__ == "__main__":
    serve()
