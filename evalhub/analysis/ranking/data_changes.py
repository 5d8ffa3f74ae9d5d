"""Whether a dataset is the same in two runs: under one id a file may hold other questions a night later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of, values

_ABOUT = ("dataset", "item_id", "tags", "lang", "cluster", "split")
_SHOWN = {"refs": "references", "context": "context"}
PROMPT = "prompt"

Contents = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DataChange:
    """How a dataset differs between two runs.

    Attributes:
        what: What differs, in the words of a report; empty where nothing does.
        items: Ids of the items of both runs whose prompt, context or references differ.
        labels: Number of labels that both runs have, with another value or winner.
    """

    what: tuple[str, ...]
    items: frozenset[str]
    labels: int


def data_change(dataset: str, after: Results, before: Results) -> DataChange:
    """Return how a dataset differs between two runs that both have it.

    Args:
        dataset: Id of the dataset.
        after: The later run.
        before: The earlier run.
    """
    now, then = (_items(dataset, run) for run in (after, before))
    both = now.keys() & then.keys()
    parts = {
        name: {item for item in both if now[item][name] != then[item][name]}
        for name in (PROMPT, *_SHOWN.values())
    }
    labels, rival = (_labels(dataset, run) for run in (after, before))
    changed = sum(labels[key] != rival[key] for key in labels.keys() & rival.keys())
    answers = _recorded_apart(dataset, after, before)
    what = [
        *_of_card(dataset, after, before),
        *(f"{name} of {_items_in_words(len(found))}" for name, found in parts.items() if found),
        *([f"recorded answers of {', '.join(answers)}"] if answers else []),
        *([f"{changed:,} label{'s' if changed > 1 else ''}"] if changed else []),
        *(
            f"{_items_in_words(len(own))} only in the {night}"
            for night, own in (("later", now.keys() - both), ("earlier", then.keys() - both))
            if own
        ),
    ]
    return DataChange(tuple(what), frozenset().union(*parts.values()), changed)


def _items_in_words(count: int) -> str:
    return f"{count:,} item{'' if count == 1 else 's'}"


def _of_card(dataset: str, after: Results, before: Results) -> list[str]:
    """Return what differs in the card: its version, its text under one version, its files."""
    now, then = (run.manifest["resolved"].get("datasets", {}).get(dataset, {}) for run in (after, before))
    files, former = ({**one.get("files", {})} for one in (now, then))
    card = {name: one.pop("card", None) for name, one in (("now", files), ("then", former))}
    changed = sorted(name for name in files.keys() | former.keys() if files.get(name) != former.get(name))
    if now.get("version") != then.get("version"):
        told = [f"version {then.get('version')} then, {now.get('version')} now"]
    else:
        told = ["card"] if card["now"] != card["then"] else []
    return [*told, *([f"file{'s' if len(changed) > 1 else ''} {', '.join(changed)}"] if changed else [])]


def _items(dataset: str, results: Results) -> dict[str, Contents]:
    """Return what is asked in each item, by id; an absent list is an empty one."""
    frame = results.sql("SELECT * FROM items WHERE dataset = $dataset", {"dataset": dataset})
    return {
        row["item_id"]: {
            **{shown: row.get(name) or [] for name, shown in _SHOWN.items()},
            PROMPT: {name: value for name, value in row.items() if value and name not in (*_ABOUT, *_SHOWN)},
        }
        for row in rows_of(frame)
    }


_RECORDED = """
SELECT system, item_id, sample, text, turns FROM responses
WHERE dataset = $dataset AND source = 'recorded' ORDER BY ALL
"""


def _recorded_apart(dataset: str, after: Results, before: Results) -> list[str]:
    """Return the systems whose recorded answer to some item differs, of those that both runs have."""
    now, then = (
        {(row["system"], row["item_id"], row["sample"]): (row["text"], row["turns"] or []) for row in rows}
        for rows in (rows_of(run.sql(_RECORDED, {"dataset": dataset})) for run in (after, before))
    )
    return sorted({key[0] for key in now.keys() & then.keys() if now[key] != then[key]})


_LABELS = """
SELECT item_id, criterion, system, system_a, system_b, sample, annotator, annotator_kind, value, winner
FROM labels WHERE dataset = $dataset
"""


def _labels(dataset: str, results: Results) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the verdict of each label, by what it is of."""
    columns = [values(column) for _, column in results.sql(_LABELS, {"dataset": dataset}).items()]
    return {tuple(key): (value, winner) for *key, value, winner in zip(*columns, strict=True)}
