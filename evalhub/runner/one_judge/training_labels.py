"""The labels that a judge is trained on: those of a suite's datasets, or of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalhub.analysis import Results
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.runner.plan.links import label_criterion
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.progress import Progress
from evalhub.runner.run import carry_out
from evalhub.scales import Kind
from evalhub.specs import CardFacts, Suite, load_suite
from evalhub.store import all_runs, find_run, runs_root


def read_labels(
    source: str, on: tuple[str, ...], runs: Path | None, progress: Progress, *, needs_labels: bool = True
) -> tuple[Results, dict[str, str]]:
    """Return a run that holds the datasets, and for each of them the criterion of its labels.

    Args:
        source: Path or id of a suite, or a run. A suite's datasets are read into a run without judges.
        on: The datasets to learn from, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        runs: The folder that holds the runs.
        progress: Shows how far it is.
        needs_labels: Whether a dataset without labels of pairs is left out. Else its criterion is nothing.

    Raises:
        UnknownNameError: There is no such suite or run, or no such dataset in it.
        SpecError: A named dataset has not one criterion of labels of pairs.
        InputError: A dataset is named twice.
    """
    names = dict(name.partition(":")[::2] for name in on)
    if len(names) < len(on):
        raise InputError("a dataset is named twice", where="--on", value=", ".join(on))
    try:
        suite, path = load_suite(source)
    except UnknownNameError as unknown_suite:
        try:
            results = Results(find_run(source, runs_root(runs)))
        except (UnknownNameError, InputError):
            raise unknown_suite from None
        _check_names(names, results.cards)
    else:
        results = _read_suite(suite, path, names, runs, progress)
    if not needs_labels:
        return results, dict.fromkeys(names or results.cards, "")
    return results, _criteria(results.cards, names, progress)


def _read_suite(
    suite: Suite, path: Path, names: Mapping[str, str], runs: Path | None, progress: Progress
) -> Results:
    """Read the datasets of a suite into a run of their own."""
    _check_names(names, [use.id for use in suite.datasets])
    datasets = tuple(use for use in suite.datasets if not names or use.id in names)
    suite = Suite(suite=f"train-{suite.suite}", title=f"Labels of {suite.suite}", datasets=datasets)
    root = runs_root(runs)
    resolved = resolve(suite, path, progress)
    return Results(carry_out(prepare_resolved(resolved, all_runs(root)), root, progress))


def _check_names(names: Mapping[str, str], ids: Mapping[str, CardFacts] | list[str]) -> None:
    for name in names:
        if name not in ids:
            raise UnknownNameError("dataset", name, list(ids), where="--on")


def _criteria(cards: Mapping[str, CardFacts], names: Mapping[str, str], progress: Progress) -> dict[str, str]:
    """Return the criterion of the labels of each dataset that is learned from."""
    criteria = {}
    for dataset, card in cards.items():
        if names and dataset not in names:
            continue
        name = names.get(dataset, "")
        criterion = label_criterion(card, name, Kind.PAIRWISE, {})
        if dataset in names and (criterion is None or name not in ("", criterion)):
            raise SpecError(
                f"the dataset has {'no such labels' if name else 'not one criterion of labels'} of pairs",
                where="--on",
                value=f"{dataset}:{name}" if name else dataset,
                allowed=[name for name, spec in card.criteria.items() if spec.kind is Kind.PAIRWISE],
                fix=f"write --on {dataset}:CRITERION",
            )
        if criterion is None:
            progress.note(f"{dataset} is left out: it has not one criterion of labels of pairs")
        else:
            criteria[dataset] = criterion
    return criteria
