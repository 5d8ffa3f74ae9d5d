"""What a rubric makes of a real item, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from evalhub.judging.asking import Asking, Judge
from evalhub.judging.protocols import protocol_named
from evalhub.records import Item, Message, Response
from evalhub.scales import Kind, Order
from evalhub.specs import Mode, Rubric


def preview(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    *,
    mode: Mode = Mode.DIRECT,
    shown: Order = Order.AB,
) -> tuple[Message, ...]:
    """Return the first messages that a judge would be sent, exactly as they would be sent.

    Args:
        rubric: The rubric.
        item: The item.
        criterion: One of the rubric's criteria.
        responses: One response, or two of a pair.
        mode: How the judge answers.
        shown: Which response of a pair comes first.
    """
    order = shown if rubric.kind is Kind.PAIRWISE else None
    judge = Judge(id="preview", rubric=rubric, model="preview", mode=mode)
    steps = protocol_named(rubric.protocol).ask(Asking(judge, item, criterion, responses, shown=order))
    requests = next(steps)
    steps.close()
    return requests[0].messages


@dataclass(frozen=True, slots=True)
class Cacheable:
    """How much of a prompt its next neighbour shares from the start, in characters.

    Attributes:
        prompt_chars: Length of the example's prompt.
        fixed_chars: Shared by every asking of the rubric.
        shared_by_item: Share of the prompt that the item's next asking begins with, in [0, 1].
    """

    prompt_chars: int
    fixed_chars: int
    shared_by_item: float


def cacheable(rubric: Rubric, example: tuple[Item, tuple[Response, ...]]) -> Cacheable:
    """Measure how much of a real prompt a prefix cache can serve.

    Args:
        rubric: The rubric.
        example: An item with at least two responses.
    """
    item, responses = example
    criterion = next(iter(rubric.criteria))
    wanted = 1 if rubric.kind is Kind.POINTWISE else 2
    here = _text(preview(rubric, item, criterion, responses[:wanted]))
    if wanted == 1:
        there = _text(preview(rubric, item, criterion, responses[1:2]))
    else:
        there = _text(preview(rubric, item, criterion, responses[:wanted], shown=Order.BA))
    other = Item(item.dataset, "other", turns=("",), refs=(("",),), context=("",))
    empty = _text(preview(rubric, other, criterion, responses[:wanted]))
    return Cacheable(len(here), _common(here, empty), round(_common(here, there) / len(here), 3))


def _text(messages: tuple[Message, ...]) -> str:
    return "\n".join(message.content for message in messages)


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
