"""The process that answers one query on one run, where the query can do no harm.

It gets one job. It forgets its variables, limits itself, and opens the run's tables in a locked database.
Then it writes the answer into the job's folder in Arrow's format, and beside it its reply as JSON.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.locked import LockedDatabase
from evalhub.analysis.results import Results
from evalhub.errors import EvalhubError, InputError, StorageError
from evalhub.sandbox.child import confine
from evalhub.sandbox.refusal import excerpt_of, to_one_line
from evalhub.store import Run, verify

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

REPLY = "reply.json"
ANSWER = "answer.arrow"
ERRORS: Mapping[str, type[EvalhubError]] = {"input": InputError, "storage": StorageError}
"""The errors of a reply, by their kind."""

_BATCH = 256
"""Rows that are read at once. One batch more than the answer's size is in memory at most."""
_ROOM = 16 << 20
"""Bytes that the files of a job may have beside the rows of the answer."""
_PLAIN = frozenset(
    """
    boolean tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint float double
    decimal varchar uuid
    """.split()  # noqa: SIM905
)
"""The types that tables, charts and Parquet files hold as they are. Others become texts."""
_TIMES = frozenset(
    ("date", "time", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone")
)
"""Plain types too, but not within lists and objects: Python lacks the dates before the year 1."""
_DAMAGE = ("IO Error", "Invalid Input Error", "Invalid Error", "Serialization Error", "INTERNAL Error")
"""What DuckDB's messages start with when a file may be damaged."""


class Cut(StrEnum):
    """Which limit left rows of an answer out."""

    NOTHING = ""
    ROWS = "rows"
    SIZE = "size"


def do_job(job: dict[str, Any], _: Sequence[int]) -> None:
    """Answer a query within its limits, and write the answer and the reply into the job's folder."""
    os.environ.clear()
    confine(_address_space() + job["memory"], job["seconds"], job["size"] + _ROOM)
    folder = Path(job["folder"])
    try:
        reply: dict[str, Any] = {"cut": _answer(job, folder / ANSWER)}
    except EvalhubError as error:
        reply = {"error": _fields(error)}
    except MemoryError:
        reply = {"error": _fields(_out_of_memory(job["memory"]))}
    (folder / REPLY).write_text(json.dumps(reply), encoding="utf-8")


def _address_space() -> int:
    """Return the bytes of address space that this process has taken, most of it for the code of libraries."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # a system that has no such file does not limit address space either
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _answer(job: dict[str, Any], path: Path) -> Cut:
    """Write the answer, and return which limit cut it."""
    import pyarrow as pa

    run = Run(Path(job["run"]))
    results = Results(run)
    results.database = LockedDatabase(run, lambda: results.added_labels, memory=job["memory"])
    with _translated_errors(run, job["memory"]):
        reader = _plain(results.database.relation(job["query"])).to_arrow_reader(_BATCH)
        batches, cut = take_rows(reader, rows=job["rows"], size=job["size"])
    table = whole_numbers(pa.Table.from_batches(batches, reader.schema))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return cut


def _plain(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return an answer with columns of plain types, no two of the same name."""
    columns = []
    for place, (name, kind) in enumerate(zip(unique(relation.columns), relation.types, strict=True), start=1):
        is_plain = kind.id in _TIMES or _is_plain(kind)
        value = f"#{place}" if is_plain else f"CAST(#{place} AS VARCHAR)"
        columns.append(f'{value} AS "{name.replace(chr(34), chr(34) * 2)}"')
    return relation.project(", ".join(columns))


def unique(names: Iterable[str]) -> list[str]:
    """Return names with numbers behind those that came before. DuckDB ignores case.

    >>> unique(["n", "N", "n", "m"])
    ['n', 'N_2', 'n_3', 'm']
    """
    names_so_far: set[str] = set()
    columns = []
    for name in names:
        column, number = name, 1
        while column.lower() in names_so_far:
            number += 1
            column = f"{name}_{number}"
        names_so_far.add(column.lower())
        columns.append(column)
    return columns


def _is_plain(kind: Any) -> bool:
    if kind.id in ("list", "array", "struct", "map"):
        parts = [part for name, part in kind.children if name != "size"]
        return bool(parts) and all(map(_is_plain, parts))  # Parquet holds no object without fields
    return kind.id in _PLAIN


def take_rows(batches: Iterable[pa.RecordBatch], *, rows: int, size: int) -> tuple[list[pa.RecordBatch], Cut]:
    """Return the first rows of an answer that fit, and which limit cut the others off.

    Args:
        batches: The answer.
        rows: How many rows fit.
        size: How many bytes fit. A row is taken as a whole or not at all.

    Raises:
        InputError: Not even the first row fits.
    """
    batches_so_far: list[pa.RecordBatch] = []
    for batch in batches:
        fitting = min(_fitting_rows(batch, size), rows)
        batches_so_far.append(batch.slice(0, fitting))
        rows -= fitting
        size -= batches_so_far[-1].nbytes
        if fitting < batch.num_rows:
            if not sum(part.num_rows for part in batches_so_far) and rows:
                raise InputError(
                    "the first row of the answer is too large",
                    value=f"{batch.slice(0, 1).nbytes >> 20} MiB",
                    fix="let the query shorten texts, as in left(text, 1000)",
                )
            return batches_so_far, Cut.ROWS if not rows else Cut.SIZE
    return batches_so_far, Cut.NOTHING


def _fitting_rows(batch: pa.RecordBatch, size: int) -> int:
    """Return how many first rows of a batch have no more than some bytes."""
    low, high = 0, batch.num_rows
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if batch.slice(0, middle).nbytes <= size else (low, middle - 1)
    return low


def whole_numbers(table: pa.Table) -> pa.Table:
    """Return a table whose whole numbers of 128 bits are those of 64 bits where these hold them.

    DuckDB's sums of whole numbers have 128 bits, which few programs draw or read.
    """
    import pyarrow as pa

    for place, column in enumerate(table.schema):
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            try:
                table = table.set_column(place, column.name, table.column(place).cast(pa.int64()))
            except pa.ArrowInvalid:
                continue
    return table


@contextmanager
def _translated_errors(run: Run, memory: int) -> Iterator[None]:
    """Turn DuckDB's errors into StorageError for a corrupt file, and InputError for a bad query."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except StorageError as error:
        if isinstance(error.__cause__, duckdb.OutOfMemoryException):
            raise _out_of_memory(memory) from error
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # DuckDB's come through Arrow as OSError
        message = to_one_line(error)
        if message.startswith("Out of Memory Error") or "bad_alloc" in message:
            raise _out_of_memory(memory) from error
        if message.startswith(_DAMAGE):
            _raise_for_damage(run)
        problem = "the query fails"
        if message.startswith("Permission Error") or "configuration has been locked" in message:
            problem = "the query may not do this"
        query_error = InputError(f"{problem} ({message})")
        query_error.add_note(_without_line_number(excerpt_of(error)))
        raise query_error from error


def _without_line_number(excerpt: str) -> str:
    """Return the line of a query that a message shows. Its number counts lines that DuckDB put before it."""
    number = re.match(r"LINE \d+: ", excerpt)
    if not number:
        return excerpt
    line, _, caret = excerpt[number.end() :].partition("\n")
    return f"{line}\n{caret[number.end() :]}"


def _raise_for_damage(run: Run) -> None:
    for finding in verify(run):
        if finding.problem:
            where = str(run.path / finding.path)
            fix = "run `evalhub verify` on the run"
            raise StorageError("the file is corrupt", where=where, fix=fix)


def _out_of_memory(memory: int) -> InputError:
    return InputError(
        f"the query needs more than {memory >> 20} MiB of memory",
        fix="let it read fewer columns or rows",
    )


def _fields(error: EvalhubError) -> dict[str, Any]:
    """Return an error as plain values."""
    return {
        "kind": "storage" if isinstance(error, StorageError) else "input",
        "problem": error.problem,
        "where": error.where,
        "value": None if error.value is None else str(error.value),
        "allowed": error.allowed,
        "fix": error.fix,
        "excerpt": "\n".join(getattr(error, "__notes__", ())),
    }
