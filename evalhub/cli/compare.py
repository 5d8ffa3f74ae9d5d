"""The commands that compare systems, runs and rankings: compare, sensitivity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, RunNames, Runs
from evalhub.cli.output import print_json, print_rows, print_text
from evalhub.errors import InputError, UnknownNameError
from evalhub.texts import count

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.analysis import Results

Other = Annotated[
    str | None,
    typer.Argument(metavar="[OTHER]", help="An earlier run. Each system is compared between the two runs."),
]
OnlyRows = Annotated[
    list[str] | None,
    typer.Option("--only", help="Show only this dataset, rater, measure or system. Repeat it for more."),
]

Margin = Annotated[
    float | None,
    typer.Option(
        "--margin", help="Test whether the first system, or the later run, is worse by less than this."
    ),
]
Raters = Annotated[
    bool,
    typer.Option("--raters", help="Compare judges and metrics by how well their ratings agree with labels."),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Compare only on the items that meet a condition in SQL, as in \"lang = 'de'\".",
    ),
]
Items = Annotated[
    int | None,
    typer.Option(
        "--items", min=1, max=10_000, metavar="N",
        help="Also show the N items that differ most, by each judge's verdicts.",
    ),
]  # fmt: skip
ByManifest = Annotated[
    bool, typer.Option("--manifest", help="Print what changed between two runs, and what that can explain.")
]
_KINDS = ("dataset", "rater", "measure", "system")


def compare(
    run_name: RunName = None,
    other: Other = None,
    names: OnlyRows = None,
    margin: Margin = None,
    raters: Raters = False,
    where: Where = None,
    items: Items = None,
    manifest: ByManifest = False,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print how far systems differ on the same items, or each system between two runs."""
    if manifest:
        _compare_steps(run_name, other, runs, as_json=as_json)
        return
    results = _load(run_name, runs, where)
    if raters:
        if items is not None:
            raise InputError("items are compared by verdicts", where="--items", fix="leave --raters out")
        _compare_raters(results, as_json=as_json)
        return
    if margin is not None and not 0 < margin < math.inf:
        raise InputError("a margin is above 0, in the unit of the measure", where="--margin", value=margin)
    earlier = None if other is None else _load(other, runs, where)
    table = (
        hub.analysis.comparisons(results, margin=margin)
        if earlier is None
        else hub.analysis.run_comparison(results, earlier, margin=margin)
    )
    if table.empty:
        missing = (
            "two systems under one measure" if other is None else "a system that the other run ranks too"
        )
        raise InputError(
            f"there is nothing to compare: the run does not rank {missing}", where=results.run.id
        )
    rows = hub.analysis.rows_of(table)
    findings = (
        hub.analysis.best_findings(results)
        if earlier is None
        else hub.analysis.describe_changes(rows, earlier.run.id)
    )
    selected = _select(rows, names or ())
    data = {"findings": [finding.as_row() for finding in findings], "comparisons": selected}
    changes = None if items is None else _item_changes(results, earlier, selected, items)
    if as_json:
        print_json(data if changes is None else {**data, "items": changes})
        return
    hub.report.print_comparisons(data)
    if changes is not None:
        _print_items(changes)


def _compare_steps(run_name: str | None, other: str | None, runs: Path | None, *, as_json: bool) -> None:
    """Print which steps differ between two runs."""
    if other is None:
        raise InputError("what changed is a question about two runs", where="--manifest", fix="name both")
    root = hub.store.runs_root(runs)
    after, before = (hub.store.find_run(name, root) for name in (run_name, other))
    changes = [asdict(change) for change in hub.analysis.step_changes(after, before)]
    if changes or as_json:
        print_rows(changes, as_json=as_json)
    else:
        print_text(f"{after.id} and {before.id} were made in the same way from the same data.")


