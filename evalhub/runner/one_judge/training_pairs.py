"""From the labels of a run to the pairs that a judge learns from: their prompts, preferences and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

from evalhub.analysis import Results
from evalhub.analysis.frames.labels import gold_labels
from evalhub.analysis.frames.splits import DEV, item_splits
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError
from evalhub.judging import Judge, Task, find_protocol
from evalhub.records import (
    AnnotatorKind,
    Item,
    Request,
    RequestKind,
    Response,
    Sampling,
    digest,
    key_of,
    prompt_sha256,
)
from evalhub.runner.one_judge.teachers import teacher_rows
from evalhub.runner.plan.tasks import has_inputs
from evalhub.scales import Order, Shape, Winner
from evalhub.specs import Rubric

NOT_DEV = "pairs of items outside the dev clusters"
NO_INPUT = "pairs of items without an input of the rubric"
NO_TEXT = "pairs with a response without a text"
NOT_DRAWN = "pairs beyond the limit"
FAILED = "pairs whose prompt has no hidden state"

_SAMPLING = Sampling(max_tokens=1)


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


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A pair with the side that is better.

    Attributes:
        cluster: The cluster of its item.
        criterion: The criterion of its label, or of the teacher's verdict.
        share: The preference for the first response, in [0, 1]. Of a label it is 1, .5 or 0.
        responses: With texts. Those of a label stand in bytewise order of the systems.
        augmentation: What made the pair, where no label did: one of its responses is worse by construction.
    """

    cluster: str
    item: Item
    criterion: str
    share: float
    responses: tuple[Response, Response]
    augmentation: str | None = None

    @property
    def dataset(self) -> str:
        """The dataset of its item."""
        return self.item.dataset

    @property
    def chars(self) -> tuple[int, int]:
        """The lengths of the two responses."""
        first, second = self.responses
        return len(first.text or ""), len(second.text or "")


