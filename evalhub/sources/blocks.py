"""Texts in the form of content blocks, as chat services write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.texts import clean

_TYPES = ("text", "input_text", "output_text")
_LEAVE_OUT = "so leave such rows out in the SELECT"


def is_blocks(value: Any) -> bool:
    """Return whether a value is a list of content blocks, of text or of anything else."""
    return isinstance(value, list) and bool(value) and all(isinstance(block, Mapping) for block in value)


def text_of(blocks: list[Any]) -> str:
    """Return the texts of content blocks, a line for each, as vLLM joins them.

    >>> text_of([{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}])
    'Hi\\nthere'

    Raises:
        ValueError: A block is not text, such as an image.
    """
    return "\n".join(_text_of(block) for block in blocks)


def _text_of(block: Any) -> str:
    if isinstance(block, str):
        return clean(block)
    kind = block.get("type") if isinstance(block, Mapping) else block
    if kind not in _TYPES or not isinstance(block.get("text"), str):
        raise ValueError(f"only blocks of text; there is a block of type {kind!r}, {_LEAVE_OUT}")
    return clean(block["text"])
