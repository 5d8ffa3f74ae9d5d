"""From the labels of a run to the pairs that a judge learns from: their prompts, preferences and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from evalhub.analysis import Results
from evalhub.analysis.frames.labels import gold_labels
from evalhub.analysis.frames.splits import DEV, item_splits
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError
from evalhub.judging import Judge, Task, find_protocol
from evalhub.records import Item, Request, RequestKind, Response, Sampling, key_of, prompt_sha256
from evalhub.scales import Order, Shape, Winner
from evalhub.specs import Rubric

NOT_DEV = "pairs of items outside the dev clusters"
NO_TEXT = "pairs with a response without a text"
FAILED = "pairs whose prompt has no hidden state"

_SAMPLING = Sampling(max_tokens=1)


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A labelled pair with what a judge reads of it.

    Attributes:
        criterion: The criterion of its label.
        annotators: Who labelled it.
        share: The preference of the label for the first response: 1, .5 or 0.
        requests: Two prompts whose difference says which response is better: the pair in both orders, or
            each of its responses.
        chars: The lengths of the two responses.
    """

    dataset: str
    cluster: str
    item_sha256: str
    criterion: str
    share: float
    requests: tuple[Request, Request]
    chars: tuple[int, int]


def training_pairs(
    results: Results, criteria: Mapping[str, str], rubric: Rubric, criterion: str, seed: int
) -> tuple[list[TrainingPair], Counter[str]]:
    """Return the labelled pairs of the dev clusters, and why others are left out.

    Args:
        results: A run that holds the datasets.
        criteria: For each dataset the criterion of its labels.
        rubric: A pairwise rubric, whose prompt the judge reads.
        criterion: One of its criteria.
        seed: Seed of the draw of dev clusters where a dataset brings no split.

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
    for row in _labels(results, criteria):
        key = (row["dataset"], row["item_id"])
        split, cluster = splits[key]
        shown = [responses.get((*key, row[name], row["sample"])) for name in ("system_a", "system_b")]
        texts = [response for response in shown if response and (response.text or "").strip()]
        if split != DEV:
            exclusions[NOT_DEV] += 1
        elif len(texts) < 2:
            exclusions[NO_TEXT] += 1
        else:
            item = items[key]
            pairs.append(
                TrainingPair(
                    dataset=row["dataset"],
                    cluster=cluster,
                    item_sha256=prompt_sha256(item),
                    criterion=row["label_criterion"],
                    share=Winner(row["label_winner"]).points,
                    requests=pair_requests(rubric, criterion, item, (texts[0], texts[1])),
                    chars=(len(texts[0].text or ""), len(texts[1].text or "")),
                )
            )
    if not pairs:
        reasons = ", ".join(f"{count} {reason}" for reason, count in exclusions.items())
        raise InputError("no label may be learned from", value=reasons or "no labels of pairs")
    return pairs, exclusions


def pair_requests(
    rubric: Rubric, criterion: str, item: Item, responses: tuple[Response, Response]
) -> tuple[Request, Request]:
    """Return the two prompts of a pair, for hidden states.

    Args:
        rubric: A pairwise rubric, or one of a reward model.
        criterion: One of its criteria.
        item: The item.
        responses: In bytewise order of the systems.
    """
    judge = Judge("training", rubric, "training", asks=RequestKind.REWARD)
    ask = find_protocol(rubric.protocol).ask
    orders: tuple[Order | None, ...] = (Order.AB, Order.BA)
    if find_protocol(rubric.protocol).reads_alone:
        orders = (None,)
    requests: list[Request] = []
    for order in orders:
        steps = ask(Task(judge, item, criterion, responses, order))
        requests += [Request(request.messages, _SAMPLING, kind=RequestKind.EMBED) for request in next(steps)]
        steps.close()
    first, second = requests
    return first, second


def check_trainable(rubric: Rubric, where: str) -> None:
    """Refuse a rubric whose prompt no head can read.

    Raises:
        InputError: It does not compare two responses in one question without ties.
    """
    protocol = find_protocol(rubric.protocol)
    if rubric.shape is not Shape.PAIR or rubric.ties or not (protocol.decides or protocol.reads_alone):
        raise InputError(
            "a head is trained on the prompt of a pairwise rubric without ties, or of a reward model",
            where=where,
            value=f"{rubric.id}: protocol {rubric.protocol}",
            fix="name another rubric",
        )


def _labels(results: Results, criteria: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the consensus of each labelled pair: that of people, else the one by construction."""
    for row in rows_of(gold_labels(results)):
        if row["label_winner"] is not None and criteria.get(row["dataset"]) == row["label_criterion"]:
            yield row
