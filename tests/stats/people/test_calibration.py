"""Isotonic maps: scikit-learn's, with ties and weights."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from evalhub.errors import InputError
from evalhub.stats.clusters import folds
from evalhub.stats.people.calibration import isotonic, recalibrated


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
