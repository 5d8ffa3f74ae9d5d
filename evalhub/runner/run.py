"""The main job: suite, plan, complete, judge, score, seal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, cast

from evalhub.engines import Engine, open_engine
from evalhub.errors import EvalhubError, InputError, Interrupted, UnknownNameError
from evalhub.judging import Asking, Steps, failed
from evalhub.records import FailureKind, Item, Response
from evalhub.runner.execute.driver import Driver, Job
from evalhub.runner.execute.generation import Generation, generate, many_cut
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.metrics import score_all
from evalhub.runner.execute.rounds import Rounds
from evalhub.runner.execute.seal import GO_ON, conclude, refuse_little
from evalhub.runner.execute.watch import Watch
from evalhub.runner.plan.manifest import manifest, planned_facts
from evalhub.runner.plan.plan import Cells, Plan, judgments_of, plan
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge, Runnable, resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.tasks import Cell
from evalhub.runner.progress import Progress, Silent
from evalhub.specs import EngineSpec, Suite, load_suite
from evalhub.store import Run, RunWriter, all_runs, runs_root

Following = Callable[[RunWriter, Plan], Cells]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line may change about a suite.

    Attributes:
        only: Ids of candidates, judges or datasets; where one of a kind is named, the others
            of that kind are left out.
        limit: Number of items of each dataset, at most.
        runs: The folder that holds the runs.
    """

    only: tuple[str, ...] = ()
    limit: int | None = None
    runs: Path | None = None


def prepare(
    suite: str, options: Options | None = None, progress: Progress | None = None
) -> tuple[Resolved, Plan]:
    """Return a suite resolved and planned; nothing is run.

    Args:
        suite: Path or id of a suite.
        options: What differs from the file.
        progress: Told what is fetched.
    """
    spec, path = load_suite(suite)
    options = options or Options()
    resolved = resolve(narrowed(spec, options, path), path, progress or Silent())
    runs = all_runs(runs_root(options.runs))
    for judge in resolved.judges:
        refuse_changed(judge.rubric, runs, judge.spec.rubric)
    return resolved, plan(resolved)


def run(suite: str, options: Options | None = None, progress: Progress | None = None) -> Run:
    """Run a suite, or go on with its newest unfinished run.

    Args:
        suite: Path or id of a suite.
        options: What differs from the file.
        progress: Told how far the run is.

    Returns:
        The sealed run.

    Raises:
        Interrupted: Ctrl-C; what was finished is sealed and the same command goes on.
        Inconclusive: The budget is spent.
        LittleCoverage: A judge gave no valid verdict at all, or the coverage of a judge or candidate lies
            below `controls.min_coverage`; the run is sealed all the same.
        EvalhubError: Anything that the suite names is wrong.
    """
    options, progress = options or Options(), progress or Silent()
    resolved, planned = prepare(suite, options, progress)
    done = carry_out(resolved, planned, runs_root(options.runs), progress)
    refuse_little(done)
    return done


def carry_out(
    resolved: Resolved, planned: Plan, root: Path, progress: Progress, following: Following | None = None
) -> Run:
    """Do what was planned, or go on with the newest unfinished run of it; see `run`.

    Args:
        resolved: The suite.
        planned: What it asks.
        root: The folder that holds the runs.
        progress: Told how far the run is.
        following: Called once with the run when all that was planned is judged; may keep records, and
            returns what is to be asked then.
    """
    writer = _open_run(root, resolved, planned)
    planned = planned.with_done(
        lambda cell: all(writer.get("judgments", key) is not None for key in cell.keys)
    )
    try:
        writer.update(state="running", **planned_facts(planned))
        with Stop() as stop:
            sitting = _Sitting(writer, root, resolved, progress, stop, Watch(writer.id))
            planned = _work(sitting, planned, following)
            conclude(writer, resolved, planned, stop)
    except KeyboardInterrupt as error:
        # A record may be half kept in memory; the journal is whole, so the next writer seals it.
        with suppress(EvalhubError):
            writer.update(state="interrupted", stopped_by="KeyboardInterrupt")
        raise Interrupted("stopped at once", where=writer.id, fix=GO_ON) from error
    finally:
        writer.close()
    return Run(writer.path)


