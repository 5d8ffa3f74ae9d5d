"""The order in which a judge sees the responses of a pair or a list.

Source: rows of a list are balanced as in Williams, Experimental designs balanced for residual effects, 1949.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evalhub.records import digest
from evalhub.scales import Order
from evalhub.specs import Positions

LIST_LETTERS = "ABCDEFGH"
"""The letters of a list's responses. A list has 2 to 8 of them."""


def choose_orders(
    positions: Positions, pairs: Sequence[tuple[str, str, str]], seed: int
) -> list[tuple[Order, ...]]:
    """Return the orders in which each pair is shown.

    Args:
        positions: `both` shows each pair in both orders. `random` shows it once, balanced within each pair of
            systems. `fixed` shows it once, system_a first.
        pairs: (item_id, system_a, system_b) of each pair.
        seed: Seed of the draw.
    """
    if positions is Positions.BOTH:
        return [(Order.AB, Order.BA)] * len(pairs)
    if positions is Positions.FIXED:
        return [(Order.AB,)] * len(pairs)
    return _draw_balanced(pairs, seed)


def list_orders(responses: int) -> tuple[tuple[int, ...], ...]:
    """Return the orders in which a list can be shown: rows of a Latin square.

    Every response stands once in each place (twice if their number is odd). Of any two responses, each stands
    before the other in half of the rows.

    Args:
        responses: Length of the list, 2 to 8.

    Example:
        >>> list_orders(4)
        ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
    """
    zigzag = [0]
    for step in range(1, responses):
        zigzag.append((step + 1) // 2 if step % 2 else responses - step // 2)
    square = [tuple((place + row) % responses for place in zigzag) for row in range(responses)]
    mirror = [row[::-1] for row in square] if responses % 2 else []
    return (*square, *mirror)


def choose_list_orders(positions: Positions, rows: int, seeds: Sequence[object]) -> tuple[int, ...]:
    """Return the rows of `list_orders` in which a list is shown.

    Args:
        positions: `both` takes every row, so that each response stands in each place. `random` draws one row.
            `fixed` takes the first.
        rows: Number of rows, at least 1.
        seeds: The values that decide the draw.
    """
    if positions is Positions.BOTH:
        return tuple(range(rows))
    if positions is Positions.FIXED:
        return (0,)
    return (random.Random(digest(list(seeds))).randrange(rows),)


def _draw_balanced(pairs: Sequence[tuple[str, str, str]], seed: int) -> list[tuple[Order, ...]]:
    by_pair: list[tuple[Order, ...]] = [()] * len(pairs)
    groups: dict[tuple[str, str], list[int]] = {}
    for place, (_, system_a, system_b) in enumerate(pairs):
        groups.setdefault((system_a, system_b), []).append(place)
    for systems, places in groups.items():
        rng = random.Random(digest([seed, *systems]))
        first = rng.choice([Order.AB, Order.BA])
        half = [first if number % 2 == 0 else first.swapped() for number in range(len(places))]
        rng.shuffle(half)
        for place, order in zip(places, half, strict=True):
            by_pair[place] = (order,)
    return by_pair
