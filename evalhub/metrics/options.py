"""Read the options that a suite gives a metric. A mistake is one sentence that names the nearest option."""

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
        SpecError: An option has another name. The nearest one is named.

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
                "unknown option", where=where, value=key, allowed=names or "none", fix=_suggest(key, names)
            )


def read_flag(options: Mapping[str, object], key: str, *, default: bool, where: str) -> bool:
    """Return a switch.

    Args:
        options: The options as the suite gives them.
        key: The option's name.
        default: The value where the suite gives none.
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
        default: The value where the suite gives none. Its class holds all allowed values.
        where: File and key of the metric.

    Returns:
        The member that was named.

    Raises:
        SpecError: The value names no member. The nearest one is named.
    """
    return read_member(options.get(key, default), type(default), where=f"{where}.{key}")


def read_choices(
    options: Mapping[str, object], key: str, *, default: tuple[Choice, ...], where: str
) -> tuple[Choice, ...]:
    """Return several members of the default's kind, each named once.

    Args:
        options: The options as the suite gives them.
        key: The option's name.
        default: At least one member, for a suite that gives none.
        where: File and key of the metric.

    Returns:
        The members in the order of the suite.

    Raises:
        SpecError: Not a list, empty, a member twice, or a value that names no member.
    """
    listing = options.get(key, default)
    where = f"{where}.{key}"
    kind = type(default[0])
    if not isinstance(listing, list | tuple) or not listing:
        raise SpecError("not a list of at least one", where=where, value=listing, allowed=list(kind))
    members = tuple(read_member(value, kind, where=where) for value in listing)
    duplicate = next((member for member in members if members.count(member) > 1), None)
    if duplicate is not None:
        raise SpecError("listed twice", where=where, value=str(duplicate), fix="list it once")
    return members


def read_member(value: object, kind: type[Choice], *, where: str) -> Choice:
    """Return the member of an enumeration that a value names.

    Args:
        value: Text or number as YAML reads it.
        kind: The enumeration.
        where: File and key that hold the value.

    Returns:
        The member.

    Raises:
        SpecError: No member has that name. The nearest one is named.

    Example:
        >>> class Rule(StrEnum):
        ...     MEAN = "mean"
        >>> read_member("mean", Rule, where="metrics").name
        'MEAN'
    """
    names = [str(member) for member in kind]
    if isinstance(value, str | int) and str(value) in names:
        return kind(str(value))
    fix = _suggest(str(value), names)
    raise SpecError("unknown value", where=where, value=value, allowed=names, fix=fix)


def _suggest(name: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]!r}?" if nearest else ""
