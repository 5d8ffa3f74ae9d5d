"""The commands that list, mark and remove runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, Runs, SomeRun
from evalhub.cli.output import print_json, print_note, print_rows
from evalhub.errors import InputError, LockedError
from evalhub.store import Run

runs_app = typer.Typer(help="List, mark and remove runs.", invoke_without_command=True)

Suite = Annotated[str | None, typer.Option("--suite", help="Only the runs of this suite.")]
Limit = Annotated[int, typer.Option("--limit", help="Largest number of runs, the newest first. 0 = all.")]
SomeRuns = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids or folders of runs.")]
Tag = Annotated[str, typer.Argument(metavar="TAG", help="One word, such as baseline.")]
Newest = Annotated[
    int | None, typer.Option("--keep", min=1, help="Also remove runs older than so many finished ones.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")]

_MEGABYTE = 1e6


@runs_app.callback()
def runs_list(
    context: typer.Context,
    suite: Suite = None,
    limit: Limit = 20,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """List the runs of a folder, the newest first."""
    if context.invoked_subcommand:
        return
    all_runs = hub.store.all_runs(hub.store.runs_root(runs))
    selection = [run for run in all_runs if suite in (None, run.manifest.suite)]
    shown = selection[: limit or None]
    rows = [_row(run) for run in shown]
    print_rows(rows if as_json else list(map(_for_people, rows)), as_json=as_json)
    if len(shown) < len(selection) and not as_json:
        print_note(f"{len(selection) - len(shown)} older runs are not shown: --limit 0 shows all")


@runs_app.command("show")
def runs_show(run_name: RunName = None, runs: Runs = None, as_json: Json = False) -> None:
    """Print a run's facts and its parts: what each step made, and which run made it."""
    run = hub.store.find_run(run_name, hub.store.runs_root(runs))
    parts = [
        {
            "step": part.kind.value,
            "dataset": part.dataset,
            "source": part.source,
            "records": sum(part.rows.values()),
            "made_in": part.computed_in or run.id,
        }
        for part in run.manifest.parts
    ]
    if as_json:
        print_json({**_row(run), "parts": parts})
        return
    print_rows([_for_people(_row(run))], as_json=False)
    print_rows(parts, as_json=False, title="parts")


@runs_app.command("tag")
def runs_tag(run_name: SomeRun, tag: Tag, runs: Runs = None, as_json: Json = False) -> None:
    """Mark a run. A run with a tag is never removed."""
    if not tag.strip() or tag != tag.strip():
        raise InputError("a tag is one word or more", where="TAG", value=tag)
    run = hub.store.find_run(run_name, hub.store.runs_root(runs))
    hub.store.set_tags(run, [*hub.store.tags_of(run), tag])
    _print_tags(run, as_json)


@runs_app.command("untag")
def runs_untag(run_name: SomeRun, tag: Tag, runs: Runs = None, as_json: Json = False) -> None:
    """Remove a tag from a run."""
    run = hub.store.find_run(run_name, hub.store.runs_root(runs))
    tags = hub.store.tags_of(run)
    if tag not in tags:
        raise InputError("the run has no such tag", where=run.id, value=tag, allowed=tags)
    hub.store.set_tags(run, [name for name in tags if name != tag])
    _print_tags(run, as_json)


@runs_app.command("remove")
def runs_remove(names: SomeRuns, runs: Runs = None, as_json: Json = False) -> None:
    """Remove runs. Other runs keep the files that they share with them."""
    root = hub.store.runs_root(runs)
    selection = [hub.store.find_run(name, root) for name in names]
    for name, run in zip(names, selection, strict=True):
        if run.id not in name:
            raise InputError(
                "a run is removed by its id or its folder", where="RUN", value=name, allowed=[run.id]
            )
    rows = []
    for run in selection:
        megabytes = round(hub.store.size_of(run.path).own_bytes / _MEGABYTE, 3)
        hub.store.remove_run(run)
        rows.append({"run": run.id, "megabytes": megabytes})
        if not as_json:
            print_note(f"removed {run.id}: {megabytes:.1f} MB are free")
    if as_json:
        print_json(rows)


def gc(newest: Newest = None, dry_run: DryRun = False, runs: Runs = None, as_json: Json = False) -> None:
    """Remove what killed processes left behind, and with --keep also runs that are old.

    A run with a tag stays. Files that a run shares with another stay in the other one.
    """
    root = hub.store.runs_root(runs)
    garbage = hub.store.find_garbage(root, hub.store.all_runs(root), newest)
    rows: list[dict[str, Any]] = [
        {
            "path": str(item.path.relative_to(root)),
            "reason": item.reason,
            "megabytes": round(item.own_bytes / _MEGABYTE, 3),
        }
        for item in garbage
    ]
    if not dry_run:
        for place, item in enumerate(garbage):
            try:
                hub.store.remove_garbage(item)
            except LockedError as error:
                rows[place]["reason"], rows[place]["megabytes"] = f"stays: {error.problem}", 0.0
    print_rows(rows, as_json=as_json)
    if not as_json:
        verb = "would be" if dry_run else "are"
        print_note(f"{sum(row['megabytes'] for row in rows):.1f} MB {verb} free")


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """Return a run's row with numbers as short as people need them."""
    sizes = {name: f"{row[name]:.1f}" for name in ("megabytes", "own_megabytes")}
    return {**row, "seconds": f"{row['seconds']:.0f}", **sizes}


def _print_tags(run: Run, as_json: bool) -> None:
    tags = hub.store.tags_of(run)
    if as_json:
        print_json({"run": run.id, "tags": list(tags)})
    else:
        print_note(f"{run.id}: {', '.join(tags) or 'no tag'}")


def _row(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    counts = manifest.coverage.values()
    expected = sum(judge.expected for judge in counts)
    size = hub.store.size_of(run.path)
    return {
        "run": run.id,
        "suite": manifest.suite,
        "created": f"{manifest.created:.16}",
        "state": run.state.value,
        "seconds": round(manifest.seconds, 1),
        "judgments": sum(judge.judgments for judge in counts),
        "coverage": sum(judge.valid for judge in counts) / expected if expected else None,
        "megabytes": round(size.bytes / _MEGABYTE, 1),
        "own_megabytes": round(size.own_bytes / _MEGABYTE, 1),
        "tags": ", ".join(hub.store.tags_of(run)) or None,
    }
