"""The process that reads a card's files and runs its SELECTs, where neither can do harm.

It gets one job as JSON on its standard input, loads the files with declared columns into an
in-memory DuckDB, closes that to the outside, locks it, runs the SELECTs and leaves their rows
in the job's folder. Its one line of standard output says how it went.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from evalhub.sandbox.rows import Reader, RowError

_BATCH = 2000
_MIN_OBJECT = 16 << 20
_MISFIT = re.compile(r"Invalid Input Error: JSON transform error in file .*?, in line (\d+): (.*)")


class Refused(Exception):
    """The job cannot be done; the arguments are those of an error of `evalhub.errors`."""

    def __init__(self, where: str, what: str, **more: Any) -> None:
        self.reply = {"where": where, "what": what, **more}
        super().__init__(what)


def confine(memory: int, seconds: int, output: int) -> None:
    """Limit this process: address space in bytes, wall time in seconds, bytes of each file written."""
    for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, output)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))
    signal.alarm(seconds + 5)


def connect(memory: int) -> Any:
    """Return an in-memory DuckDB that spills nothing, loads no extension and sees no Python variable."""
    import duckdb

    return duckdb.connect(
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


def load_table(connection: Any, table: dict[str, Any], folder: Path) -> list[str]:
    """Load one table's files and return what is to be told about them."""
    name, columns = table["name"], {"file": "VARCHAR", "line": "BIGINT", **table["columns"]}
    spelled = ", ".join(f"{_quoted(column)}: {_quoted(kind)}" for column, kind in columns.items())
    written = folder / f"{name}.ndjson"
    written.write_bytes(b"")
    notes: list[str] = []
    parquet = table["format"] == "parquet"
    longest = _MIN_OBJECT if parquet else _write_rows(table, written, notes)
    source = (
        f"read_json({_quoted(str(written))}, format='newline_delimited', columns={{{spelled}}}, "
        f"maximum_object_size={longest})"
    )
    try:
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM {source}')
        if parquet:
            _insert_parquet(connection, table, folder)
    except Refused:
        raise
    except Exception as error:
        raise _misfit(table, written, error) from error
    written.unlink()
    return notes


def _misfit(table: dict[str, Any], written: Path, error: Exception) -> Refused:
    """Return what is wrong with the columns, or with which row of which file."""
    where, message = f"files.{table['name']}", one_line(error)
    if "Type with name" in message or "to a DuckDB Type" in message:
        return Refused(f"{where}.columns", f"there is no such type ({message})")
    if found := _MISFIT.match(message):
        number = int(found.group(1))
        with written.open(encoding="utf-8") as rows:
            row = json.loads(next(islice(rows, number - 1, None), "{}"))
        where, message = f"{where}: {row.get('file')}:{row.get('line')}", found.group(2)
    return Refused(where, f"a row does not fit the declared columns ({message})")


def _write_rows(table: dict[str, Any], written: Path, notes: list[str]) -> int:
    longest, count, seen = 0, 0, set[str]()
    with written.open("wb") as out:
        for path, real in table["files"]:
            reader = Reader(Path(real), table["format"], table["columns"])
            try:
                for line, row in reader.rows():
                    spelled = reader.spelled({"file": path, "line": line, **row})
                    longest, count = max(longest, len(spelled)), count + 1
                    out.write(spelled)
            except (RowError, EOFError, OSError) as error:
                at = f":{error.line}" if isinstance(error, RowError) and error.line else ""
                raise Refused(f"files.{table['name']}: {path}{at}", str(error)) from error
            seen |= reader.seen
            if reader.replaced:
                notes.append(f"{path}: {reader.replaced} characters were no valid UTF-8 and became U+FFFD")
    _require_columns(table, seen, empty=count == 0)
    return max(_MIN_OBJECT, longest + 1024)


def _insert_parquet(connection: Any, table: dict[str, Any], folder: Path) -> None:
    names = ", ".join('"' + column.replace('"', '""') + '"' for column in table["columns"])
    # A plain name, because DuckDB would read `*` and `[` in a path as a pattern.
    plain = folder / "plain.parquet"
    source = f"read_parquet({_quoted(str(plain))}, file_row_number=true)"
    for path, real in table["files"]:
        plain.symlink_to(real)
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            _require_columns(table, {row[0] for row in described})
            connection.execute(
                f'INSERT INTO "{table["name"]}" '
                f"SELECT {_quoted(path)}, file_row_number + 1, {names} FROM {source}"
            )
        except Refused:
            raise
        except Exception as error:
            message = one_line(error).replace(str(plain), path)
            raise Refused(f"files.{table['name']}: {path}", f"the file cannot be read ({message})") from error
        plain.unlink()


def _require_columns(table: dict[str, Any], seen: set[str], *, empty: bool = False) -> None:
    if empty:
        raise Refused(f"files.{table['name']}", "the file holds no rows")
    for column in table["columns"]:
        if column not in seen and table["format"] != "lines":
            raise Refused(
                f"files.{table['name']}.columns",
                "no row has this column",
                kind="column",
                value=column,
                allowed=sorted(seen - {"file_row_number"}),
            )


def lock(connection: Any) -> None:
    """Close the connection to files, network and extensions, for good."""
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def single_select(connection: Any, sql: str, where: str) -> str:
    """Return the one SELECT that a text holds; anything else is refused."""
    try:
        statements = connection.extract_statements(sql)
    except Exception as error:
        raise Refused(where, f"the SELECT cannot be read ({one_line(error)})") from error
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
            for rows in _batches(cursor):
                file.writelines(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows)
    except MemoryError:
        raise
    except OSError as error:
        raise Refused(kind, f"the SELECT returns more than fits ({error.strerror})") from error
    except Exception as error:
        raise Refused(kind, _failed(error)) from error


def _batches(cursor: Any) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(_BATCH):
        yield rows


def _plain(value: Any) -> Any:
    return float(value) if type(value).__name__ == "Decimal" else str(value)


def _failed(error: Exception) -> str:
    name = type(error).__name__
    if name == "PermissionException" or "configuration has been locked" in str(error):
        return f"the SELECT reads what it may not ({one_line(error)})"
    if name == "OutOfMemoryException":
        return "the SELECT needs more memory than a card may take"
    return f"the SELECT fails ({one_line(error)})"


def one_line(error: Exception) -> str:
    """Return DuckDB's message without its drawing of the query, as one line."""
    text = str(error).split("\nLINE ")[0].split("\nTry setting")[0]
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + "…"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job and return the reply."""
    folder = Path(job["folder"])
    connection = connect(job["memory"])
    notes: list[str] = []
    for table in job["tables"]:
        notes += load_table(connection, table, folder)
    lock(connection)
    for name, sql in job["views"].items():
        select = single_select(connection, sql, f"views.{name}")
        try:
            connection.execute(f'CREATE VIEW "{name}" AS {select}')
        except Exception as error:
            raise Refused(f"views.{name}", _failed(error)) from error
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
