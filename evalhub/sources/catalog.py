"""The datasets that can be found, and what each of them holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from evalhub.errors import EvalhubError, InputError, SpecError
from evalhub.records import FailureKind, Item, Label
from evalhub.sources.files import DataFile, files_of
from evalhub.sources.load import load
from evalhub.sources.thoughts import think_text
from evalhub.specs import Card, available, load_card
from evalhub.texts import is_blank

_Key = TypeVar("_Key", int, str)


class State(StrEnum):
    """Whether a dataset can be loaded: its files are here, are not, or something in it is wrong."""

    READY = "ready"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset in the list; `problem` says why it is broken or which file is absent."""

    id: str
    path: Path
    state: State
    title: str = ""
    licence: str = ""
    kinds: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """One dataset's card, and where each of its files lies."""

    entry: Entry
    card: Card
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a dataset holds.

    Attributes:
        counts: Number of records of each kind.
        turns: Number of items by their number of turns.
        messages: Number of chat histories by their number of messages.
        clusters: Number of clusters.
        tags: Number of items with each tag.
        responses: Number of responses of each system.
        empty: Number of empty responses of each system that gave any.
        think_text: Number of responses of each system whose think text stands apart, or was cut.
        labels: Number of labels by criterion, then by kind of annotator.
        outcomes: Number of labels by criterion, then by winner or value.
        judgments: Number of recorded judgments by judge, then by criterion.
        failures: Number of recorded judgments without a verdict, by judge, then by kind of failure.
        warnings: What was found odd but not wrong.
    """

    id: str
    counts: Mapping[str, int]
    turns: Mapping[int, int]
    messages: Mapping[int, int]
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
    """Return every dataset that can be found, sorted by id; a broken card is an entry too."""
    return tuple(_entry(name, path) for name, path in available("datasets").items())


def _entry(name: str, path: Path) -> Entry:
    try:
        card, _ = load_card(str(path))
        if card.id != name:
            raise SpecError("the id is not the file's name", where=f"{path}:id", value=card.id, allowed=name)
    except EvalhubError as error:
        return Entry(name, path, State.BROKEN, problem=str(error))
    return _described(card, path, files_of(card, path))


def _described(card: Card, path: Path, files: Iterable[DataFile]) -> Entry:
    absent = [file.path for file in files if file.found is None]
    return Entry(
        id=card.id,
        path=path,
        state=State.ABSENT if absent else State.READY,
        title=card.title,
        licence=card.licence,
        kinds=tuple(card.selects),
        problem=f"absent: {', '.join(absent)}" if absent else "",
    )


def show(name: str) -> Details:
    """Return a dataset's card and where its files lie; nothing is read.

    Raises:
        SpecError: A key of the card is wrong.
        UnknownNameError: There is no dataset of that name.
    """
    card, path = load_card(name)
    files = files_of(card, path)
    return Details(_described(card, path, files), card, files)


def refused(name: str) -> State:
    """Return why a dataset cannot be loaded: its files are absent, or it is broken."""
    try:
        state = show(name).entry.state
    except InputError:
        return State.BROKEN
    return state if state is State.ABSENT else State.BROKEN


def check(name: str) -> Contents:
    """Load a dataset, and return what it holds.

    Raises:
        EvalhubError: Whatever `load` refuses, as its sentence.
    """
    card, path = load_card(name)
    data = load(card, path)
    return Contents(
        id=card.id,
        counts={kind: len(getattr(data, kind)) for kind in card.selects},
        turns=_counted(len(item.turns) for item in data.items),
        messages=_counted(len(item.messages) for item in data.items if item.messages),
        clusters=len({item.cluster for item in data.items}),
        tags=_counted(tag for item in data.items for tag in item.tags),
        responses=_counted(response.system for response in data.responses),
        empty=_counted(one.system for one in data.responses if one.text is not None and is_blank(one.text)),
        think_text=think_text(card, data.responses),
        labels=_by((label.criterion, label.annotator_kind) for label in data.labels),
        outcomes=_by((label.criterion, _outcome(label)) for label in data.labels),
        judgments=_by((one.judge, one.criterion) for one in data.judgments),
        failures=_by((one.judge, one.failure) for one in data.judgments if one.failure),
        warnings=data.warnings + _unlabelled(data.items, data.labels),
    )


def _unlabelled(items: Iterable[Item], labels: Iterable[Label]) -> tuple[str, ...]:
    labelled = {label.item_id for label in labels}
    missing = sum(item.item_id not in labelled for item in items) if labelled else 0
    return (f"{missing} items have no label",) if missing else ()


def _outcome(label: Label) -> str:
    if label.not_applicable:
        return FailureKind.NOT_APPLICABLE.value
    return str(label.winner) if label.winner is not None else f"{label.value:g}"


def _counted(values: Iterable[_Key]) -> dict[_Key, int]:
    return dict(sorted(Counter(values).items()))


def _by(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (outer, inner), count in sorted(Counter(pairs).items()):
        counts.setdefault(outer, {})[str(inner)] = count
    return counts
