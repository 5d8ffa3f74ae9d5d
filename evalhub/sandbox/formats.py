"""The formats of data files: each has a function that reads the rows of a file.

A reader gets a `TextFile`, sets its `place` for errors, and yields each row with its number. A complete
reader, for lines of words under the declared columns:

>>> def read_words(file):
...     for number, line in enumerate(file.text.lines(), start=1):
...         file.place = f":{number}"
...         yield number, dict(zip(file.columns, line.split()))

A format becomes known by one line in `READERS`, or by an entry point of the group `evalhub.file_formats` in
another package. Parquet files have types of their own, so `tables` reads them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evalhub.sandbox.refusal import Refused
from evalhub.sandbox.rows import TextFile, refusal_of
from evalhub.sandbox.sheet import Sheet
from evalhub.sandbox.spelling import Misfit, parse

Rows = Iterator[tuple[int, Mapping[str, Any]]]
RowReader = Callable[[TextFile], Rows]


def read_lines(file: TextFile) -> Rows:
    """Yield each line as the column `text`."""
    for number, text in enumerate(file.text.lines(), start=1):
        yield number, {"text": text.removesuffix("\n").removesuffix("\r")}


def read_jsonl(file: TextFile) -> Rows:
    """Yield the JSON object of each line."""
    for number, text in enumerate(file.text.lines(), start=1):
        if not text.isspace():
            file.place = f":{number}"
            row = _parse(file, text)
            yield number, _object(file, row)


def read_json(file: TextFile) -> Rows:
    """Yield the rows of one JSON file by its layout."""
    content = _parse(file, "".join(file.text.lines()), whole_file=True)
    for number, row in enumerate(_rows_by_layout(file, content), start=1):
        file.place = f":{number}"
        yield number, _object(file, row)


def read_csv(file: TextFile) -> Rows:
    """Yield the records of a CSV file. Its cells are texts."""
    options = {name: file.form[name] for name in ("delimiter", "quote", "skip") if name in file.form}
    sheet = Sheet(file.text.lines(), file.columns, **options)
    file.empty = sheet.empty
    for number, record in sheet.records():
        file.place = sheet.place
        yield number, record


READERS: Mapping[str, RowReader] = {
    "jsonl": read_jsonl,
    "json": read_json,
    "csv": read_csv,
    "lines": read_lines,
}
PARQUET = "parquet"
FORMATS = (*READERS, PARQUET)


def read_rows(file: TextFile, format_name: str) -> Rows:
    """Yield each row of a file with its number: the line of jsonl and lines, else the element or data row.

    Args:
        file: The file.
        format_name: A key of `READERS`, or `module:function` of another package's reader.

    Raises:
        Refused: The file or a row does not have the declared format.
    """
    for number, row in _find_reader(format_name)(file):
        file.add_names(row)
        yield number, row


def _find_reader(format_name: str) -> RowReader:
    module, _, function = format_name.partition(":")
    if not function:
        return READERS[format_name]
    reader: RowReader = getattr(importlib.import_module(module), function)
    return reader


def _rows_by_layout(file: TextFile, content: Any) -> Iterator[Any]:
    """Yield the rows of a JSON file by its layout: a list of rows, rows by key, or columns."""
    layout = file.form.get("layout", "rows")
    if layout == "rows":
        if isinstance(content, dict) and content and content.keys().isdisjoint(file.columns):
            fix = "add `layout: keyed` where its keys name rows, `layout: columns` where they name columns"
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
                raise Refused("", "a row has a key named key, the name of the column for the keys", value=key)
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


def _keyed_by_place(part: Any) -> dict[str, Any]:
    """Return the values of a column by their places. A single value is a column of one row."""
    values = part if isinstance(part, list) else [part]
    return {str(place): value for place, value in enumerate(values)}


def _object(file: TextFile, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Refused(file.place, "the row is not a JSON object")
    return row


def _parse(file: TextFile, text: str, *, whole_file: bool = False) -> Any:
    try:
        return parse(text)
    except Misfit as error:
        raise refusal_of(error, file.place) from error
    except (ValueError, RecursionError) as error:
        fix = ""
        if whole_file and "Extra data" in str(error):
            fix = "write `format: jsonl` for a file of one object a line"
        elif file.place == ":1" and text.lstrip()[:1] in ("[", "{") and not text.rstrip().endswith("}"):
            fix = "write `format: json` for a file that is one list or object"
        raise Refused(file.place, f"the text is not JSON ({error})", fix=fix) from error
