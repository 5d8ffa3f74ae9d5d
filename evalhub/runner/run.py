"""The main job: resolve a suite, plan it, generate, judge, score, seal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from evalhub.errors import EvalhubError, Interrupted
from evalhub.runner.execute.generation import warn_of_cuts
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.jobs import EngineWork, make_generations, make_judgings
from evalhub.runner.execute.metrics import score_all
from evalhub.runner.execute.rounds import Rounds
from evalhub.runner.execute.seal import RESUME, check_coverage, seal_run
from evalhub.runner.execute.session import Session
from evalhub.runner.execute.watch import Watch
from evalhub.runner.options import Options, narrow
from evalhub.runner.plan.manifest import manifest_facts, planned_facts
from evalhub.runner.plan.plan import Plan, TasksByJudge, count_judgments, plan
from evalhub.runner.plan.resolve import Resolved, resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.progress import Progress, Silent
from evalhub.specs import load_suite
from evalhub.store import Run, RunWriter, State, all_runs, runs_root

FurtherTasks = Callable[[RunWriter, Plan], TasksByJudge]
"""Returns tasks that only the judgments of a plan make known. May store records that they need."""


def prepare(
    suite: str, options: Options | None = None, progress: Progress | None = None
) -> tuple[Resolved, Plan]:
    """Return a suite resolved and planned. Nothing is run.

    Args:
        suite: Path or id of a suite.
        options: Changes to the file.
        progress: Shows what is fetched.
    """
    spec, path = load_suite(suite)
    options = options or Options()
    resolved = resolve(narrow(spec, options, path), path, progress or Silent())
    runs = all_runs(runs_root(options.runs))
    for judge in resolved.judges:
        refuse_changed(judge.rubric, runs, judge.spec.rubric)
    return resolved, plan(resolved)


def run(suite: str, options: Options | None = None, progress: Progress | None = None) -> Run:
    """Run a suite, or resume its newest unfinished run.

    Args:
        suite: Path or id of a suite.
        options: Changes to the file.
        progress: Shows how far the run is.

    Returns:
        The sealed run.

    Raises:
        Interrupted: Ctrl-C. The finished work is sealed, and the same command resumes the run.
        Inconclusive: The budget is spent.
        LittleCoverage: A judge gave no valid verdict at all, or the coverage of a judge or candidate lies
            below `controls.min_coverage`. The run is sealed all the same.
        EvalhubError: Something in the suite is wrong.
    """
    options, progress = options or Options(), progress or Silent()
    resolved, planned = prepare(suite, options, progress)
    sealed = carry_out(resolved, planned, runs_root(options.runs), progress)
    check_coverage(sealed)
    return sealed


def carry_out(
    resolved: Resolved,
    planned: Plan,
    root: Path,
    progress: Progress,
    further_tasks: FurtherTasks | None = None,
) -> Run:
    """Carry out a plan, or resume the newest unfinished run of it. See `run`.

    Args:
        resolved: The suite.
        planned: Its plan.
        root: The folder that holds the runs.
        progress: Shows how far the run is.
        further_tasks: Called once, when all planned tasks are judged.
    """
    writer = _open_run(root, resolved, planned)
    planned = planned.keep_judged(
        lambda task: all(writer.get("judgments", key) is not None for key in task.keys)
    )
    try:
        writer.update(state=State.RUNNING, **planned_facts(planned))
        with Stop() as stop:
            session = Session(writer, root, resolved, progress, stop, Watch(writer.id))
            planned = _work(session, planned, further_tasks)
            seal_run(writer, resolved, planned, stop)
    except KeyboardInterrupt as error:
        # A record may be half stored in memory. The journal is whole, so the next writer seals it.
        with suppress(EvalhubError):
            writer.update(state=State.INTERRUPTED, stopped_by="KeyboardInterrupt")
        raise Interrupted("stopped at once", where=writer.id, fix=RESUME) from error
    finally:
        writer.close()
    return Run(writer.path)


def _open_run(root: Path, resolved: Resolved, planned: Plan) -> RunWriter:
    suite_hash = resolved.hash
    for stored in all_runs(root):
        if stored.manifest.suite_hash == suite_hash and stored.unfinished:
            return RunWriter(stored.path)
    return RunWriter.create(root, resolved.suite.suite, manifest_facts(resolved, planned))


def _work(session: Session, planned: Plan, further_tasks: FurtherTasks | None) -> Plan:
    """Generate, judge and score. Return the plan with the further tasks."""
    writer, resolved, stop = session.writer, session.resolved, session.stop
    start = time.monotonic()
    try:
        _store_datasets(writer, resolved)
        if planned.generations:
            session.progress.stage("responses", planned.generations)
            session.execute(make_generations(resolved))
            for sentence in warn_of_cuts(resolved.candidates, writer.table("responses")):
                session.progress.note(sentence)
            if not stop.requested:
                session.watch.finish()
        if planned.judgments and not stop.requested:
            planned = _judge(session, planned, further_tasks)
        if not stop.requested:
            score_all(writer, resolved, session.progress)
        return planned
    except EvalhubError as error:
        with suppress(EvalhubError):
            state = State.STOPPED if session.watch.stopped else State.INTERRUPTED
            writer.seal(state, stopped_by=type(error).__name__)
        raise
    finally:
        seconds = round(time.monotonic() - start, 3)
        with suppress(EvalhubError):
            writer.update(seconds=writer.manifest.seconds + seconds)


def _store_datasets(writer: RunWriter, resolved: Resolved) -> None:
    for dataset in resolved.datasets:
        for records in (
            dataset.items,
            dataset.labels,
            dataset.responses,
            dataset.judgments,
            dataset.scores,
        ):
            for record in records:
                writer.append(record)


def _judge(session: Session, planned: Plan, further_tasks: FurtherTasks | None) -> Plan:
    """Judge the planned tasks, then the further tasks while the engine is still open."""
    writer, resolved = session.writer, session.resolved
    rounds = Rounds(writer, resolved, planned, session.progress)

    def make_further() -> Iterator[EngineWork]:
        if further_tasks and not session.stop.requested:
            further = further_tasks(writer, planned)
            rounds.plan = rounds.plan.add_tasks(further)
            writer.update(**planned_facts(rounds.plan))
            session.progress.stage("judgments that follow", sum(map(count_judgments, further.values())))
            yield from make_judgings(writer, resolved, lambda judge: [further[judge.spec.id]])

    session.progress.stage("judgments", planned.judgments)
    session.execute(make_judgings(writer, resolved, rounds.of), make_further)
    return rounds.plan
