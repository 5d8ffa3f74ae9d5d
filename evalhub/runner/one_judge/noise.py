"""A judge that is asked the same again: with other seeds, in other batches, in another order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalhub.engines import engine_kind, read_settings
from evalhub.errors import InputError
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.task_groups import Tasks
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import carry_out
from evalhub.specs import DatasetUse, EngineSpec, JudgeUse, Mode, Suite, load_rubric
from evalhub.specs.suite import SamplingSpec
from evalhub.store import Run, all_runs, runs_root

FIRST, SEED, BATCHES, ORDER = "first", "seed", "batches", "order"
BATCH = 3
"""Requests at a time where the judge is asked in other batches."""


@dataclass(frozen=True, slots=True)
class NoiseOptions(JudgeOptions):
    """The judge that is asked again, and on what.

    Attributes:
        dataset: Path or id of a dataset with responses.
        limit: Most items. None for all.
        seed: Seed of the draw of the items.
    """

    dataset: str = "quickstart"
    limit: int | None = 30
    seed: int = 0


def ask_again(options: NoiseOptions, progress: Progress | None = None) -> Run:
    """Ask a judge the same several times, or resume the newest unfinished run of it.

    The run has one judge for each asking: `first`, `seed` (other seeds), `batches` (three requests at a time,
    where the engine has the setting), and `order` (the items in the opposite order). Each has seeds of its
    own, so that no answer is used again, and an engine of its own.

    Args:
        options: The judge and the dataset.
        progress: Shows how far the run is.

    Returns:
        The sealed run. `analysis.noise` and `analysis.flaky_verdicts` read it.

    Raises:
        UnknownNameError: There is no such rubric, dataset or model.
        InputError: The limit is below 1.
        Interrupted: Ctrl-C. The same call resumes the run.
    """
    progress = progress or Silent()
    if options.limit is not None and options.limit < 1:
        raise InputError("a limit is at least 1", where="--limit", value=options.limit)
    rubric = load_rubric(options.rubric, where="RUBRIC")
    root = runs_root(options.runs)
    runs = all_runs(root)
    refuse_changed(rubric, runs, options.rubric)
    dataset = DatasetUse(id=options.dataset, limit=options.limit, seed=options.seed)
    suite = _with_askings(options.make_suite(rubric, "noise", dataset, None), options.engine)
    resolved = resolve(suite, Path(f"noise {options.rubric}"), progress, model_place="--model")
    prepared = prepare_resolved(resolved, runs)
    tasks = {
        name: Tasks(reversed(of_judge.groups)) if name == ORDER else of_judge
        for name, of_judge in prepared.plan.tasks.items()
    }
    return carry_out(replace(prepared, plan=replace(prepared.plan, tasks=tasks)), root, progress)


def _with_askings(suite: Suite, engine: EngineSpec) -> Suite:
    """Return the suite with a judge for each asking in place of its one judge."""
    (judge,) = suite.judges
    has_batches = "max_num_seqs" in engine_kind(engine.type).settings.model_fields
    names = [FIRST, SEED, *([BATCHES] if has_batches else []), ORDER]
    judges = tuple(_asking(judge, name, place) for place, name in enumerate(names))
    return suite.model_copy(update={"judges": judges})


def _asking(judge: JudgeUse, name: str, place: int) -> JudgeUse:
    settings = read_settings(judge.engine).model_dump()
    settings["seed"] += place
    if name == BATCHES:
        settings["max_num_seqs"] = BATCH
    changes: dict[str, Any] = {"id": name, "engine": EngineSpec(type=judge.engine.type, **settings)}
    if judge.mode is not Mode.DIRECT:  # a judge that answers at once draws no tokens
        sampling = judge.sampling.model_dump()
        changes["sampling"] = SamplingSpec(**{**sampling, "seed": sampling["seed"] + place})
    return judge.model_copy(update=changes)
