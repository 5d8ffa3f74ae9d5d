"""The answers of an earlier run, judged by tonight's judges: what a change of judges alone does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from evalhub.records import Item, Label, Response, digest
from evalhub.runner import Options, Prepared, Progress, Silent
from evalhub.runner.plan.epochs import with_epochs
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.run import carry_out
from evalhub.sources import Dataset
from evalhub.specs import Card, DatasetUse, FileSpec, Suite, load_suite
from evalhub.specs.suite import Budget
from evalhub.store import Run, all_runs, runs_root

PREFIX = "rejudged"


def rejudge(
    suite: str,
    baseline: Run,
    judges: Collection[str],
    options: Options | None = None,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
) -> Run | None:
    """Judge the answers of an earlier run by some judges of a suite as they are tonight, or resume it.

    Answers that both runs have are not judged twice: their verdicts are found by their content.

    Args:
        suite: Path or id of the suite.
        baseline: The earlier run.
        judges: The judges. Members of a jury come with its others.
        options: The runs and the night.
        progress: Shows how far it is.
        moved: The last night on which each judge was seen to have moved.

    Returns:
        The sealed run. None where the suite has none of the judges.
    """
    options, progress = options or Options(), progress or Silent()
    spec, path = load_suite(suite)
    narrowed = _rejudging_suite(spec, judges, baseline)
    if narrowed is None:
        return None
    prepared = _prepare(narrowed, path, baseline, options, progress, moved)
    return carry_out(prepared, runs_root(options.runs), progress)


def _prepare(
    suite: Suite,
    path: Path,
    baseline: Run,
    options: Options,
    progress: Progress,
    moved: Mapping[str, str] | None,
) -> Prepared:
    runs = all_runs(runs_root(options.runs))
    datasets = tuple(_dataset(baseline, use.id) for use in suite.datasets)
    resolved = resolve(suite, path, progress, datasets)
    resolved = with_epochs(resolved, runs, options.night, moved)
    resolved = replace(resolved, part_of=baseline.manifest.suite, rejudges=baseline.id)
    return prepare_resolved(resolved, runs)


def _rejudging_suite(spec: Suite, judges: Collection[str], baseline: Run) -> Suite | None:
    juries = tuple(jury for jury in spec.juries if not set(jury.members).isdisjoint(judges))
    needed_judges = {*judges, *(member for jury in juries for member in jury.members)}
    uses = tuple(use for use in spec.judges if use.id in needed_judges)
    if not uses:
        return None
    return spec.model_copy(
        update={
            "suite": f"{PREFIX}-{spec.suite}",
            "title": f"The answers of {baseline.id} by the judges of {spec.suite}",
            "datasets": tuple(DatasetUse(id=name) for name in baseline.manifest.cards),
            "candidates": (),
            "judges": uses,
            "juries": juries,
            "cascades": (),
            "metrics": (),
            "gates": (),
            "calibration": (),
            "budget": Budget(),
        }
    )


def _dataset(baseline: Run, name: str) -> Dataset:
    """Return the records of a run as a dataset. Its card names the run, so that no other has its hash."""
    sha256 = digest([baseline.id, baseline.manifest.suite_hash])
    facts = baseline.manifest.cards[name].model_dump()
    card = Card(
        **facts,
        version=1,
        files={"run": FileSpec(path=baseline.id, sha256=sha256, format="lines")},
        items="SELECT text FROM run",
    )
    return Dataset(
        card=card,
        path=baseline.path,
        items=tuple(cast("list[Item]", _records(baseline, "items", name))),
        responses=tuple(cast("list[Response]", _records(baseline, "responses", name))),
        labels=tuple(cast("list[Label]", _records(baseline, "labels", name))),
        judgments=(),
        scores=(),
        hashes={"card": card.hash, baseline.id: sha256},
    )


def _records(baseline: Run, kind: str, dataset: str) -> list[Any]:
    return [record for record in baseline.records(kind) if getattr(record, "dataset", None) == dataset]
