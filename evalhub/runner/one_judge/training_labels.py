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
from evalhub.specs import CardFacts, Rubric, Suite, load_suite
from evalhub.store import Run, all_runs, find_run, runs_root

_ABOUT = {Kind.PAIRWISE: "pairs", Kind.POINTWISE: "single responses"}


def read_labels(
    source: str,
    on: tuple[str, ...],
    runs: Path | None,
    progress: Progress,
    *,
    needs_labels: bool = True,
    kind: Kind = Kind.PAIRWISE,
    rubric_criterion: str = "",
) -> tuple[Results, dict[str, str]]:
    """Return a run that holds the datasets, and for each of them the criterion of its labels.

    Args:
        source: Path or id of a suite, or a run. A suite's datasets are read into a run without judges.
        on: The datasets to learn from, each as `DATASET` or `DATASET:CRITERION`. Empty = all.
        runs: The folder that holds the runs.
        progress: Shows how far it is.
        needs_labels: Whether a dataset without such labels is left out. Else its criterion is nothing.
        kind: Whether the labels compare two responses or rate one.
        rubric_criterion: The criterion whose name is taken where a dataset has several.

    Raises:
        UnknownNameError: There is no such suite or run, or no such dataset in it.
        SpecError: A named dataset has not one criterion of such labels.
        InputError: A dataset is named twice, or a criterion of labels is named where none are learned from.
    """
    names = read_names(on, "--on")
    if not needs_labels and any(names.values()):
        raise InputError(
            "a teacher's verdicts are learned from, and no labels",
            where="--on",
            value=", ".join(on),
            fix="name the dataset alone",
        )
    suite_source = suite_or_run(source, runs)
    if isinstance(suite_source, Run):
        results = Results(suite_source)
        check_names(names, results.cards, "--on")
    else:
        suite, path = suite_source
        results = _read_suite(suite, path, names, runs, progress)
    if not needs_labels:
        return results, dict.fromkeys(names or results.cards, "")
    return results, criteria_of_labels(
        results.cards, names, progress, "--on", rubric_criterion=rubric_criterion, kind=kind
    )


def suite_or_run(source: str, runs: Path | None) -> tuple[Suite, Path] | Run:
    """Return the suite with its file, or the run, that a text names. A suite of that name wins.

    Raises:
        UnknownNameError: There is neither.
    """
    try:
        return load_suite(source)
    except UnknownNameError as unknown_suite:
        try:
            return find_run(source, runs_root(runs))
        except (UnknownNameError, InputError):
            raise unknown_suite from None


def choose_criterion(rubric: Rubric, name: str | None) -> str:
    """Return the named criterion of a rubric, by default the first.

    Raises:
        UnknownNameError: The rubric has no such criterion.
    """
    criterion = name or next(iter(rubric.criteria))
    if criterion not in rubric.criteria:
        raise UnknownNameError("criterion", criterion, rubric.criteria, where="--criterion")
    return criterion


def read_names(entries: tuple[str, ...], where: str) -> dict[str, str]:
    """Return the criterion of labels that each `DATASET` or `DATASET:CRITERION` names, "" for none.

    Raises:
        InputError: A dataset is named twice.
    """
    names = dict(entry.partition(":")[::2] for entry in entries)
    if len(names) < len(entries):
        raise InputError("a dataset is named twice", where=where, value=", ".join(entries))
    return names


def _read_suite(
    suite: Suite, path: Path, names: Mapping[str, str], runs: Path | None, progress: Progress
) -> Results:
    """Read the datasets of a suite into a run of their own."""
    check_names(names, [use.id for use in suite.datasets], "--on")
    datasets = tuple(use for use in suite.datasets if not names or use.id in names)
    suite = Suite(suite=f"train-{suite.suite}", title=f"Labels of {suite.suite}", datasets=datasets)
    root = runs_root(runs)
    resolved = resolve(suite, path, progress)
    return Results(carry_out(prepare_resolved(resolved, all_runs(root)), root, progress))


def check_names(names: Mapping[str, str], ids: Mapping[str, CardFacts] | list[str], where: str) -> None:
    """Refuse the name of a dataset that a suite or a run does not have.

    Raises:
        UnknownNameError: There is no such dataset in it.
    """
    for name in names:
        if name not in ids:
            raise UnknownNameError("dataset", name, list(ids), where=where)


def criteria_of_labels(
    cards: Mapping[str, CardFacts],
    names: Mapping[str, str],
    progress: Progress,
    where: str,
    rubric_criterion: str = "",
    kind: Kind = Kind.PAIRWISE,
) -> dict[str, str]:
    """Return the criterion of the labels of each dataset that is learned from.

    Args:
        cards: The cards by dataset.
        names: The datasets to learn from, each with a criterion of its labels or "". Empty = all.
        progress: Notes what is left out.
        where: The option that names the datasets.
        rubric_criterion: The criterion whose name is taken where a dataset has several.
        kind: Whether the labels compare two responses or rate one.

    Raises:
        SpecError: A named dataset has not one criterion of such labels.
    """
    subject = _ABOUT[kind]
    criteria = {}
    for dataset, card in cards.items():
        if names and dataset not in names:
            continue
        name = names.get(dataset, "")
        criterion = label_criterion(card, name or rubric_criterion, kind, {})
        if dataset in names and (criterion is None or name not in ("", criterion)):
            raise SpecError(
                f"the dataset has {'no such labels' if name else 'not one criterion of labels'} of {subject}",
                where=where,
                value=f"{dataset}:{name}" if name else dataset,
                allowed=[name for name, spec in card.criteria.items() if spec.kind is kind],
                fix=f"write {where} {dataset}:CRITERION",
            )
        if criterion is None:
            progress.note(f"{dataset} is left out: it has not one criterion of labels of {subject}")
        else:
            criteria[dataset] = criterion
    return criteria
