"""The rows of one file: numbered, cleaned to valid UTF-8, each value checked against its declared type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalhub.sandbox.fits import refuse_other_case
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.spelling import Misfit, spell
from evalhub.sandbox.texts import DecodedText
from evalhub.texts import clean

_REPLACED = "\ufffd"
_NUL = "\\u0000"


@dataclass(slots=True)
class TextFile:
    """One file that is read once, row by row. A format's reader gets it.

    Attributes:
        path: The file on this disk. `text` unpacks it if its name ends in `.gz`.
        columns: The declared columns.
        form: The card's `encoding`, `delimiter`, `quote`, `skip` and `layout`.
        column_names: The column names of the rows so far.
        empty: Number of empty cells in each column. Only CSV has them.
        place: The place of the current row, to be appended to the file's name. A reader sets it.
        text: The file's text, cleaned to valid UTF-8.
    """

    path: Path
    columns: Collection[str]
    form: Mapping[str, Any] = field(default_factory=dict)
    column_names: set[str] = field(default_factory=set)
    empty: Mapping[str, int] = field(default_factory=dict)
    place: str = ""
    text: DecodedText = field(init=False)

    def __post_init__(self) -> None:
        self.text = DecodedText(self.path, self.form.get("encoding") or "")

    def add_names(self, row: Mapping[str, Any]) -> None:
        """Note the column names of a row, and refuse one that differs from a declared one in case alone."""
        if not row.keys() <= self.column_names:
            refuse_other_case(row.keys() - self.column_names, self.columns, self.place)
            self.column_names.update(row)


def fit_row(row: Mapping[str, Any], fits: Iterable[tuple[str, Fit]], place: str) -> dict[str, Any]:
    """Return the declared columns of a row. A column that the row lacks is None, as null is.

    Raises:
        Refused: A value does not fit its type.
    """
    name, values = "", dict[str, Any]()
    try:
        for name, fit in fits:
            value = row.get(name)
            values[name] = None if value is None else fit(value)
    except Misfit as error:
        raise refusal_of(error, place, name) from error
    return values


def refusal_of(error: Misfit, place: str, column: str = "") -> Refused:
    """Return the refusal of a row with a value that does not fit."""
    problem = f"the column {column} holds {error.problem}" if column else error.problem
    return Refused(place, problem, value=error.value, allowed=error.allowed, fix=error.fix)


def spell_row(row: Mapping[str, Any]) -> tuple[bytes, int]:
    """Return a row as one line of JSON in valid UTF-8, and the number of characters that this changed.

    A lone surrogate becomes U+FFFD, and NUL is left out.

    Raises:
        Misfit: The row holds a number that JSON cannot hold, or two keys that become one.
    """
    text = spell(row)
    if _NUL not in text:
        try:
            return text.encode("utf-8") + b"\n", 0
        except UnicodeEncodeError:
            pass
    valid = spell(_clean(row))
    changes = valid.count(_REPLACED) - text.count(_REPLACED) + text.count(_NUL) - valid.count(_NUL)
    return valid.encode("utf-8") + b"\n", changes


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        pairs = {_clean(key): _clean(part) for key, part in value.items()}
        if len(pairs) < len(value):
            raise Misfit("two keys of one object differ only in characters that are not valid text", value)
        return pairs
    return value
