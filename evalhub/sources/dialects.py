"""Conversion of chat messages from the forms of ShareGPT and Anthropic to that of OpenAI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CALLING = "function_call"
_THOUGHTS = ("thinking", "redacted_thinking")


def as_openai(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a message as messages of OpenAI's form. A message of an unknown form is returned unchanged.

    ShareGPT's `from` and `value` become `role` and `content`. Anthropic's blocks `tool_use` become tool
    calls, and each block `tool_result` becomes a message of a tool. Blocks of think text are left out.

    >>> as_openai({"from": "human", "value": "Hi"})
    [{'role': 'human', 'content': 'Hi'}]
    """
    if "from" in message and "role" not in message:
        message = _of_sharegpt(message)
    content = message.get("content")
    if not isinstance(content, list):
        return [message]
    results = [_result(block) for block in content if _type(block) == "tool_result"]
    calls = [_call(block) for block in content if _type(block) == "tool_use"]
    blocks = [block for block in content if _type(block) not in ("tool_result", "tool_use", *_THOUGHTS)]
    remainder = {**message, "content": blocks}
    if calls:
        remainder["tool_calls"] = [*(message.get("tool_calls") or []), *calls]
    return results if results and not blocks and not calls else [*results, remainder]


def _of_sharegpt(message: Mapping[str, Any]) -> Mapping[str, Any]:
    speaker, value = message["from"], message.get("value")
    fields = {name: part for name, part in message.items() if name not in ("from", "value")}
    if speaker == _CALLING:
        return {"role": "assistant", "tool_calls": value if isinstance(value, list) else [value], **fields}
    return {"role": speaker, "content": value, **fields}


def _type(block: Any) -> Any:
    return block.get("type") if isinstance(block, Mapping) else None


def _result(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": block.get("content")}


def _call(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": block.get("id"), "name": block.get("name"), "arguments": block.get("input")}
