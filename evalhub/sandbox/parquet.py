"""Parquet files: columns of the declared types are copied, all others are read row by row, as JSON is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.sandbox.fits import is_nested, refuse_other_case
from evalhub.sandbox.natives import fetched, native, quoted
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.rows import refused
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit

_BATCH = 2000
_MOST_DIGITS = 38  # DuckDB reads decimals of more digits as DOUBLE
_INTEGERS = tuple(
    prefix + stem for stem in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT") for prefix in ("", "U")
)
_EXACT_IN_DOUBLE = _INTEGERS[:6]
_OF_NO_YEAR = "NOT isfinite({0}) OR year({0}) NOT BETWEEN 1 AND 9999"

# What a copy would let pass although no other format can hold it, by type.
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
        self._connection, self._columns = connection, columns
        self._schema: list[tuple[str, int, int, str]] = connection.execute(
            "SELECT name, coalesce(num_children, 0), coalesce(precision, 0), coalesce(type, '')"
            f" FROM parquet_schema('{path}')"
        ).fetchall()
        self._tops = list(_children(self._schema, 0))
        self._source = f"read_parquet('{path}', file_row_number=true{self._timestamps(path)})"
        described = connection.execute(f"DESCRIBE SELECT * FROM {self._source}").fetchall()
        # In the order of the file: DuckDB renames a column whose name differs from another's in case alone.
        pairs = list(zip((self._schema[top][0] for top in self._tops), described, strict=False))
        self.types = {name: row[1] for name, row in pairs}
        self._quoted = {name: quoted(row[0]) for name, row in pairs}

    def _timestamps(self, path: Path) -> str:
        """Return how INT96 is read: with nanoseconds where a value has some, which end at the year 2262."""
        old = [
            place + 1
            for place, top in enumerate(self._tops)
            if any(part[3] == "INT96" for part in self._schema[top : _next_sibling(self._schema, top)])
        ]
        if not old:
            return ""
        parts = f"read_parquet('{path}', int96_as='struct')"
        finer = " OR ".join(f"regexp_matches(#{place}::VARCHAR, '{_FINER}')" for place in old)
        (count,) = self._connection.execute(f"SELECT count(*) FROM {parts} WHERE {finer}").fetchone()
        return ", int96_as='timestamp_ns'" if count else ""

    def refuse_columns(self) -> None:
        """Refuse two columns of one name, which DuckDB would rename, and values that JSON cannot spell."""
        names = [self._schema[top][0] for top in self._tops]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise Refused("", "two columns have one name", value=twice[0])
        refuse_other_case(names, self._columns, "")
        for name, top in zip(names, self._tops, strict=True):
            if name in self._columns:
                self._refuse_column(name, top)

    def _refuse_column(self, name: str, top: int) -> None:
        try:
            fetched(self._kind(name))
        except ValueError as error:
            raise Refused("", f"the column {name} is of the type {error}", fix="write it as text") from error
        within = range(top, _next_sibling(self._schema, top))
        if max(self._schema[place][2] for place in within) > _MOST_DIGITS:
            what = f"the column {name} has decimals of more than {_MOST_DIGITS} digits"
            raise Refused("", what, fix="write it as text")
        for place in within:
            fields = Counter(self._schema[child][0].lower() for child in _children(self._schema, place))
            if twice := [field for field, count in fields.items() if count > 1]:
                raise Refused("", f"two fields of the column {name} have one name", value=twice[0])

    def _kind(self, name: str) -> Any:
        return self._connection.sqltype(self.types[name])

    def is_exact(self) -> bool:
        """Return whether a copy loses nothing and refuses nothing, except integers that are too large."""
        if not all(self._is_alike(name, str(kind)) for name, kind in self._columns.items()):
            return False
        signs = {name: _STRANGE.get(self.types[name], "") for name in self._columns}
        signs |= {name: _STRANGE_WITHIN for name in self._columns if _NESTED.match(self.types[name])}
        strange = [f"({sign.format(self._quoted[name])})" for name, sign in signs.items() if sign]
        if not strange:
            return True
        count = f"SELECT count(*) FROM {self._source} WHERE {' OR '.join(strange)}"
        return bool(self._connection.execute(count).fetchone() == (0,))

    def _is_alike(self, name: str, declared: str) -> bool:
        held = self.types[name]
        if held in _INTEGERS:
            exact = declared in (*_INTEGERS, "HUGEINT", "VARCHAR")
            return exact or (declared == "DOUBLE" and held in _EXACT_IN_DOUBLE)
        if held != declared:
            return False
        if _NESTED.match(held):
            return not _CHECKED_BY_ROW.search(held)
        return held in _STRANGE or held.startswith("DECIMAL(")

    def copy(self, table: str, path: str) -> int | None:
        """Copy the rows into a table, and return how many; None and no row if an integer is too large."""
        import duckdb

        values = ", ".join(["$path", "file_row_number + 1", *(self._quoted[name] for name in self._columns)])
        insert = f"INSERT INTO {quoted(table)} SELECT {values} FROM {self._source}"
        try:
            copied = self._connection.execute(insert, {"path": path}).fetchone()
        except duckdb.ConversionException:
            return None
        return int(copied[0])

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with its number, from 1."""
        kinds = {name: self._kind(name) for name in self._columns}
        values = ", ".join(f"CAST({self._quoted[name]} AS {fetched(kind)})" for name, kind in kinds.items())
        reads = [(name, native(kind)) for name, kind in kinds.items()]
        cursor = self._connection.execute(f"SELECT file_row_number + 1, {values} FROM {self._source}")
        while batch := cursor.fetchmany(_BATCH):
            for number, *row in batch:
                yield number, _read(row, reads, number)

    @property
    def written(self) -> set[str]:
        """The columns of texts that spell the lists, objects or JSON that are declared."""
        return {
            name for name, kind in self._columns.items() if self.types[name] == "VARCHAR" and is_nested(kind)
        }


def _read(row: list[Any], reads: list[tuple[str, Fit]], number: int) -> dict[str, Any]:
    name, values = "", dict[str, Any]()
    try:
        for (name, read), value in zip(reads, row, strict=True):
            values[name] = None if value is None else read(value)
    except Misfit as error:  # a column of JSON may hold what no format can
        raise refused(error, f":{number}", name) from error
    return values


def _children(schema: list[tuple[str, int, int, str]], place: int) -> Iterator[int]:
    """Yield the places of the children in a schema that lists each parent before its children."""
    child = place + 1
    for _ in range(schema[place][1]):
        yield child
        child = _next_sibling(schema, child)


def _next_sibling(schema: list[tuple[str, int, int, str]], place: int) -> int:
    """Return the place behind a node and all that is below it."""
    end = place + 1
    for _ in range(schema[place][1]):
        end = _next_sibling(schema, end)
    return end
