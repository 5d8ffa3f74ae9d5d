"""From labels of a run to those that a judge may learn from: of dev clusters, with inputs and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, TypeVar, cast

from evalhub.analysis import Results
from evalhub.analysis.frames.splits import DEV, item_splits
from evalhub.errors import InputError
from evalhub.records import AnnotatorKind, Item, Response, digest, key_of, prompt_sha256
from evalhub.runner.plan.tasks import has_inputs

# Why something is left out. Each reason begins with what is counted, such as pairs.
NOT_DEV = "{} of items outside the dev clusters"
NO_INPUT = "{} of items without an input of the rubric"
NO_TEXT = "{} with a response without a text"
NOT_DRAWN = "{} beyond the limit"
FAILED = "{} whose prompt has no hidden state"


class Clustered(Protocol):
    """Something about an item, with the cluster that the item's dataset says."""

    @property
    def dataset(self) -> str:
        """The dataset of the item."""

    @property
    def cluster(self) -> str:
        """The cluster of the item."""

    @property
    def item(self) -> Item:
        """The item."""


_Example = TypeVar("_Example", bound=Clustered)


@dataclass(frozen=True, slots=True)
class DevRow:
    """A row of labels, or of a teacher's verdicts, that may be learned from.

    Attributes:
        row: The row itself.
        cluster: The cluster of its item.
        responses: The responses that it is about, with texts, in the order of its columns.
    """

    row: Mapping[str, Any]
    item: Item
    cluster: str
    responses: tuple[Response, ...]


def dev_rows(
    results: Results,
    rows: Iterable[Mapping[str, Any]],
    systems: tuple[str, ...],
    inputs: tuple[str, ...],
    *,
    seed: int,
    noun: str,
) -> tuple[list[DevRow], Counter[str]]:
    """Return the rows of dev clusters, and why others are left out.

    Args:
        results: A run that holds the datasets.
        rows: With dataset, item_id and sample, and a column for each system.
        systems: The columns that name the systems of a row.
        inputs: The inputs of the rubric, such as the context.
        seed: Seed of the draw of dev clusters where a dataset brings no split.
        noun: What a row is, for the reasons: pairs or ratings.
    """
    splits = {
        (row["dataset"], row["item_id"]): (row["split"], row["cluster"])
        for row in item_splits(results, seed).to_pylist()
    }
    items = {key_of(record): cast("Item", record) for record in results.run.records("items")}
    responses = {key_of(record): cast("Response", record) for record in results.run.records("responses")}
    exclusions: Counter[str] = Counter()
    usable_rows = []
    for row in rows:
        key = (row["dataset"], row["item_id"])
        split, cluster = splits[key]
        named_responses = [responses.get((*key, row[name], row["sample"])) for name in systems]
        texts = tuple(response for response in named_responses if response and (response.text or "").strip())
        if split != DEV:
            exclusions[NOT_DEV.format(noun)] += 1
        elif not has_inputs(items[key], inputs):
            exclusions[NO_INPUT.format(noun)] += 1
        elif len(texts) < len(systems):
            exclusions[NO_TEXT.format(noun)] += 1
        else:
            usable_rows.append(DevRow(row, items[key], cluster, texts))
    return usable_rows, exclusions


def draw_examples(
    examples: list[_Example],
    exclusions: Counter[str],
    *,
    seed: int,
    limit: int | None,
    noun: str,
    subject: str = "label",
) -> tuple[list[_Example], Counter[str]]:
    """Return at most so many examples of each dataset, in their order, and why others are left out.

    Args:
        examples: All that may be learned from.
        exclusions: Why others are left out already.
        seed: Seed of the draw.
        limit: Most examples of each dataset. None for all.
        noun: What an example is: pairs or ratings.
        subject: What there is none of, where nothing may be learned from.

    Raises:
        InputError: There are no examples.
    """
    if not examples:
        reasons = ", ".join(f"{count} {reason}" for reason, count in exclusions.items())
        raise InputError(f"no {subject} may be learned from", value=reasons or f"no labels of {noun}")
    if limit is None:
        return examples, exclusions
    places: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        places.setdefault(example.dataset, []).append(place)
    drawn_places = {
        place
        for dataset, of_dataset in places.items()
        for place in Random(digest([seed, dataset])).sample(of_dataset, min(limit, len(of_dataset)))
    }
    drawn_examples = [example for place, example in enumerate(examples) if place in drawn_places]
    not_drawn = len(examples) - len(drawn_examples)
    return drawn_examples, exclusions + Counter({NOT_DRAWN.format(noun): not_drawn})


def joined_clusters(examples: Sequence[Clustered]) -> list[str]:
    """Return the cluster of each example. Clusters that share an item's prompt are one, in any dataset."""
    parents: dict[str, str] = {}

    def root_of(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            parents[name] = parents[parent]
            name = parent
        return name

    names = [f"{example.dataset} {example.cluster}" for example in examples]
    for name, example in zip(names, examples, strict=True):
        parents[root_of(f"prompt {prompt_sha256(example.item)}")] = root_of(name)
    return [root_of(name) for name in names]


def annotator_notes(results: Results, criteria: Mapping[str, str]) -> tuple[str, ...]:
    """Return which datasets one annotator labelled alone. A judge then learns that person's taste.

    Args:
        results: A run that holds the datasets.
        criteria: For each dataset the criterion of its labels.
    """
    annotators: dict[str, set[str]] = {}
    for label in results.label_records():
        if criteria.get(label.dataset) == label.criterion and label.annotator_kind is AnnotatorKind.HUMAN:
            annotators.setdefault(label.dataset, set()).add(label.annotator)
    return tuple(
        f"all labels of {dataset} are those of one annotator, {next(iter(names))}"
        for dataset, names in sorted(annotators.items())
        if len(names) == 1
    )
