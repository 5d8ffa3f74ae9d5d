"""From the labels of a run to the pairs that a judge learns from: their prompts, preferences and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.frames.labels import gold_labels
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError
from evalhub.judging import Judge, Task, find_protocol
from evalhub.records import Item, Request, RequestKind, Response, Sampling
from evalhub.runner.one_judge.teachers import teacher_rows
from evalhub.runner.one_judge.training_rows import dev_rows, draw_examples
from evalhub.scales import Order, Shape, Winner
from evalhub.specs import Rubric

PAIRS = "pairs"

# The protocol whose question a head of ratings reads.
_RATES = "pointwise"
_SAMPLING = Sampling(max_tokens=1)


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
    rows = _labels(results, criteria) if teacher is None else teacher_rows(results, criteria, teacher)
    usable_rows, exclusions = dev_rows(results, rows, ("system_a", "system_b"), inputs, seed=seed, noun=PAIRS)
    pairs = []
    for entry in usable_rows:
        first, second = entry.responses
        pair = TrainingPair(
            entry.cluster, entry.item, entry.row["criterion"], entry.row["share"], (first, second)
        )
        pairs.append(pair)
    subject = "label" if teacher is None else f"verdict of {teacher}"
    return draw_examples(pairs, exclusions, seed=seed, limit=limit, noun=PAIRS, subject=subject)


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
        requests = list(map(as_embedding, requests))
    first, second = requests
    return first, second


def as_embedding(request: Request) -> Request:
    """Return the request of the hidden states at the end of the same prompt."""
    return Request(request.messages, _SAMPLING, kind=RequestKind.EMBED)


def check_trainable(rubric: Rubric, where: str, *, writes: bool = False) -> None:
    """Refuse a rubric whose prompt no judge can be trained on.

    Args:
        rubric: The rubric.
        where: What names it.
        writes: Whether the judge answers by a token, which the rubric of a reward model has none of.

    Raises:
        InputError: It neither compares two responses in one question without ties, nor rates one, where a
            head learns ratings.
    """
    protocol = find_protocol(rubric.protocol)
    is_read = protocol.decides or (protocol.reads_alone and not writes)
    compares = rubric.shape is Shape.PAIR and not rubric.ties and is_read
    if not compares and (writes or not rates(rubric)):
        raise InputError(
            "a judge is trained on the prompt of a pairwise rubric without ties"
            + ("" if writes else ", of a reward model, or of a rubric that rates one response on a scale"),
            where=where,
            value=f"{rubric.id}: protocol {rubric.protocol}",
            fix="write --method head" if writes and rates(rubric) else "name another rubric",
        )


def rates(rubric: Rubric) -> bool:
    """Return whether a rubric rates one response on the levels of a scale in one question."""
    return rubric.protocol == _RATES


def _labels(results: Results, criteria: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the consensus of each labelled pair: that of people, else the one by construction."""
    for row in rows_of(gold_labels(results)):
        if row["label_winner"] is not None and criteria.get(row["dataset"]) == row["label_criterion"]:
            share = Winner(row["label_winner"]).points
            yield {**row, "criterion": row["label_criterion"], "share": share}
