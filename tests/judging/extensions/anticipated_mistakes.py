"""A protocol with a slot of its own: the judge lists likely mistakes before it rates a response."""

from dataclasses import replace

from evalhub.judging import (
    JudgmentGenerator,
    Protocol,
    Task,
    ask_token,
    fail_all,
    fence,
    new_judgment,
    plan_single,
    rate,
)
from evalhub.records import Message, Request

PROMPT = "List three mistakes that a response to this request could make. Write the list and nothing else."


def ask(task: Task) -> JudgmentGenerator:
    # Build the messages: a request of its own first, then the rubric with the list in its slot.
    message = Message("user", f"{PROMPT}\n\n{fence(task.item.turns[-1])}")
    sampling = replace(task.judge.sampling, max_tokens=task.judge.rationale_tokens)
    (mistakes,) = yield (Request((message,), sampling),)
    if mistakes.failure:
        planned = plan_single(task.outline)
        return fail_all(task, planned, mistakes.failure, mistakes.detail, (mistakes.key,))
    scale = task.judge.rubric.scale_for(task.criterion)
    question = f"Which level fits best? Answer with one of: {', '.join(scale.names)}."
    texts = {"mistakes": mistakes.text or ""}
    answer = yield from ask_token(
        task, task.responses, question, scale.names, self_written=texts, completions=(mistakes.key,)
    )
    # Read the reply: the most probable level is the verdict.
    return (rate(new_judgment(task), answer, scale),)


PROTOCOL = Protocol(inputs=(("response",),), ask=ask, writes={"mistakes": "# Likely mistakes"})
