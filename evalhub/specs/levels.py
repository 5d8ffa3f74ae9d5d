"""The levels of a scale in cards and rubrics, the worst first."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from evalhub.scales import Level, Scale, number_in
from evalhub.specs.base import Spec
from evalhub.specs.level_names import numbers_in_names

_BEGINS = re.compile(r"\s*[+-]?[.,]?\d")
_KEYS = {"meaning", "value", "applicable"}


class LevelSpec(Spec):
    """One level with more than a meaning.

    Attributes:
        meaning: The meaning of the level in words.
        value: The number that the level contributes to means, if its label is a name.
        applicable: False if the level says that the criterion does not apply. It is then in no mean.
    """

    meaning: str
    value: float | None = Field(default=None, allow_inf_nan=False)
    applicable: bool = True

    @model_validator(mode="after")
    def _counts_or_not(self) -> LevelSpec:
        if not self.applicable and self.value is not None:
            raise ValueError("a level that is not applicable is in no mean: leave its value out")
        return self


Levels = dict[int | float | str, LevelSpec | str]


def read_levels(levels: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return levels unchanged, after checking those that have more than a meaning.

    Raises:
        ValueError: A label is neither a text nor a number, or a level has neither a meaning nor its keys.
    """
    for label in levels:
        if isinstance(label, bool) or not isinstance(label, int | float | str):
            text = str(label).lower() if isinstance(label, bool) else label
            raise ValueError(f"a level is a number or a text: put {text} between quotes")
    return {label: _read_level(label, level) for label, level in levels.items()}


def _read_level(label: object, level: object) -> object:
    if isinstance(level, str | LevelSpec):
        return level
    if not isinstance(level, Mapping):
        raise ValueError(f"the level {label!r} needs its meaning as a text, got {level!r}")
    try:
        return LevelSpec.model_validate(dict(level))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            reason = f"unknown key {key!r}, allowed: {', '.join(sorted(_KEYS))}"
        elif first["type"] == "missing":
            reason = f"needs the key {key!r}"
        else:
            reason = f"{first['msg'].removeprefix('Value error, ')}{f' ({key})' if key else ''}"
        raise ValueError(f"the level {label!r}: {reason}") from None


def is_level(value: object) -> bool:
    """Return whether a mapping is one level, and not the levels of a criterion."""
    return isinstance(value, LevelSpec) or (
        isinstance(value, Mapping) and "meaning" in value and value.keys() <= _KEYS
    )


def scale_of(levels: Mapping[int | float | str, LevelSpec | str]) -> Scale:
    """Return the scale of some levels, listed worst first.

    The value of a level is the number that its label spells. Names have as value their rank from 0 among the
    applicable levels. They need explicit values if a name contains another number ("level 2", "five"), or if
    other levels are numbers.

    Raises:
        ValueError: A level needs a value, the values neither rise nor fall, or fewer than two levels apply.

    Example:
        >>> scale_of({"no": "absent", "yes": "present"}).values
        (0.0, 1.0)
        >>> scale_of({5: "rude", 1: "kind"}).higher_is_better
        False
    """
    specs = {
        label: level if isinstance(level, LevelSpec) else LevelSpec(meaning=level)
        for label, level in levels.items()
    }
    applicable = {label: _value(label, spec) for label, spec in specs.items() if spec.applicable}
    if len(applicable) < 2:
        raise ValueError("a scale needs at least two levels that are applicable")
    values = dict(zip(applicable, _values(applicable), strict=True))
    _refuse_one_number_twice(specs, values)
    return Scale(tuple(Level(str(label), values.get(label), spec.meaning) for label, spec in specs.items()))


def _value(label: object, spec: LevelSpec) -> float | None:
    number = number_in(label)
    if number is None and spec.value is None and _BEGINS.match(str(label)):
        raise ValueError(
            f"the level {label!r} begins with a number and is not one: "
            f"write {label}: {{value: …, meaning: …}}"
        )
    if number is not None and spec.value not in (None, number):
        raise ValueError(f"the value of level {label} is its number: leave its value out, or give it a name")
    return number if spec.value is None else spec.value


def _values(applicable: Mapping[Any, float | None]) -> tuple[float, ...]:
    """Return the values of the applicable levels."""
    numbers = [value for value in applicable.values() if value is not None]
    if not numbers:
        places = tuple(map(float, range(len(applicable))))
        _refuse_other_numbers(dict(zip(map(str, applicable), places, strict=True)))
        return places
    if len(numbers) < len(applicable):
        name = next(label for label, value in applicable.items() if value is None)
        raise ValueError(
            f"levels with and without numbers are mixed, and the level {name!r} has no value: "
            f"write {name}: {{value: …, meaning: …}}"
        )
    steps = list(itertools.pairwise(numbers))
    if not (all(low < high for low, high in steps) or all(low > high for low, high in steps)):
        text = ", ".join(f"{value:g}" for value in numbers)
        raise ValueError(
            f"levels are listed worst first, so that their numbers rise or fall, and {text} do neither: "
            "list them from the worst to the best"
        )
    return tuple(numbers)


def _refuse_other_numbers(places: Mapping[str, float]) -> None:
    """Refuse names with other numbers than the values that their places would give them."""
    numbers = numbers_in_names(places)
    for name, place in places.items():
        number = numbers.get(name, place)
        if number != place:
            raise ValueError(
                f"the level {name!r} names the number {number:g}, and its value by place is {place:g}: "
                f"give each level its value, as in {name!r}: {{value: {number:g}, meaning: …}}"
            )


def _refuse_one_number_twice(specs: Mapping[Any, LevelSpec], values: Mapping[Any, float]) -> None:
    for label, spec in specs.items():
        if not spec.applicable and number_in(label) in values.values():
            raise ValueError(f"level {label!r} is not applicable, and another level has the value {label}")
