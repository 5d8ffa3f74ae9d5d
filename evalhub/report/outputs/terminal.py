"""The report on a terminal: short, and readable on 100 columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalhub.analysis import Results, shortfall_sentences
from evalhub.analysis.run.answers import cut_answer_sentences
from evalhub.report.format import Footnotes, Grid, visible
from evalhub.report.grids.attacks import ATTACK_NOTES, attack_data, attack_grids, attack_lines
from evalhub.report.grids.engines import engine_lines, model_lines, summary
from evalhub.report.grids.ranking import on_what_they_rank
from evalhub.report.sections import FAILURES, RANKING, TERMINAL, Section

WIDTH = 100
INTERVALS = "[low, high] are 95% intervals over clusters of items; – is absent."
_GAP = 2


def print_report(data: dict[str, Any]) -> None:
    """Print a run's report to standard output.

    Args:
        data: As `report_data` returns it.
    """
    console, notes = wide(), Footnotes()
    title = data["title"] or data["suite"]
    _shortfalls(console, data)
    console.print(Text(visible(title), style="bold"))
    console.print(Text(summary(data), style="dim"))
    _pairs(console, [*model_lines(data), *engine_lines(data)])
    _sections(console, TERMINAL, data, notes)
    say(console, [INTERVALS, *notes.lines(), *(f"• {note}" for note in data["notes"])])


def print_leaderboard(data: dict[str, Any]) -> None:
    """Print everything that ranks systems, and what failed.

    Args:
        data: As `ranking_data` returns it.
    """
    console, notes = wide(), Footnotes()
    _shortfalls(console, data)
    _sections(console, (*RANKING, FAILURES), data, notes)
    about = (*on_what_they_rank(data["leaderboard"]), *cut_answer_sentences(data["answers"]))
    say(console, [INTERVALS, *notes.lines(), *(f"• {note}" for note in about)])


def _shortfalls(console: Console, data: dict[str, Any]) -> None:
    """Print first of all what was covered too little."""
    for sentence in shortfall_sentences(data["shortfalls"]):
        console.print(Text(visible(f"Inconclusive. {sentence}"), style="bold red"))


def _sections(console: Console, parts: Iterable[Section], data: dict[str, Any], notes: Footnotes) -> None:
    for part in parts:
        section(console, part.title, (part.brief or part.grids)(data, notes))


def print_attacks(results: Results) -> None:
    """Print how a judge stood against attacks and control responses."""
    console = wide()
    data, notes = attack_data(results), Footnotes()
    section(console, "Attacks", attack_grids(data, notes))
    console.print()
    for line in attack_lines(data):
        console.print(Text(line))
    _lines(console, [*ATTACK_NOTES, *notes.lines()])


def wide() -> Console:
    """Return the console for answers: as wide as the terminal, or as a page."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def say(console: Console, lines: Iterable[str]) -> None:
    """Print what belongs under all tables."""
    console.print()
    _lines(console, lines)


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Text(visible(line), style="dim"))


def _pairs(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(Text(name), Text(text))
    console.print(table)


def section(console: Console, title: str, grids: Iterable[Grid]) -> None:
    """Print grids under a heading; nothing where there are none."""
    for place, grid in enumerate(grids):
        if place == 0:
            console.print()
            console.print(Text(title, style="bold cyan"))
        if grid.title and grid.title != title:
            console.print(Text(visible(grid.title), style="italic"))
        for part in folded(grid, console.width):
            console.print(_table(part))


def _table(grid: Grid) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for place, heading in enumerate(grid.head):
        text = place < grid.names or not any(_numeric(row[place]) for row in grid.rows)
        table.add_column(Text(heading), justify="left" if text else "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table


def _numeric(text: str) -> bool:
    return text[:1].isdigit() or text[:2] in ("-.", "-0") or text[:1] in ".–"


def folded(grid: Grid, width: int) -> Iterator[Grid]:
    """Yield a grid in parts that fit a width, each with the columns that name the lines.

    A line that says nothing in a later part is left out of it.
    """
    widths = [
        max(len(line) for text in (heading, *(row[place] for row in grid.rows)) for line in text.split("\n"))
        + _GAP
        for place, heading in enumerate(grid.head)
    ]
    names = list(range(grid.names))
    free = width - sum(widths[: grid.names])
    part: list[int] = []
    for place in range(grid.names, len(grid.head)):
        if part and sum(widths[one] for one in part) + widths[place] > free:
            yield _part(grid, names + part)
            part = []
        part.append(place)
    yield _part(grid, names + part)


def _part(grid: Grid, places: list[int]) -> Grid:
    rows = tuple(tuple(row[place] for place in places) for row in grid.rows)
    if places[grid.names :] and places[grid.names] > grid.names:
        rows = tuple(row for row in rows if any(row[grid.names :])) or rows
    return Grid(grid.title, tuple(grid.head[place] for place in places), rows, grid.names)
