"""The datasets of a suite, read when their records are first needed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evalhub.analysis.frames.splits import DEV, TEST, drawn_split
from evalhub.errors import SpecError
from evalhub.judging.early_stopping import cluster_order
from evalhub.records import Item, Judgment, Label, Record, Response, Score, digest, prompt_sha256, to_dict
from evalhub.sources import Dataset, load
from evalhub.specs import Card, CardFacts, DatasetUse, load_card
from evalhub.store import PartFacts

_MANY_TAGS = 1_000
_YOUNGER = frozenset({"criteria", "item_criterion"})


class SuiteDataset:
    """A dataset as a suite uses it.

    Args:
        use: The suite's entry.
        card: The dataset's card.
        path: The card's file.
        where: The place of the entry, for errors.
        loaded: The records, if they come from no file.

    Attributes:
        id: The suite's name of the dataset.
    """

    def __init__(
        self, use: DatasetUse, card: Card, path: Path, where: str, loaded: Dataset | None = None
    ) -> None:
        self.id = name_in_run(card, use)
        self.use = use
        self.version = card.version
        self._card = card
        self._path = path
        self._where = where
        self._stored: PartFacts | None = None
        self._has_files = loaded is None
        if loaded is not None:
            self.__dict__["loaded"] = loaded

    @classmethod
    def find(cls, use: DatasetUse, where: str, referrer: Path) -> SuiteDataset:
        """Return the dataset of a suite's entry. Its files are not read yet."""
        key = "dataset" if use.dataset else "id"
        card, path = load_card(use.name, where=f"{where}.{key}", referrer=referrer)
        return cls(use, card, path, where)

    @property
    def hashes(self) -> Mapping[str, str]:
        """The sha256 of the card (under "card") and of each of its files."""
        files = {path: sha256 for spec in self._card.files.values() for path, sha256 in spec.hashes.items()}
        return {"card": self._card.hash, **files}

    @cached_property
    def loaded(self) -> Dataset:
        """The records that the suite uses.

        Raises:
            EvalhubError: A file is missing or damaged, the card is wrong, or no item is left.
        """
        loaded = load(self._card, self._path)
        selection = select_items(loaded, self.use, self._where)
        return rename(selection, self.use.id) if self.use.dataset else selection

    def clusters_with(self, prompts: Collection[str]) -> set[str]:
        """Return the clusters with an item of some prompts, also where the suite leaves that item out.

        Args:
            prompts: As `prompt_sha256` gives them.
        """
        return {cluster for prompt, cluster in self._prompts if prompt in prompts} if prompts else set()

    @cached_property
    def _prompts(self) -> list[tuple[str, str]]:
        """The prompt and the cluster of each item of the whole dataset."""
        is_part = self._has_files and self.use.selects
        items = load(self._card, self._path).items if is_part else self.items
        return [(prompt_sha256(item), item.cluster) for item in items]

    @property
    def facts(self) -> PartFacts:
        """What is known of the dataset without its records, once a run has stored it."""
        if self._stored is None:
            self._stored = describe_dataset(self.loaded)
        return self._stored

    def recall(self, facts: PartFacts) -> None:
        """Take the facts from a run that has stored the same dataset, so that it need not be read."""
        self._stored = facts

    def release(self) -> None:
        """Forget the records, and keep the facts. A run that has stored the records reads its own files."""
        self._stored = self.facts
        self.__dict__.pop("loaded", None)

    @property
    def card(self) -> CardFacts:
        """What the card says apart from files, with the turns of the labels."""
        card = self.facts.card
        return self.loaded.card.facts if card is None else card

    @property
    def items(self) -> tuple[Item, ...]:
        """The items, sorted by id."""
        return self.loaded.items

    @property
    def responses(self) -> tuple[Response, ...]:
        """The recorded responses."""
        return self.loaded.responses

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels."""
        return self.loaded.labels

    @property
    def judgments(self) -> tuple[Judgment, ...]:
        """The recorded judgments."""
        return self.loaded.judgments

    @property
    def scores(self) -> tuple[Score, ...]:
        """The recorded scores."""
        return self.loaded.scores


def select_items(dataset: Dataset, use: DatasetUse, where: str) -> Dataset:
    """Return the dataset with the items that a suite selects.

    Raises:
        SpecError: No item is left.
    """
    dataset = _with_splits(dataset, use)
    items = [item for item in dataset.items if _is_selected(item, use)]
    if not items:
        raise SpecError(
            "no item of the dataset is left",
            where=where,
            value=", ".join(use.tags or use.exclude_tags) or use.split,
            allowed=sorted({tag for item in dataset.items for tag in item.tags} if use.tags else ()),
        )
    sample = sorted(items, key=lambda item: item.item_id)
    if use.limit is not None and use.limit < len(sample):
        random.Random(digest([use.seed, dataset.card.id])).shuffle(sample)
        sample = sample[: use.limit]
    if use.clusters is not None:
        clusters = {item.cluster for item in sample}
        drawn_clusters = set(
            ordered_clusters(clusters, name_in_run(dataset.card, use), use.seed)[: use.clusters]
        )
        sample = [item for item in sample if item.cluster in drawn_clusters]
    item_ids = {item.item_id for item in sample}
    return replace(
        dataset,
        items=tuple(item for item in dataset.items if item.item_id in item_ids),
        responses=tuple(response for response in dataset.responses if response.item_id in item_ids),
        labels=tuple(label for label in dataset.labels if label.item_id in item_ids),
        judgments=tuple(judgment for judgment in dataset.judgments if judgment.item_id in item_ids),
        scores=tuple(score for score in dataset.scores if score.item_id in item_ids),
    )


def _with_splits(dataset: Dataset, use: DatasetUse) -> Dataset:
    """Return the dataset with drawn splits, where a suite selects a split and the dataset brings none."""
    if use.split not in (DEV, TEST) or any(item.split is not None for item in dataset.items):
        return dataset
    name = name_in_run(dataset.card, use)
    items = (replace(item, split=drawn_split(name, item.cluster, use.seed)) for item in dataset.items)
    return replace(dataset, items=tuple(items))


def name_in_run(card: Card, use: DatasetUse) -> str:
    """Return the name that a dataset has in tables. A use by the path of a card has the card's id."""
    return use.id if use.dataset else card.id


