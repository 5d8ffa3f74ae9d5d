"""JSON with numbers as they are written and no duplicate keys, and the error of a value that does not fit."""

from __future__ import annotations

import json
import math
from typing import Any

_SHOWN = 200
_LONGEST_WHOLE = 400


class Number:
    """A number of JSON as it is written, where Python would change it. Also NaN and Infinity."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def is_finite(self) -> bool:
        """Whether JSON allows it as a number: it is neither NaN nor an infinity."""
        return self.text[-1].isdigit()


class Misfit(ValueError):
    """A value does not fit its declared type: the problem, the value, what is allowed, and a fix."""

    def __init__(self, problem: str, value: Any, allowed: str = "", fix: str = "") -> None:
        self.problem, self.value, self.allowed, self.fix = problem, plain(value), allowed, fix
        super().__init__(problem)


def misfit(value: Any, kind: str, allowed: str = "", fix: str = "", *, form: str = "") -> Misfit:
    """Return the error of a value that is not of a type. `form` says in words what the value is."""
    if isinstance(value, list) and not kind.endswith("]"):
        fix = f"declare {kind}[] or JSON"
    elif isinstance(value, dict) and not fix:
        fix = "declare JSON, or a STRUCT with its fields"
    return Misfit(f"{form or _form(value)} where {kind} is declared", value, allowed, fix)


def _form(value: Any) -> str:
    """Return the form of a value, in words."""
    if isinstance(value, Number):
        return "a number" if value.is_finite else value.text
    forms = {bool: "a boolean", int: "a number", list: "a list", dict: "an object"}
    return forms.get(type(value), "a text" if value else "an empty text")


def plain(value: Any) -> Any:
    """Return a value for a message: cut short, with Python's numbers."""
    if isinstance(value, Number):
        number = float(value.text)
        return number if math.isfinite(number) else value.text
    if isinstance(value, list):
        return [plain(part) for part in value[:_SHOWN]]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in list(value.items())[:_SHOWN]}
    return value[:_SHOWN] if isinstance(value, str) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [name for name, _ in pairs]
        raise Misfit("one object has a key twice", next(n for n in names if names.count(n) > 1))
    return row


def _float(number: Number) -> float:
    value = float(number.text)
    if not number.is_finite:
        raise Misfit("JSON does not allow this number", number, fix="write null where a number is missing")
    if math.isinf(value) or (value == 0 and number.text.lower().partition("e")[0].strip("-+.0")):
        raise Misfit("the number is out of range", number.text, fix="write it as a text")
    return value


def _integer(text: str) -> int | Number:
    """Return a whole number. -0 and very long ones stay text, as Python's integers cannot hold them."""
    return Number(text) if text == "-0" or len(text) > _LONGEST_WHOLE else int(text)


_DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=_integer, parse_constant=Number, object_pairs_hook=_object
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=_float)


def parse(text: str) -> Any:
    """Return the value of a JSON text. Numbers with a point or an exponent, and -0, are `Number`.

    Raises:
        Misfit: An object has a key twice.
        ValueError, RecursionError: The text is not JSON.
    """
    return _DECODER.decode(text)


def spell(value: Any) -> str:
    """Return a value as one line of JSON.

    Raises:
        Misfit: It holds NaN or an infinity.
    """
    return _ENCODER.encode(value)
