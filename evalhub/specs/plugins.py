"""Lookup of protocols, metrics and engines: in our tables, or among other packages' entry points."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import metadata
from typing import TypeVar

from evalhub.errors import SpecError, UnknownNameError

T = TypeVar("T")

KINDS = ("protocol", "metric", "engine", "reply format")


def entry_points_of(kind: str) -> dict[str, metadata.EntryPoint]:
    """Return the entry points `evalhub.KINDs` of other packages by name, none of them loaded."""
    return _entry_points(f"evalhub.{kind.replace(' ', '_')}s", tuple(sys.path))


@cache
def _entry_points(group: str, search_path: tuple[str, ...]) -> dict[str, metadata.EntryPoint]:  # noqa: ARG001
    """Look into each installed package, which takes a twentieth of a second: once for each search path."""
    return {point.name: point for point in metadata.entry_points(group=group)}


def extensions() -> dict[str, str]:
    """Return the version of each other package that brings protocols, metrics, engines or reply formats."""
    points = (point for kind in KINDS for point in entry_points_of(kind).values())
    return {point.dist.name: point.dist.version for point in points if point.dist}


def find_entry(
    kind: str, name: str, table: Mapping[str, T], *, fits: Callable[[object], bool], where: str = ""
) -> T:
    """Return the entry of a name in a table, or among the entry points `evalhub.KINDs` of other packages.

    Args:
        kind: "protocol", "metric", "engine" or "reply format".
        name: The name in the spec.
        table: Our own entries. No other package can replace them.
        fits: Whether an object is of the kind.
        where: File and key with the name.

    Raises:
        UnknownNameError: Neither has the name.
        SpecError: The other package's entry point cannot be loaded, or is not of the kind.
    """
    if name in table:
        return table[name]
    points = entry_points_of(kind)
    if name not in points:
        raise UnknownNameError(kind, name, [*table, *points], where=where)
    point = points[name]
    package = point.dist.name if point.dist else "its package"
    fix = f"fix {package}, or uninstall it"
    try:
        entry: T = point.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"the entry point {name} of {package} cannot be loaded ({reason})",
            where=where, value=point.value, fix=fix,
        ) from error  # fmt: skip
    if not fits(entry):
        problem = f"the entry point {name} of {package} is not a valid {kind}"
        raise SpecError(problem, where=where, value=point.value, fix=fix)
    return entry
