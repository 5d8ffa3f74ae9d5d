"""The rows of one file: numbered, cleaned to valid UTF-8, each value checked against its declared type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalhub.sandbox.fits import refuse_other_case
from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.scalars import Fit
from evalhub.sandbox.sheet import Sheet
from evalhub.sandbox.spelling import Misfit, parse, spell
from evalhub.sandbox.texts import Text
from evalhub.texts import clean

_REPLACED = "\ufffd"
_NUL = "\\u0000"


@dataclass(slots=True)
class Reader:
    """One file of text that is read once, row by row.

    Attributes:
        path: The file on this disk. It is unpacked if its name ends in `.gz`.
        format: "jsonl", "json", "csv" or "lines".
        columns: The declared columns.
        form: The card's `encoding`, `delimiter`, `quote`, `skip` and `layout`.
        column_names: The column names of the rows so far.
        empty: Number of empty cells in each column. Only CSV has them.
        place: The place of the current row, to be appended to the file's name.
    """

    path: Path
    format: str
    columns: Collection[str]
    form: Mapping[str, Any] = field(default_factory=dict)
    column_names: set[str] = field(default_factory=set)
    empty: Mapping[str, int] = field(default_factory=dict)
    place: str = ""
    _text: Text = field(init=False)

    def __post_init__(self) -> None:
        self._text = Text(self.path, self.form.get("encoding") or "")

    @property
    def replaced(self) -> int:
        """Number of broken characters that became U+FFFD."""
        return self._text.replaced

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield each row with its number: the line for jsonl and lines, else the element or data row.

        Raises:
            Refused: The file or a row does not have the declared format.
        """
        readers = {"jsonl": self._jsonl, "json": self._json, "csv": self._csv, "lines": self._lines}
        for number, row in readers[self.format]():
            if not row.keys() <= self.column_names:
                refuse_other_case(row.keys() - self.column_names, self.columns, self.place)
                self.column_names.update(row)
            yield number, row

    def _lines(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, text in enumerate(self._text.lines(), start=1):
            yield number, {"text": text.removesuffix("\n").removesuffix("\r")}

    def _jsonl(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, text in enumerate(self._text.lines(), start=1):
            if not text.isspace():
                self.place = f":{number}"
                yield number, self._object(self._parse(text))

    def _json(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, row in enumerate(self._rows_by_layout(self._parse("".join(self._text.lines()))), start=1):
            self.place = f":{number}"
            yield number, self._object(row)

    def _csv(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        options = {name: self.form[name] for name in ("delimiter", "quote", "skip") if name in self.form}
        sheet = Sheet(self._text.lines(), self.columns, **options)
        self.empty = sheet.empty
        for number, record in sheet.records():
            self.place = sheet.place
            yield number, record

    def _rows_by_layout(self, content: Any) -> Iterator[Any]:
        """Yield the rows of a JSON file by its layout: a list of rows, rows by key, or columns."""
        layout = self.form.get("layout", "rows")
        if layout == "rows":
            if isinstance(content, dict) and content and content.keys().isdisjoint(self.columns):
                fix = (
                    "add `layout: keyed` where its keys name rows, `layout: columns` where they name columns"
                )
                raise Refused("", "the file is one object without the declared columns", fix=fix)
            yield from content if isinstance(content, list) else [content]
            return
        if not isinstance(content, dict):
            raise Refused(
                "", f"the layout {layout} needs one object", fix="leave `layout` out for a list of rows"
            )
        if layout == "keyed":
            for key, row in content.items():
                if isinstance(row, dict) and "key" in row:
                    raise Refused(
                        "", "a row has a key named key, the name of the column for the keys", value=key
                    )
                yield {"key": key, **row} if isinstance(row, dict) else row
            return
        columns = {
            name: part if isinstance(part, dict) else _keyed_by_place(part) for name, part in content.items()
        }
        keys = list(next(iter(columns.values()), {}))
        for name, part in columns.items():
            if list(part) != keys:
                raise Refused("", "the columns differ in length or in their keys", value=name)
        for key in keys:
            yield {"key": key, **{name: part[key] for name, part in columns.items()}}

    def _object(self, row: Any) -> dict[str, Any]:
        if not isinstance(row, dict):
            raise Refused(self.place, "the row is not a JSON object")
        return row

    def _parse(self, text: str) -> Any:
        try:
            return parse(text)
        except Misfit as error:
            raise refusal_of(error, self.place) from error
        except (ValueError, RecursionError) as error:
            fix = ""
            if self.format == "json" and "Extra data" in str(error):
                fix = "write `format: jsonl` for a file of one object a line"
            elif self.place == ":1" and text.lstrip()[:1] in ("[", "{") and not text.rstrip().endswith("}"):
                fix = "write `format: json` for a file that is one list or object"
            raise Refused(self.place, f"the text is not JSON ({error})", fix=fix) from error


def _keyed_by_place(part: Any) -> dict[str, Any]:
    """Return the values of a column by their places. A single value is a column of one row."""
    values = part if isinstance(part, list) else [part]
    return {str(place): value for place, value in enumerate(values)}


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
