"""The reason why an answer ends."""

from __future__ import annotations

CUT = "length"
"""The reason in OpenAI's protocol for an answer that a token limit cut."""

_NAMES_OF_CUT = frozenset({
    "length", "max_tokens", "max_output_tokens", "max_new_tokens", "model_length",
    "model_context_window_exceeded",
})  # fmt: skip


def end_of(reason: str) -> str:
    """Return the reason in the words of OpenAI's protocol: other names for a cut become `length`.

    Example:
        >>> end_of("MAX_TOKENS"), end_of("stop")
        ('length', 'stop')
    """
    return CUT if reason.strip().lower() in _NAMES_OF_CUT else reason
