"""Reports on a terminal: short, and readable on 100 columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalhub.analysis import Results
from evalhub.report.data import Data, attack_data
from evalhub.report.facts import engine_lines, model_lines, summary
from evalhub.report.format import Footnotes, Grid, visible
from evalhub.report.grids.overview import JUDGE_NOTES
from evalhub.report.notes import choice_mass_notes
from evalhub.report.outputs.findings import print_findings
from evalhub.report.tables.places import Place
from evalhub.report.tables.registry import INTERVALS, sections_of

WIDTH = 100
_GAP = 2
_SCREEN = 58
"""Lines of a report that fits one screen, with the command's own two below it."""
_LEAST_FINDINGS = 12
"""Lines that the findings have at least, however many systems and judges there are."""

_SUMMARY_NOTES = (*JUDGE_NOTES, INTERVALS, "Every table: evalhub report --full")

Rows = Sequence[dict[str, Any]]


def print_report(data: Data, *, full: bool = False) -> None:
    """Print a run's report to standard output: what was found, each system and each judge.

    Args:
        data: As `report_data` returns it.
        full: Whether every table follows.
    """
    console = _console()
    console.print(Text(visible(data["title"] or data["suite"]), style="bold"))
    console.print(Text(summary(data), style="dim"))
    if full:
        _print_full_report(console, data)
        return
    with console.capture() as tables:
        _print_sections(console, Place.SUMMARY, data)
        _print_notes(console, _SUMMARY_NOTES)
    free = _SCREEN - 2 - tables.get().count("\n")
    print_findings(console, data["findings"], most_lines=max(free, _LEAST_FINDINGS))
    _print_sections(console, Place.SUMMARY, data)
    _print_notes(console, _SUMMARY_NOTES)


def _print_full_report(console: Console, data: Data) -> None:
    print_findings(console, data["findings"])
    footnotes = _print_sections(console, Place.SUMMARY, data)
    console.print()
    _print_pairs(console, [*model_lines(data), *engine_lines(data)])
    footnotes = _print_sections(console, Place.TERMINAL, data, footnotes)
    _print_notes(console, [INTERVALS, *footnotes.lines(), *(f"• {note}" for note in data["notes"])])


def print_leaderboard(data: Data) -> None:
    """Print everything that ranks systems, and what failed.

    Args:
        data: As `ranking_data` returns it.
    """
    console = _console()
    print_findings(console, data["findings"])
    notes = _print_sections(console, Place.LEADERBOARD, data)
    _print_notes(console, [INTERVALS, *notes.lines()])


def print_meta(data: Data) -> None:
    """Print the raters of some runs side by side, attacks, cost, languages, and what may be contaminated.

    Args:
        data: As `meta_data` returns it.
    """
    _print_output(Place.META, data, [INTERVALS], choice_mass_notes(data["choice_mass"]))


def print_comparisons(data: Data) -> None:
    """Print what a comparison found, then the differences, one table for each measure.

    Args:
        data: `findings`, and `comparisons` as `comparisons` or `run_comparison` returns them, as plain
            values.
    """
    _print_output(Place.COMPARE, data, [INTERVALS])


def print_raters(data: Data) -> None:
    """Print how much better one rater goes with the labels than another, and how each ranks systems.

    Args:
        data: What `rater_data` returns.
    """
    _print_output(Place.RATERS, data, [INTERVALS])


def print_sensitivity(rows: Rows) -> None:
    """Print how each variant ranks the systems, beside the reference.

    Args:
        rows: As `sensitivity` returns them, as plain values.
    """
    _print_output(Place.SENSITIVITY, {"sensitivity": rows})


def print_needed(rows: Rows, *, width: float) -> None:
    """Print how many labels each system needs, one table for each judge and measure.

    Args:
        rows: As `labels_needed` returns them, as plain values.
        width: Of the interval, from end to end.
    """
    _print_output(Place.LABELS, {"labels_needed": rows}, [f"the interval is {width:g} wide"])


def print_attacks(results: Results) -> None:
    """Print how a judge stood against attacks and control responses."""
    _print_output(Place.ATTACK, attack_data(results))


def _print_output(place: Place, data: Data, opening: Iterable[str] = (), closing: Iterable[str] = ()) -> None:
    """Print the sections of an output, then what belongs under all of them: the sections' notes between."""
    console = _console()
    if data.get("findings"):
        print_findings(console, data["findings"])
    footnotes = _print_sections(console, place, data)
    notes = [note for section in sections_of(place) for note in section.notes(data)]
    _print_notes(console, [*opening, *notes, *closing, *footnotes.lines()])


def _print_sections(
    console: Console, place: Place, data: Data, footnotes: Footnotes | None = None
) -> Footnotes:
    """Print each section that has something to show, and return the footnotes."""
    notes = footnotes or Footnotes()
    for section in sections_of(place):
        grids = section.brief or section.grids
        _print_section(console, section.title, grids(data, notes))
    return notes


def _print_section(console: Console, title: str, grids: Iterable[Grid]) -> None:
    for place, grid in enumerate(grids):
        if place == 0:
            console.print()
            console.print(Text(title, style="bold cyan"))
        if grid.title and grid.title != title:
            console.print(Text(visible(grid.title), style="italic"))
        for part in fold(grid, console.width):
            console.print(_table(part))


def _print_notes(console: Console, lines: Iterable[str]) -> None:
    console.print()
    for line in lines:
        console.print(Text(visible(line), style="dim"))


def _print_pairs(console: Console, pairs: Iterable[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in pairs:
        table.add_row(Text(name), Text(text))
    console.print(table)


def _console() -> Console:
    """Return the console for answers: as wide as the terminal, or as a page."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def _table(grid: Grid) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for place, heading in enumerate(grid.head):
        text = place < grid.names or not any(_is_number(row[place]) for row in grid.rows)
        table.add_column(Text(heading), justify="left" if text else "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in "-–"


def fold(grid: Grid, width: int) -> Iterator[Grid]:
    """Yield a grid in parts that fit a width, each with the columns that name the lines.

    A line that has nothing in a later part is left out of it.
    """
    widths = [
        max(len(line) for text in (heading, *(row[place] for row in grid.rows)) for line in text.split("\n"))
        + _GAP
        for place, heading in enumerate(grid.head)
    ]
    names = list(range(grid.names))
    free = width - sum(widths[: grid.names])
    columns: list[int] = []
    for place in range(grid.names, len(grid.head)):
        if columns and sum(widths[column] for column in columns) + widths[place] > free:
            yield _part(grid, names + columns)
            columns = []
        columns.append(place)
    yield _part(grid, names + columns)


def _part(grid: Grid, places: list[int]) -> Grid:
    rows = tuple(tuple(row[place] for place in places) for row in grid.rows)
    if places[grid.names :] and places[grid.names] > grid.names:
        rows = tuple(row for row in rows if any(row[grid.names :])) or rows
    return Grid(grid.title, tuple(grid.head[place] for place in places), rows, grid.names)
