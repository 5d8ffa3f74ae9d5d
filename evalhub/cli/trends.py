"""The command that shows a suite over its nights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, Runs
from evalhub.cli.output import print_json, print_note, print_rows
from evalhub.errors import InputError
from evalhub.files import write_file
from evalhub.store import Run
from evalhub.texts import ABSENT, count, number

SomeSuite = Annotated[
    str | None, typer.Argument(metavar="[SUITE]", help="A suite, by default that of the newest run.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Write a page to this file.")]


def trends(suite: SomeSuite = None, runs: Runs = None, out: Out = None, as_json: Json = False) -> None:
    """Print the main numbers of a suite, run by run: gates, control limits, and what changed."""
    if out is not None and out.is_dir():
        raise InputError("the page is a file, and this is a folder", where="--out", value=str(out))
    root = hub.store.runs_root(runs)
    newest = hub.store.find_run(suite, root)
    of_suite = [run for run in hub.store.all_runs(root) if run.manifest.suite == newest.manifest.suite]
    rows, changes = hub.report.trend_rows(of_suite), hub.report.change_rows(of_suite)
    if not rows and not as_json:
        print_note("no finished run of the suite has stored tables: make them with `evalhub index RUN`")
    elif without := _without_numbers(of_suite, rows):
        subject = "1 run" if len(without) == 1 else f"{count(len(without))} runs"
        print_note(
            f"left out without stored tables: {subject}, such as {without[0]}, for which "
            "`evalhub index RUN` makes them"
        )
    if as_json:
        print_json({"numbers": rows, "changes": changes})
    else:
        print_rows([_trend_for_people(row) for row in rows], as_json=False)
    if out:
        page = hub.report.trends_page(newest.manifest.suite, rows, changes)
        write_file(out, page.encode("utf-8", errors="backslashreplace"))
        print_note(f"written: {out}")


def _without_numbers(runs: Sequence[Run], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the finished runs of which no number is known."""
    with_numbers = {row["run"] for row in rows}
    return [run.id for run in runs if run.finished and not run.manifest.trial and run.id not in with_numbers]


def _trend_for_people(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of trends with its number and interval in one column."""
    estimate = ABSENT if row["estimate"] is None else number(row["estimate"])
    ends = "" if row["low"] is None else f" [{number(row['low'])}, {number(row['high'])}]"
    names = ("run", "dataset", "subject", "measure")
    marks = filter(None, (row["gate"] or "", "outside" if row["outside"] else "", row["changed"] or ""))
    return {**{name: row[name] for name in names}, "number": estimate + ends, "marks": ", ".join(marks)}
