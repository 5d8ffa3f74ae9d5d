"""The commands of gates: gates, and the baseline that they compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, Runs, SomeRun
from evalhub.cli.output import print_json, print_note, print_rows
from evalhub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.store import Run

baseline = typer.Typer(help="Baselines: the signed-off run of a suite, for gates.", no_args_is_help=True)

SomeSuite = Annotated[str | None, typer.Argument(metavar="[SUITE]", help="Id of a suite. Default: all.")]
_SHOWN = ("state", "id", "sentence")


def gates(run_name: RunName = None, runs: Runs = None, as_json: Json = False) -> None:
    """Say which gates of a run hold against the baseline as it is now, and exit as `run` does."""
    results = hub.load(run_name, runs)
    if not results.suite.gates and not results.suite.calibration:
        raise InputError("the suite of this run has no gates", where=results.run.id, fix="add `gates` to it")
    if not results.run.finished:
        state = results.manifest.state.value
        raise InputError("only a finished run has gates", where=results.run.id, value=state)
    decisions = hub.gates.gates_of_run(results)
    rows = [decision.as_row() for decision in decisions]
    if as_json:
        print_json(rows)
    else:
        print_rows([{name: row[name] for name in _SHOWN} for row in rows], as_json=False)
    raise typer.Exit(hub.gates.exit_code(decisions))


@baseline.command("set")
def baseline_set(run_name: SomeRun, runs: Runs = None, as_json: Json = False) -> None:
    """Sign a run off: later runs of its suite are compared with it. It is never removed."""
    root = hub.store.runs_root(runs)
    run = hub.store.find_run(run_name, root)
    if not run.finished:
        raise InputError("only a finished run can be a baseline", where=run.id, value=run.state.value)
    for earlier in _baselines(runs, run.manifest.suite):
        _untag(earlier)
    hub.store.set_tags(run, [*hub.store.tags_of(run), hub.analysis.BASELINE_TAG])
    if as_json:
        print_json({"suite": run.manifest.suite, "baseline": run.id})
    else:
        print_note(f"{run.id} is the baseline of {run.manifest.suite}")


@baseline.command("show")
def baseline_show(suite: SomeSuite = None, runs: Runs = None, as_json: Json = False) -> None:
    """Print the baseline of a suite, or of all suites."""
    rows = [
        {"suite": run.manifest.suite, "baseline": run.id, "created": run.manifest.created}
        for run in _baselines(runs, suite)
    ]
    print_rows(rows, as_json=as_json)


@baseline.command("clear")
def baseline_clear(suite: SomeSuite = None, runs: Runs = None, as_json: Json = False) -> None:
    """Take the mark off the baseline of a suite, or of all suites."""
    baselines = _baselines(runs, suite)
    if not baselines:
        raise InputError("there is no baseline", where=str(hub.store.runs_root(runs)), value=suite)
    for run in baselines:
        _untag(run)
        if not as_json:
            print_note(f"{run.id} is no longer a baseline")
    if as_json:
        print_json([{"suite": run.manifest.suite, "cleared": run.id} for run in baselines])


def _baselines(runs: Path | None, suite: str | None) -> list[Run]:
    return [
        run
        for run in hub.store.all_runs(hub.store.runs_root(runs))
        if suite in (None, run.manifest.suite) and hub.analysis.BASELINE_TAG in hub.store.tags_of(run)
    ]


def _untag(run: Run) -> None:
    tags = hub.store.tags_of(run)
    hub.store.set_tags(run, [tag for tag in tags if tag != hub.analysis.BASELINE_TAG])
