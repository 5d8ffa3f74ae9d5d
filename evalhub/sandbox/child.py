"""The process that reads a card's files and runs its SELECTs, where neither can do harm.

It gets one job. It loads the files with their declared columns into an in-memory DuckDB, cuts that off from
files and network, and locks its settings. Then it runs the SELECTs and writes their rows into the job's
folder, and beside them its reply as JSON: the notes, or an error.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalhub.sandbox.refusal import Refused, excerpt_of, to_one_line
from evalhub.sandbox.tables import FileTable

Reader = Callable[[Any], Any]

REPLY = "reply.json"
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
    """Return the one SELECT that a text holds.

    Raises:
        Refused: The text is not exactly one SELECT.
    """
    try:
        statements = connection.extract_statements(sql)
    except Exception as error:
        problem = f"the SELECT cannot be read ({to_one_line(error)})"
        raise Refused(where, problem, excerpt=excerpt_of(error)) from error
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
            readers = {
                place: reader
                for place, column in enumerate(cursor.description)
                if (reader := _json_reader(column[1]))
            }
            for batch in _batches(cursor):
                rows = [_read_json(row, readers) for row in batch] if readers else batch
                file.writelines(json.dumps(row, ensure_ascii=False, default=_to_json) + "\n" for row in rows)
    except MemoryError:
        raise
    except OSError as error:
        raise Refused(kind, f"the SELECT returns more than fits ({error.strerror})") from error
    except Exception as error:
        raise Refused(kind, _describe_failure(error), excerpt=excerpt_of(error)) from error


def _batches(cursor: Any) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(_BATCH):
        yield rows


def _read_json(row: tuple[Any, ...], readers: Mapping[int, Reader]) -> tuple[Any, ...]:
    """Return a row with the values at some places read as JSON."""
    return tuple(
        readers[place](value) if value is not None and place in readers else value
        for place, value in enumerate(row)
    )


def _json_reader(kind: Any) -> Reader | None:
    """Return the function that reads the JSON within a type's values, which DuckDB returns as text.

    None where the type holds no JSON.
    """
    if str(kind) == "JSON":
        return json.loads
    readers: dict[str, Reader] = {}
    for name, part in kind.children if kind.id in ("list", "array", "struct", "map") else ():
        reader = None if name == "size" else _json_reader(part)
        if reader:
            readers[name] = reader
    if not readers:
        return None
    if kind.id in ("list", "array"):
        return lambda values: [None if value is None else readers["child"](value) for value in values]

    def read_object(values: dict[Any, Any]) -> dict[Any, Any]:
        by_name = dict.fromkeys(values, readers["value"]) if kind.id == "map" else readers
        return {
            name: by_name[name](value) if value is not None and name in by_name else value
            for name, value in values.items()
        }

    return read_object


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        raise ValueError("it returns bytes: read them as text with decode()")
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def _describe_failure(error: Exception) -> str:
    name = type(error).__name__
    if name == "PermissionException" or "configuration has been locked" in str(error):
        return f"the SELECT is not allowed to do this ({to_one_line(error)})"
    if name == "OutOfMemoryException":
        return "the SELECT needs more memory than a card may take"
    return f"the SELECT fails ({to_one_line(error)})"


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Load the files, run the SELECTs, and return the notes about the files."""
    folder = Path(job["folder"])
    connection = connect(job["memory"])
    notes: list[str] = []
    for settings in job["tables"]:
        table = FileTable(connection, **settings, folder=folder)
        table.load()
        notes += table.notes
    lock(connection)
    for name, sql in job["views"].items():
        select = single_select(connection, sql, f"views.{name}")
        try:
            connection.execute(f'CREATE VIEW "{name}" AS {select}')
        except Exception as error:
            raise Refused(f"views.{name}", _describe_failure(error), excerpt=excerpt_of(error)) from error
    for kind, sql in job["selects"].items():
        run(connection, kind, sql, folder / f"{kind}.jsonl")
    return {"notes": notes}


def do_job(job: dict[str, Any], _: Sequence[int]) -> None:
    """Do a job within its limits, and write the reply into its folder."""
    confine(job["memory"], job["seconds"], job["output"])
    try:
        reply = work(job)
    except Refused as error:
        reply = {"error": error.reply}
    except MemoryError:
        reply = {
            "error": {"where": "", "problem": "reading the files needs more memory than a card may take"}
        }
    (Path(job["folder"]) / REPLY).write_text(json.dumps(reply), encoding="utf-8")
