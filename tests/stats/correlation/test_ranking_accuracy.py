import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.errors import InputError
from evalhub.stats.correlation.ranking_accuracy import ranking_accuracy, system_accuracy

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3), st.integers(0, 4)), min_size=2, max_size=30)


def accuracy_of(metric, people, items, epsilon):
    """The paper's definition, pair by pair."""
    by_item = []
    for item in sorted(set(items)):
        rows = [k for k in range(len(items)) if items[k] == item]
        right = []
        for i, j in itertools.combinations(rows, 2):
            by_metric, by_people = metric[i] - metric[j], people[i] - people[j]
            said = 0 if abs(by_metric) <= epsilon + 1e-12 else np.sign(by_metric)
            right.append(said == np.sign(by_people))
        if right:
            by_item.append(np.mean(right))
    return np.mean(by_item) if by_item else None


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_accuracy_is_its_definition_and_epsilon_is_the_best(rows):
    metric, people, items = (list(column) for column in zip(*rows, strict=True))
    found = ranking_accuracy(metric, people, items=items, systems=range(len(rows)))
    expected = accuracy_of(metric, people, items, 0)
    if expected is None:
        assert (found.uncalibrated.estimate, found.epsilon, found.pairs) == (None, None, 0)
        return
    assert found.uncalibrated.estimate == pytest.approx(expected)
    reached = {epsilon: accuracy_of(metric, people, items, epsilon) for epsilon in range(7)}
    best = max(reached.values())
    assert found.epsilon == min(each for each, value in reached.items() if value >= best - 1e-9)


def test_epsilon_comes_from_other_clusters():
    """Three items; the first alone would choose a wide epsilon, and may not."""
    metric = [0.0, 0.5, 0.0, 0.1, 0.0, 0.1]
    people = [1, 1, 1, 2, 1, 2]
    found = ranking_accuracy(metric, people, items=list("ppqqrr"), systems=[1, 2] * 3)
    # Other clusters never gain by an epsilon, except for q and r, which see p: .1 loses what .5 wins.
    assert found.uncalibrated.estimate == pytest.approx(2 / 3)
    assert found.calibrated.estimate == pytest.approx(2 / 3)
    assert found.epsilon == 0


def test_calibration_pays_on_other_items():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(200, 6))
    people = np.round(quality)
    metric = quality + 0.3 * rng.normal(size=quality.shape)
    items, systems = np.indices(quality.shape)
    found = ranking_accuracy(metric.ravel(), people.ravel(), items=items.ravel(), systems=systems.ravel())
    assert found.calibrated.estimate > found.uncalibrated.high
    assert found.calibrated.low is None
    assert "was chosen too" in found.calibrated.reason
    assert (found.calibrated.n, found.calibrated.clusters, found.pairs) == (200, 200, 200 * 15)
    assert 0.2 < found.epsilon < 1


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(1)
    metric, people = rng.normal(size=60), rng.integers(1, 4, 60)
    items, systems = np.repeat(np.arange(15), 4), np.tile(np.arange(4), 15)
    order = rng.permutation(60)
    found = [
        ranking_accuracy(metric[o], people[o], items=items[o], systems=systems[o])
        for o in (np.arange(60), order)
    ]
    assert found[0].calibrated.estimate == pytest.approx(found[1].calibrated.estimate)


def test_missing_rows_lonely_items_and_few_clusters():
    found = ranking_accuracy(
        [1, 2, 3, None, 5, 1], [1, 2, None, 3, 1, 2], items=list("ppqqrs"), systems=[1, 2, 1, 2, 1, 2]
    )
    assert (found.uncalibrated.estimate, found.uncalibrated.n, found.uncalibrated.n_excluded) == (1, 1, 3)
    assert found.calibrated.estimate is None
    assert found.calibrated.reason == "fewer than 3 clusters"
    empty = ranking_accuracy([], [], items=[], systems=[])
    assert (empty.calibrated.estimate, empty.calibrated.reason) == (None, "no item has two systems")
    with pytest.raises(InputError):
        ranking_accuracy([1], [1, 2], items=[1], systems=[1])


def test_float_noise_breaks_no_tie():
    metric, people = [0.1, 0.3, 0.3, 0.5], [1, 1, 1, 1]
    found = ranking_accuracy(metric, people, items=[1, 1, 2, 2], systems=[1, 2, 1, 2])
    assert found.epsilon == pytest.approx(0.2)


def test_systems_by_hand():
    # Means: metric 1 2 3 3, people 1 3 2 2: 1-3 pairs right 3, 2-3 and 2-4 wrong, 3-4 tied in both.
    found = system_accuracy([1, 2, 3, 3], [1, 3, 2, 2], items=["i"] * 4, systems=list("abcd"))
    assert found.estimate == pytest.approx(4 / 6)
    assert (found.n, found.low) == (4, None)
    six = system_accuracy(range(6), range(6), items=["i"] * 6, systems=range(6))
    assert (six.estimate, six.high, six.method) == (1, 1, "kendall-score")
    assert 0.5 < six.low < 1
    two = system_accuracy([1, 2], [1, 2], items=["i"] * 2, systems=[1, 2])
    assert (two.estimate, two.reason) == (None, "fewer than 3 systems")
