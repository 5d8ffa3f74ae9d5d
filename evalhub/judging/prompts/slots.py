"""From a rubric, an item and responses to the messages that a judge reads."""

from __future__ import annotations

import string
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter

from evalhub.judging.prompts.escape import defuse, fence
from evalhub.records import Item, Message, Response
from evalhub.scales import AnswerForm
from evalhub.specs import SLOT, Rubric

TOOL_RESULT = "Tool result:"

_NONE: Mapping[str, str] = {}


def slot_texts(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    written: Mapping[str, str] = _NONE,
    form: AnswerForm = AnswerForm.LABELS,
) -> dict[str, str]:
    """Return what stands in each slot, in the order in which the responses are shown.

    The question carries the item's context where the rubric has no slot for it, as it did
    when the systems were asked.

    Args:
        rubric: The rubric that is filled.
        item: The item that was answered.
        criterion: One of the rubric's criteria.
        responses: Those shown, the first shown first.
        written: What the judge wrote itself, by slot.
        form: By what the levels of the scale are answered.
    """
    scale = rubric.scale_for(criterion)
    asked = _conversation(item)
    if "context" not in rubric.inputs:
        asked = "\n\n".join([*item.context, asked])
    texts = {
        "question": fence(asked),
        "context": fence("\n\n".join(item.context)),
        "reference": fence("\n\nor\n\n".join(item.references)),
        "criterion": f"{criterion}: {rubric.criteria[criterion]}",
        "scale": scale.describe(form) if scale else "",
    }
    shown = [fence(_answer(item, one)) for one in responses]
    texts |= dict(zip(sorted(rubric.shows), shown, strict=False))
    if rubric.shows == ("responses",):
        lettered = zip(string.ascii_uppercase, shown, strict=False)
        texts["responses"] = "\n\n".join(f"# Response {letter}\n{text}" for letter, text in lettered)
    return texts | {name: fence(text) for name, text in written.items()}


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Return the text with each slot replaced, in one pass: a filled text is never read again."""
    return SLOT.sub(lambda match: slots[match[1]], text)


def messages(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    *,
    closing: str,
    written: Mapping[str, str] = _NONE,
    form: AnswerForm = AnswerForm.LABELS,
) -> tuple[Message, ...]:
    """Return the conversation that ends with the closing words of the protocol."""
    slots = slot_texts(rubric, item, criterion, responses, written, form)
    user = Message("user", f"{fill(rubric.user, slots)}\n\n{closing}")
    return (Message("system", fill(rubric.system, slots)), user) if rubric.system.strip() else (user,)


def candidate_messages(
    item: Item, answers: tuple[str, ...], system_prompt: str | None
) -> tuple[Message, ...]:
    """Return what a candidate is sent for the turn after its `answers` so far.

    The context, where the item has one, stands before the user's first words. Of a chat history all messages
    are sent; what tools returned is the user's to say, as their calls are texts.
    """
    if item.messages:
        return _history(item, system_prompt)
    turns = [defuse(turn) for turn in item.turns[: len(answers) + 1]]
    turns[0] = "\n\n".join([*(defuse(text) for text in item.context), turns[0]])
    sent = [Message("system", system_prompt)] if system_prompt else []
    for turn, answer in zip(turns, answers, strict=False):
        sent += [Message("user", turn), Message("assistant", defuse(answer))]
    return (*sent, Message("user", turns[-1]))


def _history(item: Item, system_prompt: str | None) -> tuple[Message, ...]:
    sent = [Message("system", system_prompt)] if system_prompt else []
    for role, turns in groupby(item.messages, key=itemgetter(0)):
        texts = [defuse(text) for _, text in turns]
        if role == "tool":
            texts = ["\n\n".join(f"{TOOL_RESULT}\n{text}" for text in texts)]
        sent += [Message("user" if role == "tool" else role, text) for text in texts]
    first = next(place for place, message in enumerate(sent) if message.role == "user")
    sent[first] = Message("user", "\n\n".join([*map(defuse, item.context), sent[first].content]))
    return tuple(sent)


def _conversation(item: Item) -> str:
    if item.messages:
        return "\n\n".join(f"{role.capitalize()}: {text}" for role, text in item.messages)
    if len(item.turns) == 1:
        return item.turns[0]
    return "\n\n".join(f"Turn {number}: {turn}" for number, turn in enumerate(item.turns, 1))


def _answer(item: Item, response: Response) -> str:
    if len(response.turns) < 2:
        return response.text or ""
    return "\n\n".join(
        f"User: {asked}\n\nAssistant: {answered}"
        for asked, answered in zip(item.turns, response.turns, strict=False)
    )
