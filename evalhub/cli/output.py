"""Printing of results: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalhub.texts import ABSENT, make_printable, number

if TYPE_CHECKING:
    from evalhub.stats import Estimate


def console() -> Console:
    """Return the console for results. It is wide if the output is no terminal."""
    plain = not sys.stdout.isatty()
    return Console(width=160 if plain else None, highlight=False, soft_wrap=False, emoji=False)


def notes() -> Console:
    """Return the console for everything that is no result."""
    return Console(stderr=True, highlight=False, emoji=False)


def print_text(text: str) -> None:
    """Print a text to standard output: exactly for a program, printable on a terminal."""
    if sys.stdout.isatty():
        console().print(make_printable(text, multiline=True), markup=False, soft_wrap=True)
    else:
        sys.stdout.write(text + "\n")


def print_note(text: str, *, style: str | None = None) -> None:
    """Print a sentence to standard error. Nothing in it has an effect on the terminal."""
    notes().print(make_printable(text, multiline=True), markup=False, style=style, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON on one line per key."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str, allow_nan=False) + "\n")


def print_rows(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str] = (), title: str = ""
) -> None:
    """Print rows as a table, or as JSON.

    Args:
        rows: The rows.
        as_json: Whether to print JSON.
        columns: The columns of the table, in order. Default: all.
        title: Title of the table.
    """
    if as_json:
        print_json(list(rows))
        return
    names = list(columns or (rows[0].keys() if rows else ()))
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in names:
        numeric = any(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(row.get(name))) for name in names))
    console().print(table if rows else "nothing to show")


def cell_text(value: Any) -> str:
    """Return a value as the text of a table cell, printable: short numbers, and a dash for what is absent."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 3, thousands=False)
    if isinstance(value, list | tuple | Mapping) and not value:
        return ABSENT
    if isinstance(value, Mapping):
        return ", ".join(f"{cell_text(name)} {cell_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(cell_text, value))
    return make_printable(str(value), multiline=True)


def interval_text(estimate: Estimate) -> str:
    """Return an estimate with its interval, or why it has none."""
    if estimate.estimate is None:
        return f"not known ({estimate.reason})"
    value = number(estimate.estimate, 3)
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval: {estimate.reason})"
    return f"{value} [{number(estimate.low, 3)}, {number(estimate.high, 3)}]"


def print_fields(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Print names with their values, or a JSON object."""
    if as_json:
        print_json(dict(fields))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), Text(cell_text(value)))
    console().print(table)
