"""Reads the header of a GGUF file: its fields and where its tensors lie.

The token lists of a model hold some 300,000 strings. This reader takes a quarter of a second for them, and
`gguf.GGUFReader` 15 seconds.

Source: the GGUF specification, version 3 (ggml-org/ggml, docs/gguf.md).
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from evalhub.errors import ModelError

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...]"

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the file.

    Args:
        name: Its name in the file.
        shape: Rows first, as numpy counts.
        kind: The number of its ggml type.
        offset: Where its bytes begin, from the start of the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def elements(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The fields and tensors of a GGUF file.

    Args:
        where: The file's name, for messages.
        fields: Key to value.
        tensors: In the order of the file.
    """

    where: str
    fields: dict[str, Value]
    tensors: tuple[Tensor, ...]

    def text(self, key: str) -> str:
        """Return a field that must be text."""
        value = self.fields.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text", value)
        return value

    def integer(self, key: str) -> int:
        """Return a field that must be a whole number."""
        value = self.fields.get(key)
        if not isinstance(value, int):
            raise self._wrong(key, "a whole number", value)
        return value

    def number(self, key: str) -> float:
        """Return a field that must be a number, as the shortest one of its float32 value."""
        value = self.fields.get(key)
        if not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        return float(f"{value:.7g}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a field that must be a list of texts."""
        value = self.fields.get(key)
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts", None)
        return tuple(str(item) for item in value)

    def integers(self, key: str) -> tuple[int, ...]:
        """Return a field that must be a list of whole numbers."""
        value = self.fields.get(key)
        if not isinstance(value, tuple) or not all(isinstance(item, int) for item in value):
            raise self._wrong(key, "a list of whole numbers", None)
        return tuple(item for item in value if isinstance(item, int))

    def _wrong(self, key: str, expected: str, value: object) -> ModelError:
        return ModelError(
            f"the GGUF field {key} is missing or wrong", where=self.where, value=value, allowed=expected
        )


def read_header(path: Path) -> GgufHeader:
    """Read fields and tensor places of a GGUF file.

    Args:
        path: The file.

    Returns:
        Its header. No tensor is read.

    Raises:
        ModelError: It is not a GGUF file of version 2 or 3, or it ends too early.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data, path.name).header()
    except (struct.error, ValueError, KeyError, MemoryError) as error:
        raise ModelError("the GGUF file is damaged or cut short", where=path.name) from error


class _Reader:
    """Walks through the bytes of a header."""

    def __init__(self, data: mmap.mmap, where: str) -> None:
        self._data = data
        self._position = 0
        self._where = where

    def header(self) -> GgufHeader:
        """Read everything before the tensors' bytes."""
        self._position = 4
        if self._data[:4] != b"GGUF" or self._numbers("I")[0] not in _VERSIONS:
            raise ModelError("this is not a GGUF file of version 2 or 3", where=self._where)
        n_tensors, n_fields = (int(count) for count in self._numbers("QQ"))
        values = {self._text(): self._value(int(self._numbers("I")[0])) for _ in range(n_fields)}
        places = [self._place() for _ in range(n_tensors)]
        alignment = values.get("general.alignment", 32)
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        start = -(-self._position // step) * step
        tensors = tuple(Tensor(name, shape, kind, start + offset) for name, shape, kind, offset in places)
        if any(tensor.offset > len(self._data) for tensor in tensors):
            raise ValueError("a tensor lies behind the end")
        return GgufHeader(self._where, values, tensors)

    def _place(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._text()
        dimensions = int(self._numbers("I")[0])
        shape = tuple(int(size) for size in reversed(self._numbers(f"{dimensions}Q")))
        return name, shape, int(self._numbers("I")[0]), int(self._numbers("Q")[0])

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._numbers(_NUMBERS[kind])[0]
        item = int(self._numbers("I")[0])
        count = int(self._numbers("Q")[0])
        if count > len(self._data):
            raise ValueError("a list is longer than the file")
        if item in _NUMBERS:
            return self._numbers(f"{count}{_NUMBERS[item]}")
        return tuple(self._value(item) for _ in range(count))

    def _text(self) -> str:
        (length,) = struct.unpack_from("<Q", self._data, self._position)
        start = self._position + 8
        self._position = start + length
        if self._position > len(self._data):
            raise ValueError("a text reaches behind the end")
        return self._data[start : self._position].decode("utf-8", errors="replace")

    def _numbers(self, form: str) -> tuple[int, ...]:
        layout = struct.Struct(f"<{form}")
        values = layout.unpack_from(self._data, self._position)
        self._position += layout.size
        return values
