"""Systems that were measured on different items, worked out by hand."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    bradley_terry_ratings,
    comparisons,
    leaderboard,
    length_controlled_win_rates,
    prediction_powered,
    ranks,
    rows_of,
    sensitivity,
    win_probabilities,
    worst_case_bounds,
)
from evalhub.analysis.ranking.leaderboard import comparability_sentences
from evalhub.records import FailureKind, Response
from evalhub.report.format import Footnotes
from evalhub.report.grids.leaderboard import unshared_grids
from evalhub.report.grids.ranks import rank_grids

Write = Callable[..., Results]
Row = dict[str, Any]


def by_system(frame: Any, **facts: Any) -> dict[str, Row]:
    """Return the rows of some names by system."""
    rows = [row for row in rows_of(frame) if all(row[name] == value for name, value in facts.items())]
    assert len({row["system"] for row in rows}) == len(rows)
    return {row["system"]: row for row in rows}


def ratings(hand: Any, answers: dict[str, dict[int, float | None]], *, by: str = "rated") -> list[Any]:
    """Return items, and what each system got on those that it answered; None is a failure."""
    numbers = sorted({n for values in answers.values() for n in values})
    records = [hand.item(f"i{n}") for n in numbers]
    for system, values in answers.items():
        for n, value in values.items():
            records += [hand.response(f"i{n}", system), getattr(hand, by)(f"i{n}", system, value)]
    return records


def pairs(hand: Any, matches: Iterable[tuple[int, str, float | None]]) -> list[Any]:
    """Return items and pairs in both orders: item, the two systems, how sure the first one wins."""
    matches = list(matches)
    records = [hand.item(f"i{n}") for n in dict.fromkeys(n for n, _, _ in matches)]
    answers = {(n, system) for n, pair, _ in matches for system in pair}
    records += [hand.response(f"i{n}", system) for n, system in sorted(answers)]
    for n, pair, p in matches:
        records += [hand.asked(f"i{n}", shown, p, pair=pair) for shown in ("ab", "ba")]
    return records


# Ten easy items, ten hard ones. `y` answered the easy ones alone, `x` all, `z` all but the first two.
EASY = dict.fromkeys(range(10), 3.0)
HARD = dict.fromkeys(range(10, 20), 1.0)
X = {**EASY, **HARD}
Y = {n: (2.0 if n < 6 else 3.0) for n in range(10)}
Z = {n: (2.0 if n in (2, 3) else value) for n, value in X.items() if n > 1}


@pytest.mark.parametrize(
    ("by", "measure"), [("rated", "mean score"), ("label", "mean label"), ("score", "rougeL")]
)
def test_ranked_on_what_all_share(hand: Any, results: Write, by: str, measure: str) -> None:
    run = results(ratings(hand, {"x": X, "y": Y, "z": Z}, by=by))
    board = by_system(leaderboard(run), measure=measure)
    # items 2 to 9: x all 3, y four times 2 and four times 3, z twice 2 and six times 3
    assert {name: row["estimate"] for name, row in board.items()} == {"x": 3.0, "y": 2.5, "z": 2.75}
    assert {row["n"] for row in board.values()} == {8}
    assert {name: row["n_not_shared"] for name, row in board.items()} == {"x": 12, "y": 2, "z": 10}
    assert {name: row["rank"] for name, row in board.items()} == {"x": 1, "z": 2, "y": 3}
    unshared = {name: row["unshared"] for name, row in board.items()}
    assert unshared == pytest.approx({"x": 2.0, "y": 2.4, "z": (8 * 3 - 2 + 10) / 18})
    assert {name: row["unshared_n"] for name, row in board.items()} == {"x": 20, "y": 10, "z": 18}
    assert max(unshared, key=unshared.__getitem__) == "y"  # what would lead, were items not shared
    places = by_system(ranks(run), measure=measure)
    assert {row["items"] for row in places.values()} == {8}
    assert {row["basis"] for row in places.values()} == {"the same items"}
    gaps = [row for row in rows_of(comparisons(run)) if (row["first"], row["second"]) == ("x", "y")]
    assert {row["estimate"] > 0 for row in gaps} == {True}


def test_one_system_with_few_items_has_no_rank(hand: Any, results: Write) -> None:
    four_items = dict.fromkeys(range(4), 3.0)
    run = results(ratings(hand, {"x": X, "w": {n: v - (n < 4) for n, v in X.items()}, "few": four_items}))
    board = by_system(leaderboard(run), measure="mean score")
    assert (board["x"]["estimate"], board["w"]["estimate"]) == (2.0, 1.8)
    assert {board[name]["n_not_shared"] for name in "xw"} == {0}
    assert {board[name]["unshared"] for name in "xw"} == {None}
    assert (board["few"]["estimate"], board["few"]["rank"]) == (None, None)
    assert (board["few"]["unshared"], board["few"]["n_not_shared"]) == (3.0, 4)
    assert "4 of the 20 items" in board["few"]["reason"]
    place = by_system(ranks(run), measure="mean score")["few"]
    assert (place["rank"], place["low"], place["reason"]) == (None, None, board["few"]["reason"])
    (grid,) = rank_grids({"ranks": rows_of(ranks(run)), "metrics": {}}, Footnotes())
    assert grid.rows[-1][0] == "few"
    assert grid.rows[-1][1].startswith("–")


def test_no_shared_item(hand: Any, results: Write) -> None:
    run = results(ratings(hand, {"x": EASY, "y": HARD}))
    board = by_system(leaderboard(run), measure="mean score")
    assert {row["estimate"] for row in board.values()} == {None}
    assert {row["rank"] for row in board.values()} == {None}
    assert {row["reason"] for row in board.values()} == {"no item was measured for all of these systems"}
    assert {name: row["unshared"] for name, row in board.items()} == {"x": 3.0, "y": 1.0}
    assert rows_of(worst_case_bounds(run)) == []


def test_what_failed_was_not_measured(hand: Any, results: Write) -> None:
    # y failed on two items and never saw a fourth: both are ranked on the third
    values = {"x": {0: 3, 1: 2, 2: 3, 3: 1}, "y": {0: None, 1: None, 2: 2}}
    board = by_system(leaderboard(results(ratings(hand, values))), measure="mean score")
    assert (board["x"]["estimate"], board["x"]["n_not_shared"]) == (3.0, 3)
    assert (board["y"]["estimate"], board["y"]["n_excluded"], board["y"]["n_not_shared"]) == (2.0, 2, 0)
    worst = by_system(worst_case_bounds(results(ratings(hand, values))), measure="mean score")
    assert {name: (row["failed"], row["n"]) for name, row in worst.items()} == {"y": (2, 3)}


def test_a_response_that_failed_has_failed_under_each_metric(hand: Any, results: Write) -> None:
    records = ratings(hand, {"x": {0: 1.0, 1: 0.5, 2: 0.0}, "y": {0: 1.0, 1: 1.0}}, by="score")
    records.append(Response("d", "i2", "y", failure=FailureKind.ENGINE))
    board = by_system(leaderboard(results(records)), measure="rougeL")
    assert (board["x"]["estimate"], board["x"]["n_not_shared"], board["x"]["unshared"]) == (0.75, 1, 0.5)
    assert (board["y"]["estimate"], board["y"]["n"], board["y"]["n_excluded"]) == (1.0, 2, 1)


@pytest.mark.parametrize(("by", "measure"), [("rated", "mean score"), ("score", "rougeL")])
def test_who_fails_on_hard_items_does_not_lead(hand: Any, results: Write, by: str, measure: str) -> None:
    # y is worse than x on each easy item, and failed on all hard ones
    y = dict.fromkeys(EASY, 2.5) | dict.fromkeys(HARD)
    board = by_system(leaderboard(results(ratings(hand, {"x": X, "y": y}, by=by))), measure=measure)
    assert (board["x"]["estimate"], board["y"]["estimate"]) == (3.0, 2.5)
    assert {name: row["rank"] for name, row in board.items()} == {"x": 1, "y": 2}
    assert (board["x"]["n_not_shared"], board["x"]["unshared"]) == (10, 2.0)
    assert (board["y"]["n_not_shared"], board["y"]["n_excluded"]) == (0, 10)


def test_an_item_of_many_samples_weighs_as_any_other(hand: Any, results: Write) -> None:
    # x is good on item 0, of which it gave four answers; its fourth answer to item 1 failed
    records = ratings(hand, {"x": {0: 3, 1: 1, 2: 1}, "y": {0: 2, 1: 2, 2: 2}})
    for sample in (1, 2, 3):
        extra = [hand.response("i0", "x"), hand.rated("i0", "x", 3)]
        extra += [hand.response("i1", "x"), hand.rated("i1", "x", None)] if sample == 3 else []
        records += [replace(record, sample=sample) for record in extra]
    run = results(records)
    board = by_system(leaderboard(run), measure="mean score")
    assert {name: row["estimate"] for name, row in board.items()} == {"x": pytest.approx(5 / 3), "y": 2.0}
    assert {name: row["rank"] for name, row in board.items()} == {"x": 2, "y": 1}
    assert (board["x"]["n"], board["x"]["n_excluded"], board["x"]["n_not_shared"]) == (3, 1, 0)
    (gap,) = [row for row in rows_of(comparisons(run)) if row["measure"] == "mean score"]
    assert gap["estimate"] == pytest.approx(5 / 3 - 2)
    # the failed answer is half of item 1: it could have been 1 or 3
    worst = by_system(worst_case_bounds(run), measure="mean score")["x"]
    assert (worst["failed"], worst["n"]) == (1, 3)
    assert (worst["lowest"], worst["highest"]) == pytest.approx((5 / 3, 2))


def test_people_and_judge_on_the_items_that_all_share(hand: Any, results: Write) -> None:
    labels = [hand.label(f"i{n}", system, 2.0) for system in "xy" for n in range(5)]
    run = results([*ratings(hand, {"x": X, "y": dict.fromkeys(EASY, 3.0)}), *labels])
    combined = {
        row["system"]: row for row in rows_of(prediction_powered(run)) if row["statistic"] == "people + judge"
    }
    assert {name: row["verdicts"] for name, row in combined.items()} == {"x": 10, "y": 10}
    assert {name: row["labelled"] for name, row in combined.items()} == {"x": 5, "y": 5}


class TestPairs:
    def test_only_items_on_which_all_met(self, hand: Any, results: Write) -> None:
        # against b: x wins half of the easy items and no hard one, y was asked on three of four easy ones
        easy = [(n, "bx", 0.1 if n % 2 else 0.9) for n in range(8)]
        hard = [(n, "bx", 0.9) for n in range(8, 12)]
        other = [(n, "by", 0.1 if n % 3 == 0 else 0.9) for n in range(6)]
        run = results(pairs(hand, [*easy, *hard, *other]))
        board = by_system(leaderboard(run), rater="pw", measure="win rate")
        # items 0 to 5: x wins 1, 3 and 5, y wins 0 and 3
        assert board["x"]["estimate"] == 3 / 6
        assert board["y"]["estimate"] == pytest.approx(2 / 6)
        assert board["b"]["estimate"] == pytest.approx(7 / 12)
        assert {name: row["n_not_shared"] for name, row in board.items()} == {"b": 6, "x": 6, "y": 0}
        assert board["x"]["unshared"] == pytest.approx(4 / 12)
        assert {name: row["rank"] for name, row in board.items()} == {"b": 1, "x": 1, "y": 3}
        elo = by_system(bradley_terry_ratings(run), measure="Elo")
        assert {row["clusters"] for row in elo.values()} == {6}
        observed = [row for row in rows_of(win_probabilities(run)) if row["statistic"] == "observed"]
        assert {(row["first"], row["second"]): row["n"] for row in observed if row["n"]} == {
            ("b", "x"): 6, ("b", "y"): 6,
        }  # fmt: skip
        label_criteria = by_system(length_controlled_win_rates(run), measure="win rate (soft)")
        assert {name: row["n"] for name, row in label_criteria.items()} == {"x": 6, "y": 6}

    def test_a_system_that_met_few_is_set_apart_with_its_matches(self, hand: Any, results: Write) -> None:
        matches = [(n, "xy", 0.9 if n % 3 else 0.1) for n in range(12)]
        matches += [(n, pair, 0.1) for n in range(2) for pair in ("xz", "yz")]
        run = results(pairs(hand, matches))
        board = by_system(leaderboard(run), rater="pw", measure="win rate")
        assert board["x"]["estimate"] == pytest.approx(8 / 12)
        assert (board["z"]["estimate"], board["z"]["rank"], board["z"]["unshared"]) == (None, None, 1.0)
        assert board["x"]["n_not_shared"] == 0
        elo = by_system(bradley_terry_ratings(run), measure="Elo")
        assert elo["z"]["estimate"] is None
        assert elo["x"]["estimate"] > 1000 > elo["y"]["estimate"]
        assert "2 of the 12 items" in elo["z"]["reason"]

    def test_nobody_is_ranked_against_a_baseline_on_different_items(self, hand: Any, results: Write) -> None:
        matches = [(n, "b" + "xyz"[n // 5], 0.9 if n % 2 else 0.2) for n in range(15)]
        run = results(pairs(hand, matches))
        board = by_system(leaderboard(run), rater="pw", measure="win rate")
        assert (
            {row["rank"] for row in board.values()} == {row["estimate"] for row in board.values()} == {None}
        )
        assert "5 of the 15 items" in board["x"]["reason"]
        assert board["b"]["reason"] == "no other system was measured on enough of the same items"
        label_criteria = by_system(length_controlled_win_rates(run), measure="win rate (length-controlled)")
        assert {row["estimate"] for row in label_criteria.values()} == {None}

    def test_drawn_pairs_compare_through_their_opponents(self, hand: Any, results: Write) -> None:
        # each item has one of the three pairs: x beats y, y beats z, and x loses to z at times
        wins = {"xy": (0.9, 0.9, 0.9, 0.1), "yz": (0.9, 0.9, 0.1, 0.9), "xz": (0.9, 0.9, 0.1, 0.9)}
        matches = [(3 * at + n, pair, p) for n, pair in enumerate(wins) for at, p in enumerate(wins[pair])]
        run = results(pairs(hand, matches))
        board = by_system(leaderboard(run), rater="pw", measure="win rate")
        assert {name: row["rank"] for name, row in board.items()} == {"x": 1, "y": 2, "z": 3}
        assert {row["basis"] for row in board.values()} == {"shared opponents"}
        assert {row["n_not_shared"] for row in board.values()} == {0}
        (note,) = comparability_sentences(rows_of(leaderboard(run)), ())
        assert "shared opponents" in note
        assert "Their win rates are not comparable" in note


def test_the_ranking_under_each_variant_is_of_shared_items(hand: Any, results: Write) -> None:
    records = ratings(hand, {"x": X, "y": Y})
    records += [hand.label(f"i{n}", "x", value) for n, value in X.items()]
    records += [hand.label(f"i{n}", "y", value) for n, value in Y.items()]
    run = results(records)
    changes = [row for row in rows_of(sensitivity([run])) if row["rater_kind"] != "metric"]
    assert changes
    assert {tuple(row["winners"]) for row in changes} == {("x",)}


def test_the_report_says_what_was_set_aside(hand: Any, results: Write) -> None:
    board = rows_of(leaderboard(results(ratings(hand, {"x": X, "y": Y}))))
    data = {"leaderboard": board, "metrics": {}}
    (note,) = comparability_sentences(board, ())
    assert note.startswith("d: pt did not measure all systems on the same items")
    (grid,) = unshared_grids(data, Footnotes())
    assert [(line[2], line[3], line[4]) for line in grid.rows] == [
        ("x", "mean score", "10"), ("x", "mean score (soft)", "10"),
    ]  # fmt: skip


def test_nothing_is_said_where_all_share_all(hand: Any, results: Write) -> None:
    board = rows_of(leaderboard(results(ratings(hand, {"x": X, "w": X}))))
    data = {"leaderboard": board, "metrics": {}}
    assert not list(comparability_sentences(board, ()))
    assert not list(unshared_grids(data, Footnotes()))