def narrowed(suite: Suite, options: Options, path: Path) -> Suite:
    """Return the suite with the command line's limits applied."""
    changed: dict[str, Any] = {}
    known = {part.id for kind in ("datasets", "candidates", "judges") for part in getattr(suite, kind)}
    for name in options.only:
        if name not in known:
            raise UnknownNameError("part of the suite", name, known, where=f"{path}:--only")
    for kind in ("datasets", "candidates", "judges"):
        named = tuple(part for part in getattr(suite, kind) if part.id in options.only)
        if named:
            changed[kind] = named
    if "judges" in changed:
        left = {judge.id for judge in changed["judges"]}
        changed["cascades"] = tuple(one for one in suite.cascades if left.issuperset(one.stages))
        changed["juries"] = tuple(one for one in suite.juries if left.issuperset(one.members))
    if options.limit is not None:
        if options.limit < 1:
            raise InputError("a limit is at least 1", where="--limit", value=options.limit)
        datasets = changed.get("datasets", suite.datasets)
        changed["datasets"] = tuple(
            one.model_copy(update={"limit": min(options.limit, one.limit or options.limit)})
            for one in datasets
        )
    return suite.model_copy(update=changed)


def _open_run(root: Path, resolved: Resolved, planned: Plan) -> RunWriter:
    wanted = resolved.hash
    for found in all_runs(root):
        if found.manifest.get("suite_hash") == wanted and found.unfinished:
            return RunWriter(found.path)
    return RunWriter.create(root, resolved.suite.suite, manifest(resolved, planned))


@dataclass(frozen=True, slots=True)
class _Sitting:
    """One time of working on a run."""

    writer: RunWriter
    root: Path
    resolved: Resolved
    progress: Progress
    stop: Stop
    watch: Watch


def _work(sitting: _Sitting, planned: Plan, following: Following | None) -> Plan:
    """Make, judge and score; return the plan with what followed from it."""
    writer, resolved, stop = sitting.writer, sitting.resolved, sitting.stop
    started = time.monotonic()
    try:
        _keep_datasets(writer, resolved)
        if planned.generations:
            sitting.progress.stage("responses", planned.generations)
            _drive_all(sitting, _generations(resolved))
            for sentence in many_cut(resolved.candidates, writer.table("responses")):
                sitting.progress.note(sentence)
            if not stop.asked:
                sitting.watch.conclude()
        if planned.judgments and not stop.asked:
            planned = _judge(sitting, planned, following)
        if not stop.asked:
            score_all(writer, resolved, sitting.progress)
        return planned
    except EvalhubError as error:
        with suppress(EvalhubError):
            state = "stopped" if sitting.watch.stopped else "interrupted"
            writer.seal(state, stopped_by=type(error).__name__)
        raise
    finally:
        spent = round(time.monotonic() - started, 3)
        with suppress(EvalhubError):
            writer.update(seconds=writer.manifest.get("seconds", 0) + spent)


@dataclass(frozen=True, slots=True)
class _Work:
    """The jobs of some candidates or judges on one engine.

    Attributes:
        ids: The candidates or judges that the engine serves.
        rounds: Their jobs; each round is made when the one before it is done.
    """

    ids: tuple[str, ...]
    runs: Runnable
    spec: EngineSpec
    rounds: Iterator[list[Job]]


_Askings = Callable[[ResolvedJudge], Iterable[Iterable[Cell]]]


def _keep_datasets(writer: RunWriter, resolved: Resolved) -> None:
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


def _judge(sitting: _Sitting, planned: Plan, following: Following | None) -> Plan:
    """Judge what was planned, and what follows from that with the engine still open."""
    rounds = Rounds(sitting.writer, sitting.resolved, planned, sitting.progress)

    def further() -> Iterator[_Work]:
        if following and not sitting.stop.asked:
            more = following(sitting.writer, planned)
            rounds.plan = rounds.plan.followed_by(more)
            sitting.writer.update(**planned_facts(rounds.plan))
            sitting.progress.stage("judgments that follow", sum(map(judgments_of, more.values())))
            yield from _judgings(sitting, lambda judge: [more[judge.spec.id]])

    sitting.progress.stage("judgments", planned.judgments)
    _drive_all(sitting, _judgings(sitting, rounds.of), further)
    return rounds.plan


