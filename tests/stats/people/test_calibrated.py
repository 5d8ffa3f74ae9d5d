"""Means of calibrated scores: the map's uncertainty is in the interval, strange scores are refused."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from evalhub.errors import InputError
from evalhub.stats.means import mean_estimate
from evalhub.stats.people.calibrated import calibrated_mean


def rows(seed=0, n=200, total=2_000):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 11, total)
    label = (rng.random(total) < (scores / 10) ** 2).astype(float)
    return np.where(np.arange(total) < n, label, np.nan), scores, np.arange(total)


def test_it_is_the_mean_of_the_map():
    labels, scores, clusters = rows()
    found = calibrated_mean(labels, scores, clusters, bounds=(0, 1))
    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores[:200], labels[:200])
    assert found.estimate == pytest.approx(fitted.predict(scores).mean())
    naive = mean_estimate(fitted.predict(scores), clusters, bounds=(0, 1))
    alone = mean_estimate(labels[:200], clusters[:200], bounds=(0, 1))
    assert naive.width < found.width < alone.width
    assert found.method == "delete-group-jackknife"


def test_the_scale_and_the_order_of_rows_change_nothing():
    labels, scores, clusters = rows()
    plain = calibrated_mean(labels, scores, clusters)
    mixed = np.random.default_rng(3).permutation(2_000)
    again = calibrated_mean(labels[mixed], np.exp(scores[mixed]), clusters[mixed])
    assert (plain.estimate, plain.low, plain.high) == pytest.approx((again.estimate, again.low, again.high))


def test_scores_outside_what_was_labelled_are_refused():
    labels, scores, clusters = rows()
    scores[:200] = np.minimum(scores[:200], 9)
    found = calibrated_mean(labels, scores, clusters)
    assert found.estimate is None
    assert "of the scores lie outside" in found.reason
    scores[scores == 10] = 9
    scores[-50:] = 10  # 2.5%
    assert calibrated_mean(labels, scores, clusters).estimate is not None


def test_inclusion_weighs_the_map():
    labels, scores, clusters = rows()
    inclusion = np.where(np.arange(2_000) % 2, 0.1, 0.9)
    found = calibrated_mean(labels, scores, clusters, inclusion=inclusion)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(scores[:200], labels[:200], 1 / inclusion[:200])
    assert found.estimate == pytest.approx(fitted.predict(scores).mean())


def test_a_constant_score_gives_the_mean_of_the_labels():
    labels, _, clusters = rows()
    found = calibrated_mean(labels, np.ones(2_000), clusters)
    alone = mean_estimate(labels[:200], clusters[:200])
    assert found.estimate == pytest.approx(alone.estimate)
    assert found.width == pytest.approx(alone.width, rel=0.35)


def test_little_is_not_enough():
    labels, scores, clusters = rows(n=24)
    scores[:2] = (0, 10)
    few = calibrated_mean(labels, scores, clusters)
    assert (few.low, few.reason) == (None, "fewer than 25 labelled clusters")
    assert few.estimate is not None
    assert calibrated_mean([None] * 9, range(9), range(9)).reason == "nothing was labelled"
    same = calibrated_mean([1.0] * 40 + [None] * 60, [1, 2] * 50, range(100))
    assert (same.estimate, same.low) == (1, None)
    assert "no width" in same.reason
    with pytest.raises(InputError, match="one length"):
        calibrated_mean([1], [1, 2], [1])
    with pytest.raises(InputError, match="bounds"):
        calibrated_mean([2, 1, 0], [1, 2, 3], range(3), bounds=(0, 1))
