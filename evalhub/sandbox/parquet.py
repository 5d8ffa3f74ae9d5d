"""Parquet files: columns of the declared types are copied, and all others are read row by row, like JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.sandbox.fits import is_nested, refuse_other_case
from evalhub.sandbox.natives import fetch_type, native_reader, quoted
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.rows import refusal_of
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit

_BATCH = 2000
_ROOM = 64 << 20  # what DuckDB needs to read any file
_ENOUGH = 1 << 30
_MOST_DIGITS = 38  # DuckDB reads decimals of more digits as DOUBLE
_INTEGERS = tuple(
    prefix + stem for stem in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") for prefix in ("", "U")
)
_EXACT_IN_DOUBLE = _INTEGERS[:6]
_OF_NO_YEAR = "NOT isfinite({0}) OR year({0}) NOT BETWEEN 1 AND 9999"

# By type, the values that a copy would accept although no other file format can hold them.
_STRANGE = {
    "BOOLEAN": "",
    "UUID": "",
    "VARCHAR": "contains({0}, chr(0))",
    "DOUBLE": "NOT isfinite({0})",
    "TIME": "{0} >= TIME '24:00:00'",
    **dict.fromkeys(
        ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE"), _OF_NO_YEAR
    ),
}

_LENGTHS = {
    "VARCHAR": "sum(strlen({0}))",
    "VARCHAR[]": "sum(list_sum(list_transform({0}, lambda text: strlen(text))))",
}
_NESTED = re.compile(r"(STRUCT|MAP)\(|.*\]$", re.DOTALL)
_CHECKED_BY_ROW = re.compile(r"\b(FLOAT|DOUBLE|DATE|TIME|TIMESTAMP|JSON)")
# A time of day with more digits than microseconds have.
_FINER = r":[0-9]{2}\.[0-9]{7}"
_STRANGE_WITHIN = "contains(to_json({0})::VARCHAR, '\\u0000')"


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
        self._connection, self._columns, self._path = connection, columns, path
        self._schema: list[tuple[str, int, int, str]] = connection.execute(
            "SELECT name, coalesce(num_children, 0), coalesce(precision, 0), coalesce(type, '')"
            f" FROM parquet_schema('{path}')"
        ).fetchall()
        self._tops = list(_children(self._schema, 0))
        self._source = f"read_parquet('{path}', file_row_number=true{self._timestamps(path)})"
        description = connection.execute(f"DESCRIBE SELECT * FROM {self._source}").fetchall()
        # In the order of the file: DuckDB renames a column whose name differs from another's in case alone.
        pairs = list(zip((self._schema[top][0] for top in self._tops), description, strict=False))
        self.types = {name: row[1] for name, row in pairs}
        self._quoted = {name: quoted(row[0]) for name, row in pairs}

    def _timestamps(self, path: Path) -> str:
        """Return the option for reading INT96: nanoseconds, which end in 2262, only if needed."""
        places = [
            place + 1
            for place, top in enumerate(self._tops)
            if any(part[3] == "INT96" for part in self._schema[top : _next_sibling(self._schema, top)])
        ]
        if not places:
            return ""
        parts = f"read_parquet('{path}', int96_as='struct')"
        finer = " OR ".join(f"regexp_matches(#{place}::VARCHAR, '{_FINER}')" for place in places)
        (count,) = self._connection.execute(f"SELECT count(*) FROM {parts} WHERE {finer}").fetchone()
        return ", int96_as='timestamp_ns'" if count else ""

    def unpacked_size(self, allowed: int) -> int:
        """Return the size of the file's columns in memory, in bytes, without keeping them.

        A dictionary stores a text once however often it is repeated, so the lengths of all texts are added
        up.

        Args:
            allowed: A size. If a few rows alone need more memory, a larger size than this is returned.
        """
        import duckdb

        pages = f"SELECT sum(total_uncompressed_size) FROM parquet_metadata('{self._path}')"
        texts = [
            _LENGTHS[kind].format(self._quoted[name]) for name, kind in self.types.items() if kind in _LENGTHS
        ]
        lengths = f"SELECT {', '.join(texts) or '0'} FROM {self._source}"
        (limit,) = self._connection.execute("SELECT current_setting('memory_limit')").fetchone()
        try:
            if allowed < _ENOUGH:
                self._connection.execute(f"SET memory_limit = '{allowed + _ROOM}B'")
            sizes = [self._connection.execute(query).fetchone() for query in (pages, lengths)]
        except duckdb.OutOfMemoryException:
            return allowed + 1
        finally:
            self._connection.execute(f"SET memory_limit = '{limit}'")
        return sum(int(size or 0) for row in sizes for size in row)

    def refuse_columns(self) -> None:
        """Refuse two columns with one name, which DuckDB would rename, and types that JSON cannot hold."""
        names = [self._schema[top][0] for top in self._tops]
        if duplicates := [name for name, count in Counter(names).items() if count > 1]:
            raise Refused("", "two columns have one name", value=duplicates[0])
        refuse_other_case(names, self._columns, "")
        for name, top in zip(names, self._tops, strict=True):
            if name in self._columns:
                self._refuse_column(name, top)

    def _refuse_column(self, name: str, top: int) -> None:
        try:
            fetch_type(self._kind(name))
        except ValueError as error:
            raise Refused("", f"the column {name} is of the type {error}", fix="write it as text") from error
        places = range(top, _next_sibling(self._schema, top))
        if max(self._schema[place][2] for place in places) > _MOST_DIGITS:
            problem = f"the column {name} has decimals of more than {_MOST_DIGITS} digits"
            raise Refused("", problem, fix="write it as text")
        for place in places:
            fields = Counter(self._schema[child][0].lower() for child in _children(self._schema, place))
            if duplicates := [field for field, count in fields.items() if count > 1]:
                raise Refused("", f"two fields of the column {name} have one name", value=duplicates[0])

    def _kind(self, name: str) -> Any:
        return self._connection.sqltype(self.types[name])

    def is_exact(self) -> bool:
        """Return whether all values can be copied without loss. Integers may still be too large."""
        if not all(self._is_exact_column(name, str(kind)) for name, kind in self._columns.items()):
            return False
        conditions = {name: _STRANGE.get(self.types[name], "") for name in self._columns}
        conditions |= {name: _STRANGE_WITHIN for name in self._columns if _NESTED.match(self.types[name])}
        checks = [f"({sql.format(self._quoted[name])})" for name, sql in conditions.items() if sql]
        if not checks:
            return True
        count = f"SELECT count(*) FROM {self._source} WHERE {' OR '.join(checks)}"
        return bool(self._connection.execute(count).fetchone() == (0,))

    def _is_exact_column(self, name: str, declared_type: str) -> bool:
        file_type = self.types[name]
        if file_type in _INTEGERS:
            exact = declared_type in (*_INTEGERS, "HUGEINT", "VARCHAR")
            return exact or (declared_type == "DOUBLE" and file_type in _EXACT_IN_DOUBLE)
        if file_type != declared_type:
            return False
        if _NESTED.match(file_type):
            return not _CHECKED_BY_ROW.search(file_type)
        return file_type in _STRANGE or file_type.startswith("DECIMAL(")

    def copy(self, table: str, path: str) -> int | None:
        """Copy the rows into a table and return their number.

        None if an integer is too large for its column. No row is copied then.
        """
        import duckdb

        values = ", ".join(["$path", "file_row_number + 1", *(self._quoted[name] for name in self._columns)])
        insert = f"INSERT INTO {quoted(table)} SELECT {values} FROM {self._source}"
        try:
            result = self._connection.execute(insert, {"path": path}).fetchone()
        except duckdb.ConversionException:
            return None
        return int(result[0])

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with its number, from 1."""
        kinds = {name: self._kind(name) for name in self._columns}
        values = ", ".join(
            f"CAST({self._quoted[name]} AS {fetch_type(kind)})" for name, kind in kinds.items()
        )
        reads = [(name, native_reader(kind)) for name, kind in kinds.items()]
        cursor = self._connection.execute(f"SELECT file_row_number + 1, {values} FROM {self._source}")
        while batch := cursor.fetchmany(_BATCH):
            for number, *row in batch:
                yield number, _read(row, reads, number)

    @property
    def text_columns(self) -> set[str]:
        """The text columns whose declared type is a list, an object or JSON."""
        return {
            name for name, kind in self._columns.items() if self.types[name] == "VARCHAR" and is_nested(kind)
        }


def _read(row: list[Any], reads: list[tuple[str, Fit]], number: int) -> dict[str, Any]:
    name, values = "", dict[str, Any]()
    try:
        for (name, read), value in zip(reads, row, strict=True):
            values[name] = None if value is None else read(value)
    except Misfit as error:  # a JSON column may hold a number that JSON cannot
        raise refusal_of(error, f":{number}", name) from error
    return values


def _children(schema: list[tuple[str, int, int, str]], place: int) -> Iterator[int]:
    """Yield the places of the children in a schema that lists each parent before its children."""
    child = place + 1
    for _ in range(schema[place][1]):
        yield child
        child = _next_sibling(schema, child)


def _next_sibling(schema: list[tuple[str, int, int, str]], place: int) -> int:
    """Return the place after a node and all its descendants."""
    end = place + 1
    for _ in range(schema[place][1]):
        end = _next_sibling(schema, end)
    return end
