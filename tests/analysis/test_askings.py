"""From askings to verdicts and ratings where there are several askings, or not all of them."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from evalhub.analysis import Results, length_penalty, pair_verdicts, ratings, rows_of
from evalhub.analysis.frames.verdicts import all_soft
from evalhub.records import Judgment, Record
from evalhub.scales import Winner

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
    # samples of one order are averaged as probabilities, orders in log-odds
    records = [hand.item("i")] + [
        replace(hand.asked("i", shown, p_of(logit)), repeat=repeat)
        for shown, repeat, logit in (("ab", 0, 3), ("ab", 1, -1), ("ba", 0, -2), ("ba", 1, -2))
    ]
    (row,) = rows_of(pair_verdicts(results(records)))
    assert (row["winner_ab"], row["winner_ba"]) == ("a", "b")
    mean = (p_of(3) + p_of(-1)) / 2
    assert row["p_a"] == pytest.approx(p_of((math.log(mean / (1 - mean)) - 2) / 2))
    spread = statistics.stdev([p_of(3), p_of(-1)])
    assert row["spread"] == pytest.approx(math.sqrt((spread**2 + 0) / 2))


def hard(judgment: Judgment, winner: str) -> Judgment:
    """Return a judgment that has a verdict and no probability."""
    return replace(judgment, winner=Winner(winner), p_a=None, logprobs=None, choice_mass=None)


@pytest.mark.parametrize(
    ("first", "second", "net", "agree"),
    [
        ("a", "a", "a", "a"), ("a", "tie", "a", "tie"), ("tie", "b", "b", "tie"), ("b", "a", "tie", "tie"),
        ("tie", "tie", "tie", "tie"), ("b", "b", "b", "b"),
    ],
)  # fmt: skip
def test_two_hard_verdicts_add_up_or_must_agree(
    hand: Any, results: Write, first: str, second: str, net: str, agree: str
) -> None:
    records = [hand.item("i")]
    for judge in ("sums", "agrees"):
        records += [
            hard(hand.asked("i", "ab", 0.5, judge=judge), first),
            hard(hand.asked("i", "ba", 0.5, judge=judge), second),
        ]
    cards = {"d": {"id": "d", "judges": {"sums": {}, "agrees": {"combine_orders": "agree"}}}}
    rows = {row["judge"]: row for row in rows_of(pair_verdicts(results(records, cards=cards)))}
    assert rows["sums"]["winner"] == net
    assert rows["agrees"]["winner"] == agree
    assert rows["agrees"]["p_a"] is None


@pytest.mark.parametrize("failed", [True, False])
def test_orders_that_must_agree_need_both(hand: Any, results: Write, failed: bool) -> None:
    records = [hand.item("i"), hand.asked("i", "ab", 0.9)]
    records += [hand.asked("i", "ba", None)] if failed else []
    cards = {"d": {"id": "d", "judges": {"pw": {"combine_orders": "agree"}}}}
    (row,) = rows_of(pair_verdicts(results(records, cards=cards)))
    assert (row["winner"], row["winner_ab"]) == (None, "a")


def test_probabilities_whose_orders_must_agree_give_a_hard_verdict(hand: Any, results: Write) -> None:
    # the net of log-odds is for a, yet the second order says b
    records = [hand.item("i"), hand.asked("i", "ab", 0.99), hand.asked("i", "ba", 0.4)]
    cards = {"d": {"id": "d", "judges": {"pw": {"combine_orders": "agree"}}}}
    (row,) = rows_of(pair_verdicts(results(records, cards=cards)))
    assert (row["winner"], row["p_a"]) == ("tie", None)


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
    assert pairwise["length_spread"] == pytest.approx(math.sqrt(1400 / 3))
    assert (pairwise["judge"], pairwise["median_chars"]) == ("pw", None)
    assert pointwise == {
        "dataset": "d", "judge": "pt", "strength": 0.5, "length_spread": None, "median_chars": 30, "items": 3,
    }  # fmt: skip


def test_no_penalty_has_no_table(hand: Any, results: Write) -> None:
    assert rows_of(length_penalty(results([hand.item("i"), hand.asked("i", "ab", 0.9)]))) == []


def sampled(hand: Any, *logits: tuple[float, float]) -> list[Record]:
    """One pair; each sample asked in both orders, a reading for each."""
    return [hand.item("i")] + [
        replace(hand.asked("i", shown, p_of(logit)), repeat=repeat)
        for repeat, both in enumerate(logits)
        for shown, logit in zip(("ab", "ba"), both, strict=True)
    ]


def test_samples_may_vote(hand: Any, results: Write) -> None:
    # the orders of the samples combine to a, a, b; the mean of the probabilities says b
    records = sampled(hand, (0.3, 0.1), (0.2, 0.2), (-5, -5))
    for combine, winner in (("vote", "a"), ("mean", "b")):
        (row,) = rows_of(pair_verdicts(results(records, judges={"pw": {"combine": combine}})))
        assert row["winner"] == winner, combine
        assert (row["p_a"] == pytest.approx(2 / 3)) == (combine == "vote")


def test_a_draw_of_votes_is_a_tie(hand: Any, results: Write) -> None:
    run = results(sampled(hand, (1, 1), (-1, -1)), judges={"pw": {"combine": "vote"}})
    (row,) = rows_of(pair_verdicts(run))
    assert row["winner"] == "tie"


@pytest.mark.parametrize(("samples", "soft"), [(1, False), (2, False), (3, True)])
def test_one_or_two_rationales_are_not_called_soft(
    hand: Any, results: Write, samples: int, soft: bool
) -> None:
    facts = {"mode": "explain", "samples": samples}
    run = results(sampled(hand, *[(1, 1)] * samples), judges={"pw": facts})
    (row,) = rows_of(pair_verdicts(run))
    assert row["winner"] == "a"
    assert (row["p_a"] is not None) == soft
    rated = [hand.item("i"), *(replace(hand.rated("i", "k", 2), repeat=n) for n in range(samples))]
    (row,) = rows_of(ratings(results(rated, judges={"pt": facts})))
    assert (row["value"], row["expected"] is not None) == (2, soft)


def test_ratings_vote_for_a_level(hand: Any, results: Write) -> None:
    levels = (1, 3, 3, 1, 3)
    records = [hand.item("i"), *(replace(hand.rated("i", "k", v), repeat=n) for n, v in enumerate(levels))]
    for combine, value in (("vote", 3), ("mean", 2.2)):
        (row,) = rows_of(ratings(results(records, judges={"pt": {"combine": combine}})))
        assert row["value"] == pytest.approx(value)
        assert row["spread"] == pytest.approx(statistics.stdev(levels))


def test_a_hard_verdict_has_none_after_the_length_penalty(hand: Any, results: Write) -> None:
    records = [hand.item("i"), hand.response("i", "k", 90), hand.response("i", "m", 10)]
    records += [hard(hand.asked("i", shown, 0.5), "a") for shown in ("ab", "ba")]
    (row,) = rows_of(pair_verdicts(results(records, resolved=PENALTY)))
    assert (row["winner"], row["winner_penalised"], row["p_a_penalised"]) == ("a", None, None)


@pytest.mark.parametrize(
    ("winners", "p_a", "soft"),
    [
        (["a", None, "b"], [0.9, None, 0.1], True),
        (["a", "b"], [0.9, None], False),
        ([None, None], [None, None], False),
    ],
)
def test_soft_readings_need_the_probability_of_every_verdict(
    winners: list[Any], p_a: list[Any], soft: bool
) -> None:
    frame = pd.DataFrame({"winner": winners, "p_a": pd.array(p_a, dtype="Float64")})
    assert all_soft(frame) is soft
