"""A query of a user on a run, answered in a process that can do no harm."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis.run.query_child import ANSWER, ERRORS, REPLY, Cut
from evalhub.errors import EvalhubError, InputError
from evalhub.forks import Fork, ForkServer
from evalhub.texts import clean, count

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST = 100_000
"""Characters of a query at most."""

_PULSE = 0.25
_CHILD = "evalhub.analysis.run.query_child"
_ENVIRONMENT = {
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    # Allocators that reserve address space would make a limit of it meaningless.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_SERVER = ForkServer(
    f"{_CHILD}:do_job", [_CHILD, "duckdb", "pandas", "pyarrow:default_memory_pool"], _ENVIRONMENT
)


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of one query.

    Attributes:
        seconds: Wall time. The process is killed after it.
        memory: Memory that the process may take beyond its code, in bytes.
        rows: Rows of the answer.
        size: Size of the answer in Arrow's format, in bytes.
    """

    seconds: int = 10
    memory: int = 1 << 30
    rows: int = 10_000
    size: int = 32 << 20


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to a query.

    Attributes:
        table: Its rows. No two columns have the same name.
        cut: Which limit left rows out, if any did.
        seconds: Wall time that the answer took.
    """

    table: pa.Table
    cut: Cut
    seconds: float

    @property
    def truncated(self) -> bool:
        """Whether there are more rows than these."""
        return self.cut is not Cut.NOTHING


def run_query(
    path: Path, query: str, *, limits: QueryLimits | None = None, pulse: Callable[[], None] | None = None
) -> QueryResult:
    """Answer a query on the tables of a run, as `Results.sql` does, in a process of its own.

    The process reads the Parquet files of the run's tables, and no other file. It has no variables of this
    process, reaches no network, and writes nothing into the run. It ends with this process.

    Args:
        path: The run's folder.
        query: One SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW in DuckDB's SQL.
        limits: Limits of time, memory and answer.
        pulse: Is called several times a second while the query runs. What it raises ends the query.

    Raises:
        InputError: The query is refused, fails, would write, or exceeds a limit. A note of the error shows
            the place in the query, where DuckDB names one.
        StorageError: A file of the run is corrupt.
    """
    limits = limits or QueryLimits()
    _check_text(query)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evalhub-") as folder:
        job = {
            "folder": folder,
            "run": str(path.resolve()),
            "query": query,
            "seconds": limits.seconds,
            "memory": limits.memory,
            "rows": limits.rows,
            "size": limits.size,
        }
        reply = _ask(job, limits, pulse or _rest)
        table = _read(Path(folder) / ANSWER)
    return QueryResult(table, Cut(reply["cut"]), time.monotonic() - start)


def _check_text(query: str) -> None:
    if not query.strip():
        raise InputError("there is no query")
    if len(query) > LONGEST:
        raise InputError("the query is too long", value=len(query), allowed=f"{count(LONGEST)} characters")
    if query != clean(query):
        raise InputError("the query holds a NUL or a character that is not valid Unicode")


def _rest() -> None:
    """Do nothing."""


def _ask(job: dict[str, Any], limits: QueryLimits, pulse: Callable[[], None]) -> dict[str, Any]:
    folder = Path(job["folder"])
    try:
        with closing(_SERVER.start(job, folder / "log.txt")) as fork:
            code = _wait(fork, limits.seconds, pulse)
    except TimeoutError:
        code = -signal.SIGALRM
    except ChildProcessError as error:
        raise InputError("the process that answers queries cannot start", value=str(error)) from error
    if code == -signal.SIGALRM:
        raise InputError("the query takes too long", allowed=f"{limits.seconds} seconds")
    if code:
        raise InputError(
            "the process that answers the query ended early, perhaps beyond its "
            f"{limits.memory >> 20} MiB of memory",
            fix="let it read fewer columns or rows",
        )
    reply: dict[str, Any] = json.loads((folder / REPLY).read_bytes())
    if "error" in reply:
        raise _error(**reply["error"])
    return reply


def _wait(fork: Fork, seconds: float, pulse: Callable[[], None]) -> int:
    """Return the exit code of a child. TimeoutError where it takes longer."""
    end = time.monotonic() + seconds
    while True:
        try:
            return fork.wait(max(min(_PULSE, end - time.monotonic()), 0))
        except TimeoutError:
            if time.monotonic() >= end:
                raise
            pulse()


def _error(kind: str, problem: str, excerpt: str, **details: Any) -> EvalhubError:
    error = ERRORS[kind](problem, **details)
    if excerpt:
        error.add_note(excerpt)
    return error


def _read(path: Path) -> pa.Table:
    import pyarrow as pa

    with pa.ipc.open_stream(path.read_bytes()) as reader:
        return reader.read_all()
