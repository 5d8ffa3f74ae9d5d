"""A race of raters: the worse ones are dropped, the equal ones are not, at any number of looks."""

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats import RaceLook, race_look, sequential_comparison


def test_it_is_the_sequential_test_at_the_level_of_all_pairs_of_starters() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 2, 40).astype(float) for _ in range(3)]
    look = race_look(columns, range(40), starters=4)
    assert look.leader == int(np.argmax([column.mean() for column in columns]))
    for place, lag in enumerate(look.lags):
        if place == look.leader:
            assert lag is None
        else:
            differences = columns[place] - columns[look.leader]
            assert lag == sequential_comparison(differences, range(40), confidence=1 - 0.05 / 6).mean


def test_the_first_of_level_raters_leads_and_nobody_is_dropped() -> None:
    look = race_look([[1, 0, 1]] * 3, range(3), starters=3)
    assert (look.leader, look.dropped) == (0, (False, False, False))


def test_more_starters_make_it_harder_to_be_dropped() -> None:
    columns = [[1.0] * 10, [0.0] * 10]
    assert race_look(columns, range(10), starters=2).dropped == (False, True)
    assert race_look(columns, range(10), starters=200).dropped == (False, False)


def test_a_cluster_counts_as_one_look() -> None:
    columns = [[1.0] * 40, [0.0] * 40]
    assert race_look(columns, [n // 20 for n in range(40)], starters=2).dropped == (False, False)


@pytest.mark.parametrize("columns", [[], [[]], [[1.0], [0.0], [1.0]]])
def test_a_race_without_raters_or_rows_or_with_too_many_is_refused(columns: list[list[float]]) -> None:
    with pytest.raises(InputError):
        race_look(columns, range(len(columns[0]) if columns else 0), starters=2)


def test_equal_raters_are_rarely_dropped_over_all_looks() -> None:
    """A rater as good as the others is dropped in at most 5% of races, at looks after 16, 32, ..., 256."""
    rng = np.random.default_rng(7)
    drops = 0
    for _ in range(200):
        columns = (rng.random((4, 256)) < 0.7).astype(float)
        looks: list[RaceLook] = [
            race_look(list(columns[:, :size]), range(size), starters=4) for size in (16, 64, 256)
        ]
        drops += any(any(look.dropped) for look in looks)
    assert drops <= 0.05 * 200


def test_a_far_worse_rater_is_dropped() -> None:
    rng = np.random.default_rng(1)
    columns = [(rng.random(128) < share).astype(float) for share in (0.8, 0.3, 0.78)]
    assert race_look(columns, range(128), starters=3).dropped == (False, True, False)
