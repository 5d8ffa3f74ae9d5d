"""From askings to verdicts and ratings where there are several askings, or not all of them."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, length_penalty, pair_verdicts, ratings, rows_of
from evalhub.records import Record

Write = Callable[..., Results]
PENALTY = {"suite": {"controls": {"length_penalty": 0.5}}}


def p_of(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_a_position_cancels_also_where_one_order_was_asked_more_often(hand: Any, results: Write) -> None:
    # the judge adds 2 to whoever stands first and prefers a by 0.5
    first, second = hand.asked("i", "ab", p_of(2.5)), hand.asked("i", "ba", p_of(-1.5))
    records = [hand.item("i"), first, replace(first, repeat=1), second]
    (row,) = rows_of(pair_verdicts(results(records)))
    assert row["p_a"] == pytest.approx(p_of(0.5))
    assert (row["winner_ab"], row["winner_ba"], row["askings"]) == ("a", "b", 3)


def test_the_askings_of_one_order_are_averaged(hand: Any, results: Write) -> None:
    # mean log-odds of ab: (3 - 1) / 2 = 1, of ba: -2
    records = [hand.item("i")] + [
        replace(hand.asked("i", shown, p_of(logit)), repeat=repeat)
        for shown, repeat, logit in (("ab", 0, 3), ("ab", 1, -1), ("ba", 0, -2), ("ba", 1, -2))
    ]
    (row,) = rows_of(pair_verdicts(results(records)))
    assert (row["winner_ab"], row["winner_ba"]) == ("a", "b")
    assert row["p_a"] == pytest.approx(p_of(-0.5))


@pytest.mark.parametrize(("positions", "winner"), [("both", None), ("random", "a")])
def test_half_of_both_orders_is_no_verdict(
    hand: Any, results: Write, positions: str, winner: str | None
) -> None:
    run = results([hand.item("i"), hand.asked("i", "ab", 0.9)], judges={"pw": {"positions": positions}})
    (row,) = rows_of(pair_verdicts(run))
    assert (row["winner"], row["winner_ab"]) == (winner, "a")


def test_the_penalty_says_what_it_counts_from(hand: Any, results: Write) -> None:
    records: list[Record] = [hand.item("i"), hand.item("j"), hand.item("l")]
    for item, lengths in {"i": (10, 20, 60), "j": (10, 30, 40), "l": (40, 70, 80)}.items():
        for system, chars in zip("kmn", lengths, strict=True):
            records += [hand.response(item, system, chars), hand.rated(item, system, 2)]
        records.append(hand.asked(item, "ab", 0.9))
    run = results(records, resolved=PENALTY)
    assert {(row["item_id"], row["median_chars"]) for row in rows_of(ratings(run))} == {
        ("i", 20), ("j", 30), ("l", 70),
    }  # fmt: skip
    pairwise, pointwise = rows_of(length_penalty(run))
    # k - m: -10 -20 -30
    assert pairwise["length_spread"] == pytest.approx(math.sqrt(200 / 3))
    assert (pairwise["judge"], pairwise["median_chars"]) == ("pw", None)
    assert pointwise == {
        "dataset": "d", "judge": "pt", "strength": 0.5, "length_spread": None, "median_chars": 30, "items": 3,
    }  # fmt: skip


def test_no_penalty_has_no_table(hand: Any, results: Write) -> None:
    assert rows_of(length_penalty(results([hand.item("i"), hand.asked("i", "ab", 0.9)]))) == []
