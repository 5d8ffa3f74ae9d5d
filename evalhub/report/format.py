"""Tidy rows as grids of text: what a person reads in a terminal or on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalhub.analysis.run.coverage import CENSUS
from evalhub.texts import ABSENT, count, make_printable, number

_MARKDOWN = r"\`*_{}[]()#+-.!|<>$:~&/@=^"
# Markdown makes a link of an address after its escapes are gone. A word joiner inside ends the address.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\S)", re.IGNORECASE)
Row = Mapping[str, Any]

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(slots=True)
class Footnotes:
    """Numbers the reasons why something is absent, each once."""

    reasons: dict[str, int] = field(default_factory=dict)

    def mark(self, reason: str | None) -> str:
        """Return the reason's number as a superscript, and nothing without a reason.

        >>> Footnotes().mark("no judgments")
        '¹'
        """
        if not reason:
            return ""
        return str(self.reasons.setdefault(reason, len(self.reasons) + 1)).translate(_SUPERSCRIPTS)

    def lines(self) -> list[str]:
        """Return the reasons as footnotes, in the order of their numbers."""
        return [
            f"{str(place).translate(_SUPERSCRIPTS)} {visible(reason)}"
            for reason, place in self.reasons.items()
        ]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts. The first `names` columns name what a row is about, the others hold numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def p_value(value: float | None) -> str:
    """Write a p-value to three places."""
    return ABSENT if value is None else "<0.001" if value < 0.001 else number(value, 3)


def interval(row: Row, notes: Footnotes) -> str:
    """Return an estimate with its interval, such as `0.62 [0.51, 0.72]`. What is absent has a footnote.

    A number that counts all there is has no interval.

    >>> interval({"estimate": 0.62, "low": 0.51, "high": 0.72, "reason": None}, Footnotes())
    '0.62 [0.51, 0.72]'
    """
    mark = notes.mark(row["reason"])
    parts = [row["estimate"], row["low"], row["high"]]
    largest = max((abs(part) for part in parts if part is not None), default=0)
    point, low, high = (number(part, 2 if largest < 10 else 1 if largest < 100 else 0) for part in parts)
    if row["estimate"] is None:
        return f"{ABSENT}{mark}"
    if row.get("method") == CENSUS:
        return point
    return f"{point} [{ABSENT}]{mark}" if row["low"] is None else f"{point} [{low}, {high}]{mark}"


LOWER_IS_BETTER = "lower is better"


def direction(row: Row) -> str | None:
    """Return a note where a lower number is better, else None."""
    return LOWER_IS_BETTER if row["higher_is_better"] is False else None


def measure(row: Row) -> str:
    """Return a row's measure, with a note where the lower is better.

    >>> measure({"measure": "ter", "higher_is_better": False})
    'ter (lower is better)'
    """
    note = direction(row)
    return visible(row["measure"]) + (f" ({note})" if note else "")


def visible(value: object) -> str:
    """Return a text as one line that cannot steer a terminal. An absent text is a dash.

    >>> visible("a\\x1b[31mb"), visible(None)
    ('a�[31mb', '–')
    """
    if value is None:
        return ABSENT
    return " ".join(make_printable(str(value)).split())


def escape_markdown(text: object) -> str:
    """Return a text as one line of Markdown in which nothing acts: `visible`, and its signs escaped."""
    joined = _ADDRESS.sub("\u2060", visible(text))
    return "".join(f"\\{sign}" if sign in _MARKDOWN else sign for sign in joined)


def pivot(
    rows: Sequence[Row],
    notes: Footnotes,
    *,
    title: str,
    names: Mapping[str, str],
    across: Sequence[str],
    lines: Sequence[tuple[Any, ...]] | None = None,
) -> Grid:
    """Spread tidy rows over columns: one line per name, one column per value of `across`.

    Where all numbers of a column have the same n, its head shows n. Otherwise each cell does.

    Args:
        rows: Tidy rows. Columns come in the order of their first row.
        notes: Takes the reasons of what is absent.
        title: Stands over the grid.
        names: Columns that name a line, with their headings.
        across: Columns whose values are spread and make the heading.
        lines: Names of the lines in order, by default that of their first row.
    """
    lines = lines or list(dict.fromkeys(_key(row, names) for row in rows))
    cells = {(_key(row, names), _key(row, across)): row for row in rows}
    head, body = list(names.values()), [[visible(part) for part in line] for line in lines]
    for column in dict.fromkeys(_key(row, across) for row in rows):
        cells_of_column = [cells.get((line, column)) for line in lines]
        sizes = {row["n"] for row in cells_of_column if row is not None}
        shared = sizes.pop() if len(sizes) == 1 else None
        heading = "\n".join(visible(part) for part in dict.fromkeys(column) if part is not None)
        head.append(heading if shared is None else f"{heading}\nn {count(shared)}")
        for cell, line in zip(cells_of_column, body, strict=True):
            line.append(_cell(cell, notes, with_n=shared is None))
    return Grid(title, tuple(head), tuple(map(tuple, body)), len(names))


def _cell(row: Row | None, notes: Footnotes, *, with_n: bool) -> str:
    if row is None:
        return ""
    return f"{interval(row, notes)} n {count(row['n'])}" if with_n else interval(row, notes)


def _key(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def grouped(rows: Iterable[Row], *by: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """Yield the rows of each group under its key, in the order in which the keys come first."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(_key(row, by), []).append(row)
    yield from groups.items()
