"""One table written in each format, and loaded by the code of the child process in this process."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from evalhub.sandbox import child
from evalhub.sandbox.tables import FileTable

Row = Mapping[str, Any]


def cell(value: Any) -> str:
    """Return a CSV cell: an empty text is two quotes, a missing value nothing."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"'


def csv_of(rows: Sequence[Row], names: Sequence[str]) -> str:
    lines = [",".join(names), *(",".join(cell(row.get(name)) for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows in a format; `kind` is the type of the column `value` in Parquet."""

    def write_rows(form: str, rows: Sequence[Row], kind: Any = None) -> Path:
        path = tmp_path / f"t.{form}"
        names = list(dict.fromkeys(name for row in rows for name in row))
        if form == "csv":
            path.write_text(csv_of(rows, names), encoding="utf-8")
        elif form == "json":
            path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        elif form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        else:
            columns = {name: [row.get(name) for row in rows] for name in names}
            arrays = {
                name: pyarrow.array(values, kind if name == "value" else None)
                for name, values in columns.items()
            }
            pyarrow.parquet.write_table(pyarrow.table(arrays), path)
        return path

    return write_rows


@pytest.fixture(scope="session")
def connection() -> Any:
    return child.connect(1 << 30)


@pytest.fixture
def load(tmp_path: Path, connection: Any) -> Callable[..., list[tuple[Any, ...]]]:
    """Load a file and return its rows: `line`, then the declared columns."""

    def load_file(path: Path, form: str, columns: dict[str, str], **options: Any) -> list[tuple[Any, ...]]:
        connection.execute("DROP TABLE IF EXISTS t")
        FileTable(connection, "t", form, columns, options, [(path.name, str(path))], tmp_path).load()
        rows: list[tuple[Any, ...]] = connection.execute("SELECT * EXCLUDE (file) FROM t").fetchall()
        return rows

    return load_file
