"""The commands about runs: run, plan, leaderboard, report, meta, dashboard, index, verify."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.endings import ending_of
from evalhub.cli.options import By, Json, Limit, Only, RunName, RunNames, Runs, SuiteName, Where
from evalhub.cli.output import notes, print_json, print_note, print_rows
from evalhub.cli.progress import choose_progress
from evalhub.errors import StorageError
from evalhub.scales import Kind
from evalhub.texts import number

if TYPE_CHECKING:
    from evalhub.night import Announcement, Night
    from evalhub.runner import Options, Plan, Prepared, ResolvedJudge, SuiteDataset

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and run nothing.")]
AnyRun = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run's folder, id or suite. Default: every run.")
]
Full = Annotated[bool, typer.Option("--full", help="Print every table.")]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="URL",
        envvar="EVALHUB_NOTIFY",
        help="Post what the night found to a webhook. Repeat it for more.",
    ),
]
NightOut = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for a copy of the reports: report.html, junit.xml and others."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for report.json and report.html.")]


def run(
    suite: SuiteName,
    names: Only = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    out: NightOut = None,
    notify: Notify = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Run a suite, or resume it, and print its report."""
    if dry_run:
        plan(suite, names, limit, runs, as_json)
        return
    announcement = hub.night.Announcement(notify or ())
    progress = choose_progress()
    try:
        if out is not None:
            hub.report.remove_report(out)
        night = hub.night.run_night(suite, hub.runner.Options(tuple(names or ()), limit, runs), progress)
        if out is not None:
            hub.report.write_report(night.data, out)
    except BaseException as error:
        announcement.send(hub.night.error_message(suite, *ending_of(error)))
        progress.stop()
        _print_undelivered(announcement)
        raise
    progress.stop()
    announcement.send(hub.night.night_message(night))
    try:
        _show_night(night, runs, as_json)
    finally:
        _print_undelivered(announcement)


def _print_undelivered(announcement: Announcement) -> None:
    for sentence in announcement.undelivered():
        with suppress(OSError):  # on a full disk too, the exit code is that of the night
            print_note(sentence)


def _show_night(night: Night, runs: Path | None, as_json: bool) -> None:
    """Print what a night found, and end as its gates say."""
    if as_json:
        print_json(night.data)
    else:
        hub.report.print_report(night.data)
    if night.faults and night.exit_code != hub.gates.FAILED:
        raise night.faults[0]
    for fault in night.faults:
        print_note(f"evalhub: {fault}")
    folder = "" if hub.store.runs_root(runs) == Path("runs") else f" --runs {hub.store.runs_root(runs)}"
    if not as_json:
        print_note(f"see it all: {_program()} dashboard{folder}")
    if night.exit_code:
        raise typer.Exit(night.exit_code)


def _program() -> str:
    """Return how the user calls evalhub: by name, as a module, or by path if it is not on PATH."""
    if Path(sys.argv[0]).name == "__main__.py":
        return f"{Path(sys.executable).name} -m evalhub"
    return "evalhub" if shutil.which("evalhub") else os.path.relpath(sys.argv[0])


def plan(
    suite: SuiteName, names: Only = None, limit: Limit = None, runs: Runs = None, as_json: Json = False
) -> None:
    """Print the responses and judgments that a suite needs, and run nothing."""
    prepared = _prepare(suite, hub.runner.Options(tuple(names or ()), limit, runs))
    resolved, planned = prepared.resolved, prepared.plan
    steps = hub.runner.describe_steps(prepared)
    rows = [_plan_row(planned, judge, dataset) for dataset in resolved.datasets for judge in resolved.judges]
    expenses = [asdict(expense) for expense in hub.runner.expected_expenses(prepared, steps)]
    judgments = sum(planned.expected.values())
    if as_json:
        counts = {"responses": planned.generations, "judgments": judgments}
        print_json({"tasks": rows, **counts, "steps": steps, "expected": expenses})
        return
    shown = [
        {name: value for name, value in row.items() if name not in ("power", "pairwise")} for row in rows
    ]
    print_rows(shown, as_json=False, title=f"suite {resolved.suite.suite}")
    print_rows([_step_row(step) for step in steps], as_json=False, title="steps")
    if expenses:
        print_rows(list(map(_expense_row, expenses)), as_json=False, title="expected, as in earlier runs")
    over = f", {planned.over_budget} over budget" if planned.over_budget else ""
    notes().print(f"{planned.generations} responses and {judgments} judgments{over}; {_remaining(steps)}")
    for row in rows:
        if row["judgments"]:
            print_note(_power_sentence(row))
    if resolved.suite.gates:
        reds = hub.runner.false_reds(resolved.suite.gates)
        print_note(f"gates: at most {reds:.2g} nights of a month are red without any change")
    for judge in resolved.judges:
        if judge.opens_thinking and judge.spec.mode is hub.specs.Mode.DIRECT:
            sentence = f"{judge.spec.id}: the model thinks before it answers, but mode: direct prevents this"
            print_note(f"{sentence}. Use mode: think")


def _expense_row(expense: dict[str, Any]) -> dict[str, Any]:
    """Return what a candidate or judge is expected to take, for people."""
    minutes, cost = (None if expense[name] is None else number(expense[name]) for name in ("minutes", "cost"))
    return {**expense, "minutes": minutes, "cost": cost}


