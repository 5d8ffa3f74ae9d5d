"""The prompts that a rubric makes of a real item, before anything is run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from evalhub.judging.protocols.base import Judge, Task
from evalhub.judging.protocols.table import find_protocol
from evalhub.records import Completion, Item, ItemCriterion, Message, Request, RequestKind, Response
from evalhub.scales import AnswerForm, Kind, Order, Shape
from evalhub.specs import Mode, Rubric

_LABELS: Mapping[str, AnswerForm] = {}

PLACEHOLDER = "(here stands what the judge wrote)"
STAND_INS = (
    ItemCriterion("c1", "The response does what the request asks for.", 2.0),
    ItemCriterion("c2", "The response says something that is wrong.", -1.0),
)
"""Criteria for an item that brings none, so that a rubric which asks them can be seen and measured."""


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

    `PLACEHOLDER` stands for every text that the judge would write. All verdicts are equally probable.

    Args:
        rubric: The rubric.
        item: The item. `STAND_INS` are its criteria, where the rubric asks some and it brings none.
        criterion: One of the rubric's criteria.
        responses: As many as the rubric shows.
        mode: How the judge answers.
        shown: Which response of a pair comes first.
        row: The order in which a list is shown.
        forms: How the levels of a criterion are answered.
    """
    if rubric.has_item_criteria and not item.criteria:
        item = replace(item, criteria=STAND_INS)
    order = shown if rubric.kind is Kind.PAIRWISE else None
    judge = Judge(id="preview", rubric=rubric, model="preview", mode=mode, forms=forms)
    task = Task(judge, item, criterion, responses, shown=order, row=row)
    steps = find_protocol(rubric.protocol).ask(task)
    requests: list[Request] = []
    with suppress(StopIteration):
        batch = next(steps)
        while True:
            requests += batch
            batch = steps.send(tuple(map(_answer, batch)))
    return tuple(requests)


def _answer(request: Request) -> Completion:
    if request.kind is RequestKind.REWARD:
        return Completion("", "preview", "", values=(0.0,))
    if not request.choices:
        return Completion("", "preview", "", text=PLACEHOLDER, finish_reason="stop")
    uniform = dict.fromkeys(request.choices, -math.log(len(request.choices)))
    return Completion("", "preview", "", text=request.choices[0], logprobs=uniform)


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """How much of a prompt the next prompt shares from the start.

    Attributes:
        prompt_chars: Length of the example's prompt, in characters.
        fixed: The text that every prompt of the rubric begins with.
        shared_by_item: Share of the prompt that the item's next prompt begins with, in [0, 1].
    """

    prompt_chars: int
    fixed: str
    shared_by_item: float


def shared_prefix(
    rubric: Rubric, example: tuple[Item, tuple[Response, ...]], forms: Mapping[str, AnswerForm] = _LABELS
) -> SharedPrefix:
    """Measure how much of a real prompt a prefix cache can serve.

    Args:
        rubric: The rubric.
        example: An item with at least two responses.
        forms: How the levels of a criterion are answered.
    """
    item, responses = example
    criterion = next(iter(rubric.criteria))
    empty_item = Item(
        item.dataset, "other", turns=("",), refs=(("",),), context=("",), criteria=item.criteria
    )
    if rubric.shape is Shape.RESPONSE:
        requests, next_requests = (
            preview(rubric, item, criterion, (response,), forms=forms) for response in responses[:2]
        )
    else:
        shown = responses if rubric.shape is Shape.LIST else responses[:2]
        requests, next_requests = (
            preview(rubric, item, criterion, shown, shown=order, row=row)
            for order, row in ((Order.AB, 0), (Order.BA, 1))
        )
    prompts, next_prompts = _verdict_prompts(requests), _verdict_prompts(next_requests)
    prompt = prompts[0]
    next_prompt = next_prompts[0] if next_prompts[0] != prompt else next_prompts[-1]
    count = 1 if rubric.shape is Shape.RESPONSE else 2
    empty = preview(rubric, empty_item, criterion, responses[:count], forms=forms)
    fixed = prompt[: _common_length(prompt, _verdict_prompts(empty)[0])]
    return SharedPrefix(len(prompt), fixed, round(_common_length(prompt, next_prompt) / len(prompt), 3))


def _verdict_prompts(requests: tuple[Request, ...]) -> list[str]:
    """Return the prompts that ask for a verdict."""
    kinds = (RequestKind.EMBED, RequestKind.REWARD)
    return [_text(request.messages) for request in requests if request.choices or request.kind in kinds]


def _text(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages)


def _common_length(first: str, second: str) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))
