"""Values of Parquet as JSON would hold them: numbers with their own digits, dates and ids as texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Number, parse

_INFINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def fetch_type(kind: Any) -> str:
    """Return the type that a column is cast to before its values are fetched.

    Whole numbers, texts, doubles and decimals keep their type. Other types are fetched as DuckDB's text of
    the value. That includes FLOAT: its text is 0.1, and its value in Python is 0.10000000149011612.

    Args:
        kind: The type of the column, as `connection.sqltype` returns it.

    Raises:
        ValueError: JSON cannot hold values of this type.
    """
    parts = dict(kind.children) if kind.id in ("list", "array", "struct", "map") else {}
    if kind.id in ("list", "array"):
        return f"{fetch_type(parts['child'])}[]"
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{quoted(name)} {fetch_type(part)}' for name, part in parts.items())})"
    if kind.id == "map" and parts["key"].id not in ("list", "array", "struct", "map"):
        return f"MAP(VARCHAR, {fetch_type(parts['value'])})"
    if kind.id in _WITHOUT_JSON:
        raise ValueError(str(kind))
    return str(kind) if kind.id in _KEPT else "VARCHAR"


def native_reader(kind: Any) -> Fit:
    """Return the function that turns a fetched value into the value that `spelling.parse` would return."""
    parts = dict(kind.children) if kind.id in ("list", "array", "struct", "map") else {}
    if kind.id in ("list", "array"):
        part_of = _or_none(native_reader(parts["child"]))
        return lambda values: [part_of(value) for value in values]
    if kind.id == "struct":
        reads = {name: _or_none(native_reader(part)) for name, part in parts.items()}
        return lambda values: {name: read(values[name]) for name, read in reads.items()}
    if kind.id == "map":
        value_of = _or_none(native_reader(parts["value"]))
        return lambda values: {key: value_of(value) for key, value in values.items()}
    return _READS.get("json" if str(kind) == "JSON" else kind.id, _same)


def quoted(name: str) -> str:
    """Return a name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _or_none(read: Fit) -> Fit:
    return read if read is _same else lambda value: None if value is None else read(value)


def _same(value: Any) -> Any:
    return value


def _float(value: float) -> Number:
    return Number(repr(value) if math.isfinite(value) else _INFINITE.get(value, "NaN"))


def _decimal(value: Decimal) -> Any:
    """Return a decimal number with all its digits. One without decimal places becomes an integer."""
    return Number(f"{value:f}") if value.as_tuple().exponent else int(value)


_WITHOUT_JSON = ("blob", "bit", "interval", "union", "variant", "geometry", "map")
_KEPT = ("boolean", "varchar", "double", "decimal", *(
    sign + size + "int" for size in ("tiny", "small", "big", "huge") for sign in ("", "u")
), "integer", "uinteger")  # fmt: skip
_READS: Mapping[str, Fit] = {
    "double": _float,
    "float": lambda text: _float(float(text)) if text[-1].isalpha() else Number(text),
    "decimal": _decimal,
    "json": parse,
}