def ordered_clusters(clusters: Iterable[str], dataset: str, seed: int) -> list[str]:
    """Return clusters in the random order in which `DatasetUse.clusters` draws them.

    Args:
        clusters: Their names, each once.
        dataset: The dataset's name in the run.
        seed: Seed of the draw.
    """
    return sorted(clusters, key=lambda cluster: cluster_order(seed, dataset, cluster))


def rename(dataset: Dataset, name: str) -> Dataset:
    """Return the dataset and its records under another id."""
    return replace(
        dataset,
        card=dataset.card.model_copy(update={"id": name}),
        items=tuple(replace(item, dataset=name) for item in dataset.items),
        responses=tuple(replace(response, dataset=name) for response in dataset.responses),
        labels=tuple(replace(label, dataset=name) for label in dataset.labels),
        judgments=tuple(replace(judgment, dataset=name) for judgment in dataset.judgments),
        scores=tuple(replace(score, dataset=name) for score in dataset.scores),
    )


def _is_selected(item: Item, use: DatasetUse) -> bool:
    has_tags = set(use.tags) <= set(item.tags) and not set(use.exclude_tags) & set(item.tags)
    return has_tags and use.split in (None, item.split)


def describe_dataset(dataset: Dataset) -> PartFacts:
    """Return what later steps need to know of a dataset, without its records."""
    families: dict[str, set[str]] = {}
    for response in dataset.responses:
        families.setdefault(response.system, set()).update(response.families)
    return PartFacts(
        outputs={
            "items": _hash_records(dataset.items),
            "prompts": digest(
                [[item.item_id, item.turns, item.context, item.messages] for item in dataset.items]
            ),
            "references": digest([[item.item_id, item.refs, item.lang] for item in dataset.items]),
            "labels": _hash_records(dataset.labels),
            "texts": hash_texts(dataset.responses),
        },
        families={system: tuple(sorted(names)) for system, names in sorted(families.items())},
        card=dataset.card.facts,
        items=len(dataset.items),
        clusters=len({item.cluster for item in dataset.items}),
        tags=_count_tags(dataset.items),
        recorded_judges=tuple(sorted({judgment.judge for judgment in dataset.judgments})),
        recorded_metrics=tuple(sorted({score.metric for score in dataset.scores})),
        without_prompt=tuple(item.item_id for item in dataset.items if not item.turns),
        with_system_message=next((item.item_id for item in dataset.items if _has_system_message(item)), None),
        records=len(dataset.items),
    )


def _count_tags(items: Iterable[Item]) -> dict[str, int] | None:
    """Return the number of clusters of the items with each tag. None where tags are too many to keep."""
    clusters: dict[str, set[str]] = {}
    for item in items:
        for tag in item.tags:
            clusters.setdefault(tag, set()).add(item.cluster)
    return None if len(clusters) > _MANY_TAGS else {tag: len(clusters[tag]) for tag in sorted(clusters)}


def _has_system_message(item: Item) -> bool:
    return any(role == "system" for role, _ in item.messages)


def hash_texts(responses: Iterable[Response]) -> str:
    """Return the hash of what a judge and a metric see of responses, however they were made."""
    return digest(sorted(_shown(response) for response in responses))


def _shown(response: Response) -> list[Any]:
    turns = list(response.turns) or [response.text or ""]
    failure = [response.failure or "", response.detail or ""] if response.text is None else []
    size = [-1 if response.chars is None else response.chars]
    return [response.item_id, response.system, response.sample, turns, failure, size]


def _hash_records(records: Iterable[Record]) -> str:
    return digest([_without_absent(to_dict(record)) for record in records])


def _without_absent(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a record without those of younger fields where they are absent.

    Records that have no such values keep the hash that they had before there were these fields.
    """
    return {name: value for name, value in values.items() if value or name not in _YOUNGER}
