"""What differs in a dataset between two runs. A file may hold other items later under the same dataset id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of, values
from evalhub.store import DatasetVersion

_IDENTITY = ("dataset", "item_id", "tags", "lang", "cluster", "split")
_PARTS = {"refs": "references", "context": "context"}
PROMPT = "prompt"

Contents = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataChange:
    """How a dataset differs between two runs.

    Attributes:
        changes: What differs, in the words of a report. Empty where nothing differs.
        items: Ids of the items of both runs whose prompt, context or references differ.
        labels: Number of labels that both runs have, with another value or winner.
    """

    changes: tuple[str, ...]
    items: frozenset[str]
    labels: int


def data_change(dataset: str, after: Results, before: Results) -> DataChange:
    """Return how a dataset differs between two runs that both have it.

    Args:
        dataset: Id of the dataset.
        after: The later run.
        before: The earlier run.
    """
    items_after, items_before = (_items(dataset, run) for run in (after, before))
    shared = items_after.keys() & items_before.keys()
    changed_items = {
        part: {item for item in shared if items_after[item][part] != items_before[item][part]}
        for part in (PROMPT, *_PARTS.values())
    }
    labels_after, labels_before = (_labels(dataset, run) for run in (after, before))
    changed_labels = sum(
        labels_after[key] != labels_before[key] for key in labels_after.keys() & labels_before.keys()
    )
    systems = _systems_with_changed_answers(dataset, after, before)
    changes = [
        *_card_changes(dataset, after, before),
        *(f"{part} of {_items_in_words(len(items))}" for part, items in changed_items.items() if items),
        *([f"recorded answers of {', '.join(systems)}"] if systems else []),
        *([f"{changed_labels:,} label{'s' if changed_labels > 1 else ''}"] if changed_labels else []),
        *(
            f"{_items_in_words(len(items))} only in the {run}"
            for run, items in (
                ("later", items_after.keys() - shared),
                ("earlier", items_before.keys() - shared),
            )
            if items
        ),
    ]
    return DataChange(tuple(changes), frozenset().union(*changed_items.values()), changed_labels)


def _items_in_words(count: int) -> str:
    return f"{count:,} item{'' if count == 1 else 's'}"


def _card_changes(dataset: str, after: Results, before: Results) -> list[str]:
    """Return what differs in the card: its version, its text under one version, its files."""
    dataset_after, dataset_before = (
        run.manifest.resolved.datasets.get(dataset, DatasetVersion()) for run in (after, before)
    )
    files_after, files_before = dataset_after.data_files, dataset_before.data_files
    names = files_after.keys() | files_before.keys()
    changed_files = sorted(name for name in names if files_after.get(name) != files_before.get(name))
    if dataset_after.version != dataset_before.version:
        changes = [f"version {dataset_before.version} then, {dataset_after.version} now"]
    else:
        changes = ["card"] if dataset_after.card != dataset_before.card else []
    return [*changes, *_files_in_words(changed_files)]


def _files_in_words(names: list[str]) -> list[str]:
    return [f"file{'s' if len(names) > 1 else ''} {', '.join(names)}"] if names else []


def _items(dataset: str, results: Results) -> dict[str, Contents]:
    """Return the contents of each item, by id. An absent list is an empty one."""
    frame = results.sql("SELECT * FROM items WHERE dataset = $dataset", {"dataset": dataset})
    return {
        row["item_id"]: {
            **{part: row.get(name) or [] for name, part in _PARTS.items()},
            PROMPT: {
                name: value for name, value in row.items() if value and name not in (*_IDENTITY, *_PARTS)
            },
        }
        for row in rows_of(frame)
    }


_RECORDED = """
SELECT system, item_id, sample, text, turns FROM responses
WHERE dataset = $dataset AND source = 'recorded' ORDER BY ALL
"""


def _systems_with_changed_answers(dataset: str, after: Results, before: Results) -> list[str]:
    """Return the systems whose recorded answer to some item differs, of those that both runs have."""
    texts_after, texts_before = (
        {(row["system"], row["item_id"], row["sample"]): (row["text"], row["turns"] or []) for row in rows}
        for rows in (rows_of(run.sql(_RECORDED, {"dataset": dataset})) for run in (after, before))
    )
    return sorted(
        {key[0] for key in texts_after.keys() & texts_before.keys() if texts_after[key] != texts_before[key]}
    )


_LABELS = """
SELECT item_id, criterion, system, system_a, system_b, sample, annotator, annotator_kind, value, winner
FROM labels WHERE dataset = $dataset
"""


def _labels(dataset: str, results: Results) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the verdict of each label, by its item, criterion, systems, sample and annotator."""
    columns = [values(column) for _, column in results.sql(_LABELS, {"dataset": dataset}).items()]
    return {tuple(key): (value, winner) for *key, value, winner in zip(*columns, strict=True)}
