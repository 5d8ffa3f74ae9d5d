import pytest

from evalhub.errors import InputError
from evalhub.stats import always_first, balanced_orders, coin, longer

KEYS = [f"q{i}" for i in range(101)]


def test_orders_are_balanced_within_each_pair_of_systems():
    systems = ["x|y"] * 50 + ["x|z"] * 51
    orders = balanced_orders(KEYS, systems, seed=7)
    assert orders[:50].count("ab") == 25
    assert orders[50:].count("ab") in (25, 26)
    assert orders == balanced_orders(KEYS, systems, seed=7)
    assert orders != balanced_orders(KEYS, systems, seed=8)


def test_orders_do_not_hang_on_the_order_of_rows():
    keys = KEYS[:100]
    orders = balanced_orders(keys, ["x|y"] * 100, seed=7)
    assert orders[::-1] == balanced_orders(keys[::-1], ["x|y"] * 100, seed=7)


def test_always_first_takes_what_was_shown_first():
    assert always_first(["ab", "ba", None]) == ["a", "b", None]
    with pytest.raises(InputError):
        always_first(["AB"])


def test_the_coin_is_fair_and_keeps_its_word():
    keys = [str(i) for i in range(4_000)]
    tosses = coin(keys, seed=1)
    assert 1_850 < tosses.count("a") < 2_150
    assert tosses == coin(keys, seed=1)
    assert tosses != coin(keys, seed=2)
    assert coin(keys[:3], seed=1) == tosses[:3]


def test_the_longer_wins():
    assert longer([3, 1, 2, None], [2, 5, 2, 1]) == ["a", "b", "tie", None]
    with pytest.raises(InputError):
        longer([1], [1, 2])
