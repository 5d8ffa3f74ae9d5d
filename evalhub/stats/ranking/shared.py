"""The units that the systems of a ranking share. Means over different units do not compare."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Bools, Column, Ints, codes, same_length

LEAST_SHARE = 0.5
"""A system that has less than this share of the common units is set apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """The systems and units that compare.

    Attributes:
        systems: Systems that are ranked together, sorted. Empty where fewer than two compare.
        rows: (n,) True where a row is of such a system and of a unit that all of them have.
        units: Number of these units.
        common: Number of units that at least half of all systems have, and at least two.
        having: Number of common units of each system.
        apart: Systems with less than half of the common units, sorted. Ranking them with the others would
            cost the others most of their units.
    """

    systems: tuple[str, ...]
    rows: Bools
    units: int
    common: int
    having: dict[str, int]
    apart: tuple[str, ...]


def shared_units(systems: Column, units: Column) -> Shared:
    """Return on which units the systems compare, and which systems are set apart.

    A system with less than half of the common units is set apart. The others are ranked on the units that
    all of them have. The rule uses no names and no values, so that no result can decide who is ranked.

    Args:
        systems: (n,) system of each row.
        units: (n,) unit of each row, such as an item. A failed row counts as any other.

    Returns:
        The rows that compare. A single system compares on all its units.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> shared = shared_units(["x", "x", "x", "y", "y"], ["q1", "q2", "q3", "q2", "q3"])
        >>> shared.units, shared.rows.tolist(), shared.apart
        (2, [False, True, True, True, True], ())
    """
    same_length({"systems": systems, "units": units})
    members, size = codes(systems)
    places, count = codes(units)
    names = np.unique(np.asarray(systems).astype(np.str_)).tolist()
    cells = np.zeros((size, count), dtype=np.bool_)
    cells[members, places] = True
    common = cells.sum(axis=0) >= min(size, max(2, math.ceil(size / 2)))
    having = (cells & common).sum(axis=1)
    joins = having >= LEAST_SHARE * common.sum()
    without_partner = size > 1 and joins.sum() < 2
    shared = cells[joins].all(axis=0) & (not without_partner)
    rows = joins[members] & shared[places]
    return Shared(
        systems=() if without_partner else _members_of(names, joins),
        rows=np.asarray(rows, dtype=np.bool_),
        units=int(shared.sum()),
        common=int(common.sum()),
        having=dict(zip(names, having.tolist(), strict=True)),
        apart=_members_of(names, ~joins),
    )


def _members_of(names: list[str], members: Bools | Ints) -> tuple[str, ...]:
    return tuple(name for name, member in zip(names, members, strict=True) if member)
