"""The answer to a query as a file, and as a line of Python."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evalhub.texts import escape_formula


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table as CSV that a spreadsheet opens without running any of its texts.

    A text that would be a formula gets an apostrophe in front of it. Numbers stay numbers. Lists and objects
    are JSON, and an absent value is an empty cell.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([escape_formula(name) for name in table.column_names])
    writer.writerows(zip(*(_cells(column) for column in table.columns), strict=True))
    return buffer.getvalue().encode()


def _cells(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_temporal(kind):  # Python has no dates before the year 1, and DuckDB has
        column = column.cast(pa.string())
    spell = _spelling(kind)
    return ["" if value is None else spell(value) for value in column.to_pylist()]


def _spelling(kind: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_nested(kind):
        return lambda value: json.dumps(value, ensure_ascii=False, default=str)
    if pa.types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return lambda value: value
    return escape_formula


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def python_code(path: Path, query: str) -> str:
    """Return the lines of Python that answer a query on a run."""
    text = query.strip()
    if '"""' in text or "\\" in text or text.endswith('"') or not text.replace("\n", " ").isprintable():
        literal = repr(text)
    else:
        literal = f'"""\n{text}\n"""'
    return (
        "from pathlib import Path\n\n"
        "from evalhub.analysis import Results\n"
        "from evalhub.store import Run\n\n"
        f"results = Results(Run(Path({str(path)!r})))\n"
        f"frame = results.sql({literal})"
    )
