"""What a rubric makes of a real item, before anything is run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from evalhub.judging.protocols.base import Asking, Judge
from evalhub.judging.protocols.table import protocol_named
from evalhub.records import Completion, Item, Message, Request, Response
from evalhub.scales import AnswerForm, Kind, Order
from evalhub.specs import Mode, Rubric

_LABELS: Mapping[str, AnswerForm] = {}

WRITTEN = "(here stands what the judge wrote)"


def preview(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    *,
    mode: Mode = Mode.DIRECT,
    shown: Order = Order.AB,
    row: int = 0,
    forms: Mapping[str, AnswerForm] = _LABELS,
) -> tuple[Request, ...]:
    """Return the requests that a judge would be sent, exactly as they would be sent.

    What the judge writes on the way is stood in for by `WRITTEN`; it finds all verdicts equally good.

    Args:
        rubric: The rubric.
        item: The item.
        criterion: One of the rubric's criteria.
        responses: As many as the rubric shows.
        mode: How the judge answers.
        shown: Which response of a pair comes first.
        row: The order in which a list is shown.
        forms: By what the levels of a criterion are answered.
    """
    order = shown if rubric.kind is Kind.PAIRWISE else None
    judge = Judge(id="preview", rubric=rubric, model="preview", mode=mode, forms=forms)
    asking = Asking(judge, item, criterion, responses, shown=order, row=row)
    steps = protocol_named(rubric.protocol).ask(asking)
    sent: list[Request] = []
    with suppress(StopIteration):
        requests = next(steps)
        while True:
            sent += requests
            requests = steps.send(tuple(map(_stand_in, requests)))
    return tuple(sent)


def _stand_in(request: Request) -> Completion:
    if not request.choices:
        return Completion("", "preview", "", text=WRITTEN, finish_reason="stop")
    even = dict.fromkeys(request.choices, -math.log(len(request.choices)))
    return Completion("", "preview", "", text=request.choices[0], logprobs=even)


@dataclass(frozen=True, slots=True)
class Cacheable:
    """How much of a prompt its next neighbour shares from the start, in characters.

    Attributes:
        prompt_chars: Length of the example's prompt.
        fixed: What every asking of the rubric begins with.
        shared_by_item: Share of the prompt that the item's next asking begins with, in [0, 1].
    """

    prompt_chars: int
    fixed: str
    shared_by_item: float


def cacheable(
    rubric: Rubric, example: tuple[Item, tuple[Response, ...]], forms: Mapping[str, AnswerForm] = _LABELS
) -> Cacheable:
    """Measure how much of a real prompt a prefix cache can serve.

    Args:
        rubric: The rubric.
        example: An item with at least two responses.
        forms: By what the levels of a criterion are answered.
    """
    item, responses = example
    criterion = next(iter(rubric.criteria))
    other = Item(item.dataset, "other", turns=("",), refs=(("",),), context=("",))
    if rubric.kind is Kind.POINTWISE:
        one, two = (
            _verdicts(preview(rubric, item, criterion, (each,), forms=forms)) for each in responses[:2]
        )
    else:
        shown = responses if rubric.shows == ("responses",) else responses[:2]
        orders = ((Order.AB, 0), (Order.BA, 1))
        one, two = (
            _verdicts(preview(rubric, item, criterion, shown, shown=order, row=row)) for order, row in orders
        )
    here, there = one[0], two[0] if two[0] != one[0] else two[-1]
    count = 1 if rubric.kind is Kind.POINTWISE else len(responses)
    empty = preview(rubric, other, criterion, responses[: min(count, 2)], forms=forms)
    return Cacheable(
        len(here), here[: _common(here, _verdicts(empty)[0])], round(_common(here, there) / len(here), 3)
    )


def _verdicts(requests: tuple[Request, ...]) -> list[str]:
    """Return the prompts that ask for a verdict."""
    return [_text(request.messages) for request in requests if request.choices]


def _text(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages)


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
