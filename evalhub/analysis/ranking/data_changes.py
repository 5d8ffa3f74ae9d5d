"""What differs in a dataset between two runs. A file may hold other items later under the same dataset id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from evalhub.analysis.results import Results
from evalhub.analysis.tables import values
from evalhub.store import DatasetVersion, arrow_schema

if TYPE_CHECKING:
    import pandas as pd

_IDENTITY = ("dataset", "item_id", "tags", "lang", "cluster", "split")
_PARTS = {"refs": "references", "context": "context", "criteria": "criteria"}
PROMPT = "prompt"


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


_changes: WeakKeyDictionary[Results, WeakKeyDictionary[Results, dict[str, DataChange]]] = WeakKeyDictionary()


def data_change(dataset: str, after: Results, before: Results) -> DataChange:
    """Return how a dataset differs between two runs that both have it. The same two are compared once.

    Args:
        dataset: Id of the dataset.
        after: The later run.
        before: The earlier run.
    """
    of_runs = _changes.setdefault(after, WeakKeyDictionary()).setdefault(before, {})
    if dataset not in of_runs:
        of_runs[dataset] = _compare(dataset, after, before)
    return of_runs[dataset]


def _compare(dataset: str, after: Results, before: Results) -> DataChange:
    items_after, items_before = (_items(dataset, run) for run in (after, before))
    shared = items_after.index.intersection(items_before.index)
    differs = items_after.loc[shared] != items_before.loc[shared]
    changed_items = {
        part: set(shared[(differs[f"{part} 0"] | differs[f"{part} 1"]).to_numpy(dtype=bool)])
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
                ("later", items_after.index.difference(shared)),
                ("earlier", items_before.index.difference(shared)),
            )
            if len(items)
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


def _items(dataset: str, results: Results) -> pd.DataFrame:
    """Return two hashes of each part of each item, by the item's id. An absent list is an empty one."""
    prompt = [name for name in arrow_schema("items").names if name not in (*_IDENTITY, *_PARTS)]
    parts = {PROMPT: prompt, **{part: [name] for name, part in _PARTS.items()}}
    hashes = [f'{_hash(names, salt)} AS "{part} {salt}"' for part, names in parts.items() for salt in (0, 1)]
    query = f"SELECT item_id, {', '.join(hashes)} FROM items WHERE dataset = $dataset"
    return results.sql(query, {"dataset": dataset}).set_index("item_id")


def _hash(lists: Sequence[str], salt: int) -> str:
    """Return SQL for 64 bits of the hash of some lists. Two salts give 128 bits."""
    filled = (f'CASE WHEN len("{name}") > 0 THEN "{name}" END' for name in lists)
    return f"hash({salt}, {', '.join(filled)})"


_RECORDED = f"""
SELECT system, item_id, sample, hash(0, text) AS text_0, hash(1, text) AS text_1,
  {_hash(("turns",), 0)} AS turns_0, {_hash(("turns",), 1)} AS turns_1
FROM responses WHERE dataset = $dataset AND source = 'recorded'
"""
_RESPONSE = ["system", "item_id", "sample"]


def _systems_with_changed_answers(dataset: str, after: Results, before: Results) -> list[str]:
    """Return the systems whose recorded answer to some item differs, of those that both runs have."""
    texts_after, texts_before = (run.sql(_RECORDED, {"dataset": dataset}) for run in (after, before))
    pairs = texts_after.merge(texts_before, on=_RESPONSE, suffixes=("", "_before"))
    names = [name for name in texts_after.columns if name not in _RESPONSE]
    earlier = pairs[[f"{name}_before" for name in names]].to_numpy()
    return sorted(set(pairs["system"][(pairs[names].to_numpy() != earlier).any(axis=1)]))


_LABELS = """
SELECT item_id, criterion, item_criterion, system, system_a, system_b, sample, annotator, annotator_kind,
  value, winner
FROM labels WHERE dataset = $dataset
"""


def _labels(dataset: str, results: Results) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the verdict of each label, by its item, criterion, systems, sample and annotator."""
    columns = [values(column) for _, column in results.sql(_LABELS, {"dataset": dataset}).items()]
    return {tuple(key): (value, winner) for *key, value, winner in zip(*columns, strict=True)}
