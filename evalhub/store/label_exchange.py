"""Labels in and out as JSON Lines or CSV, for other labelling tools."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.scales import Order, Winner
from evalhub.store.labels import Decision, LabelEntry
from evalhub.texts import clean, escape_formula, unescape_formula

COLUMNS = tuple(field.name for field in fields(LabelEntry))

Row = Mapping[str, Any]


def _flag(text: str) -> bool:
    flags = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return flags[text.lower()]


_READERS: dict[str, Callable[[str], Any]] = {
    "sample": int, "repeat": int, "confidence": int, "value": float, "probability": float, "seconds": float,
    "uniform": _flag, "blind": _flag, "is_review": _flag, "winner": Winner, "shown": Order,
    "decision": Decision,
}  # fmt: skip


def read_label_table(path: Path, defaults: Row) -> Iterator[LabelEntry]:
    """Yield the labels of a file.

    Args:
        path: A file that ends with .jsonl or .csv. Its columns are those of `LabelEntry`. A pair is named by
            system_a and system_b in any order, and a winner is the one or the other, a, b or tie.
        defaults: Values of columns that the file does not have, such as the annotator.

    Raises:
        InputError: A row lacks a column, or a value is none of those allowed. The row is named.
        StorageError: The file cannot be read.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    for line, row in _rows(path):
        unknown = sorted(set(row) - set(COLUMNS))
        if unknown:
            raise InputError("unknown column", where=str(path), value=unknown[0], allowed=COLUMNS)
        present = {name: value for name, value in row.items() if value not in (None, "")}
        values = {"time": time, **defaults, **present}
        yield _entry(values, f"{path}:{line}")


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise StorageError(f"the file cannot be read ({error.strerror})", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("the file is no UTF-8", where=str(path), fix="save it as UTF-8") from error
    if path.suffix == ".csv":
        for row in (reader := csv.DictReader(io.StringIO(text, newline=""))):
            cells = {
                str(name): unescape_formula(cell) if isinstance(cell, str) else cell
                for name, cell in row.items()
                if name is not None
            }
            yield reader.line_num, cells
        return
    if path.suffix != ".jsonl":
        raise InputError("this is no file of labels", where=str(path), allowed=[".jsonl", ".csv"])
    for line, source in enumerate(text.split("\n"), 1):
        if source.strip():
            yield line, _json_row(source, f"{path}:{line}")


def _json_row(source: str, where: str) -> Row:
    try:
        row = json.loads(source)
    except ValueError as error:
        raise InputError("the line is no JSON", where=where, value=source[:80]) from error
    if not isinstance(row, dict):
        raise InputError("the line is no JSON object", where=where, value=source[:80])
    return {name: value if value is None else _as_text(value) for name, value in row.items()}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _entry(values: dict[str, Any], where: str) -> LabelEntry:
    for name in ("annotator", "dataset", "item_id", "criterion"):
        if not values.get(name):
            raise InputError(
                f"the row has no {name}", where=where, fix="add a column, or name it as an option"
            )
    _order_pair(values, where)
    typed = {name: _read(name, value, where) for name, value in values.items()}
    try:
        entry = LabelEntry(**typed)
    except InputError as error:
        error.where = where
        raise
    sides = (entry.system_a is not None, entry.system_b is not None)
    is_pair = all(sides)
    if is_pair == (entry.system is not None) or any(sides) != is_pair:
        raise InputError(
            "the row names neither one response nor a pair",
            where=where,
            allowed="system, or system_a and system_b",
        )
    if entry.decision is Decision.LABEL:
        if is_pair and entry.winner is None:
            raise InputError("the pair has no winner", where=where, allowed=["a", "tie", "b"])
        if entry.value is not None and not math.isfinite(entry.value):
            raise InputError("the value is not finite", where=where, value=entry.value)
        if not is_pair and entry.value is None:
            raise InputError("the response has no value", where=where)
    return entry


def _order_pair(values: dict[str, Any], where: str) -> None:
    """Put the systems of a pair in their order, and say who won in these terms."""
    first, second, winner = (values.get(name) for name in ("system_a", "system_b", "winner"))
    if first is None or second is None:
        return
    if first == second:
        raise InputError("a pair needs two systems", where=where, value=first)
    if winner in (first, second) and winner not in ("a", "tie", "b"):
        winner = "a" if winner == first else "b"
    if str(first).encode() > str(second).encode():
        values["system_a"], values["system_b"] = second, first
        winner = {"a": "b", "b": "a"}.get(str(winner), winner)
        shown = values.get("shown")
        values["shown"] = {"ab": "ba", "ba": "ab"}.get(str(shown), shown)
    values["winner"] = winner


def _read(name: str, value: Any, where: str) -> Any:
    if value is None or not isinstance(value, str):
        return value
    reader = _READERS.get(name)
    if reader is None:
        return clean(value)
    try:
        return reader(value)
    except (ValueError, KeyError) as error:
        raise InputError(f"this is no {name}", where=where, value=value) from error


def write_label_table(path: Path, entries: Iterable[LabelEntry]) -> int:
    """Write labels as JSON Lines or CSV, by the ending of the file, and return their number.

    A cell of a CSV file that a spreadsheet would run as a formula begins with an apostrophe, which is taken
    off when the file is read.

    Raises:
        InputError: The ending is neither .jsonl nor .csv.
        StorageError: The disk is full or refuses.
    """
    rows = [asdict(entry) for entry in entries]
    if path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(
            {name: escape_formula(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in rows
        )
        content = text.getvalue()
    elif path.suffix == ".jsonl":
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        raise InputError("this is no file of labels", where=str(path), allowed=[".jsonl", ".csv"])
    try:
        write_file(path, content.encode("utf-8"), shared=True)
    except OSError as error:
        raise StorageError(f"the labels cannot be written ({error.strerror})", where=str(path)) from error
    return len(rows)
