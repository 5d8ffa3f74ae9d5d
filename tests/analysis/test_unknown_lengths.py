"""Under a length penalty, what was said of a response of unknown length has no penalised value."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, pair_verdicts, ratings, rows_of
from evalhub.analysis.ranking.leaderboard import NO_PENALTY
from evalhub.records import Record, Response

Write = Callable[..., Results]
PENALTY = {"suite": {"controls": {"length_penalty": 0.5}}}
MEAN, WINS = "mean score (length-penalised)", "win rate (length-penalised)"


def unknown(item: str, system: str) -> Response:
    return Response("d", item, system, families=("none",))


def rated(hand: Any, **chars: int | None) -> list[Record]:
    """Return one item whose answers have these lengths; each is rated 3. None is unknown."""
    records: list[Record] = [hand.item("i")]
    for system, length in chars.items():
        records += [unknown("i", system) if length is None else hand.response("i", system, length)]
        records += [hand.rated("i", system, 3)]
    return records


def test_a_rating_of_unknown_length_is_not_penalised_by_nothing(hand: Any, results: Write) -> None:
    run = results(rated(hand, k=10, m=None, n=40), resolved=PENALTY)
    rows = {row["system"]: row for row in rows_of(ratings(run))}
    assert [rows[system]["value"] for system in "kmn"] == [3, 3, 3]
    # the median of the known lengths is 25
    after = {"k": 3, "m": None, "n": 3 - 0.5 * math.log2(40 / 25)}
    assert {system: row["value_penalised"] for system, row in rows.items()} == pytest.approx(after)
    board = {row["system"]: row for row in rows_of(leaderboard(run)) if row["measure"] == MEAN}
    assert (board["m"]["estimate"], board["m"]["reason"], board["m"]["n_excluded"]) == (None, NO_PENALTY, 1)
    assert board["k"]["estimate"] == 3


def test_without_a_penalty_nothing_is_taken_away(hand: Any, results: Write) -> None:
    rows = rows_of(ratings(results(rated(hand, k=10, m=None))))
    assert [row["value_penalised"] for row in rows] == [3, 3]


def test_an_empty_answer_has_a_length(hand: Any, results: Write) -> None:
    rows = rows_of(ratings(results(rated(hand, k=0, m=8), resolved=PENALTY)))
    assert [row["value_penalised"] for row in rows] == pytest.approx([3, 3 - 0.5 * math.log2(8 / 4)])


def test_a_judge_of_lengths_that_nobody_knows_says_why(hand: Any, results: Write) -> None:
    board = rows_of(leaderboard(results(rated(hand, k=None, m=None), resolved=PENALTY)))
    told = [(row["estimate"], row["reason"]) for row in board if row["measure"] == MEAN]
    assert told == [(None, NO_PENALTY)] * 2


@pytest.mark.parametrize("known", ["", "k"])
def test_pairs_too(hand: Any, results: Write, known: str) -> None:
    records: list[Record] = [hand.item("i")]
    records += [hand.response("i", system) if system in known else unknown("i", system) for system in "km"]
    records += [hand.asked("i", "ab", 0.9), hand.asked("i", "ba", 0.9)]
    run = results(records, resolved=PENALTY)
    (row,) = rows_of(pair_verdicts(run))
    assert (row["winner"], row["winner_penalised"], row["p_a_penalised"]) == ("a", None, None)
    board = [row for row in rows_of(leaderboard(run)) if row["measure"] == WINS]
    assert [(row["estimate"], row["reason"]) for row in board] == [(None, NO_PENALTY)] * 2
