"""Reading the options that a suite gives a metric: what is wrong is one sentence with the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from evalhub.errors import SpecError

Choice = TypeVar("Choice", bound=StrEnum)


def refuse_unknown(options: Mapping[str, object], allowed: Iterable[str], *, where: str) -> None:
    """Refuse an option that the metric does not have.

    Args:
        options: The options as the suite gives them.
        allowed: The names that the metric has.
        where: File and key of the metric.

    Raises:
        SpecError: An option has another name; the nearest one is named.

    Example:
        >>> refuse_unknown({"stemer": True}, ["stemmer"], where="suite.yaml:metrics[0].rouge")
        Traceback (most recent call last):
        ...
        evalhub.errors.SpecError: suite.yaml:metrics[0].rouge: unknown option, \
got 'stemer'; allowed: stemmer; did you mean 'stemmer'?
    """
    names = sorted(allowed)
    for key in options:
        if key not in names:
            raise SpecError(
                "unknown option", where=where, value=key, allowed=names or "none", fix=_nearest(key, names)
            )


def read_flag(options: Mapping[str, object], key: str, *, default: bool, where: str) -> bool:
    """Return a switch.

    Args:
        options: The options as the suite gives them.
        key: The option's name.
        default: What stands where the suite is silent.
        where: File and key of the metric.

    Returns:
        The switch.

    Raises:
        SpecError: The value is neither true nor false.
    """
    value = options.get(key, default)
    if not isinstance(value, bool):
        raise SpecError("not a switch", where=f"{where}.{key}", value=value, allowed=("true", "false"))
    return value


def read_choice(options: Mapping[str, object], key: str, *, default: Choice, where: str) -> Choice:
    """Return one of the members of the default's kind.

    Args:
        options: The options as the suite gives them.
        key: The option's name.
        default: What stands where the suite is silent; its class holds all that is allowed.
        where: File and key of the metric.

    Returns:
        The member that was named.

    Raises:
        SpecError: The value names no member; the nearest one is named.
    """
    return choice(options.get(key, default), type(default), where=f"{where}.{key}")


def read_choices(
    options: Mapping[str, object], key: str, *, default: tuple[Choice, ...], where: str
) -> tuple[Choice, ...]:
    """Return several members of the default's kind, each named once.

    Args:
        options: The options as the suite gives them.
        key: The option's name.
        default: At least one member; what stands where the suite is silent.
        where: File and key of the metric.

    Returns:
        The members in the order named.

    Raises:
        SpecError: Not a list, empty, a member twice, or a value that names no member.
    """
    given = options.get(key, default)
    where = f"{where}.{key}"
    kind = type(default[0])
    if not isinstance(given, list | tuple) or not given:
        raise SpecError("not a list of at least one", where=where, value=given, allowed=list(kind))
    chosen = tuple(choice(value, kind, where=where) for value in given)
    twice = next((one for one in chosen if chosen.count(one) > 1), None)
    if twice is not None:
        raise SpecError("named twice", where=where, value=str(twice), fix="name it once")
    return chosen


def choice(value: object, kind: type[Choice], *, where: str) -> Choice:
    """Return the member of an enumeration that a value names.

    Args:
        value: Text or number as YAML reads it.
        kind: The enumeration.
        where: File and key that hold the value.

    Returns:
        The member.

    Raises:
        SpecError: No member has that name; the nearest one is named.

    Example:
        >>> class Rule(StrEnum):
        ...     MEAN = "mean"
        >>> choice("mean", Rule, where="metrics").name
        'MEAN'
    """
    names = [str(member) for member in kind]
    if isinstance(value, str | int) and str(value) in names:
        return kind(str(value))
    fix = _nearest(str(value), names)
    raise SpecError("unknown value", where=where, value=value, allowed=names, fix=fix)


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""
