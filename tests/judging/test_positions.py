"""Orders: both, fixed, and random ones that are balanced for each pair of systems."""

import itertools
from collections import Counter

import pytest

from evalhub.judging import choose_orders
from evalhub.scales import Order
from evalhub.specs import Positions


def pairs(items: int) -> list[tuple[str, str, str]]:
    return [(f"i{n}", a, b) for n in range(items) for a, b in itertools.combinations("klm", 2)]


def test_both_asks_twice_and_fixed_once() -> None:
    assert set(choose_orders(Positions.BOTH, pairs(3), 0)) == {(Order.AB, Order.BA)}
    assert set(choose_orders(Positions.FIXED, pairs(3), 0)) == {(Order.AB,)}
    assert choose_orders(Positions.RANDOM, [], 0) == []


@pytest.mark.parametrize("items", [1, 2, 7, 50])
def test_random_is_balanced_within_each_pair_of_systems(items: int) -> None:
    for seed in range(5):
        chosen_orders = choose_orders(Positions.RANDOM, pairs(items), seed)
        counts: Counter[tuple[str, str, Order]] = Counter()
        for (_, a, b), (order,) in zip(pairs(items), chosen_orders, strict=True):
            counts[a, b, order] += 1
        for a, b in itertools.combinations("klm", 2):
            assert abs(counts[a, b, Order.AB] - counts[a, b, Order.BA]) <= 1


def test_random_follows_from_its_seed() -> None:
    assert choose_orders(Positions.RANDOM, pairs(20), 1) == choose_orders(Positions.RANDOM, pairs(20), 1)
    assert choose_orders(Positions.RANDOM, pairs(20), 1) != choose_orders(Positions.RANDOM, pairs(20), 2)


def test_random_does_not_alternate() -> None:
    chosen_orders = [
        order for (order,) in choose_orders(Positions.RANDOM, [(str(n), "k", "m") for n in range(64)], 0)
    ]
    repeats = sum(one is two for one, two in itertools.pairwise(chosen_orders))
    assert 15 < repeats < 48
