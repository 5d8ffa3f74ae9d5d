"""Ranks with confidence."""

import numpy as np
import pytest

from evalhub.errors import InputError
from evalhub.stats.ranking.bradley_terry import bradley_terry
from evalhub.stats.ranking.matches import Matches
from evalhub.stats.ranking.ranks import rank_intervals
from evalhub.stats.ranking.system_estimates import SystemEstimates, system_means


def scores(seed: int, means: list[float], n: int) -> SystemEstimates:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(means, 1, (n, len(means)))
    return system_means(drawn.ravel(), np.tile(np.arange(len(means)), n), np.repeat(np.arange(n), len(means)))


def test_the_mean_without_a_cluster_by_hand() -> None:
    found = system_means([1, 2, 6, 4], ["x"] * 4, ["q1", "q1", "q2", "q3"])
    assert found.values.tolist() == [3.25]
    assert found.influence[:, 0].tolist() == pytest.approx([3.25 - 5, 3.25 - 7 / 3, 3.25 - 3])
    assert found.entries.tolist() == [3]


def test_far_apart_is_sure_and_equal_is_not() -> None:
    sure = rank_intervals(scores(0, [0, 9, 3, 6], 50))
    assert [(one.system, one.rank, one.low_all, one.high_all) for one in sure] == [
        ("1", 1, 1, 1),
        ("3", 2, 2, 2),
        ("2", 3, 3, 3),
        ("0", 4, 4, 4),
    ]
    equal = rank_intervals(scores(1, [0, 0, 0, 0], 50))
    assert {(one.low_all, one.high_all) for one in equal} == {(1, 4)}


def test_two_systems_are_a_paired_t_test() -> None:
    """With two systems both signs are tested, so the level is two-sided."""
    rng = np.random.default_rng(2)
    differences = rng.normal(0.5, 1, 12)
    for shift in np.linspace(-0.5, 1.0, 13):
        moved = differences + shift
        t = moved.mean() / (moved.std(ddof=1) / 12**0.5)
        if abs(abs(t) - 2.2) < 0.2:  # the critical value is 2.201, drawn with some noise
            continue
        estimates = system_means([*moved, *[0.0] * 12], ["x"] * 12 + ["y"] * 12, [*range(12)] * 2)
        assert (rank_intervals(estimates)[0].high == 1) == (abs(t) > 2.2)


def test_all_at_once_is_no_narrower_than_one_alone() -> None:
    for seed in range(20):
        estimates = scores(seed, [0, 0.2, 0.4, 0.6, 0.8], 60)
        for one in rank_intervals(estimates):
            assert (one.low_all or 0) <= (one.low or 0) <= one.rank <= (one.high or 9) <= (one.high_all or 9)


def test_step_down_decides_more_than_one_step() -> None:
    """Far systems are decided at first and leave fewer differences, hence a smaller critical value."""
    rng = np.random.default_rng(3)
    n, size = 200, 8
    base = rng.normal(size=(n, size))
    base = (base - base.mean(axis=0)) / base.std(axis=0)
    error = (base[:, 1] - base[:, 0]).std(ddof=1) / n**0.5

    def needed(others: list[float]) -> float:
        """Return how many standard errors apart two systems must be, the others in between or far."""
        for gap in np.arange(2.4, 4.0, 0.02):
            shifted = base + error * np.array([0.0, gap, *others])
            estimates = system_means(
                shifted.ravel(), np.tile(np.arange(size), n), np.repeat(np.arange(n), size)
            )
            found = {one.system: one for one in rank_intervals(estimates)}
            if len(found) - (found["1"].high_all or 0) > sum(other < 0 for other in others):
                return float(gap)
        return 4.0

    assert needed([50.0 * place for place in range(1, 7)]) < needed([1.0] * 6)


def test_strengths_have_ranks() -> None:
    rng = np.random.default_rng(4)
    n = 3000
    first = rng.integers(0, 4, n)
    second = (first + rng.integers(1, 4, n)) % 4
    wins = rng.random(n) < 1 / (1 + np.exp(first - second))
    found = bradley_terry(Matches(wins, first, second, np.arange(n) % 100))
    assert found.estimates is not None
    assert [(one.system, one.low_all, one.high_all) for one in rank_intervals(found.estimates)] == [
        (str(place), place + 1, place + 1) for place in range(4)
    ]


def test_few_clusters_ties_and_constants() -> None:
    two = rank_intervals(system_means([1, 2, 3, 4], ["x", "y"] * 2, ["q1", "q1", "q2", "q2"]))
    assert {one.reason for one in two} == {"fewer than 3 clusters"}
    assert {one.low for one in two} == {None}
    same = rank_intervals(system_means([1, 1] * 5, ["x", "y"] * 5, np.repeat(range(5), 2)))
    assert [(one.rank, one.low, one.high) for one in same] == [(1, 1, 2), (1, 1, 2)]
    apart = rank_intervals(system_means([1, 0] * 5, ["x", "y"] * 5, np.repeat(range(5), 2)))
    assert [(one.rank, one.low, one.high) for one in apart] == [(1, 1, 2), (2, 1, 2)]
    only = system_means([1, 2, 3, None], ["x"] * 4, range(4))
    assert [(one.low, one.high_all) for one in rank_intervals(only)] == [(1, 1)]
    assert rank_intervals(system_means([None], ["x"], [1])) == ()


def test_misuse() -> None:
    with pytest.raises(InputError):
        SystemEstimates(("x",), np.zeros(2), np.zeros((3, 2)), np.ones(2, dtype=np.int64))
    with pytest.raises(InputError):
        SystemEstimates(("x",), np.full(1, np.nan), np.zeros((3, 1)), np.ones(1, dtype=np.int64))


def test_a_seed_reproduces() -> None:
    estimates = scores(5, [0, 0.3, 0.5], 40)
    assert rank_intervals(estimates) == rank_intervals(estimates)


@pytest.mark.parametrize(("items", "sure"), [(8, False), (30, True)])
def test_a_difference_that_never_varies_is_sure_with_enough_items(items, sure):
    middle = [n % 2 + 1.5 for n in range(items)]
    values, systems = [3.0] * items + [1.0] * items + middle, ["x"] * items + ["y"] * items + ["z"] * items
    found = {one.system: one for one in rank_intervals(system_means(values, systems, [*range(items)] * 3))}
    assert (found["x"].low, found["x"].high) == ((1, 1) if sure else (1, 2))
    assert (found["y"].low, found["y"].high) == ((3, 3) if sure else (2, 3))
