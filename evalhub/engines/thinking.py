"""Think text, split off from what a model answers."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def opens_thinking(prompt: str) -> bool:
    """Return whether a rendered prompt leaves a think tag open, so that the answer starts inside.

    >>> opens_thinking("User: Hi\\nAssistant: <think>\\n")
    True
    """
    return prompt.rstrip().endswith(OPEN)


def split_thinking(text: str, *, opened: bool = False) -> tuple[str, str | None]:
    """Split a generated text into the answer and the think text before it.

    Args:
        text: As generated.
        opened: The prompt had opened the think tag already.

    Returns:
        The answer, and the think text or None. Thinking that was cut leaves an empty answer.

    Example:
        >>> split_thinking("<think>2 and 2</think>\\n\\n4")
        ('4', '2 and 2')
        >>> split_thinking("just 4")
        ('just 4', None)
    """
    begins = text.lstrip().startswith(OPEN)
    if not begins and not opened:
        return text, None
    thought, _, answer = (text.lstrip()[len(OPEN) :] if begins else text).partition(CLOSE)
    return answer.lstrip(), thought.strip()
