"""A look after every item: the confidence sequence, the bets, and when one may stop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.testing.sequential import BETS, Decision, sequential_comparison

THREE = (-1.0, 0.0, 1.0)


def draws(runs: int, items: int, mean: float, square: float, seed: int = 0) -> np.ndarray:
    """Draw differences in {-1, 0, 1} of a given mean and mean square."""
    plus, minus = (square + mean) / 2, (square - mean) / 2
    rng = np.random.default_rng(seed)
    return rng.choice([1.0, 0.0, -1.0], p=[plus, 1 - plus - minus, minus], size=(runs, items))


def capital(values: list[float], mean: float) -> float:
    """The capital by its definition, for differences in [-1, 1]."""
    share, seen = (mean + 1) / 2, [(value + 1) / 2 for value in values]
    up = [math.prod(1 + bet * (one / share - 1) for one in seen) for bet in BETS]
    down = [math.prod(1 + bet * ((1 - one) / (1 - share) - 1) for one in seen) for bet in BETS]
    return sum(up + down) / (2 * len(BETS))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=25))
def test_the_capital_and_the_interval_by_their_definition(values: list[float]) -> None:
    found = sequential_comparison(values, range(len(values)))
    path = [capital(values[:look], 0) for look in range(1, len(values) + 1)]
    assert np.exp(found.looks) == pytest.approx(path)
    assert found.e_value == pytest.approx(path[-1])
    assert found.p == pytest.approx(min(1, 1 / max(path)))
    crossed = [look for look, one in enumerate(path, 1) if one >= 20]
    assert found.stopped_at == (crossed[0] if crossed else None)
    assert (found.decision is Decision.OPEN) == (not crossed)
    low, mean, high = found.mean.low, found.mean.estimate, found.mean.high
    assert low is not None
    assert mean is not None
    assert high is not None
    assert -1 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1
    for end in (low, high):
        if abs(end) < 1:
            assert capital(values, end) == pytest.approx(20, rel=1e-4)


def test_fair_bets_win_nothing() -> None:
    """Whatever the mean, the expected capital after 1, 2, 3 items is 1."""
    for chances in ((0.5, 0, 0.5), (0.1, 0.8, 0.1), (0.1, 0.2, 0.7)):
        mean = float(np.dot(chances, THREE))
        for items in (1, 2, 3):
            expected = 0.0
            for places in np.ndindex(*[3] * items):
                probability = math.prod(chances[place] for place in places)
                expected += probability * capital([THREE[place] for place in places], mean)
            assert expected == pytest.approx(1)


def test_settled_exactly_when_zero_lies_outside() -> None:
    values = draws(1, 400, 0.3, 0.8)[0]
    found = sequential_comparison(values, range(400))
    assert found.stopped_at is not None
    before = sequential_comparison(values[: found.stopped_at - 1], range(found.stopped_at - 1)).mean
    after = sequential_comparison(values[: found.stopped_at], range(found.stopped_at))
    assert before.low is not None
    assert before.low < 0
    assert after.mean.low is not None
    assert after.mean.low > 0
    assert (after.decision, after.stopped_at) == (Decision.FIRST, found.stopped_at)
    assert after.p == pytest.approx(1 / after.e_value)


def test_swapping_the_two_mirrors_everything() -> None:
    values = draws(1, 200, 0.3, 0.6)[0]
    one, other = (sequential_comparison(side, range(200)) for side in (values, -values))
    assert (one.decision, other.decision) == (Decision.FIRST, Decision.SECOND)
    assert one.stopped_at == other.stopped_at
    assert (one.mean.low, one.mean.high) == pytest.approx((-other.mean.high, -other.mean.low))  # type: ignore[operator]


def test_wins_and_differences_are_one_test() -> None:
    wins = np.array([1, 0.5, 1, 1, 0, 1, 1, 1])
    of_wins = sequential_comparison(wins, range(8), bounds=(0, 1))
    of_differences = sequential_comparison(2 * wins - 1, range(8))
    assert of_wins.looks == pytest.approx(of_differences.looks)
    assert of_wins.mean.low == pytest.approx((of_differences.mean.low + 1) / 2)  # type: ignore[operator]


def test_false_alarms_with_a_look_after_every_item() -> None:
    alarms = 0
    for values in draws(500, 1000, 0.0, 0.5, seed=1):
        alarms += sequential_comparison(values, range(1000)).stopped_at is not None
    assert alarms <= 34


def test_a_tenth_is_settled_within_300_items_and_its_interval_holds() -> None:
    stops, held = [], 0
    for values in draws(300, 1000, 0.1, 0.26, seed=2):
        found = sequential_comparison(values, range(1000))
        stops.append(found.stopped_at or 1001)
        at = sequential_comparison(values[: stops[-1]], range(len(values[: stops[-1]]))).mean
        assert at.low is not None
        assert at.high is not None
        held += at.low <= 0.1 <= at.high
        assert found.decision is not Decision.SECOND
    assert np.median(stops) <= 300
    assert held / 300 >= 0.93


def test_a_cluster_is_one_observation_seen_when_complete() -> None:
    values = [1, 0, 1, 0.5, 0, 1]
    found = sequential_comparison(values, list("abacbc"))
    # a = 1 (rows 0, 2), b = 0 (rows 1, 4), c = .75 (rows 3, 5), complete in this order.
    assert (found.mean.n, found.mean.clusters) == (6, 3)
    assert found.looks == pytest.approx(sequential_comparison([1, 0, 0.75], range(3)).looks)
    assert found.mean.estimate == pytest.approx(1.75 / 3)


def test_failed_items_are_left_out() -> None:
    found = sequential_comparison([1, None, 0, float("nan")], ["a", "b", "c", "c"])
    assert (found.mean.n, found.mean.clusters, found.mean.n_excluded, len(found.looks)) == (2, 2, 2, 2)
    nothing = sequential_comparison([None, None], ["a", "b"])
    assert (nothing.mean.estimate, nothing.mean.reason) == (None, "nothing was measured")
    assert (nothing.mean.n_excluded, nothing.p, nothing.decision) == (2, 1.0, Decision.OPEN)


def test_constant_differences() -> None:
    ties = sequential_comparison([0] * 100, range(100))
    assert (ties.decision, ties.e_value, ties.p) == (Decision.OPEN, pytest.approx(1), pytest.approx(1))
    assert ties.mean.low is not None
    assert -0.5 < ties.mean.low < 0
    wins = sequential_comparison([1] * 5_000, range(5_000))
    assert (wins.decision, wins.stopped_at, wins.mean.high) == (Decision.FIRST, 8, 1.0)
    assert math.isfinite(wins.e_value)
    assert 0 < wins.p < 1e-300


def test_a_lower_level_settles_earlier() -> None:
    values = draws(1, 500, 0.2, 0.6)[0]
    stops = [
        sequential_comparison(values, range(500), confidence=confidence).stopped_at or 501
        for confidence in (0.8, 0.95, 0.999)
    ]
    assert stops[0] < stops[1] < stops[2]


def test_bad_inputs() -> None:
    with pytest.raises(InputError, match="outside"):
        sequential_comparison([2], ["a"])
    with pytest.raises(InputError, match="one length"):
        sequential_comparison([1, 0], ["a"])
    with pytest.raises(InputError, match="lowest and the highest"):
        sequential_comparison([1], ["a"], bounds=(1, 1))
    with pytest.raises(InputError, match="level"):
        sequential_comparison([1], ["a"], confidence=1.0)