def training_pairs(
    results: Results,
    criteria: Mapping[str, str],
    inputs: tuple[str, ...],
    *,
    teacher: str | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> tuple[list[TrainingPair], Counter[str]]:
    """Return the labelled pairs of the dev clusters, and why others are left out.

    Args:
        results: A run that holds the datasets.
        criteria: For each dataset the criterion of its labels.
        inputs: The inputs of the rubric, such as the context.
        teacher: A judge of the run. The pairs are then those that it judged, with its probabilities.
        seed: Seed of the draw of dev clusters where a dataset brings no split, and of the draw of pairs.
        limit: Most pairs of each dataset. None for all.

    Raises:
        InputError: There are no labels, or none of them may be learned from.
    """
    splits = {
        (row["dataset"], row["item_id"]): (row["split"], row["cluster"])
        for row in item_splits(results, seed).to_pylist()
    }
    items = {key_of(record): cast("Item", record) for record in results.run.records("items")}
    responses = {key_of(record): cast("Response", record) for record in results.run.records("responses")}
    exclusions: Counter[str] = Counter()
    pairs = []
    for row in _labels(results, criteria) if teacher is None else teacher_rows(results, criteria, teacher):
        key = (row["dataset"], row["item_id"])
        split, cluster = splits[key]
        shown = [responses.get((*key, row[name], row["sample"])) for name in ("system_a", "system_b")]
        texts = [response for response in shown if response and (response.text or "").strip()]
        if split != DEV:
            exclusions[NOT_DEV] += 1
        elif not has_inputs(items[key], inputs):
            exclusions[NO_INPUT] += 1
        elif len(texts) < 2:
            exclusions[NO_TEXT] += 1
        else:
            sides = (texts[0], texts[1])
            pairs.append(TrainingPair(cluster, items[key], row["criterion"], row["share"], sides))
    if not pairs:
        reasons = ", ".join(f"{count} {reason}" for reason, count in exclusions.items())
        subject = "label" if teacher is None else f"verdict of {teacher}"
        raise InputError(f"no {subject} may be learned from", value=reasons or "no labels of pairs")
    drawn_pairs = _draw(pairs, seed, limit)
    if len(drawn_pairs) < len(pairs):
        exclusions[NOT_DRAWN] = len(pairs) - len(drawn_pairs)
    return drawn_pairs, exclusions


def _draw(pairs: list[TrainingPair], seed: int, limit: int | None) -> list[TrainingPair]:
    """Return at most so many pairs of each dataset, in their order."""
    if limit is None:
        return pairs
    places: dict[str, list[int]] = {}
    for place, pair in enumerate(pairs):
        places.setdefault(pair.dataset, []).append(place)
    drawn_places = {
        place
        for dataset, of_dataset in places.items()
        for place in Random(digest([seed, dataset])).sample(of_dataset, min(limit, len(of_dataset)))
    }
    return [pair for place, pair in enumerate(pairs) if place in drawn_places]


def joined_clusters(pairs: Sequence[Clustered]) -> list[str]:
    """Return the cluster of each pair. Clusters that share an item's prompt are one, in whatever dataset."""
    parents: dict[str, str] = {}

    def root_of(name: str) -> str:
        while (parent := parents.setdefault(name, name)) != name:
            parents[name] = parents[parent]
            name = parent
        return name

    names = [f"{pair.dataset} {pair.cluster}" for pair in pairs]
    for name, pair in zip(names, pairs, strict=True):
        parents[root_of(f"prompt {prompt_sha256(pair.item)}")] = root_of(name)
    return [root_of(name) for name in names]


def pair_requests(
    rubric: Rubric, criterion: str, pair: TrainingPair, kind: RequestKind = RequestKind.EMBED
) -> tuple[Request, Request]:
    """Return two prompts whose difference says which response is better.

    They show the pair in both orders, or each of its responses to a reward model.

    Args:
        rubric: A pairwise rubric, or one of a reward model.
        criterion: One of its criteria.
        pair: The pair.
        kind: `EMBED` for requests of hidden states, `GENERATE` for those that a model answers by one token.
    """
    asks = RequestKind.GENERATE if kind is RequestKind.GENERATE else RequestKind.REWARD
    judge = Judge("training", rubric, "training", asks=asks)
    ask = find_protocol(rubric.protocol).ask
    orders: tuple[Order | None, ...] = (Order.AB, Order.BA)
    if find_protocol(rubric.protocol).reads_alone:
        orders = (None,)
    requests: list[Request] = []
    for order in orders:
        steps = ask(Task(judge, pair.item, criterion, pair.responses, order))
        requests += next(steps)
        steps.close()
    if kind is RequestKind.EMBED:
        requests = [Request(request.messages, _SAMPLING, kind=kind) for request in requests]
    first, second = requests
    return first, second


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


def check_trainable(rubric: Rubric, where: str, *, writes: bool = False) -> None:
    """Refuse a rubric whose prompt no judge can be trained on.

    Args:
        rubric: The rubric.
        where: What names it.
        writes: Whether the judge answers by a token, which the rubric of a reward model has none of.

    Raises:
        InputError: It does not compare two responses in one question without ties.
    """
    protocol = find_protocol(rubric.protocol)
    is_read = protocol.decides or (protocol.reads_alone and not writes)
    if rubric.shape is not Shape.PAIR or rubric.ties or not is_read:
        raise InputError(
            "a judge is trained on the prompt of a pairwise rubric without ties"
            + ("" if writes else ", or of a reward model"),
            where=where,
            value=f"{rubric.id}: protocol {rubric.protocol}",
            fix="name another rubric",
        )


def _labels(results: Results, criteria: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the consensus of each labelled pair: that of people, else the one by construction."""
    for row in rows_of(gold_labels(results)):
        if row["label_winner"] is not None and criteria.get(row["dataset"]) == row["label_criterion"]:
            share = Winner(row["label_winner"]).points
            yield {**row, "criterion": row["label_criterion"], "share": share}