def _remaining(steps: list[dict[str, Any]]) -> str:
    """Return in words how much of a suite a run would make."""
    reused = sum(step["state"] == "reused" for step in steps)
    if reused == len(steps):
        return "every step is reused, so a run makes nothing"
    return f"{reused} of {len(steps)} steps are reused"


def _step_row(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step for people: its state with the share of requests that are answered already."""
    reason = step["reason"]
    if step["answered"]:
        reason = f"{step['answered']:,} of {step['requests']:,} requests are answered; {reason}"
    return {**{name: step[name] for name in ("step", "dataset", "source", "state")}, "reason": reason}


def _plan_row(planned: Plan, judge: ResolvedJudge, dataset: SuiteDataset) -> dict[str, Any]:
    power = hub.runner.expected_power(planned, judge, dataset)
    return {
        "dataset": dataset.id,
        "items": dataset.facts.items,
        "judge": judge.spec.id,
        "model": judge.spec.model,
        "rubric": judge.rubric.id,
        "answers": hub.runner.forms_text(judge.rubric, judge.forms),
        "judgments": planned.count(judge.spec.id, dataset.id),
        "exclusions": [
            f"{count} {reason}" for reason, count in planned.exclusions[judge.spec.id][dataset.id].items()
        ],
        "label_criteria": list(planned.label_criteria[judge.spec.id][dataset.id].values()),
        "pairwise": judge.rubric.kind is Kind.PAIRWISE,
        "power": power and asdict(power),
    }


def _power_sentence(row: dict[str, Any]) -> str:
    """Return in words the precision and power of a judge's planned judgments on a dataset."""
    power = row["power"]
    if power is None:
        place = f"{row['judge']} on {row['dataset']}"
        return f"{place}: its scores have no bounds, so their spread is not known before"
    subject = f"{row['judge']} on {row['dataset']}, {power['clusters']} or more independent items per system"
    if power["half_width"] is None:
        return f"{subject}: no interval ({power['reason']})"
    interval = f"{subject}: an interval of about ± {power['half_width']:.2f}"
    if power["detectable"] is None:
        return f"{interval}, but no power ({power['reason']})"
    difference = power["detectable"]
    win_rate = f"A win rate of {0.5 + difference:.2f} differs detectably from 0.50"
    effect = win_rate if row["pairwise"] else f"A difference of {difference:.2f} levels is detected"
    return f"{interval}. {effect} with {power['power']:.0%} power"


def _prepare(suite: str, options: Options) -> Prepared:
    progress = choose_progress()
    try:
        return hub.runner.prepare(suite, options, progress)
    finally:
        progress.stop()


def board(
    run_name: RunName = None,
    by: By = None,
    where: Where = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print every number that ranks a system: rates, scores, ranks, Elo, length-controlled rates."""
    data = hub.report.ranking_data(hub.load(run_name, runs), by or (), where or ())
    if as_json:
        print_json(data)
        return
    if not data["leaderboard"]:
        print_note(
            "nothing is ranked: the systems are anonymous, the run is of attacks, or nothing was answered"
        )
    if data["leaderboard"] or data["failures"]:
        hub.report.print_leaderboard(data)


def report(
    run_name: RunName = None,
    out: Out = None,
    by: By = None,
    where: Where = None,
    full: Full = False,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print what a run found, with each system and each judge, and write report.json and report.html."""
    results = hub.load(run_name, runs)
    data = hub.report.report_data(results, by or (), where or ())
    if as_json:
        print_json(data)
    else:
        hub.report.print_report(data, full=full or bool(by or where))
    paths = hub.report.write_report(data, out or results.run.path)
    print_note(f"written: {', '.join(map(str, paths))}")


def meta(
    run_names: RunNames = None,
    by: By = None,
    where: Where = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print judges side by side on labelled datasets: agreement, biases, calibration, coverage, cost."""
    names: list[str | None] = [*run_names] if run_names else [None]
    all_results = [hub.load(name, runs) for name in names]
    data = hub.report.meta_data(all_results, by or (), where or ())
    if as_json:
        print_json(data)
        return
    hub.report.print_meta(data)


def index(run_name: RunName = None, runs: Runs = None, as_json: Json = False) -> None:
    """Compute a run's tables and store them with it, as `run` does at its end."""
    results = hub.load(run_name, runs)
    hub.report.index_run(results)
    if as_json:
        print_json({"indexed": results.run.id})
        return
    print_note(f"indexed: {results.run.id}")


def verify(run_name: AnyRun = None, runs: Runs = None, as_json: Json = False) -> None:
    """Check every sealed file of the runs against its sha256, and the lines that are not sealed yet."""
    root = hub.store.runs_root(runs)
    folders = [] if run_name else hub.store.run_folders(root)
    folders = folders or [hub.store.find_run(run_name, root).path]
    files = [(folder, file) for folder in folders for file in hub.store.verify_folder(folder)]
    bad = [(folder, file) for folder, file in files if file.problem]
    rows = [
        {"run": folder.name, "file": file.path, "rows": file.rows, "problem": file.problem}
        for folder, file in files
    ]
    print_rows(rows, as_json=as_json)
    if bad:
        folder, first = bad[0]
        raise StorageError(
            f"{len(bad)} of {len(files)} files are not what was written",
            where=str(folder / first.path),
            value=first.problem,
            fix="restore the file, or remove the run and give the suite's command again",
        )
