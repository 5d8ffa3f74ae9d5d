"""The rating that depends on the order."""

import evalica
import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats.ranking.bradley_terry import bradley_terry
from evalhub.stats.ranking.elo import elo, play
from evalhub.stats.ranking.matches import Matches, read_matches


def test_evalica_finds_the_same_on_the_same_order() -> None:
    rng = np.random.default_rng(0)
    n = 500
    first = rng.integers(0, 6, n)
    second = (first + rng.integers(1, 6, n)) % 6
    wins = rng.choice([0.0, 0.5, 1.0], n)
    played = read_matches(Matches(wins, first, second, range(n)))
    kinds = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(n)
        said = [kinds[float(win)] for win in played.wins[order]]
        xs, ys = played.first[order].tolist(), played.second[order].tolist()
        theirs = evalica.elo(xs, ys, said, initial=1000, base=10, scale=400, k=16).scores.sort_index()
        assert play(played, order[None], k=16)[0] == pytest.approx(theirs.to_numpy(), abs=1e-8)


def test_small_steps_over_many_matches_come_to_bradley_terry() -> None:
    rng = np.random.default_rng(1)
    n = 4000
    first = rng.integers(0, 3, n)
    second = (first + rng.integers(1, 3, n)) % 3
    wins = rng.random(n) < 1 / (1 + np.exp((first - second) * 0.5))
    matches = Matches(wins, first, second, range(n))
    rated = [one.elo.estimate for one in bradley_terry(matches).ratings]
    found = elo(matches, k=2, shuffles=20)
    assert [one.rating for one in found] == pytest.approx(rated, abs=10)
    assert all(0 < one.spread < 20 for one in found)
    assert sum(one.n for one in found) == 2 * n


def test_rows_in_another_order_change_nothing() -> None:
    wins, first, second = [1, 0, 0.5, 1], ["x", "y", "z", "x"], ["y", "z", "x", "z"]
    one = elo(Matches(wins, first, second, range(4)))
    assert elo(Matches(wins[::-1], first[::-1], second[::-1], [3, 2, 1, 0])) == one


def test_bad_inputs() -> None:
    assert elo(Matches([None], ["x"], ["y"], [1])) == ()
    for wrong in ({"k": 0}, {"k": float("nan")}, {"shuffles": 1}):
        with pytest.raises(InputError):
            elo(Matches([1], ["x"], ["y"], [1]), **wrong)