def _drive_all(
    sitting: _Sitting, works: Iterable[_Work], further: Callable[[], Iterable[_Work]] = tuple
) -> None:
    """Drive the jobs of each model in turn; those of the same engine share it.

    Args:
        sitting: The run.
        works: The jobs.
        further: Called when the jobs are done, for more of them on the same engine.
    """
    for work in _grouped(works):
        if sitting.stop.asked:
            return
        driver = Driver(
            run=sitting.writer,
            root=sitting.root,
            identity=work.runs.identity,
            open_engine=lambda work=work: _start(work, sitting.progress),  # type: ignore[misc]
            watch=sitting.watch,
        )
        try:
            for jobs in chain(work.rounds, chain.from_iterable(more.rounds for more in further())):
                driver.drive(jobs, sitting.progress, sitting.stop)
                if sitting.stop.asked:
                    break
        finally:
            if driver.engine:
                facts = _facts(driver.engine, work)
                driver.close()
                with suppress(EvalhubError):
                    sitting.writer.update(engines=[*sitting.writer.manifest["engines"], facts])


def _grouped(works: Iterable[_Work]) -> list[_Work]:
    """Return one work for each engine; its rounds go side by side."""
    grouped: dict[str, list[_Work]] = {}
    for work in works:
        grouped.setdefault(repr(work.runs.identity), []).append(work)
    return [
        replace(
            several[0],
            ids=tuple(chain.from_iterable(work.ids for work in several)),
            rounds=(
                [*chain(*turn)] for turn in zip_longest(*(work.rounds for work in several), fillvalue=[])
            ),
        )
        for several in grouped.values()
    ]


def _start(work: _Work, progress: Progress) -> Engine:
    identity = work.runs.identity
    progress.note(f"starting {identity.engine} with {identity.model} for {', '.join(work.ids)}")
    return open_engine(work.spec, work.runs.model, name=identity.model)


def _facts(engine: Engine, work: _Work) -> dict[str, Any]:
    facts = engine.facts()
    return {
        **asdict(facts),
        "model": work.runs.identity.model,
        "serves": list(work.ids),
        "hit_rate": facts.prefix_cache_hit_rate,
    }


def _generations(resolved: Resolved) -> Iterator[_Work]:
    for candidate in resolved.candidates:
        spec = candidate.spec
        jobs = [
            generate(
                Generation(
                    item=item,
                    system=spec.id,
                    families=candidate.runs.families,
                    sampling=spec.sampling.sampling(),
                    sample=sample,
                    system_prompt=spec.system_prompt,
                    think=tuple(pair.tags for pair in spec.think),
                )
            )
            for dataset in resolved.datasets
            for item in dataset.items
            for sample in range(spec.samples)
        ]
        yield _Work((spec.id,), candidate.runs, spec.engine, iter([cast("list[Job]", jobs)]))


def _judgings(sitting: _Sitting, askings: _Askings) -> Iterator[_Work]:
    writer = sitting.writer
    items = {(item.dataset, item.item_id): item for item in cast("list[Item]", writer.table("items"))}

    def rounds(judge: ResolvedJudge) -> Iterator[list[Job]]:
        for cells in askings(judge):
            yield cast("list[Job]", [_asking(writer, items, judge, cell) for cell in cells])

    for judge in sitting.resolved.judges:
        yield _Work((judge.spec.id,), judge.runs, judge.spec.engine, rounds(judge))


def _asking(writer: RunWriter, items: dict[tuple[str, str], Item], judge: ResolvedJudge, cell: Cell) -> Steps:
    """Return the protocol's generator; a response that failed makes a judgment that failed."""
    found = [
        cast("Response | None", writer.get("responses", (cell.dataset, cell.item_id, system, cell.sample)))
        for system in cell.systems
    ]
    asking = Asking(
        judge=judge.judge,
        item=items[cell.dataset, cell.item_id],
        criterion=cell.criterion,
        responses=tuple(
            one or Response(cell.dataset, cell.item_id, system, cell.sample)
            for one, system in zip(found, cell.systems, strict=True)
        ),
        shown=cell.shown,
        row=cell.row,
        repeat=cell.repeat,
        same_family=cell.same_family,
    )
    if any(response.text is None for response in asking.responses):
        return _unanswered(asking, cell)
    return judge.protocol.ask(asking)


def _unanswered(asking: Asking, cell: Cell) -> Steps:
    missing = next(one for one in asking.responses if one.text is None)
    yield from ()
    why = f"the system {missing.system} gave no response"
    why += f": {missing.detail}" if missing.detail else ""
    return failed(asking, cell.parts, missing.failure or FailureKind.ENGINE, why)
