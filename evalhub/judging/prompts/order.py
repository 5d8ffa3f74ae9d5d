"""In which order the two responses of a pair are shown."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evalhub.records import digest
from evalhub.scales import Order
from evalhub.specs import Positions


def orders(positions: Positions, pairs: Sequence[tuple[str, str, str]], seed: int) -> list[tuple[Order, ...]]:
    """Return the orders in which each pair is asked.

    Args:
        positions: `both` asks twice; `random` once, balanced within each pair of systems;
            `fixed` once, always system_a first.
        pairs: (item_id, system_a, system_b) of each pair.
        seed: Of the draw.
    """
    if positions is Positions.BOTH:
        return [(Order.AB, Order.BA)] * len(pairs)
    if positions is Positions.FIXED:
        return [(Order.AB,)] * len(pairs)
    return _balanced(pairs, seed)


def list_rows(positions: Positions, rows: int, drawn_by: Sequence[object]) -> tuple[int, ...]:
    """Return the rows in which a list is shown.

    Args:
        positions: `both` takes every row, so that each response stands in each place; `random` one,
            drawn; `fixed` the first.
        rows: Number of rows, at least 1.
        drawn_by: What the draw depends on.
    """
    if positions is Positions.BOTH:
        return tuple(range(rows))
    if positions is Positions.FIXED:
        return (0,)
    return (random.Random(digest(list(drawn_by))).randrange(rows),)


def _balanced(pairs: Sequence[tuple[str, str, str]], seed: int) -> list[tuple[Order, ...]]:
    drawn: list[tuple[Order, ...]] = [()] * len(pairs)
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (_, system_a, system_b) in enumerate(pairs):
        groups.setdefault((system_a, system_b), []).append(place)
    for systems, places in groups.items():
        rng = random.Random(digest([seed, *systems]))
        first = rng.choice([Order.AB, Order.BA])
        half = [first if number % 2 == 0 else first.swapped() for number in range(len(places))]
        rng.shuffle(half)
        for place, order in zip(places, half, strict=True):
            drawn[place] = (order,)
    return drawn
