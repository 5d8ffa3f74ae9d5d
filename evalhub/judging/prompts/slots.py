"""From a rubric, an item and responses to the messages that a judge reads."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from itertools import groupby
from operator import itemgetter

from evalhub.judging.prompts.escape import defuse, fence
from evalhub.records import Item, ItemCriterion, Message, Response
from evalhub.scales import AnswerForm, Shape
from evalhub.specs import SLOT, Rubric

TOOL_RESULT = "Tool result:"

# What a decision model reads in the place of a criterion that only the question names.
_IN_THE_QUESTION = "The criterion that the question names."

_NO_TEXTS: Mapping[str, str] = {}


def slot_texts(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    self_written: Mapping[str, str] = _NO_TEXTS,
    form: AnswerForm = AnswerForm.NAMES,
    item_criterion: ItemCriterion | None = None,
) -> dict[str, str]:
    """Return the text of each slot.

    If the rubric has no slot for the item's context, the context stands before the question, as it did when
    the systems were asked.

    Args:
        rubric: The rubric that is filled.
        item: The item.
        criterion: One of the rubric's criteria.
        responses: In the order shown.
        self_written: The texts that the judge wrote itself, by slot.
        form: How the levels of the scale are answered.
        item_criterion: The item's criterion that is asked. It is data, so it is fenced. The rubric's is not.
    """
    scale = rubric.scale_for(criterion)
    question = _conversation(item)
    if "context" not in rubric.inputs:
        question = "\n\n".join([*item.context, question])
    texts = {
        "question": fence(question),
        "context": fence("\n\n".join(item.context)),
        "reference": fence("\n\nor\n\n".join(item.references)),
        "criterion": fence(item_criterion.text)
        if item_criterion
        else f"{criterion}: {rubric.criteria[criterion]}",
        "scale": scale.describe(form) if scale else "",
    }
    shown = [fence(_answer(item, response)) for response in responses]
    texts |= dict(zip(sorted(rubric.shows), shown, strict=False))
    if rubric.shape is Shape.LIST:
        lettered = zip(string.ascii_uppercase, shown, strict=False)
        texts["responses"] = "\n\n".join(f"# Response {letter}\n{text}" for letter, text in lettered)
    return texts | {name: fence(text) for name, text in self_written.items()}


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Return the text with each slot replaced in one pass, so that slots inside a filled text stay."""
    return SLOT.sub(lambda match: slots[match[1].strip()], text)


def messages(
    rubric: Rubric,
    item: Item,
    criterion: str,
    responses: tuple[Response, ...],
    *,
    closing: str,
    self_written: Mapping[str, str] = _NO_TEXTS,
    form: AnswerForm = AnswerForm.NAMES,
    item_criterion: ItemCriterion | None = None,
) -> tuple[Message, ...]:
    """Return the filled rubric as a conversation that ends with the protocol's closing words."""
    slots = slot_texts(rubric, item, criterion, responses, self_written, form, item_criterion)
    user = Message("user", f"{fill(rubric.user, slots)}\n\n{closing}")
    return (Message("system", fill(rubric.system, slots)), user) if rubric.system.strip() else (user,)


def state(rubric: Rubric, item: Item, responses: tuple[Response, ...]) -> tuple[Message, ...]:
    """Return the filled rubric as what a decision model is asked about, without a question.

    It is the same for all criteria of the rubric, so that one request can hold the questions of all: the slot
    of the criterion names each of them, and the slot of the scale has the levels of each.

    Args:
        rubric: The rubric that is filled.
        item: The item.
        responses: In the order shown.
    """
    slots = slot_texts(rubric, item, next(iter(rubric.criteria)), responses)
    criteria = "\n".join(f"{name}: {text}" for name, text in rubric.criteria.items())
    slots["criterion"] = _IN_THE_QUESTION if rubric.has_item_criteria else criteria
    by_levels: dict[str, list[str]] = {}
    for name in rubric.criteria:
        if scale := rubric.scale_for(name):
            by_levels.setdefault(scale.describe(), []).append(name)
    if len(by_levels) > 1:
        by_levels = {f"{', '.join(names)}\n{levels}": names for levels, names in by_levels.items()}
    slots["scale"] = "\n\n".join(by_levels)
    user = Message("user", fill(rubric.user, slots))
    return (Message("system", fill(rubric.system, slots)), user) if rubric.system.strip() else (user,)


def candidate_messages(
    item: Item,
    answers: tuple[str, ...],
    system_prompt: str | None,
    *,
    prepare: Callable[[str], str] = defuse,
) -> tuple[Message, ...]:
    """Return the conversation that asks a candidate for its next turn.

    The item's context stands before the user's first words. A chat history is sent whole. A tool's result is
    sent as a message of the user, since the tool call is sent as text.

    Args:
        item: The item.
        answers: The candidate's answers to the earlier turns.
        system_prompt: The candidate's system prompt.
        prepare: What is done to each text of the item and each answer. By default special tokens in it are
            defused, as an engine needs it.
    """
    if item.messages:
        return _history(item, system_prompt, prepare)
    turns = [prepare(turn) for turn in item.turns[: len(answers) + 1]]
    turns[0] = "\n\n".join([*(prepare(text) for text in item.context), turns[0]])
    conversation = [Message("system", system_prompt)] if system_prompt else []
    for turn, answer in zip(turns, answers, strict=False):
        conversation += [Message("user", turn), Message("assistant", prepare(answer))]
    return (*conversation, Message("user", turns[-1]))


def _history(item: Item, system_prompt: str | None, prepare: Callable[[str], str]) -> tuple[Message, ...]:
    conversation = [Message("system", system_prompt)] if system_prompt else []
    for role, turns in groupby(item.messages, key=itemgetter(0)):
        texts = [prepare(text) for _, text in turns]
        if role == "tool":
            texts = ["\n\n".join(f"{TOOL_RESULT}\n{text}" for text in texts)]
        conversation += [Message("user" if role == "tool" else role, text) for text in texts]
    first = next(place for place, message in enumerate(conversation) if message.role == "user")
    opening = "\n\n".join([*map(prepare, item.context), conversation[first].content])
    conversation[first] = Message("user", opening)
    return tuple(conversation)


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
        f"User: {turn}\n\nAssistant: {answer}"
        for turn, answer in zip(item.turns, response.turns, strict=False)
    )
