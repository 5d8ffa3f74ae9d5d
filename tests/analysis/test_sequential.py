"""Who is ahead, on a run written by hand whose order is settled."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub import stats
from evalhub.analysis import Results, rows_of, sequential_tests
from evalhub.judging.early_stopping import cluster_order

Write = Callable[..., Results]
LOOKS = {"confidence": 0.9, "seeds": {"pw": 7}, "order_sizes": {"pw": {"d": {"overall": 1}}}, "pairs": []}


def pair_in_both_orders(hand: Any, item: str, p: float | None) -> list[Any]:
    """Return an item with a pair that was asked in both orders."""
    records = [hand.item(item), hand.response(item, "k"), hand.response(item, "m")]
    return [*records, hand.asked(item, "ab", p), hand.asked(item, "ba", p)]


def test_the_numbers_are_those_of_the_drawn_order(hand: Any, results: Write) -> None:
    chances = {f"i{n}": 0.2 if n < 5 else 0.5 if n == 5 else None if n == 6 else 0.8 for n in range(40)}
    records = [record for item, p in chances.items() for record in pair_in_both_orders(hand, item, p)]
    (row,) = rows_of(sequential_tests(results(records, early_stopping=LOOKS)))
    clusters = sorted(chances, key=lambda item: cluster_order(7, "d", item))
    ps = [chances[item] for item in clusters]
    wins = [None if p is None else 0.5 if p == 0.5 else float(p > 0.5) for p in ps]
    test = stats.sequential_comparison(wins, clusters, bounds=(0, 1), confidence=0.9)
    assert [row[name] for name in ("dataset", "judge", "criterion", "first", "second")] == [
        "d", "pw", "overall", "k", "m",
    ]  # fmt: skip
    assert row["decision"] == test.decision.value == "first"
    assert row["stopped_at"] == test.stopped_at
    assert (row["e_value"], row["p"]) == pytest.approx((test.e_value, test.p))
    assert row["estimate"] == pytest.approx(33.5 / 39)
    assert (row["low"], row["high"]) == pytest.approx((test.mean.low, test.mean.high))
    assert (row["n"], row["clusters"], row["n_excluded"], row["confidence"]) == (39, 39, 1, 0.9)


def test_few_items_leave_the_order_open(hand: Any, results: Write) -> None:
    (row,) = rows_of(sequential_tests(results(hand.pairs(), early_stopping=LOOKS)))
    assert (row["decision"], row["stopped_at"], row["n"]) == ("open", None, 3)


def test_a_pair_without_any_verdict(hand: Any, results: Write) -> None:
    failed = [
        *pair_in_both_orders(hand, "x", None),
        hand.asked("x", "ab", 0.7, pair="kn"),
        hand.asked("x", "ba", 0.7, pair="kn"),
    ]
    row = next(
        row
        for row in rows_of(sequential_tests(results(failed, early_stopping=LOOKS)))
        if row["second"] == "m"
    )
    assert (row["estimate"], row["decision"], row["reason"]) == (None, "open", "nothing was measured")


@pytest.mark.parametrize("looks", [None, {**LOOKS, "seeds": {}}])
def test_no_rows_where_nothing_was_looked_at(hand: Any, results: Write, looks: Any) -> None:
    assert rows_of(sequential_tests(results(hand.pairs(), early_stopping=looks))) == []


def test_no_rows_for_a_run_of_before(hand: Any, results: Write) -> None:
    assert rows_of(sequential_tests(results(hand.pairs()))) == []
