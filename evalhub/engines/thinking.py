"""From a generated text to an outcome: the answer, and the think text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalhub.engines.base import Outcome
from evalhub.records import FailureKind, Request, ThinkTags, split_thinking


def left_open(prompt: str, tags: Sequence[ThinkTags]) -> ThinkTags | None:
    """Return the tags whose opening one ends a rendered prompt, so that the answer starts inside.

    >>> left_open("User: Hi\\nAssistant: <think>\\n", [ThinkTags("<think>", "</think>")]).close
    '</think>'
    """
    return next((pair for pair in tags if prompt.rstrip().endswith(pair.open.rstrip())), None)


def outcome_of_text(
    text: str,
    request: Request,
    *,
    finish_reason: str | None,
    opened: bool = False,
    reasoning: str | None = None,
    **usage: Any,
) -> Outcome:
    """Return the outcome of a generated text. A text that ends within its thoughts is a truncated answer.

    A request that ends with the assistant's own turn asks for no whole answer: its text may end anywhere.

    Args:
        text: As generated.
        request: The request.
        finish_reason: Why the text ends.
        opened: The prompt opened a think tag.
        reasoning: Think text that the engine has split off.
        usage: Numbers of tokens.
    """
    thought = split_thinking(text, request.think, opened=opened)
    thoughts = [text for text in (reasoning, thought.reasoning) if text is not None]
    think_text = "\n".join(filter(None, thoughts)) if thoughts else None
    is_unanswered = bool(reasoning) and finish_reason == "length" and not (thought.answer or "").strip()
    if (thought.answer is None or is_unanswered) and request.messages[-1].role != "assistant":
        return Outcome(
            reasoning=think_text,
            finish_reason=finish_reason,
            failure=FailureKind.TRUNCATED,
            detail=f"the answer ends while it still thinks (max_tokens {request.sampling.max_tokens})",
            **usage,
        )
    return Outcome(thought.answer or "", think_text, None, finish_reason, **usage)
