"""Grids that follow from a list of columns, so that a plain table needs no function of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from evalhub.report.format import Footnotes, Grid, Row, grouped, visible
from evalhub.texts import count, number

Data = Mapping[str, Any]
Cell = Callable[[Row, Footnotes], str]
Grids = Callable[[Data, Footnotes], Iterator[Grid]]


def text(name: str) -> Cell:
    """Return a cell that shows a column as text."""
    return lambda row, _: visible(row[name])


def whole(name: str) -> Cell:
    """Return a cell that shows a column as a whole number."""
    return lambda row, _: count(row[name])


def decimal(name: str, places: int = 2) -> Cell:
    """Return a cell that shows a column as a decimal number."""
    return lambda row, _: number(row[name], places)


def share(part: str, total: str) -> Cell:
    """Return a cell that shows two counts as `part of total`."""
    return lambda row, _: f"{count(row[part])} of {count(row[total])}"


def heading(*parts: object) -> str:
    """Return a grid's title of several parts, without those that are absent or repeated.

    >>> heading("summeval", "judge", None, "judge")
    'summeval · judge'
    """
    return " · ".join(visible(part) for part in dict.fromkeys(parts) if part)


def line_grids(
    table: str, columns: Mapping[str, Cell], *, names: int, by: Sequence[str] = (), title: str = ""
) -> Grids:
    """Return what makes grids of a table with a line for each row.

    Args:
        table: Name of the table.
        columns: Each heading with what its cells show.
        names: How many columns, from the left, say what a line is about.
        by: Columns of which each combination has a grid of its own, under their values.
        title: Stands over a grid, before these values.
    """

    def grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
        for key, rows in grouped(data[table], *by):
            lines = tuple(tuple(cell(row, notes) for cell in columns.values()) for row in rows)
            yield Grid(heading(title, *key), tuple(columns), lines, names)

    return grids
