"""A chat history in a card's rows: messages with a role and a text, with tool calls as text."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from evalhub.records import canonical
from evalhub.sources.blocks import text_of
from evalhub.sources.dialects import as_openai
from evalhub.texts import clean, is_blank

_NAMES: Mapping[str, tuple[str, ...]] = {
    "system": ("system", "developer"),
    "user": ("user", "human", "prompter"),
    "assistant": ("assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "ai"),
    "tool": ("tool", "function", "observation", "ipython"),
}
ROLES: Mapping[str, str] = {name: role for role, names in _NAMES.items() for name in names}

# Keys that the model does not see: ids, times, metadata, costs, and the think text of earlier turns, which
# chat templates leave out too.
IDLE_KEYS = {
    "id", "uuid", "message_id", "parent_id", "conversation_id", "thread_id", "run_id", "assistant_id",
    "object", "type", "status", "turn", "turn_id", "turn_identifier", "index",
    "timestamp", "time", "date", "created", "created_at", "created_date", "updated_at",
    "metadata", "model", "usage", "num_tokens", "token_count", "finish_reason", "stop_reason",
    "stop_sequence", "logprobs", "weight", "cache_control", "tool_call_id", "reasoning", "reasoning_content",
    "language", "lang", "country", "state", "hashed_ip", "header", "redacted", "toxic",
}  # fmt: skip
_KNOWN = {"role", "content", "name", *IDLE_KEYS}
_KEYS = {"assistant": {"tool_calls", "function_call", "refusal"}}
_CONTENT_KEYS = {"content", "tool_calls", "function_call", "refusal"}
_LONGEST_NAME = 200
_LEAVE_OUT = "leave it out in the SELECT, or declare STRUCT(role VARCHAR, content VARCHAR)[]"

Pair = tuple[str, str]


def read_messages(value: Any) -> tuple[Pair, ...]:
    """Return a chat history as pairs of role and text.

    Args:
        value: A list of messages, or its JSON, in the form of OpenAI, ShareGPT or Anthropic. A message has a
            `role`, which is any name of `ROLES` in any case, and a `content`, which is a text or blocks of
            text. Its `name` becomes a line before the text. An assistant's `tool_calls` become text.

    Raises:
        ValueError: A message has another form, or the last is neither the user's nor a tool's.
    """
    values = parse_json(value)
    if not isinstance(values, list) or not values:
        raise ValueError("a list of messages, each with role and content, or JSON of one")
    messages = tuple(_pairs(values))
    role, text = messages[-1]
    if role not in ("user", "tool"):
        raise ValueError(
            f"messages whose last is the user's or a tool's, to be answered; it is of role {role}. Leave it "
            "out in the SELECT, as `history[:-2]` does of a list, and return its text as a response"
        )
    if is_blank(text):
        raise ValueError(f"messages whose last holds a text; message {len(values)} is blank")
    return messages


def _pairs(values: list[Any]) -> Iterator[Pair]:
    tools: dict[str, str] = {}
    for number, value in enumerate(values, 1):
        message = parse_json(value)
        if not isinstance(message, Mapping):
            raise ValueError(f"messages that are objects with role and content; message {number} is not one")
        for part in as_openai(message):
            try:
                yield _pair(part, tools)
            except ValueError as error:
                raise ValueError(f"{error} (message {number})") from None


class _Ambiguous(ValueError):
    """A JSON text is ambiguous: a key appears twice, or a number is not finite."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _Ambiguous("objects without a key that appears twice")
    return row


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Ambiguous(f"finite numbers; there is {text}")
    return number


def _exact_number(text: str) -> float:
    """Return a number of arguments, which must keep every digit that the model wrote."""
    number = _number(text)
    if Decimal(repr(number)) != Decimal(text):
        raise _Ambiguous(f"numbers of at most 17 digits; there is {text}")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_number)
_EXACT_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_exact_number, parse_constant=_exact_number
)


