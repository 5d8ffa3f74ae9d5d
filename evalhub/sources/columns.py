"""The columns that the SELECT of each kind may return, and how each value is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import AnnotatorKind, FailureKind, end_of
from evalhub.scales import Order, Winner
from evalhub.sources.blocks import is_blocks, text_of
from evalhub.sources.item_criteria import read_item_criteria
from evalhub.sources.messages import read_messages
from evalhub.sources.query import Answer
from evalhub.texts import clean, is_blank

_ID = re.compile(r"[A-Za-z0-9._/@+-]{1,200}")
_SHOWN_IDS = (
    "item_id", "system", "system_a", "system_b", "criterion", "item_criterion", "annotator", "judge",
    "metric",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of a kind. `read` raises a ValueError that says which values are allowed."""

    read: Callable[[Any], Any]
    required: bool = False


def _id(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    if not _ID.fullmatch(text):
        raise ValueError("1 to 200 of the characters A-Z a-z 0-9 . _ / @ + -; rename it in the SELECT")
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return clean(value)
    if is_blocks(value):
        return text_of(value)
    raise ValueError("a text, or a list of text blocks")


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or is_blocks(value):
        return (_text(value),)
    if not isinstance(value, list) or not all(part is None or isinstance(part, str | list) for part in value):
        raise ValueError("a text or a list of texts")
    return tuple(_text(part) for part in value if part is not None)


def _refs(value: Any) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
    if isinstance(value, list) and any(isinstance(part, list) and not is_blocks(part) for part in value):
        return tuple(_texts(part or []) for part in value)
    return _texts(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number from 0")
    return value


def _turn(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number from 1")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a finite number")
    return float(value)


def _value(value: Any) -> float | str:
    return value if isinstance(value, str) else _number(value)


def _ending(value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("a text, such as stop or length")
    return None if is_blank(value) else end_of(clean(value))


def _share(value: Any) -> float:
    share = _number(value)
    if not 0 <= share <= 1:
        raise ValueError("a number from 0 to 1")
    return share


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _one_of(options: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return options(value)
        except ValueError:
            raise ValueError(", ".join(options)) from None

    return read


def _split(value: Any) -> str:
    if value not in ("dev", "test"):
        raise ValueError("dev, test")
    return str(value)


_RESPONSE = {"item_id": SourceColumn(_id, required=True), "sample": SourceColumn(_count)}
_VERDICT = {
    **_RESPONSE,
    "system": SourceColumn(_id),
    "system_a": SourceColumn(_id),
    "system_b": SourceColumn(_id),
    "criterion": SourceColumn(_id, required=True),
    "value": SourceColumn(_value),
    "winner": SourceColumn(_one_of(Winner)),
    "shown": SourceColumn(_one_of(Order)),
    "turn": SourceColumn(_turn),
    "item_criterion": SourceColumn(_id),
}

COLUMNS: Mapping[str, Mapping[str, SourceColumn]] = {
    "items": {
        "item_id": SourceColumn(_id, required=True),
        "prompt": SourceColumn(_text),
        "turns": SourceColumn(_texts),
        "messages": SourceColumn(read_messages),
        "refs": SourceColumn(_refs),
        "context": SourceColumn(_texts),
        "tags": SourceColumn(_texts),
        "lang": SourceColumn(_text),
        "cluster": SourceColumn(_id),
        "split": SourceColumn(_split),
        "criteria": SourceColumn(read_item_criteria),
    },
    "responses": {
        **_RESPONSE,
        "system": SourceColumn(_id, required=True),
        "text": SourceColumn(_text),
        "turns": SourceColumn(_texts),
        "chars": SourceColumn(_count),
        "family": SourceColumn(_texts),
        "finish_reason": SourceColumn(_ending),
    },
    "labels": {
        **_VERDICT,
        "annotator": SourceColumn(_id),
        "annotator_kind": SourceColumn(_one_of(AnnotatorKind), required=True),
        "probability": SourceColumn(_share),
        "uniform": SourceColumn(_flag),
    },
    "judgments": {
        **_VERDICT,
        "judge": SourceColumn(_id, required=True),
        "repeat": SourceColumn(_count),
        "raw_text": SourceColumn(_text),
        "p_a": SourceColumn(_share),
        "failure": SourceColumn(_one_of(FailureKind)),
    },
    "scores": {
        **_RESPONSE,
        "system": SourceColumn(_id, required=True),
        "metric": SourceColumn(_id, required=True),
        "value": SourceColumn(_number),
        "criterion": SourceColumn(_id),
    },
}


def place(row: Mapping[str, Any]) -> str:
    """Return the ids of a row in words."""
    ids = [f"{name} {row[name]!r}" for name in _SHOWN_IDS if row.get(name) is not None]
    return ", ".join(ids) or "a row without ids"


def read_rows(kind: str, answer: Answer, where: str) -> Iterator[dict[str, Any]]:
    """Yield each row of an answer with all the columns of its kind. Absent ones are None.

    Args:
        kind: "items", "responses", "labels", "judgments" or "scores".
        answer: The result of the SELECT.
        where: The card and its key.

    Raises:
        UnknownNameError: A column that the kind does not have.
        SpecError: A column is missing or appears twice, or a value is not allowed in its column.
    """
    columns = COLUMNS[kind]
    for name in answer.columns:
        if name not in columns:
            raise UnknownNameError("column", name, columns, where=where)
        if answer.columns.count(name) > 1:
            raise SpecError("the SELECT returns a column twice", where=where, value=name)
    for name, column in columns.items():
        if column.required and name not in answer.columns:
            raise SpecError(
                f"the SELECT must return the column {name}", where=where, value=list(answer.columns)
            )
    empty_row = dict.fromkeys(columns)
    for values in answer.rows:
        row = dict(zip(answer.columns, values, strict=True))
        yield empty_row | {name: _read(columns[name], name, row, where) for name in row}


def _read(column: SourceColumn, name: str, row: Mapping[str, Any], where: str) -> Any:
    value = row[name]
    if value is None:
        if column.required:
            raise SpecError(f"the column {name} is NULL in a row ({place(row)})", where=where)
        return None
    try:
        return column.read(value)
    except ValueError as error:
        raise SpecError(
            f"the column {name} has a value that is not allowed ({place(row)})",
            where=where,
            value=value,
            allowed=str(error),
        ) from None
