"""Tidy rows as texts: numbers, intervals, footnotes, grids."""

import pytest

from evalhub.report.format import Footnotes, Grid, grouped, interval, pivot, visible
from evalhub.report.outputs.terminal import fold
from evalhub.texts import count, number


def row(estimate: float | None, low: float | None, high: float | None, **more: object) -> dict[str, object]:
    return {"estimate": estimate, "low": low, "high": high, "n": 10, "reason": None, **more}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (-0.001, "0.00"),
        (1.0, "1.00"),
        (-1.0, "-1.00"),
        (-0.5, "-0.50"),
        (10.25, "10.25"),
        (None, "–"),
    ],
)
def test_a_number_has_no_needless_sign_or_zero(value: float | None, text: str) -> None:
    assert number(value) == text


def test_large_numbers_have_fewer_places_all_alike() -> None:
    assert interval(row(104.2, 75.66, 132.4), Footnotes()) == "104 [76, 132]"
    assert interval(row(12.345, 9.5, 15.25), Footnotes()) == "12.3 [9.5, 15.2]"
    assert count(None) == "–"


def test_what_is_absent_has_one_footnote_per_reason() -> None:
    notes = Footnotes()
    assert interval(row(None, None, None, reason="no pairs"), notes) == "–¹"
    assert interval(row(0.5, None, None, reason="3 clusters"), notes) == "0.50 [–]²"
    assert interval(row(None, None, None, reason="no pairs"), notes) == "–¹"
    assert notes.lines() == ["¹ no pairs", "² 3 clusters"]


def test_nothing_in_a_text_steers_a_terminal() -> None:
    assert visible("a\x1b[31mb\x07\nc\u202ed") == "a\ufffd[31mb\ufffd c\ufffdd"


def test_a_pivot_says_n_once_where_it_is_shared_and_leaves_holes_empty() -> None:
    rows = [
        row(0.5, 0.4, 0.6, system="x", measure="m"),
        row(0.7, 0.6, 0.8, system="y", measure="m"),
        row(0.9, 0.8, 1.0, system="x", measure="k", n=3),
        row(0.1, 0.0, 0.2, system="z", measure="k", n=4),
    ]
    grid = pivot(rows, Footnotes(), title="t", names={"system": "system"}, across=("measure",))
    assert grid.head == ("system", "m\nn 10", "k")
    assert grid.rows == (
        ("x", "0.50 [0.40, 0.60]", "0.90 [0.80, 1.00] n 3"),
        ("y", "0.70 [0.60, 0.80]", ""),
        ("z", "", "0.10 [0.00, 0.20] n 4"),
    )


def test_a_wide_grid_is_folded_and_keeps_its_names() -> None:
    grid = Grid("t", ("system", *"abcde"), (("x" * 10, *["1" * 20] * 5),))
    parts = list(fold(grid, 60))
    assert [part.head for part in parts] == [
        ("system", "a", "b"),
        ("system", "c", "d"),
        ("system", "e"),
    ]
    assert all(part.rows[0][0] == "x" * 10 for part in parts)


def test_groups_come_in_the_order_of_their_first_row() -> None:
    rows = [{"k": "b", "v": 1}, {"k": "a", "v": 2}, {"k": "b", "v": 3}]
    assert [(key, [one["v"] for one in found]) for key, found in grouped(rows, "k")] == [
        (("b",), [1, 3]),
        (("a",), [2]),
    ]
