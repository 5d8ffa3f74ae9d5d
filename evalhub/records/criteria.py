"""The criteria that an item brings along: read from plain values, and refused where they cannot be scored."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evalhub.records.tables import ItemCriterion
from evalhub.texts import clean, is_blank, without_blanks

_ID = re.compile(r"[A-Za-z0-9._/@+-]{1,200}")
_KEYS = ("text", "points", "tags", "id")
_SHOWN = 60
_NUMBERED = "c{}"


def read_criteria(values: Any) -> tuple[ItemCriterion, ...]:
    """Return the criteria of an item. A criterion without an id is named by its place: c1, c2 and so on.

    Args:
        values: A list of mappings with the keys text and points, and perhaps tags and id.

    Raises:
        ValueError: A criterion has another form, two have one id, or no criterion has points above 0. The
            message says what is allowed, and names the place of the criterion.

    >>> read_criteria([{"text": "It names Paris.", "points": 2}, {"text": "It is rude.", "points": -1}])[1].id
    'c2'
    """
    if not isinstance(values, list | tuple):
        raise ValueError("a list of criteria, each with text and points, or JSON of one")
    criteria = tuple(_criterion(value, number) for number, value in enumerate(values, 1))
    places: dict[str, int] = {}
    for number, criterion in enumerate(criteria, 1):
        if (earlier := places.setdefault(criterion.id, number)) != number:
            raise ValueError(
                f"criteria whose ids differ; {criterion.id!r} is the id of criterion {earlier} and {number}"
            )
    if criteria:
        _check_points([criterion.points for criterion in criteria])
    return criteria


def _criterion(value: Any, number: int) -> ItemCriterion:
    if not isinstance(value, Mapping):
        raise ValueError(f"criteria that are objects with text and points; criterion {number} is not one")
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        raise ValueError(
            f"criteria with the keys {', '.join(_KEYS)}; criterion {number} has {str(unknown[0])!r}"
        )
    text, points = value.get("text"), value.get("points")
    if not isinstance(text, str) or is_blank(text):
        raise ValueError(f"criteria with a text that is not blank; criterion {number} has none")
    return ItemCriterion(
        id=_id(value.get("id"), number),
        text=clean(text),
        points=_points(points, number),
        tags=_tags(value.get("tags"), number),
    )


def _id(value: Any, number: int) -> str:
    if value is None:
        return _NUMBERED.format(number)
    name = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError(
            "ids of 1 to 200 of the characters A-Z a-z 0-9 . _ / @ + -; "
            f"criterion {number} has {value!r:.{_SHOWN}}"
        )
    return name


def _points(value: Any, number: int) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        points = float(value) if is_number else math.nan
    except OverflowError:  # a whole number beyond all floating-point ones
        points = math.inf
    if not math.isfinite(points) or points == 0:
        raise ValueError(
            f"points that are a finite number other than 0; criterion {number} has {value!r:.{_SHOWN}}"
        )
    return points


def _tags(value: Any, number: int) -> tuple[str, ...]:
    tags = [value] if isinstance(value, str) else value or []
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str | None) for tag in tags):
        raise ValueError(f"tags that are a list of texts; criterion {number} has {value!r:.{_SHOWN}}")
    return tuple(dict.fromkeys(without_blanks(clean(tag) for tag in tags if tag is not None)))


def _check_points(points: Sequence[float]) -> None:
    """Refuse points that make no score: none is above 0, or the score of some answers is not finite."""
    if max(points) <= 0:
        raise ValueError("criteria of which one at least has points above 0, as they are what a score is of")
    try:
        best = math.fsum(value for value in points if value > 0)
        is_finite = math.isfinite(math.fsum(value for value in points if value < 0) / best)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise ValueError("points whose sums can be divided by each other")
