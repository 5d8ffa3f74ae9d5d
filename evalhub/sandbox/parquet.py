"""Parquet files: columns of the declared types are copied, all others are read row by row as JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.sandbox.fits import is_nested
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.spelling import parse

_BATCH = 2000
_INTEGERS = tuple(
    prefix + stem for stem in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") for prefix in ("", "U")
)
_EXACT_IN_DOUBLE = _INTEGERS[:6]
_FLOATING = re.compile(r"\b(FLOAT|DOUBLE)\b")
_WITHOUT_JSON = re.compile(r"\b(BLOB|BIT|INTERVAL|UNION|VARIANT|GEOMETRY)\b")


class ParquetFile:
    """One Parquet file that is read once.

    Args:
        connection: DuckDB.
        path: The file under a plain name, because DuckDB reads `*` and `[` in a name as a pattern.
        columns: The declared columns with their types.

    Attributes:
        types: The columns that the file has, with their types.
    """

    def __init__(self, connection: Any, path: Path, columns: Mapping[str, Any]) -> None:
        self._connection, self._columns = connection, columns
        self._file = f"'{path}'"
        self._source = f"read_parquet({self._file}, file_row_number=true)"
        described = connection.execute(f"DESCRIBE SELECT * FROM {self._source}").fetchall()
        self.types = {row[0]: row[1] for row in described if row[0] != "file_row_number"}

    def refuse_columns(self) -> None:
        """Refuse two columns of one name, which DuckDB would rename, and types that JSON cannot spell."""
        schema = self._connection.execute(
            f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({self._file})"
        ).fetchall()
        names, place = Counter[str](), 1
        while place < len(schema):
            names[schema[place][0]] += 1
            place = _next_sibling(schema, place)
        if twice := [name for name, count in names.items() if count > 1]:
            raise Refused("", "two columns have one name", value=twice[0])
        for name in self._columns:
            if _WITHOUT_JSON.search(self.types[name]):
                raise Refused(
                    "", f"the column {name} is of the type {self.types[name]}", fix="write it as text"
                )

    def is_exact(self) -> bool:
        """Return whether a copy loses nothing and refuses nothing, except integers that are too large."""
        return all(self._is_exact(name, str(kind)) for name, kind in self._columns.items())

    def _is_exact(self, name: str, declared: str) -> bool:
        held = self.types[name]
        if held == declared == "DOUBLE":
            strange = f"SELECT count(*) FROM {self._source} WHERE NOT isfinite({_quoted(name)})"
            return bool(self._connection.execute(strange).fetchone() == (0,))
        if held in _INTEGERS:
            exact = declared in (*_INTEGERS, "HUGEINT", "VARCHAR")
            return exact or (declared == "DOUBLE" and held in _EXACT_IN_DOUBLE)
        return held == declared and not _FLOATING.search(held)

    def copy(self, table: str, path: str) -> int | None:
        """Copy the rows into a table, and return how many; None and no row if an integer is too large."""
        import duckdb

        values = ", ".join(["$path", "file_row_number + 1", *map(_quoted, self._columns)])
        insert = f"INSERT INTO {_quoted(table)} SELECT {values} FROM {self._source}"
        try:
            copied = self._connection.execute(insert, {"path": path}).fetchone()
        except duckdb.ConversionException:
            return None
        return int(copied[0])

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with its number, from 1."""
        written = self.written
        values = ", ".join(
            _quoted(name) if name in written else self._as_json(name) for name in self._columns
        )
        cursor = self._connection.execute(f"SELECT file_row_number + 1, {values} FROM {self._source}")
        while batch := cursor.fetchmany(_BATCH):
            for number, *values in batch:
                row = dict(zip(self._columns, values, strict=True))
                yield (
                    number,
                    {
                        name: value if value is None or name in written else parse(value)
                        for name, value in row.items()
                    },
                )

    @property
    def written(self) -> set[str]:
        """The columns of texts that spell the lists, objects or JSON that are declared."""
        return {
            name for name, kind in self._columns.items() if self.types[name] == "VARCHAR" and is_nested(kind)
        }

    def _as_json(self, name: str) -> str:
        # 32 bits by way of their text, so that 0.1 does not become 0.10000000149011612.
        exact = re.sub(r"\bFLOAT\b", "VARCHAR", self.types[name])
        return f"to_json(CAST({_quoted(name)} AS {exact}))::VARCHAR"


def _next_sibling(schema: list[tuple[str, int]], place: int) -> int:
    """Return the place of the next sibling in a schema that lists each parent before its children."""
    children, place = schema[place][1], place + 1
    for _ in range(children):
        place = _next_sibling(schema, place)
    return place


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
