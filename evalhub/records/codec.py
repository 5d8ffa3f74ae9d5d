"""Conversion of records to plain values and back, their keys, and canonical JSON."""

from __future__ import annotations

import hashlib
import itertools
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from evalhub.records.tables import KINDS, Item, ItemCriterion, Record


def kind_of(record: Record) -> str:
    """Return the name of the table that a record belongs to."""
    return _KIND_NAMES[type(record)]


_KIND_NAMES = {cls: kind for kind, cls in KINDS.items()}


def key_of(record: Record) -> tuple[Any, ...]:
    """Return the values that identify a record in its table."""
    return _KEY_GETTERS[type(record)](record)


def _getter(names: Sequence[str]) -> Callable[[Record], tuple[Any, ...]]:
    """Return what reads these fields of a record, as a tuple."""
    reader = attrgetter(*names)
    return reader if len(names) > 1 else lambda record: (reader(record),)


_KEY_GETTERS = {cls: _getter(cls.KEY) for cls in KINDS.values()}


def sort_key(record: Record) -> tuple[tuple[bool, Any], ...]:
    """Return a key that sorts records of one table, absent values first."""
    return tuple([(value is not None, value) for value in key_of(record)])


def to_dict(record: Record) -> dict[str, Any]:
    """Return a record as plain values, fit for JSON."""
    names, reader = _FIELDS[type(record)]
    values = dict(zip(names, reader(record), strict=True))
    if isinstance(record, Item):
        values["criteria"] = tuple(map(asdict, record.criteria))
    return values


_NAMES = {cls: tuple(field.name for field in fields(cls)) for cls in KINDS.values()}
_FIELDS = {cls: (names, _getter(names)) for cls, names in _NAMES.items()}


def from_dict(kind: str, values: Mapping[str, Any]) -> Record:
    """Rebuild a record from plain values: lists become tuples, text becomes its enum."""
    cls = KINDS[kind]
    readers = _readers(kind)
    return cls(**{name: readers[name](value) for name, value in values.items() if name in readers})


def from_columns(kind: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[Record]:
    """Rebuild records from columns of plain values. For many records it is faster than `from_dict`."""
    cls, readers = KINDS[kind], _readers(kind)
    names = [name for name in columns if name in readers]
    values = [
        columns[name] if readers[name] is _unchanged else map(readers[name], columns[name]) for name in names
    ]
    if names == list(readers):
        return itertools.starmap(cls, zip(*values, strict=True))
    return (cls(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True))


@cache
def _readers(kind: str) -> dict[str, Any]:
    cls = KINDS[kind]
    hints = typing.get_type_hints(cls)
    return {field.name: _reader(hints[field.name]) for field in fields(cls)}


def _reader(hint: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, StrEnum):
            return lambda value, enum=option: None if value is None else enum(value)
        if typing.get_origin(option) is tuple:
            return _criteria if typing.get_args(option)[0] is ItemCriterion else _tuples
        if typing.get_origin(option) is Mapping:
            return lambda value: None if value is None else dict(value)
    return _unchanged


def _unchanged(value: Any) -> Any:
    return value


def _tuples(value: Any) -> Any:
    if value is None:
        return ()
    return tuple(_tuples(part) if isinstance(part, list | tuple) else part for part in value)


def _criteria(value: Any) -> tuple[ItemCriterion, ...]:
    """Return an item's criteria. Old files have none."""
    return tuple(ItemCriterion(**{**part, "tags": _tuples(part["tags"])}) for part in value or ())


def canonical(value: Any) -> str:
    """Return canonical JSON, so that equal values have equal texts: sorted keys, no spaces, no NaN."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


SHORT_DIGITS = 32
"""Digits of a hash that stands in each of many records, because hashes do not compress.

Among a billion hashes of 128 bits two are equal with a probability of about 1e-21.
"""


def digest(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON, or of a text's UTF-8 bytes."""
    text = value if isinstance(value, str) else canonical(value)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def prompt_sha256(item: Item) -> str:
    """Return the sha256 of an item's turns, context and chat history.

    Items that ask the same have the same hash in every dataset.

    >>> prompt_sha256(Item("here", "1", ("Hi",))) == prompt_sha256(Item("there", "2", ("Hi",)))
    True
    """
    history = [[list(message) for message in item.messages]] if item.messages else []
    return digest([list(item.turns), list(item.context), *history])
