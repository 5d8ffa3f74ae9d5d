"""Bands of systems that are told apart, and the warning over a ranking that is not to be used."""

import itertools
from typing import Any

import pytest

from evalhub.analysis.findings.trust import Trust
from evalhub.report.plots.estimates import system_plots
from evalhub.report.plots.standing import band_note, warning_of
from evalhub.stats import rank_bands


@pytest.mark.parametrize(
    ("ranks", "bands"),
    [
        ([], ()),
        ([(1, 1)], (0,)),
        ([(1, 1), (2, 2), (3, 3)], (0, 1, 2)),
        ([(1, 2), (1, 2), (3, 3)], (0, 0, 1)),
        ([(1, 1), (2, 4), (2, 4), (2, 4)], (0, 1, 1, 1)),
        ([(1, 2), (1, 3), (2, 3)], (0, 0, 0)),  # the first and the last are told apart, but no cut parts them
        ([(1, 2), (1, 3), (2, 4), (3, 4)], (0, 0, 0, 0)),
        ([(1, 3), (1, 3), (1, 3)], (0, 0, 0)),
        ([(1, 1), (None, None)], ()),
    ],
)
def test_a_band_ends_where_every_difference_is_certain(
    ranks: list[tuple[int | None, int | None]], bands: tuple[int, ...]
) -> None:
    assert rank_bands(ranks) == bands


def test_between_two_bands_all_above_are_surely_better() -> None:
    """For every order of three systems that pairwise certain differences allow."""
    for better in itertools.product([False, True], repeat=3):
        first_second, first_third, second_third = better
        certain = {
            (0, 1): first_second,
            (0, 2): first_third or (first_second and second_third),
            (1, 2): second_third,
        }
        ranks = [
            (1 + sum(certain.get((above, place), False) for above in range(3)),
             3 - sum(certain.get((place, below), False) for below in range(3)))
            for place in range(3)
        ]  # fmt: skip
        bands = rank_bands(ranks)
        for above, below in itertools.combinations(range(3), 2):
            if bands[above] != bands[below]:
                assert certain[above, below], (better, bands)


def test_the_note_speaks_of_what_is_drawn() -> None:
    assert band_note(()) == ""
    assert band_note((0, 1, 2)) == ""
    assert band_note((0, 0)) == "These systems are not all told apart."
    assert "every difference is certain" in band_note((0, 1, 1))


def test_a_ranking_of_a_refused_judge_is_warned_of() -> None:
    assert "refused" in warning_of(Trust.REFUSE)
    assert "no better than chance" in warning_of(Trust.CHANCE)
    assert [warning_of(word) for word in (None, Trust.USEFUL, Trust.STANDS_IN, Trust.UNKNOWN)] == [""] * 4


def test_a_ranking_is_drawn_in_its_own_order_with_its_own_bands() -> None:
    """The labels say m, l, k, and the judge is as sure of k, l, m."""
    order = ("m", "l", "k")
    rows = [
        {
            "dataset": "d", "system": system, "judge_trust": None,
            **source("labels", place), **source("judge", 2 - place),
        }
        for place, system in enumerate(order)
    ]  # fmt: skip
    by_labels, by_judge = system_plots({"system_summary": rows, "metrics": {}})
    assert [line.name for line in by_labels.lines] == list(order)
    assert [line.name for line in by_judge.lines] == list(reversed(order))
    assert by_labels.bands == by_judge.bands == (0, 1, 2)


def source(name: str, place: int) -> dict[str, Any]:
    values = {
        "rater": name, "criterion": "overall", "measure": "mean label", "estimate": 3.0 - place, "low": None,
        "high": None, "n": 9, "rank": place + 1, "best": place + 1, "worst": place + 1, "band": place,
    }  # fmt: skip
    return {f"{name}_{column}": value for column, value in values.items()}
