"""Which units the systems of a ranking share: means over different units do not compare."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Bools, Column, Ints, codes, same_length

LEAST_SHARE = 0.5
"""Of the common units: a system that has less than this share of them is set apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What of several systems compares.

    Attributes:
        systems: Those that are ranked together, sorted; empty where fewer than two are left to compare.
        rows: (n,) True where a row is of such a system and of a unit that all of them have.
        units: Number of these units.
        common: Number of units that at least half of all systems have, and at least two.
        having: How many of the common units each system has.
        apart: Systems with less than half of the common units, sorted: to rank them with the others would
            cost the others most of their units.
    """

    systems: tuple[str, ...]
    rows: Bools
    units: int
    common: int
    having: dict[str, int]
    apart: tuple[str, ...]


def shared_units(systems: Column, units: Column) -> Shared:
    """Return on which units the systems compare, and which systems compare with none.

    A system with less than half of the common units is set apart. The others are ranked on the units that
    all of them have. The rule knows no names and no values, so that no result can decide who is ranked.

    Args:
        systems: (n,) system of each row.
        units: (n,) what the row is of, such as an item; a failed row counts as any other.

    Returns:
        The rows that compare. One system alone compares on all its units.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> found = shared_units(["x", "x", "x", "y", "y"], ["q1", "q2", "q3", "q2", "q3"])
        >>> found.units, found.rows.tolist(), found.apart
        (2, [False, True, True, True, True], ())
    """
    same_length({"systems": systems, "units": units})
    members, size = codes(systems)
    places, count = codes(units)
    names = np.unique(np.asarray(systems).astype(np.str_)).tolist()
    has = np.zeros((size, count), dtype=np.bool_)
    has[members, places] = True
    common = has.sum(axis=0) >= min(size, max(2, math.ceil(size / 2)))
    having = (has & common).sum(axis=1)
    joins = having >= LEAST_SHARE * common.sum()
    alone = size > 1 and joins.sum() < 2
    whole = has[joins].all(axis=0) & (not alone)
    rows = joins[members] & whole[places]
    return Shared(
        systems=() if alone else _named(names, joins),
        rows=np.asarray(rows, dtype=np.bool_),
        units=int(whole.sum()),
        common=int(common.sum()),
        having=dict(zip(names, having.tolist(), strict=True)),
        apart=_named(names, ~joins),
    )


def _named(names: list[str], members: Bools | Ints) -> tuple[str, ...]:
    return tuple(name for name, member in zip(names, members, strict=True) if member)
