"""From the bytes of a request to plain values, and back. Whatever is wrong with them is one sentence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from evalhub.serving.refusal import Refusal
from evalhub.texts import clean

MOST_BYTES = 1 << 20
"""The largest body of a request."""


def parse_body(data: bytes) -> dict[str, Any]:
    """Return the JSON object of a request, its texts made valid UTF-8.

    Raises:
        Refusal: 400 for what is no JSON, 422 for JSON that is no object.
    """
    try:
        values = json.loads(
            data.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
        values = _cleaned(values)
    except UnicodeDecodeError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"body: it is not UTF-8, at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refusal(HTTPStatus.BAD_REQUEST, f"body: it is no JSON ({error.msg}, {place}).") from error
    except RecursionError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "body: the JSON is nested too deeply.") from error
    except ValueError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"body: it is no JSON ({str(error)[:200]}).") from error
    if not isinstance(values, dict):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "body: a JSON object is needed.")
    return values


def encode_body(values: Any) -> bytes:
    """Return plain values as JSON. A number that is not finite is an error, and never written."""
    return (json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {duplicate!r} appears twice")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(member) for member in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(member) for name, member in value.items()}
    return value
