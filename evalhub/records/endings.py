"""Why an answer ends."""

from __future__ import annotations

CUT = "length"
"""Why an answer ends that a token limit cut, as OpenAI's protocol has it."""

_CUT_ELSEWHERE = frozenset({"length", "max_tokens", "max_output_tokens", "max_new_tokens", "model_length"})


def end_of(reason: str) -> str:
    """Return why an answer ends in the words of OpenAI's protocol: other names of a cut become `length`.

    Example:
        >>> end_of("MAX_TOKENS"), end_of("stop")
        ('length', 'stop')
    """
    return CUT if reason.strip().lower() in _CUT_ELSEWHERE else reason
