"""A verdict without probabilities: one allowed answer and nothing else, as JSON or as plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from evalhub.judging.replies.text import plain_text

KEY = "answer"

_FENCE = re.compile(r"```(?:json)?[ ]*\n(?P<inside>[^`]*)```")
_OPENING, _CLOSING = "([\"'", ")]\"'"


def answer_schema(choices: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of an answer that is one of the choices.

    >>> answer_schema(["A", "B"])["properties"]
    {'answer': {'type': 'string', 'enum': ['A', 'B']}}
    """
    return {
        "type": "object",
        "properties": {KEY: {"type": "string", "enum": list(choices)}},
        "required": [KEY],
        "additionalProperties": False,
    }


def read_answer(text: str, choices: Sequence[str]) -> str | None:
    """Return the choice that is the whole answer, bare or as `{"answer": …}`, or None for any other text.

    Emphasis, brackets, quotes, a full stop and a code fence around the choice are ignored. The case of a
    letter matters.

    >>> read_answer("**B**.", ["A", "B"]), read_answer('{"answer": "A"}', ["A", "B"])
    ('B', 'A')
    >>> read_answer("I think A", ["A", "B"]), read_answer("A or B", ["A", "B"])
    (None, None)
    """
    text = text.strip()
    if fence := _FENCE.fullmatch(text):
        text = fence["inside"].strip()
    if text in choices:
        return text
    answer = _of_json(text)
    if answer is None:
        answer = plain_text(text).removesuffix(".").removesuffix("!").lstrip(_OPENING).rstrip(_CLOSING)
        answer = answer.removesuffix(".").strip()
    for choice in choices:
        if answer == plain_text(choice) or (len(choice) > 1 and answer.lower() == plain_text(choice).lower()):
            return choice
    return None


def _of_json(text: str) -> str | None:
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, list) or len(pairs) != 1 or not isinstance(pairs[0], tuple):
        return None
    key, answer = pairs[0]
    return answer if key == KEY and isinstance(answer, str) else None
