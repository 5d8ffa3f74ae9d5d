"""One rule for which values fit a declared type, the same for every file format.

A value fits where nothing of it is lost: 4.0 is an INTEGER, and 4.5 is not. A text that spells a value is
read as that value, because CSV holds only texts. A number in a text column becomes the text that spells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from evalhub.sandbox import scalars
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit, misfit, parse

KNOWN = (
    "VARCHAR, BOOLEAN, TINYINT to HUGEINT and UTINYINT to UHUGEINT, DOUBLE, FLOAT, DECIMAL, DATE, TIME, "
    "TIMESTAMP, TIMESTAMPTZ, UUID, ENUM, JSON, and lists, STRUCT and MAP of these"
)


def fit_of(kind: Any, *, is_text: bool = False) -> Fit:
    """Return the function that reads a value as a type, or raises `Misfit`.

    Args:
        kind: A type of DuckDB, as `connection.sqltype` returns it.
        is_text: Whether lists and objects come as texts of JSON, as in CSV.

    Raises:
        ValueError: A card cannot declare that type.
    """
    fit = _NESTED[kind.id](kind) if kind.id in _NESTED else _simple(kind)
    return _from_text(fit, str(kind)) if is_text and is_nested(kind) else fit


def is_nested(kind: Any) -> bool:
    """Return whether values of this type are lists, objects or JSON, which a text spells as JSON."""
    return kind.id in _NESTED or str(kind) == "JSON"


def stored_type(kind: Any) -> str:
    """Return the type that a column is stored as: a FLOAT becomes a DOUBLE, so that 0.1 stays 0.1."""
    parts = dict(kind.children) if kind.id in _NESTED else {}
    if kind.id == "float":
        return "DOUBLE"
    if kind.id == "list":
        return f"{stored_type(parts['child'])}[]"
    if kind.id == "array":
        return f"{stored_type(parts['child'])}[{parts['size']}]"
    if kind.id == "map":
        return f"MAP({stored_type(parts['key'])}, {stored_type(parts['value'])})"
    if kind.id == "struct":
        fields = (
            f'"{name.replace(chr(34), chr(34) * 2)}" {stored_type(part)}' for name, part in parts.items()
        )
        return f"STRUCT({', '.join(fields)})"
    return str(kind)


def _simple(kind: Any) -> Fit:
    name = "json" if str(kind) == "JSON" else kind.id
    if name in _BITS:
        return scalars.whole(str(kind), _BITS[name], signed=not name.startswith("u"))
    if name in _PLACES:
        return scalars.moment(str(kind), _PLACES[name], zoned=name.endswith("zone"))
    if name == "decimal":
        parts = dict(kind.children)
        return scalars.decimal(str(kind), parts["precision"], parts["scale"])
    if name == "enum":
        return scalars.choice(dict(kind.children)["values"])
    if name not in _SIMPLE:
        raise ValueError(str(kind))
    return _SIMPLE[name]


def _list(kind: Any) -> Fit:
    parts = dict(kind.children)
    part_of, size = fit_of(parts["child"]), parts.get("size")

    def fit(value: Any) -> list[Any]:
        if type(value) is not list:
            raise misfit(value, str(kind), "lists", f"write a list, or declare {parts['child']} or JSON")
        if size is not None and len(value) != size:
            raise misfit(value, str(kind), f"lists of {size}", f"declare {parts['child']}[]")
        if list in map(type, value) and not is_nested(parts["child"]):
            raise misfit(value, str(kind), "lists", f"declare {kind}[] or JSON", form="a list of lists")
        return [None if part is None else part_of(part) for part in value]

    return fit


def _struct(kind: Any) -> Fit:
    fields = [(name, fit_of(part)) for name, part in kind.children]

    def fit(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise misfit(value, str(kind), "objects", "declare JSON where values differ in form")
        for name, _ in fields:
            if name not in value and (other := other_case_of(name, value)):
                raise misfit(value, str(kind), f"the field {name}", form=f"an object with the field {other}")
        return {name: None if value.get(name) is None else reader(value[name]) for name, reader in fields}

    return fit


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def other_case_of(name: str, names: Iterable[str]) -> str:
    """Return the name among `names` that differs from `name` in case alone, or an empty text.

    Only A to Z count, as in DuckDB.

    >>> other_case_of("Mark", ["id", "mark"]), other_case_of("Ä", ["ä"])
    ('mark', '')
    """
    plain = name.translate(_LOWER)
    return next((other for other in names if other != name and other.translate(_LOWER) == plain), "")


def refuse_other_case(names: Iterable[str], columns: Iterable[str], place: str) -> None:
    """Refuse a column of a file that differs from a declared one in case alone.

    A SELECT cannot tell the two apart, so it would silently return the wrong one.

    Raises:
        Refused: A name differs from a declared column in case alone.
    """
    declared_columns = list(columns)
    for name in names:
        if column := other_case_of(name, declared_columns):
            problem = f"the column {name} differs from the declared column {column} in case alone"
            fix = f"declare {name} if it is meant, or rename it in the file: SQL ignores case"
            raise Refused(place, problem, fix=fix)


def _map(kind: Any) -> Fit:
    parts = dict(kind.children)
    key_of, part_of = fit_of(parts["key"]), fit_of(parts["value"])

    def fit(value: Any) -> dict[Any, Any]:
        if type(value) is not dict:
            raise misfit(value, str(kind), "objects", "declare JSON where values differ in form")
        pairs = {key_of(key): None if part is None else part_of(part) for key, part in value.items()}
        if len(pairs) != len(value):
            raise misfit(value, str(kind), "objects without two keys of one value", form="an object")
        return pairs

    return fit


def _from_text(fit: Fit, kind: str) -> Fit:
    """Return the reader of texts that spell a list, an object or other JSON."""

    def read(value: str) -> Any:
        try:
            part = parse(value)
        except Misfit:
            raise
        except (ValueError, RecursionError) as error:
            fix = (
                'write lists as ["a", "b"] and objects as {"a": 1}, or declare VARCHAR and cast in the SELECT'
            )
            raise misfit(value, kind, "JSON", fix, form="a text that is not JSON") from error
        return None if part is None else fit(part)

    return read


_BITS = {
    prefix + stem: bits
    for stem, bits in (("tinyint", 8), ("smallint", 16), ("integer", 32), ("bigint", 64), ("hugeint", 128))
    for prefix in ("", "u")
}
_PLACES = {
    "timestamp": 6, "timestamp_s": 0, "timestamp_ms": 3, "timestamp_ns": 9, "timestamp with time zone": 6,
}  # fmt: skip
_NESTED: Mapping[str, Callable[[Any], Fit]] = {"list": _list, "array": _list, "struct": _struct, "map": _map}
_SIMPLE: Mapping[str, Fit] = {
    "varchar": scalars.text,
    "boolean": scalars.boolean,
    "double": scalars.double,
    "float": scalars.single,
    "date": scalars.date,
    "time": scalars.time,
    "uuid": scalars.uuid,
    "json": scalars.anything,
}
