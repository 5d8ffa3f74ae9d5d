"""The commands about human labels: what to label next, and how many labels are needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, Runs
from evalhub.cli.output import print_json, print_note
from evalhub.errors import InputError, UnknownNameError
from evalhub.specs import CriterionSpec

labels = typer.Typer(
    help="Labels: what people should label next, what they labelled, and how many labels are needed.",
    no_args_is_help=True,
)


@labels.command("queue")
def labels_queue(
    judge: Annotated[
        str, typer.Option("--judge", help="Judge whose uncertain verdicts are drawn more often.")
    ],
    n: Annotated[int, typer.Option("--n", help="Number of responses or pairs to draw.")],
    out: Annotated[Path, typer.Option("--out", help="The new JSON Lines file.")],
    run_name: RunName = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Dataset, if the run has several.")] = None,
    criterion: Annotated[
        str | None, typer.Option("--criterion", help="Criterion, if the judge has several.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Draw what people should label next: a fifth uniformly, the rest by the judge's uncertainty.

    Each line has the probability with which it was drawn. Keep it with the label, in the column `probability`
    of a card's labels. The prediction-powered estimates weight by it.
    """
    results = hub.load(run_name, runs)
    request = hub.analysis.QueueRequest(
        judge,
        criterion or _single_value(results, judge, "criterion"),
        dataset or _single_value(results, judge, "dataset"),
        n,
        seed,
    )
    rows = hub.analysis.labelling_queue(results, request)
    hub.store.write_queue(out, rows)
    if as_json:
        print_json({"written": str(out), "rows": len(rows)})
        return
    print_note(f"written: {out}, {len(rows)} to label with `evalhub label {out}`")


def _single_value(results: hub.analysis.Results, judge: str, name: str) -> str:
    """Return the only dataset or criterion of a judge's verdicts. An unknown judge is refused later."""
    judgments = results.judgments(where="item_criterion IS NULL")
    values = sorted(set(judgments[judgments["judge"] == judge][name]))
    if len(values) > 1:
        raise InputError(f"the judge has several {name} values", value=values, fix=f"name one with --{name}")
    return values[0] if values else ""


@labels.command("needed")
def labels_needed(
    width: Annotated[
        float, typer.Option("--width", help="Width of the interval from end to end, in the labels' unit.")
    ],
    run_name: RunName = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print how many labels an interval of a width needs, with and without a judge's verdicts."""
    results = hub.load(run_name, runs)
    rows = hub.analysis.rows_of(hub.analysis.labels_needed(results, width=width))
    if not rows:
        raise InputError(
            "there is no pilot: no response or pair that a judge judged has a human label",
            where=results.run.id,
        )
    if as_json:
        print_json(rows)
        return
    hub.report.print_needed(rows, width=width)


@labels.command("import")
def labels_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of labels: .jsonl or .csv.")],
    run_name: RunName = None,
    annotator: Annotated[str | None, typer.Option("--annotator", help="Who gave the labels.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Their dataset.")] = None,
    criterion: Annotated[str | None, typer.Option("--criterion", help="Their criterion.")] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Store labels that another tool made, beside the runs. Findings and estimates then use them.

    Each row names one response (system) or pair (system_a, system_b) of the run, its item_id and its value or
    winner. The columns annotator, dataset and criterion may be options instead. The same label again replaces
    the earlier one.
    """
    results = hub.load(run_name, runs)
    options = {"annotator": annotator, "dataset": dataset, "criterion": criterion}
    defaults = {name: value for name, value in options.items() if value}
    entries = _with_texts(results, list(hub.store.read_label_table(file, defaults)), file)
    _check_criteria(results, entries, file)
    folder = hub.store.labels_folder(hub.store.runs_root(runs))
    by_annotator: dict[str, list[hub.store.LabelEntry]] = {}
    for entry in entries:
        by_annotator.setdefault(entry.annotator, []).append(entry)
    files = {
        name: hub.store.LabelFile(folder, name) for name in by_annotator
    }  # refused before any is written
    for name, of_annotator in by_annotator.items():
        files[name].append(*of_annotator)
    if as_json:
        print_json({"stored": len(entries), "annotators": sorted(by_annotator), "folder": str(folder)})
        return
    print_note(f"stored: {len(entries)} labels of {', '.join(sorted(by_annotator))} in {folder}")


def _with_texts(
    results: hub.analysis.Results, entries: list[hub.store.LabelEntry], file: Path
) -> list[hub.store.LabelEntry]:
    """Return labels with the hash of their texts. Refuse those of responses that the run does not have."""
    frame = results.responses(columns=("dataset", "item_id", "system", "sample", "text"))
    texts = {tuple(key): text for *key, text in frame.itertuples(index=False, name=None)}
    hashed = []
    for entry in entries:
        systems = [name for name in (entry.system, entry.system_a, entry.system_b) if name is not None]
        for system in systems:
            if (entry.dataset, entry.item_id, system, entry.sample) not in texts:
                raise InputError(
                    f"the run {results.run.id} has no such response",
                    where=str(file),
                    value=f"{entry.dataset}, {entry.item_id}, {system}",
                    fix="name the run that the labels are about",
                )
        shown = [texts[entry.dataset, entry.item_id, system, entry.sample] for system in systems]
        hashed.append(replace(entry, texts=hub.store.hash_texts(shown)))
    return hashed


def _check_criteria(results: hub.analysis.Results, entries: list[hub.store.LabelEntry], file: Path) -> None:
    """Refuse labels of an unknown criterion, and labels that their criterion does not have."""
    rubrics = [rubric for judge in results.judges if (rubric := results.rubric(judge))]
    # A label on a criterion of an item names it, which a line of these files cannot do.
    of_judges = {name for rubric in rubrics if not rubric.has_item_criteria for name in rubric.criteria}
    for entry in entries:
        specs = results.cards[entry.dataset].criteria
        criteria = {name: spec for name, spec in specs.items() if not spec.of_item}
        if entry.criterion not in {*criteria, *of_judges}:
            allowed = sorted({*criteria, *of_judges})
            raise UnknownNameError("criterion", entry.criterion, allowed, where=str(file))
        spec = criteria.get(entry.criterion)
        is_label = entry.decision is hub.store.Decision.LABEL
        if is_label and spec is not None and not spec.allows(entry.winner, entry.value):
            raise InputError(
                f"the criterion {entry.criterion} of {entry.dataset} has no such label",
                where=f"{file}: {entry.item_id}",
                value=entry.value if entry.winner is None else entry.winner.value,
                allowed=_allowed(spec),
            )


def _allowed(spec: CriterionSpec) -> str:
    if spec.levels:
        return ", ".join(map(str, spec.levels))
    return f"{spec.range[0]:g} to {spec.range[1]:g}" if spec.range else "a number"


@labels.command("export")
def labels_export(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The new file: .jsonl or .csv.")],
    annotator: Annotated[
        str | None, typer.Option("--annotator", help="Only the labels of this annotator.")
    ] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Write the labels that people gave beside the runs, for other tools. `labels import` reads the file."""
    if out.exists():
        raise InputError("the file exists already", where=str(out), fix="name another one, or remove it")
    entries = hub.store.read_entries(hub.store.labels_folder(hub.store.runs_root(runs)))
    selected = [entry for entry in entries if annotator in (None, entry.annotator)]
    if annotator and not selected:
        raise UnknownNameError("annotator", annotator, sorted({entry.annotator for entry in entries}))
    number = hub.store.write_label_table(out, selected)
    if as_json:
        print_json({"written": str(out), "labels": number})
        return
    print_note(f"written: {out}, {number} labels")
