"""The verbs that hold systems, nights and rankings against each other: compare, sensitivity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, RunNames, Runs
from evalhub.cli.output import print_json
from evalhub.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from evalhub.analysis import Results

Other = Annotated[
    str | None, typer.Argument(metavar="[OTHER]", help="An earlier run: each system then and now.")
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--only", help="Keep only this dataset, rater, measure or system; may be given again."),
]

Margin = Annotated[
    float | None,
    typer.Option("--margin", help="Say whether the first, or the later run, is worse by less than this."),
]
Raters = Annotated[
    bool,
    typer.Option("--raters", help="Compare judges and metrics: whose ratings go better with labels."),
]
_KINDS = ("dataset", "rater", "measure", "system")


def compare(
    run_name: RunName = None,
    other: Other = None,
    only: Keep = None,
    margin: Margin = None,
    raters: Raters = False,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print how far systems differ on the same items, or each system between two runs."""
    found = hub.load(run_name, runs)
    if raters:
        _raters(found, as_json=as_json)
        return
    if margin is not None and not 0 < margin < math.inf:
        raise InputError("a margin is above 0, in the unit of the measure", where="--margin", value=margin)
    table = (
        hub.analysis.comparisons(found, margin=margin)
        if other is None
        else hub.analysis.run_comparison(found, hub.load(other, runs), margin=margin)
    )
    if table.empty:
        what = "two systems under one measure" if other is None else "a system that the other run ranks too"
        raise InputError(f"there is nothing to compare: the run does not rank {what}", where=found.run.id)
    rows = _kept(hub.analysis.rows_of(table), only or ())
    if as_json:
        print_json(rows)
        return
    hub.report.print_comparisons(rows)


def _raters(found: Results, *, as_json: bool) -> None:
    differences = hub.analysis.rows_of(hub.analysis.correlation_differences(found))
    accuracies = hub.analysis.rows_of(hub.analysis.ranking_accuracies(found))
    if not accuracies:
        raise InputError("there is nothing to compare: no rated response has a label", where=found.run.id)
    if as_json:
        print_json({"correlation_differences": differences, "ranking_accuracies": accuracies})
        return
    hub.report.print_raters(differences, accuracies)


def _kept(rows: list[dict[str, Any]], only: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows that have a name of each kind that is named; of two systems, their difference."""
    known = [_names(row) for row in rows]
    wanted: dict[str, set[str]] = {}
    for name in only:
        kinds = [kind for kind in _KINDS if any(name in names[kind] for names in known)]
        if not kinds:
            every = sorted({one for names in known for found in names.values() for one in found})
            raise UnknownNameError("dataset, rater, measure or system", name, every)
        wanted.setdefault(kinds[0], set()).add(name)
    systems = wanted.pop("system", set())
    kept = [
        row
        for row, names in zip(rows, known, strict=True)
        if all(names[kind] & some for kind, some in wanted.items())
        and (names["system"] <= systems if len(systems) > 1 else systems <= names["system"])
    ]
    if not kept:
        raise InputError("no difference has all of these names", where="--only", value=", ".join(only))
    return kept


def _names(row: dict[str, Any]) -> dict[str, set[str]]:
    systems = {row[side] for side in ("system", "first", "second") if side in row}
    return {**{kind: {row[kind]} for kind in _KINDS[:-1]}, "system": systems}


def sensitivity(run_names: RunNames = None, runs: Runs = None, as_json: Json = False) -> None:
    """Print how the ranking changes with judge, rubric, verdict mode, length penalty and failures."""
    names: list[str | None] = [*run_names] if run_names else [None]
    found = [hub.load(name, runs) for name in names]
    rows = hub.analysis.rows_of(hub.analysis.sensitivity(found))
    if not rows:
        where = ", ".join(one.run.id for one in found)
        raise InputError(
            "fewer than two rankings to compare: systems are anonymous, or judging stopped early",
            where=where,
        )
    if as_json:
        print_json(rows)
        return
    hub.report.print_sensitivity(rows)
