"""What a spec names in code: an entry of one of our tables, or of another package's entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TypeVar

from evalhub.errors import SpecError, UnknownNameError

T = TypeVar("T")


def named(
    kind: str, name: str, table: Mapping[str, T], *, fits: Callable[[object], bool], where: str = ""
) -> T:
    """Return what has a name in a table, or among the entry points `evalhub.KINDs` of other packages.

    Args:
        kind: "protocol", "metric", "engine" or "reply format".
        name: The name that a spec gives.
        table: Our own, which no other package replaces.
        fits: Whether something loaded is of the kind.
        where: File and key that gave the name.

    Raises:
        UnknownNameError: Neither has the name; the nearest one is named.
        SpecError: The other package's entry cannot be loaded, or is nothing of the kind.
    """
    if name in table:
        return table[name]
    points = {
        point.name: point for point in metadata.entry_points(group=f"evalhub.{kind.replace(' ', '_')}s")
    }
    if name not in points:
        raise UnknownNameError(kind, name, [*table, *points], where=where)
    point = points[name]
    package = point.dist.name if point.dist else "its package"
    fix = f"mend {package}, or uninstall it"
    try:
        found: T = point.load()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"the {kind} {name} of {package} cannot be loaded ({why})",
            where=where, value=point.value, fix=fix,
        ) from error  # fmt: skip
    if not fits(found):
        raise SpecError(f"the {kind} {name} of {package} is none", where=where, value=point.value, fix=fix)
    return found
