"""The records of a CSV file, with their lines. An empty cell is a missing value, `""` an empty text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal

from evalhub.sandbox import looks
from evalhub.sandbox.fits import refuse_other_case
from evalhub.sandbox.refusal import Refused, unknown_column

_ADD = "to the file in the card"
_BROKEN = (
    ("unexpected end", "a quote is opened and never closed", ""),
    (
        "expected after",
        "a cell goes on after its closing quote",
        'add `quote: ""` {add} where quotes are text',
    ),
    (
        "new-line",
        "a carriage return has no newline after it",
        "save the file with line ends of Unix or Windows",
    ),
)


@dataclass(slots=True)
class Sheet:
    """One CSV file that is read once.

    Attributes:
        lines: Its lines with their ends.
        columns: The declared columns.
        delimiter, quote, skip: As in the card. An empty quote means that quotes are text.
        line: The line in which the current record begins, from 1.
        number: The current record's number below the header, from 1.
        empty: Number of empty cells in each column.
    """

    lines: Iterator[str]
    columns: Collection[str]
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0
    line: int = 0
    number: int = 0
    empty: Counter[str] = field(default_factory=Counter)
    header: list[str] = field(default_factory=list)
    _raw: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The line of the current record, and its number below the header."""
        return f":{self.line}" + (f" (row {self.number})" if self.number else "")

    def records(self) -> Iterator[tuple[int, Mapping[str, str | None]]]:
        """Yield each record with its number.

        Raises:
            Refused: The header lacks a column or names one twice in any case, or a record is not valid CSV.
        """
        csv.field_size_limit(1 << 30)
        titles = list(islice(self.lines, self.skip))
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        table = csv.reader(
            self._remember_lines(),
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=quoting,
            strict=True,
        )
        self.line = len(titles) + 1
        try:
            self.header = next(table, [])
            self._refuse_header()
            self._raw.clear()
            self.line = table.line_num + self.skip + 1
            blank = 0
            for values in table:
                if not values:
                    blank += len(self.header) == 1  # in a file of one column an empty line is an empty cell
                else:
                    for _ in range(blank):
                        self.number += 1
                        self.empty[self.header[0]] += 1
                        yield self.number, dict.fromkeys(self.header)
                    blank = 0
                    self.number += 1
                    yield self.number, self._record(values)
                self._raw.clear()
                self.line = table.line_num + self.skip + 1
        except csv.Error as error:
            self.number += bool(self.header)
            raise self._refusal_of(error) from error

    def _remember_lines(self) -> Iterator[str]:
        for line in self.lines:
            self._raw.append(line)
            yield line

    def _record(self, values: list[str]) -> Mapping[str, str | None]:
        if len(values) != len(self.header):
            problem = f"the row has {len(values)} fields, the header {len(self.header)}"
            raise Refused(
                self.place, problem, fix="a cell that holds the delimiter or a newline needs quotes"
            )
        record: dict[str, str | None] = dict(zip(self.header, values, strict=True))
        if "" in values:
            quoted = self._quoted_empty()
            for place, (name, value) in enumerate(zip(self.header, values, strict=True)):
                if value == "" and place not in quoted:
                    record[name] = None
                    self.empty[name] += 1
        return record

    def _quoted_empty(self) -> set[int]:
        """Return the places of the cells that are written as two quotes. Python's reader does not tell."""
        if not self.quote or not any(self.quote * 2 in line for line in self._raw):
            return set()
        text, mark = "".join(self._raw).rstrip("\r\n"), re.escape(self.quote)
        cell = re.compile(f"{mark}(?:[^{mark}]|{mark}{mark})*{mark}|[^{re.escape(self.delimiter)}]*")
        places, start = set(), 0
        for place in range(len(self.header)):
            match = cell.match(text, start)
            if match is None:
                break
            if match.group() == self.quote * 2:
                places.add(place)
            start = match.end() + 1
        return places

    def _refuse_header(self) -> None:
        duplicates = [name for name, count in Counter(self.header).items() if count > 1 and name]
        if duplicates:
            raise Refused(self.place, "two columns of the header have one name", value=duplicates[0])
        refuse_other_case(self.header, self.columns, self.place)
        if set(self.columns) <= set(self.header):
            return
        lines = list(chain(self._raw, islice(self.lines, 20)))
        if not "".join(lines).strip():
            return
        titles, delimiter = looks.of_header(lines, self.columns, self.delimiter) or (0, self.delimiter)
        if titles:
            keys = f"`skip: {self.skip + titles}`"
            keys += f" and `{looks.as_yaml(delimiter)}`" if delimiter != self.delimiter else ""
            line = self.skip + titles + 1
            raise Refused(self.place, f"the header seems to be in line {line}", fix=f"add {keys} {_ADD}")
        if other := looks.of_delimiter(lines[0], self.columns, self.delimiter):
            names = looks.delimiter_name(other), looks.delimiter_name(self.delimiter)
            problem = f"the columns are separated by {names[0]}, not by {names[1]}"
            raise Refused(self.place, problem, fix=f"add `{looks.as_yaml(other)}` {_ADD}")
        missing = next(name for name in self.columns if name not in self.header)
        raise unknown_column(missing, self.header, self.place)

    def _refusal_of(self, error: csv.Error) -> Refused:
        for sign, problem, fix in _BROKEN:
            if sign in str(error):
                return Refused(self.place, f"the row is not valid CSV: {problem}", fix=fix.format(add=_ADD))
        return Refused(self.place, f"the row is not valid CSV ({error})")
