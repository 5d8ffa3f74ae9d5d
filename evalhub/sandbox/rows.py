"""The rows of one file: cleaned to valid UTF-8, numbered, nothing guessed."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from evalhub.records import clean

_REPLACED = "\ufffd"


class RowError(ValueError):
    """A row cannot be read.

    Args:
        message: What is wrong with it.
        line: The row's number, from 1; 0 for the whole file.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        self.line = line
        super().__init__(message)


@dataclass(slots=True)
class Reader:
    """One file that is read once, row by row.

    Attributes:
        path: The file on this disk; a name that ends in `.gz` is unpacked.
        format: "jsonl", "json", "csv" or "lines".
        columns: The declared columns with their DuckDB types.
        seen: The column names that the rows really had.
        replaced: How many broken characters became U+FFFD.
    """

    path: Path
    format: str
    columns: dict[str, str]
    seen: set[str] = field(default_factory=set)
    replaced: int = 0

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with its number: of jsonl and lines the line, else the element or data row.

        Raises:
            RowError: A row is not what the format says.
        """
        readers = {"jsonl": self._jsonl, "json": self._json, "csv": self._csv, "lines": self._lines}
        for line, row in readers[self.format]():
            self.seen.update(row)
            yield line, {name: row.get(name) for name in self.columns}

    def _open(self) -> IO[bytes]:
        return gzip.open(self.path, "rb") if self.path.suffix == ".gz" else self.path.open("rb")  # type: ignore[return-value]

    def _text(self) -> Iterator[str]:
        """Yield the lines with their ends; only a newline ends a line."""
        with self._open() as file:
            for number, raw in enumerate(file):
                text = raw.decode("utf-8-sig" if number == 0 else "utf-8", "replace")
                if _REPLACED in text:
                    self.replaced += text.count(_REPLACED) - raw.count(_REPLACED.encode())
                yield text.replace("\x00", "")

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for line, text in enumerate(self._text(), start=1):
            yield line, {"text": text.removesuffix("\n").removesuffix("\r")}

    def _jsonl(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for line, text in enumerate(self._text(), start=1):
            if text.strip():
                yield line, self._object(_parsed(text, line), line)

    def _json(self) -> Iterator[tuple[int, dict[str, Any]]]:
        loaded = _parsed("".join(self._text()), 0)
        rows = loaded if isinstance(loaded, list) else [loaded]
        for line, row in enumerate(rows, start=1):
            yield line, self._object(row, line)

    def _object(self, row: Any, line: int) -> dict[str, Any]:
        if not isinstance(row, dict):
            raise RowError("the row is no JSON object", line)
        return row

    def _csv(self) -> Iterator[tuple[int, dict[str, Any]]]:
        csv.field_size_limit(1 << 30)
        table = csv.reader(self._text(), strict=True)
        number = 0
        try:
            header = next(table, [])
            self.seen.update(header)
            for number, values in enumerate((row for row in table if row), start=1):
                if len(values) != len(header):
                    raise RowError(f"the row has {len(values)} fields, the header {len(header)}", number)
                yield (
                    number,
                    {
                        name: self._field(name, value, number)
                        for name, value in zip(header, values, strict=True)
                    },
                )
        except csv.Error as error:
            raise RowError(f"the row is no CSV ({error})", number + 1) from error

    def _field(self, name: str, value: str, line: int) -> Any:
        if value == "":
            return None
        return _parsed(value, line) if self.columns.get(name, "").upper() == "JSON" else value

    def spelled(self, row: dict[str, Any]) -> bytes:
        """Return a row as one line of JSON that every reader of UTF-8 accepts."""
        text = json.dumps(row, ensure_ascii=False)
        if "\\u0000" not in text:
            try:
                return text.encode("utf-8") + b"\n"
            except UnicodeEncodeError:
                pass
        text = json.dumps(self._cleaned(row), ensure_ascii=False)
        return text.encode("utf-8") + b"\n"

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            good = clean(value)
            self.replaced += good.count(_REPLACED) - value.count(_REPLACED)
            return good
        if isinstance(value, list):
            return [self._cleaned(one) for one in value]
        if isinstance(value, dict):
            return {self._cleaned(key): self._cleaned(one) for key, one in value.items()}
        return value


def _parsed(text: str, line: int) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise RowError(f"the text is no JSON ({error})", line) from error
