"""The main job: suite, plan, complete, judge, score, seal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from evalhub.engines import Engine, open_engine
from evalhub.errors import EngineError, EvalhubError, Inconclusive, InputError, Interrupted, UnknownNameError
from evalhub.judging import Asking, Steps, failed
from evalhub.records import FailureKind, Item, Judgment, Response
from evalhub.runner.candidates import Generation, generate
from evalhub.runner.cells import Cell
from evalhub.runner.drive import Driver, Job
from evalhub.runner.manifest import manifest, planned_facts
from evalhub.runner.plan import Plan, judgments_of, plan
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.resolve import Resolved, ResolvedJudge, Runnable, resolve
from evalhub.runner.score import score_all
from evalhub.runner.stop import Stop
from evalhub.specs import EngineSpec, Suite, load_suite
from evalhub.store import Run, RunWriter, all_runs, runs_root


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
    resolved = resolve(narrowed(spec, options or Options(), path), path, progress or Silent())
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
        Inconclusive: The budget is spent, or a judge gave no valid verdict at all.
        EvalhubError: Anything that the suite names is wrong.
    """
    options, progress = options or Options(), progress or Silent()
    resolved, planned = prepare(suite, options, progress)
    root = runs_root(options.runs)
    writer = _open_run(root, resolved, planned)
    planned = planned.with_done(
        lambda cell: all(writer.get("judgments", key) is not None for key in cell.keys)
    )
    try:
        writer.update(state="running", **planned_facts(planned))
        with Stop() as stop:
            _work(writer, root, resolved, planned, progress, stop)
        _conclude(writer, resolved, planned, stop)
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
        if found.manifest.get("suite_hash") == wanted and not found.finished:
            return RunWriter(found.path)
    return RunWriter.create(root, resolved.suite.suite, manifest(resolved, planned))


def _work(
    writer: RunWriter, root: Path, resolved: Resolved, planned: Plan, progress: Progress, stop: Stop
) -> None:
    started = time.monotonic()
    try:
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
        if planned.generations:
            progress.stage("responses", planned.generations)
            _drive_all(writer, root, _generations(resolved), progress, stop)
        if planned.judgments and not stop.asked:
            progress.stage("judgments", planned.judgments)
            _drive_all(writer, root, _judgings(writer, resolved, planned), progress, stop)
        if not stop.asked:
            score_all(writer, resolved, progress)
    except KeyboardInterrupt as error:
        # A record may be half kept in memory; the journal is whole, so the next writer seals it.
        with suppress(EvalhubError):
            writer.update(state="interrupted", stopped_by="KeyboardInterrupt")
        raise Interrupted("stopped at once", where=writer.id, fix=_GO_ON) from error
    except EvalhubError as error:
        with suppress(EvalhubError):
            writer.seal("interrupted", stopped_by=type(error).__name__)
        raise
    finally:
        spent = round(time.monotonic() - started, 3)
        with suppress(EvalhubError):
            writer.update(seconds=writer.manifest.get("seconds", 0) + spent)


_GO_ON = "give the same command again to go on; what was finished is kept"

_Work = tuple[Runnable, EngineSpec, list[Job]]


def _drive_all(writer: RunWriter, root: Path, works: Iterable[_Work], progress: Progress, stop: Stop) -> None:
    """Drive the jobs of each model in turn; those of the same engine share it."""
    grouped: dict[str, _Work] = {}
    for runs, spec, jobs in works:
        key = repr(runs.identity)
        grouped.setdefault(key, (runs, spec, []))[2].extend(jobs)
    for runs, spec, jobs in grouped.values():
        if stop.asked:
            return
        driver = Driver(
            run=writer,
            root=root,
            identity=runs.identity,
            open_engine=lambda runs=runs, spec=spec: _start(runs, spec, progress),  # type: ignore[misc]
        )
        try:
            driver.drive(jobs, progress, stop)
        finally:
            if driver.engine:
                facts = _facts(driver.engine, runs)
                driver.close()
                with suppress(EvalhubError):
                    writer.update(engines=[*writer.manifest["engines"], facts])


def _start(runs: Runnable, spec: EngineSpec, progress: Progress) -> Engine:
    progress.note(f"starting {runs.identity.engine} with {runs.identity.model}")
    return open_engine(spec, runs.model, name=runs.identity.model)


def _facts(engine: Engine, runs: Runnable) -> dict[str, Any]:
    facts = engine.facts()
    return {**asdict(facts), "model": runs.identity.model, "hit_rate": facts.prefix_cache_hit_rate}


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
                )
            )
            for dataset in resolved.datasets
            for item in dataset.items
            for sample in range(spec.samples)
        ]
        yield candidate.runs, spec.engine, cast("list[Job]", jobs)


def _judgings(writer: RunWriter, resolved: Resolved, planned: Plan) -> Iterator[_Work]:
    items = {(item.dataset, item.item_id): item for item in cast("list[Item]", writer.table("items"))}
    for judge in resolved.judges:
        jobs = [_asking(writer, items, judge, cell) for cell in planned.cells[judge.spec.id]]
        yield judge.runs, judge.spec.engine, cast("list[Job]", jobs)


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
    return failed(asking, cell.parts, missing.failure or FailureKind.ENGINE, why)


def _conclude(writer: RunWriter, resolved: Resolved, planned: Plan, stop: Stop) -> None:
    judgments = cast("list[Judgment]", writer.table("judgments"))
    own = [one for one in judgments if one.judge in planned.cells]
    coverage = {
        judge: {
            "expected": judgments_of(cells),
            "done": sum(one.judge == judge for one in own),
            "valid": sum(one.judge == judge and one.failure is None for one in own),
        }
        for judge, cells in planned.cells.items()
    }
    if stop.asked:
        writer.seal("interrupted", coverage=coverage)
        raise Interrupted("stopped; what was finished is sealed", where=writer.id, fix=_GO_ON)
    if planned.over_budget:
        writer.seal("interrupted", coverage=coverage)
        raise Inconclusive(
            f"the budget is spent with {planned.over_budget} judgments left",
            where=f"{resolved.path}:budget.judgments",
            value=resolved.suite.budget.judgments,
            fix="raise it and give the same command again to go on",
        )
    missing = sum(counts["expected"] - counts["done"] for counts in coverage.values())
    if missing > 0:
        writer.seal("interrupted", coverage=coverage)
        raise EngineError(f"{missing} judgments were not answered", where=writer.id, fix=_GO_ON)
    writer.seal("sealed", coverage=coverage)
    for judge, counts in coverage.items():
        if counts["expected"] and not counts["valid"]:
            first = next(one for one in own if one.judge == judge)
            raise Inconclusive(
                f"the judge {judge} gave no valid verdict at all ({first.failure}: {first.detail})",
                where=writer.id,
            )
