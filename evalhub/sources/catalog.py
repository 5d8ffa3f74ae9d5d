"""The list of datasets, and the contents of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from evalhub.errors import EvalhubError, InputError, SpecError
from evalhub.records import FailureKind, Item, ItemCriterion, Label
from evalhub.sources.files import DataFile, files_of
from evalhub.sources.load import load
from evalhub.sources.thoughts import think_text
from evalhub.specs import Card, available, load_card
from evalhub.texts import is_blank

_Key = TypeVar("_Key", int, str)


class SourceState(StrEnum):
    """Whether a dataset can be loaded: it is ready, its files are absent, or it is broken."""

    READY = "ready"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset in the list. `problem` says why it is broken or which file is absent."""

    id: str
    path: Path
    state: SourceState
    title: str = ""
    licence: str = ""
    kinds: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """One dataset's card, and the location of each of its files."""

    entry: Entry
    card: Card
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a dataset.

    Attributes:
        counts: Number of records of each kind.
        turns: Number of items by their number of turns.
        messages: Number of chat histories by their number of messages.
        criteria: Number of items by their number of criteria, where any item brings some.
        first_criteria: The criteria of the first item that brings some, by its id.
        clusters: Number of clusters.
        tags: Number of items with each tag.
        responses: Number of responses of each system.
        empty: Number of empty responses of each system that has any.
        think_text: Number of responses of each system whose think text was split off, or cut.
        labels: Number of labels by criterion, then by kind of annotator.
        outcomes: Number of labels by criterion, then by winner or value.
        judgments: Number of recorded judgments by judge, then by criterion.
        failures: Number of recorded judgments without a verdict, by judge, then by kind of failure.
        warnings: Oddities that are not errors.
    """

    id: str
    counts: Mapping[str, int]
    turns: Mapping[int, int]
    messages: Mapping[int, int]
    criteria: Mapping[int, int]
    first_criteria: Mapping[str, tuple[ItemCriterion, ...]]
    clusters: int
    tags: Mapping[str, int]
    responses: Mapping[str, int]
    empty: Mapping[str, int]
    think_text: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Mapping[str, int]]
    outcomes: Mapping[str, Mapping[str, int]]
    judgments: Mapping[str, Mapping[str, int]]
    failures: Mapping[str, Mapping[str, int]]
    warnings: tuple[str, ...]


def list_datasets() -> tuple[Entry, ...]:
    """Return all datasets, sorted by id. A broken card is an entry too."""
    return tuple(_entry(name, path) for name, path in available("datasets").items())


def _entry(name: str, path: Path) -> Entry:
    try:
        card, _ = load_card(str(path))
        if card.id != name:
            raise SpecError("the id is not the file's name", where=f"{path}:id", value=card.id, allowed=name)
    except EvalhubError as error:
        return Entry(name, path, SourceState.BROKEN, problem=str(error))
    return _describe(card, path, files_of(card, path))


def _describe(card: Card, path: Path, files: Iterable[DataFile]) -> Entry:
    missing_files = [file.path for file in files if file.location is None]
    return Entry(
        id=card.id,
        path=path,
        state=SourceState.ABSENT if missing_files else SourceState.READY,
        title=card.title,
        licence=card.licence,
        kinds=tuple(card.selects),
        problem=f"absent: {', '.join(missing_files)}" if missing_files else "",
    )


def show(name: str) -> Details:
    """Return a dataset's card and the location of its files, without reading them.

    Raises:
        SpecError: A key of the card is wrong.
        UnknownNameError: No dataset has that name.
    """
    card, path = load_card(name)
    files = files_of(card, path)
    return Details(_describe(card, path, files), card, files)


def state_of_failure(name: str) -> SourceState:
    """Return why a dataset cannot be loaded: its files are absent, or it is broken."""
    try:
        state = show(name).entry.state
    except InputError:
        return SourceState.BROKEN
    return state if state is SourceState.ABSENT else SourceState.BROKEN


def check(name: str) -> Contents:
    """Load a dataset, and return its contents.

    Raises:
        EvalhubError: `load` refuses the dataset.
    """
    card, path = load_card(name)
    data = load(card, path)
    has_criteria = [item for item in data.items if item.criteria]
    return Contents(
        id=card.id,
        counts={kind: len(getattr(data, kind)) for kind in card.selects},
        turns=_count(len(item.turns) for item in data.items),
        messages=_count(len(item.messages) for item in data.items if item.messages),
        criteria=_count(len(item.criteria) for item in data.items) if has_criteria else {},
        first_criteria={item.item_id: item.criteria for item in has_criteria[:1]},
        clusters=len({item.cluster for item in data.items}),
        tags=_count(tag for item in data.items for tag in item.tags),
        responses=_count(response.system for response in data.responses),
        empty=_count(
            response.system
            for response in data.responses
            if response.text is not None and is_blank(response.text)
        ),
        think_text=think_text(card, data.responses),
        labels=_count_by((label.criterion, label.annotator_kind) for label in data.labels),
        outcomes=_count_by((label.criterion, _outcome(label)) for label in data.labels),
        judgments=_count_by((judgment.judge, judgment.criterion) for judgment in data.judgments),
        failures=_count_by(
            (judgment.judge, judgment.failure) for judgment in data.judgments if judgment.failure
        ),
        warnings=data.warnings + _warn_of_unlabelled(data.items, data.labels),
    )


def _warn_of_unlabelled(items: Iterable[Item], labels: Iterable[Label]) -> tuple[str, ...]:
    item_ids = {label.item_id for label in labels}
    count = sum(item.item_id not in item_ids for item in items) if item_ids else 0
    return (f"{count} items have no label",) if count else ()


def _outcome(label: Label) -> str:
    if label.not_applicable:
        return FailureKind.NOT_APPLICABLE.value
    return str(label.winner) if label.winner is not None else f"{label.value:g}"


def _count(values: Iterable[_Key]) -> dict[_Key, int]:
    return dict(sorted(Counter(values).items()))


def _count_by(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (outer, inner), count in sorted(Counter(pairs).items()):
        counts.setdefault(outer, {})[str(inner)] = count
    return counts