def parse_json(value: Any, decoder: json.JSONDecoder = _DECODER) -> Any:
    """Return the value of a JSON text, None for other texts, and any other value unchanged.

    Raises:
        ValueError: An object has a key twice, or a number is not finite.
    """
    if not isinstance(value, str):
        return value
    try:
        return decoder.decode(value)
    except _Ambiguous:
        raise
    except (ValueError, RecursionError):
        return None


def _pair(message: Mapping[str, Any], tools: dict[str, str]) -> Pair:
    """Return the role and the text of a message. `tools` has the name of the tool of each call's id."""
    role = _role(message)
    if message.keys().isdisjoint(_CONTENT_KEYS):
        raise ValueError(f"messages with a content; the keys of one are {', '.join(map(str, message))}")
    keys = _KNOWN | _KEYS.get(role, set())
    unknown = [key for key, part in message.items() if key not in keys and part not in (None, "", [], {})]
    if unknown:
        raise ValueError(
            "messages of role, content, name and the assistant's tool_calls; "
            f"there is {unknown[0]!r}: {_LEAVE_OUT}"
        )
    text = _content(message.get("content")) or _content(message.get("refusal"))
    calls = [_call(call, tools) for call in _calls(message)]
    text = "\n\n".join(filter(None, [text, *calls])) if calls else text
    name = _name(message.get("name"))
    if not name and role == "tool":
        name = tools.get(str(message.get("tool_call_id")), "")
    return role, f"{name}:\n{text}" if name else text


def _role(message: Mapping[str, Any]) -> str:
    name = message.get("role")
    role = ROLES.get(name.strip().casefold()) if isinstance(name, str) else None
    if role is None:
        keys = "" if "role" in message else f", its keys are {', '.join(map(str, message)) or 'none'}"
        raise ValueError(f"messages of the roles {', '.join(ROLES)}; there is the role {name!r}{keys}")
    return role


def _content(content: Any) -> str:
    """Return the text of a content, which is a text or a list of text blocks."""
    if content is None:
        return ""
    if isinstance(content, str):
        return clean(content)
    if not isinstance(content, list):
        raise ValueError("a content that is a text or a list of text blocks")
    return text_of(content)


def _name(name: Any) -> str:
    """Return a name of one line. An absent name is an empty text."""
    if name is None or (isinstance(name, str) and is_blank(name)):
        return ""
    text = clean(name).strip() if isinstance(name, str) else ""
    if not 0 < len(text) <= _LONGEST_NAME or any(
        unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text
    ):
        raise ValueError(f"names of one line, of at most {_LONGEST_NAME} characters; there is {name!r:.80}")
    return text


def _calls(message: Mapping[str, Any]) -> list[Any]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise ValueError("tool_calls that are a list")
    return [*calls, *([message["function_call"]] if message.get("function_call") else [])]


def _call(value: Any, tools: dict[str, str]) -> str:
    """Return a tool call as text: its name, and its arguments as canonical JSON."""
    call = parse_json(value)
    call = call if isinstance(call, Mapping) else {}
    function = call.get("function") or call.get("custom") or call
    name = _name(function.get("name")) if isinstance(function, Mapping) else ""
    if not name:
        raise ValueError("tool calls with a name and arguments; there is a call without a name")
    if call.get("id"):
        tools[str(call["id"])] = name
    return clean(f"Tool call: {name}({_arguments(function.get('arguments', function.get('input')))})")


def _arguments(arguments: Any) -> str:
    """Return arguments as canonical JSON. A text that is not JSON, or ambiguous, stays unchanged."""
    try:
        content = parse_json(arguments, _EXACT_DECODER)
    except _Ambiguous:
        content = None
    if content is None and isinstance(arguments, str):
        return arguments
    try:
        return canonical({} if content is None else content)
    except ValueError:
        raise ValueError("arguments of finite numbers; there is NaN or an infinity") from None