def _item_changes(
    results: Results, earlier: Results | None, rows: list[dict[str, Any]], number: int
) -> list[dict[str, Any]]:
    """Return for each judge and comparison the items that differ most, and how many differ.

    A jury has no verdicts of its own.
    """
    all_changes = []
    juries = {jury.id for jury in results.manifest.juries}
    sides = ("first", "second") if earlier is None else ("system",)
    names = ("dataset", "rater", "criterion", *sides)
    judged = [row for row in rows if row["rater_kind"] == "judge" and row["rater"] not in juries]
    for key in dict.fromkeys(tuple(row[name] for name in names) for row in judged):
        changes = (
            hub.analysis.system_changes(results, *key)
            if earlier is None
            else hub.analysis.run_changes(results, earlier, *key)
        )
        differing = changes[changes["difference"] != 0]
        all_changes.append(
            {
                **dict(zip(names, key, strict=True)),
                "compared": len(changes),
                "differing": len(differing),
                "items": hub.analysis.rows_of(differing.head(number)),
            }
        )
    return all_changes


def _print_items(changes: list[dict[str, Any]]) -> None:
    """Print the items that differ most, under a heading for each judge and comparison."""
    for change in changes:
        names = change["system"] if "system" in change else f"{change['first']} minus {change['second']}"
        judge = " · ".join(filter(None, (change["rater"], change["criterion"])))
        counts = f"{count(change['differing'])} of {count(change['compared'])} items differ"
        title = f"{change['dataset']}: {names}, by {judge}: {counts}"
        print_text(title)
        if change["items"]:
            print_rows(change["items"], as_json=False)
    if not changes:
        print_text("No judge compares these, so no item has a verdict on both.")


def _load(run_name: str | None, runs: Path | None, where: str | None) -> Results:
    results = hub.load(run_name, runs)
    return results if where is None else results.where(where)


def _compare_raters(results: Results, *, as_json: bool) -> None:
    data = hub.report.rater_data(results)
    if not any(data.values()):
        raise InputError("there is nothing to compare: no judged response has a label", where=results.run.id)
    if as_json:
        print_json(data)
        return
    hub.report.print_raters(data)


def _select(rows: list[dict[str, Any]], only_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows that match a name of each kind in `only_names`. Two systems select their difference."""
    names_of_rows = [_names(row) for row in rows]
    selection: dict[str, set[str]] = {}
    for name in only_names:
        kinds = [kind for kind in _KINDS if any(name in names[kind] for names in names_of_rows)]
        if not kinds:
            all_names = {name for names in names_of_rows for of_kind in names.values() for name in of_kind}
            raise UnknownNameError("dataset, rater, measure or system", name, sorted(all_names))
        selection.setdefault(kinds[0], set()).add(name)
    systems = selection.pop("system", set())
    selected = [
        row
        for row, names in zip(rows, names_of_rows, strict=True)
        if all(names[kind] & allowed for kind, allowed in selection.items())
        and (names["system"] <= systems if len(systems) > 1 else systems <= names["system"])
    ]
    if not selected:
        raise InputError("no difference has all of these names", where="--only", value=", ".join(only_names))
    return selected


def _names(row: dict[str, Any]) -> dict[str, set[str]]:
    systems = {row[side] for side in ("system", "first", "second") if side in row}
    return {**{kind: {row[kind]} for kind in _KINDS[:-1]}, "system": systems}


def sensitivity(run_names: RunNames = None, runs: Runs = None, as_json: Json = False) -> None:
    """Print how the ranking changes with judge, rubric, verdict mode, length penalty and failures."""
    names: list[str | None] = [*run_names] if run_names else [None]
    all_results = [hub.load(name, runs) for name in names]
    rows = hub.analysis.rows_of(hub.analysis.sensitivity(all_results))
    if not rows:
        where = ", ".join(results.run.id for results in all_results)
        raise InputError(
            "fewer than two rankings to compare: systems are anonymous, or judging stopped early",
            where=where,
        )
    if as_json:
        print_json(rows)
        return
    hub.report.print_sensitivity(rows)
