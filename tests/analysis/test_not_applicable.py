"""A verdict that the criterion does not apply: measured, counted apart, and in no mean."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub import analysis
from evalhub.analysis import Results, rows_of
from evalhub.records import FailureKind, Judgment
from evalhub.report.format import Footnotes
from evalhub.report.grids.coverage import verdict_grids


def only(frame: Any, **keys: Any) -> dict[str, Any]:
    (row,) = (row for row in rows_of(frame) if all(row[name] == value for name, value in keys.items()))
    return row


def empty(judgment: Judgment) -> Judgment:
    return replace(judgment, value=None, expected=None, failure=FailureKind.NOT_APPLICABLE, detail="no part")


def answered(hand: Any) -> list[Any]:
    records: list[Any] = []
    for number in range(6):
        records.append(hand.item(f"i{number}"))
        records += [hand.response(f"i{number}", system) for system in "km"]
    return records


def test_it_is_measured_and_in_no_mean(results: Callable[..., Results], hand: Any) -> None:
    ratings = [
        hand.rated(f"i{number}", system, value)
        for number, value in enumerate((1, 2, 3, 3, 2, 1.0))
        for system in "km"
    ]
    ratings = [empty(rating) if rating.item_id in ("i0", "i5") else rating for rating in ratings]
    ratings = [
        replace(rating, value=None, expected=None, failure=FailureKind.PARSE)
        if rating.item_id == "i1" and rating.system == "m"
        else rating
        for rating in ratings
    ]
    labels = [hand.label(rating.item_id, rating.system, 2.0) for rating in ratings if rating.system == "k"]
    labels = [
        replace(label, value=None, not_applicable=True) if label.item_id == "i2" else label
        for label in labels
    ]
    run = results([*answered(hand), *ratings, *labels], expected={"pt": 12})
    share = only(analysis.coverage(run), judge="pt", statistic="coverage")
    assert (share["done"], share["failed"], share["not_applicable"]) == (12, 1, 4)
    assert share["estimate"] == 11 / 12
    board = only(analysis.leaderboard(run), system="k", rater="pt", measure="mean score")
    assert (board["estimate"], board["n"]) == (pytest.approx(8 / 3), 3)  # m failed on one of the four items
    assert (board["unshared"], board["unshared_n"], board["n_not_shared"]) == (2.5, 4, 1)
    assert only(analysis.leaderboard(run), system="k", rater="human labels")["n"] == 5
    assert [row["failure"] for row in rows_of(analysis.failures(run))] == ["parse"]
    worst = only(analysis.worst_case_bounds(run), rater="pt", system="m", measure="mean score")
    assert (worst["failed"], worst["n"]) == (1, 4)
    (grid,) = verdict_grids({"coverage": rows_of(analysis.coverage(run)), "exclusions": []}, Footnotes())
    assert dict(zip(grid.head, grid.rows[0], strict=True))["not applicable"] == "4"


def test_half_of_the_samples_decide(results: Callable[..., Results], hand: Any) -> None:
    def sampled(item: str, *values: float | None) -> list[Judgment]:
        ratings = [
            replace(hand.rated(item, "k", value or 1.0), repeat=place) for place, value in enumerate(values)
        ]
        return [empty(rating) if values[rating.repeat] is None else rating for rating in ratings]

    judgments = [*sampled("i0", 2, 3, None), *sampled("i1", 3, None, None), *sampled("i2", 1, None)]
    run = results([*answered(hand), *judgments])
    by_item = {
        row["item_id"]: (row["value"], row["expected"], row["not_applicable"])
        for row in rows_of(analysis.ratings(run))
    }
    assert by_item == {"i0": (2.5, 2.5, False), "i1": (None, None, True), "i2": (None, None, True)}


def test_a_judge_that_only_says_so_was_heard(results: Callable[..., Results], hand: Any) -> None:
    run = results([*answered(hand), empty(hand.rated("i0", "k", 1.0))], expected={"pt": 1})
    assert only(analysis.coverage(run), statistic="coverage")["estimate"] == 1.0
    assert [row["not_applicable"] for row in rows_of(analysis.ratings(run))] == [True]
    assert not len(analysis.leaderboard(run))
