"""From a rubric, an item and one response to the conversation that a reward model reads."""

from __future__ import annotations

from evalhub.judging.prompts.escape import defuse
from evalhub.judging.prompts.slots import candidate_messages, fill, slot_texts
from evalhub.records import Item, Message, Response
from evalhub.specs import Rubric


def conversation(rubric: Rubric, item: Item, criterion: str, response: Response) -> tuple[Message, ...]:
    """Return what a reward model reads.

    A rubric with an Assistant section stands for the conversation itself: the turns of the item as the
    systems were sent them, and the response as the assistant's last turn. A rubric without one is a prompt
    about the response, filled as for every other judge.

    Args:
        rubric: A rubric of the protocol `reward`.
        item: The item.
        criterion: One of the rubric's criteria.
        response: The response whose reward is asked for.
    """
    slots = slot_texts(rubric, item, criterion, (response,))
    system = fill(rubric.system, slots).strip()
    if rubric.assistant:
        answer = Message("assistant", defuse(response.text or ""))
        return (*candidate_messages(item, response.turns[:-1], system or None), answer)
    head = (Message("system", system),) if system else ()
    return (*head, Message("user", fill(rubric.user, slots)))
