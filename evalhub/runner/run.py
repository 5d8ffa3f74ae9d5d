"""The main job: resolve a suite, plan it, generate, judge, score, seal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from evalhub.errors import EvalhubError, Interrupted
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.meter import Meter
from evalhub.runner.execute.parts import Parts
from evalhub.runner.execute.seal import check_coverage, seal_run
from evalhub.runner.execute.session import RESUME, Session
from evalhub.runner.execute.steps import (
    FurtherTasks,
    answer_datasets,
    judge_datasets,
    read_datasets,
    score_datasets,
)
from evalhub.runner.execute.watch import Watch
from evalhub.runner.options import Options, narrow
from evalhub.runner.plan.epochs import with_epochs
from evalhub.runner.plan.gates import check_gates
from evalhub.runner.plan.manifest import manifest_facts, planned_facts
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.prepared import Prepared, prepare_resolved
from evalhub.runner.plan.resolve import Resolved, ResolvedCandidate, ResolvedJudge, resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.progress import Progress, Reported, Silent
from evalhub.specs import load_suite
from evalhub.store import Heartbeat, Run, RunWriter, State, all_runs, runs_root


def prepare(
    suite: str,
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    reuse: bool = True,
    moved: Mapping[str, str] | None = None,
) -> Prepared:
    """Return a suite resolved and planned, with the state of each of its steps. Nothing is run.

    Args:
        suite: Path or id of a suite.
        options: Changes to the file.
        progress: Shows what is fetched.
        reuse: Whether parts that earlier runs have made get no tasks.
        moved: The last night on which each judge behind a server was seen to have moved.
    """
    spec, path = load_suite(suite)
    options = options or Options()
    resolved = resolve(narrow(spec, options, path), path, progress or Silent())
    resolved = replace(resolved, is_trial=options.is_trial)
    runs = all_runs(runs_root(options.runs))
    resolved = with_epochs(resolved, runs, options.night, moved)
    for judge in resolved.judges:
        refuse_changed(judge.rubric, runs, judge.spec.rubric)
    prepared = prepare_resolved(resolved, runs if reuse else [])
    if not options.is_trial:
        check_gates(resolved)
    return prepared


def run(
    suite: str,
    options: Options | None = None,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
) -> Run:
    """Run a suite, or resume its newest unfinished run.

    Args:
        suite: Path or id of a suite.
        options: Changes to the file.
        progress: Shows how far the run is.
        moved: As in `prepare`.

    Returns:
        The sealed run.

    Raises:
        Interrupted: Ctrl-C. The finished work is kept, and the same command resumes the run.
        Inconclusive: The budget is spent.
        LittleCoverage: A judge gave no valid verdict at all, or the coverage of a judge or candidate lies
            below `controls.min_coverage`. The run is sealed all the same.
        EvalhubError: Something in the suite is wrong.
    """
    options, progress = options or Options(), progress or Silent()
    prepared = prepare(suite, options, progress, moved=moved)
    sealed = carry_out(prepared, runs_root(options.runs), progress)
    check_coverage(sealed)
    return sealed


def carry_out(
    prepared: Prepared, root: Path, progress: Progress, further_tasks: FurtherTasks | None = None
) -> Run:
    """Carry out a plan, or resume the newest unfinished run of it. See `run`.

    Args:
        prepared: The suite and its plan.
        root: The folder that holds the runs.
        progress: Shows how far the run is.
        further_tasks: Called once, when all planned tasks are judged.
    """
    resolved, planned, catalog = prepared.resolved, prepared.plan, prepared.catalog
    writer = _open_run(catalog.runs, root, resolved, planned)
    try:
        writer.update(state=State.RUNNING, **planned_facts(planned))
        with Stop() as stop, Heartbeat(writer.path) as heartbeat:
            reported = Reported(progress, heartbeat)
            parts = Parts(writer, catalog, reported)
            session = Session(parts, resolved, reported, stop, Watch(writer.id), _meter(resolved, writer))
            planned = _work(session, planned, further_tasks)
            seal_run(writer, resolved, planned, stop)
    except KeyboardInterrupt as error:
        # A record may be half stored in memory. The journals are whole, so the next writer goes on from them.
        with suppress(EvalhubError):
            writer.update(state=State.INTERRUPTED, stopped_by="KeyboardInterrupt")
        raise Interrupted("stopped at once", where=writer.id, fix=RESUME) from error
    finally:
        writer.close()
    return Run(writer.path)


def _open_run(runs: Sequence[Run], root: Path, resolved: Resolved, planned: Plan) -> RunWriter:
    suite_hash = resolved.hash
    for stored in runs:
        if stored.manifest.suite_hash == suite_hash and stored.unfinished:
            return RunWriter(stored.path)
    return RunWriter.create(root, resolved.suite.suite, manifest_facts(resolved, planned))


def _meter(resolved: Resolved, writer: RunWriter) -> Meter | None:
    """Return what counts the spending of a run. None where its budget has no limit that is metered."""
    if not resolved.suite.budget.is_metered:
        return None
    uses: list[ResolvedCandidate | ResolvedJudge] = [*resolved.candidates, *resolved.judges]
    prices = {use.runs.identity.model: use.spec.price for use in uses if use.spec.price is not None}
    return Meter(resolved.suite.budget, prices, writer)


def _work(session: Session, planned: Plan, further_tasks: FurtherTasks | None) -> Plan:
    """Generate, judge and score. Return the plan with the further tasks."""
    writer, stop = session.writer, session.stop
    start = time.monotonic()
    try:
        read_datasets(session)
        answers = answer_datasets(session)
        if not stop.requested:
            planned = judge_datasets(session, planned, answers, further_tasks)
        if not stop.requested:
            score_datasets(session, answers)
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
