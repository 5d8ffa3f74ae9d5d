"""A chat history as a card's rows give it: messages with a role and a text, tool calls written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalhub.records import canonical, clean, is_blank
from evalhub.sources.blocks import text_of

ROLES: Mapping[str, str] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

# What says nothing to the model: ids, and thoughts of earlier turns, which chat templates leave out too.
_IDLE = {"id", "type", "tool_call_id", "reasoning", "reasoning_content"}
_KEYS = {
    "assistant": {"tool_calls", "function_call"},
    "tool": {"name"},
}


def read_messages(value: Any) -> tuple[tuple[str, str], ...]:
    """Return a chat history as pairs of role and text; `developer` is another name of `system`.

    Args:
        value: A list of messages, or JSON of one. A message has a `role` and a `content`, a text or blocks of
            text; an assistant's may have `tool_calls`, which are written out, a tool's its `name`.

    Raises:
        ValueError: A message is not like that, or the last is not the user's or a tool's; it says which.
    """
    listed = _parsed(value)
    if not isinstance(listed, list) or not listed:
        raise ValueError("a list of messages, each with role and content, or JSON of one")
    messages = tuple(_message(message, number) for number, message in enumerate(listed, 1))
    role, text = messages[-1]
    if role not in ("user", "tool"):
        raise ValueError(
            f"messages whose last is the user's or a tool's, to be answered; it is of role {role}"
        )
    if is_blank(text):
        raise ValueError(f"messages whose last holds a text; message {len(messages)} is blank")
    return messages


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _message(value: Any, number: int) -> tuple[str, str]:
    message = _parsed(value)
    if not isinstance(message, Mapping):
        raise ValueError(f"messages that are objects with role and content; message {number} is none")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"messages of the roles {', '.join(ROLES)}; message {number} is of role {role!r}")
    role = ROLES[role]
    known = {"role", "content"} | _IDLE | _KEYS.get(role, set())
    strange = [key for key, content in message.items() if key not in known and content not in (None, [], {})]
    if strange:
        raise ValueError(
            f"messages of role, content and the assistant's tool_calls; message {number} has {strange[0]!r}"
        )
    text = _content(message.get("content"), number)
    if role == "tool" and message.get("name"):
        text = f"{message['name']}:\n{text}"
    calls = [_call(call, number) for call in _calls(message, number)]
    return role, "\n\n".join(filter(None, [text, *calls])) if calls else text


def _content(content: Any, number: int) -> str:
    """Return a content as one text: it is a text, or a list of blocks of text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return clean(content)
    if not isinstance(content, list):
        raise ValueError(f"a text or a list of text blocks as content; that of message {number} is neither")
    try:
        return text_of(content)
    except ValueError as error:
        raise ValueError(f"{error} (message {number})") from None


def _calls(message: Mapping[str, Any], number: int) -> list[Any]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise ValueError(f"a list as tool_calls; that of message {number} is none")
    return [*calls, *([message["function_call"]] if message.get("function_call") else [])]


def _call(call: Any, number: int) -> str:
    """Return a tool call as text: its name, and its arguments with one spelling for one value."""
    function = _parsed(call)
    function = function.get("function", function) if isinstance(function, Mapping) else function
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError(f"tool calls with a name and arguments; one of message {number} has no name")
    arguments = function.get("arguments")
    parsed = _parsed(arguments)
    unread = isinstance(arguments, str) and parsed is None
    spelled = arguments if unread else canonical({} if parsed is None else parsed)
    return clean(f"Tool call: {function['name']}({spelled})")
