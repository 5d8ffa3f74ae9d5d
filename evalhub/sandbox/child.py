"""The process that reads a card's files and runs its SELECTs, where neither can do harm.

It gets one job as JSON on its standard input, loads the files with declared columns into an
in-memory DuckDB, closes that to the outside, locks it, runs the SELECTs and leaves their rows
in the job's folder. Its one line of standard output says how it went.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.sandbox.refusal import Refused, drawing, one_line
from evalhub.sandbox.tables import Table

Read = Callable[[Any], Any]

_BATCH = 2000


def confine(memory: int, seconds: int, output: int) -> None:
    """Limit this process: address space in bytes, wall time in seconds, bytes of each file written."""
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, output)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    signal.alarm(seconds + 5)


def connect(memory: int) -> Any:
    """Return an in-memory DuckDB that spills nothing, loads no extension and sees no Python variable.

    Its zone is UTC, so that a time with a zone has one text on every machine.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": "",
            "threads": "1",
            "memory_limit": f"{memory // 2}B",
        }
    )
    connection.execute("SET TimeZone='UTC'")
    return connection


def lock(connection: Any) -> None:
    """Close the connection to files, network and extensions, for good."""
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def single_select(connection: Any, sql: str, where: str) -> str:
    """Return the one SELECT that a text holds; anything else is refused."""
    try:
        statements = connection.extract_statements(sql)
    except Exception as error:
        what = f"the SELECT cannot be read ({one_line(error)})"
        raise Refused(where, what, excerpt=drawing(error)) from error
    if len(statements) != 1:
        raise Refused(where, "there must be exactly one SELECT", value=f"{len(statements)} statements")
    if statements[0].type.name != "SELECT":
        raise Refused(
            where,
            "only SELECT (or WITH … SELECT) may be run",
            value=str(statements[0].type.name),
            allowed="SELECT",
        )
    return str(statements[0].query).strip().removesuffix(";")


def run(connection: Any, kind: str, sql: str, out: Path) -> None:
    """Run one SELECT and write its column names, then its rows, as lines of JSON."""
    select = single_select(connection, sql, kind)
    try:
        connection.execute("SELECT setseed(0)").fetchall()
        cursor = connection.execute(select)
        with out.open("w", encoding="utf-8") as file:
            file.write(json.dumps([column[0] for column in cursor.description]) + "\n")
            parts = {
                place: read for place, column in enumerate(cursor.description) if (read := _parts(column[1]))
            }
            for batch in _batches(cursor):
                rows = [_read_json(row, parts) for row in batch] if parts else batch
                file.writelines(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows)
    except MemoryError:
        raise
    except OSError as error:
        raise Refused(kind, f"the SELECT returns more than fits ({error.strerror})") from error
    except Exception as error:
        raise Refused(kind, _failed(error), excerpt=drawing(error)) from error


def _batches(cursor: Any) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(_BATCH):
        yield rows


def _read_json(row: tuple[Any, ...], parts: Mapping[int, Read]) -> tuple[Any, ...]:
    """Return a row with the values of some of its places read."""
    return tuple(
        parts[place](value) if value is not None and place in parts else value
        for place, value in enumerate(row)
    )


def _parts(kind: Any) -> Read | None:
    """Return what reads the JSON within a type's values, which DuckDB returns as text; None without any."""
    if str(kind) == "JSON":
        return json.loads
    reads: dict[str, Read] = {}
    for name, part in kind.children if kind.id in ("list", "array", "struct", "map") else ():
        read = None if name == "size" else _parts(part)
        if read:
            reads[name] = read
    if not reads:
        return None
    if kind.id in ("list", "array"):
        return lambda values: [None if value is None else reads["child"](value) for value in values]

    def read_object(values: dict[Any, Any]) -> dict[Any, Any]:
        of_name = dict.fromkeys(values, reads["value"]) if kind.id == "map" else reads
        return {
            name: of_name[name](value) if value is not None and name in of_name else value
            for name, value in values.items()
        }

    return read_object


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        raise ValueError("it returns bytes, and decode() reads them as text")
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def _failed(error: Exception) -> str:
    name = type(error).__name__
    if name == "PermissionException" or "configuration has been locked" in str(error):
        return f"the SELECT reads what it may not ({one_line(error)})"
    if name == "OutOfMemoryException":
        return "the SELECT needs more memory than a card may take"
    return f"the SELECT fails ({one_line(error)})"


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job and return the reply."""
    folder = Path(job["folder"])
    connection = connect(job["memory"])
    notes: list[str] = []
    for table in job["tables"]:
        loaded = Table(connection, **table, folder=folder)
        loaded.load()
        notes += loaded.notes
    lock(connection)
    for name, sql in job["views"].items():
        select = single_select(connection, sql, f"views.{name}")
        try:
            connection.execute(f'CREATE VIEW "{name}" AS {select}')
        except Exception as error:
            raise Refused(f"views.{name}", _failed(error), excerpt=drawing(error)) from error
    for kind, sql in job["selects"].items():
        run(connection, kind, sql, folder / f"{kind}.jsonl")
    return {"notes": notes}


def main() -> None:
    """Read the job, do it, say how it went."""
    job = json.load(sys.stdin)
    confine(job["memory"], job["seconds"], job["output"])
    try:
        reply = work(job)
    except Refused as error:
        reply = {"error": error.reply}
    except MemoryError:
        reply = {"error": {"where": "", "what": "reading the files needs more memory than a card may take"}}
    print(json.dumps(reply), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
