"""Bands of systems that are told apart, and the warning over a ranking that is not to be used."""

import itertools

import pytest

from evalhub.analysis.findings.trust import Trust
from evalhub.report.plots.standing import band_note, bands_of, warning_of


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
        ([(2, 2), (1, 1), (3, 3)], (0, 0, 1)),  # lines in another order than the ranks
        ([(1, 1), (None, None)], ()),
    ],
)
def test_a_band_ends_where_every_difference_is_certain(
    ranks: list[tuple[int | None, int | None]], bands: tuple[int, ...]
) -> None:
    assert bands_of(ranks) == bands


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
        bands = bands_of(ranks)
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
