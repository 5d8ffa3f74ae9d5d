"""Isotonic maps: scikit-learn's, with ties and weights."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from evalhub.errors import InputError
from evalhub.stats.clusters import folds
from evalhub.stats.people.calibration import (
    brier,
    calibration_map,
    recalibrated,
    squared_error,
    squared_error_change,
)
from evalhub.stats.people.isotonic import isotonic


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    x, y, weights = rng.integers(0, 20, 80), rng.random(80), rng.random(80) + 0.1
    at = rng.uniform(-3, 23, 50)
    other = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=weights)
    assert isotonic(x, y, at, weights=weights) == pytest.approx(other.predict(at))


def test_recalibrated_treats_both_sides_alike():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    y = (rng.random(200) < p**2).astype(float)
    one, reason = recalibrated(p, y, range(200))
    other, _ = recalibrated(1 - p, 1 - y, range(200))
    assert reason is None
    assert one == pytest.approx(1 - other)


def test_folds_keep_clusters_whole_whatever_the_order():
    names = np.array([f"q{number}" for number in range(60)] * 2)
    dealt = folds(names, 5)
    assert (dealt[:60] == dealt[60:]).all()
    assert np.bincount(dealt).tolist() == [24] * 5
    mixed = np.random.default_rng(1).permutation(120)
    assert (folds(names[mixed], 5) == dealt[mixed]).all()
    assert (folds(names, 5, seed=1) != dealt).any()
    with pytest.raises(InputError, match="two folds"):
        folds(names, 1)


def _overconfident(seed: int, clusters: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return verdicts of a judge that is far surer than it is right, three in each cluster."""
    rng = np.random.default_rng(seed)
    right = rng.uniform(0.2, 0.8, clusters * 3)
    outcome = (rng.random(clusters * 3) < right).astype(float)
    log_odds = 4 * np.log(right / (1 - right))
    return 1 / (1 + np.exp(-log_odds)), outcome, np.repeat(np.arange(clusters), 3)


@pytest.mark.parametrize("seed", range(5))
def test_a_miscalibrated_judge_is_nearer_to_the_labels_of_clusters_that_the_map_has_not_seen(seed):
    p, y, clusters = _overconfident(seed)
    mapped, reason = recalibrated(p, y, clusters)
    assert reason is None
    raw, calibrated = brier(p, y, clusters), brier(mapped, y, clusters)
    change = squared_error_change(p, mapped, y, clusters)
    print(f"Brier {raw.estimate:.3f} raw, {calibrated.estimate:.3f} calibrated, change {change}")
    assert change.estimate == pytest.approx(calibrated.estimate - raw.estimate)
    assert change.high < 0


def test_a_map_is_that_of_each_fold_where_the_fold_is_all_there_is():
    p, y, clusters = _overconfident(7)
    fold_of = folds(clusters, 5)
    mapped, _ = recalibrated(p, y, clusters)
    for fold in range(5):
        seen = fold_of != fold
        expected = calibration_map(p[seen], y[seen]).at(p[~seen])
        assert mapped[~seen].tolist() == expected.tolist()


def test_a_map_treats_both_sides_alike_and_never_falls():
    p, y, _ = _overconfident(3)
    sides = calibration_map(p, y)
    grid = np.linspace(0, 1, 101)
    assert sides.at(grid) == pytest.approx(1 - sides.at(1 - grid))
    assert (np.diff(sides.at(grid)) >= 0).all()
    assert sides.at([0.5]).tolist() == [0.5]


def test_a_map_of_ratings_has_no_mirror():
    levels, labels = [1.0, 2.0, 3.0] * 20, [1.0, 1.0, 5.0] * 20
    ratings = calibration_map(levels, labels, mirrored=False)
    assert ratings.at([1, 2.5, 9]).tolist() == [1.0, 3.0, 5.0]
    mapped, reason = recalibrated(levels, labels, range(60), mirrored=False)
    assert reason is None
    assert squared_error(mapped, labels, range(60), bounds=(1, 5)).estimate == pytest.approx(0)
    assert squared_error(levels, labels, range(60), bounds=(1, 5)).estimate == pytest.approx(5 / 3)


def test_nothing_makes_no_map():
    with pytest.raises(InputError, match="nothing to calibrate on"):
        calibration_map([0.4, None], [None, 1])
