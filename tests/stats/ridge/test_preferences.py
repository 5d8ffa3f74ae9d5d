"""Penalised Bradley-Terry fits, held against a second implementation and against planted weights."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from evalhub.errors import InputError
from evalhub.stats import Preferences, choose_ridge, cluster_folds, fit_preferences, project_out


def drawn(pairs: int = 400, width: int = 6, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return differences of features, labels drawn from planted weights, and the weights."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=width)
    rows = random.normal(size=(pairs, width))
    shares = (random.random(pairs) < 1 / (1 + np.exp(-rows @ weights))).astype(float)
    return rows, shares, weights


@pytest.mark.parametrize("ridge", [0.1, 1.0, 30.0])
def test_it_equals_a_second_implementation(ridge: float) -> None:
    rows, shares, _ = drawn()
    fit = fit_preferences(rows, shares, ridge)
    other = LogisticRegression(C=1 / ridge, fit_intercept=False, tol=1e-10, max_iter=5000).fit(rows, shares)
    assert fit.weights == pytest.approx(other.coef_[0], abs=1e-4)


def test_planted_weights_are_recovered() -> None:
    rows, shares, weights = drawn(pairs=20_000)
    assert fit_preferences(rows, shares, 1e-3).weights == pytest.approx(weights, abs=0.12)


def test_exchanged_responses_give_the_same_weights() -> None:
    rows, shares, _ = drawn()
    turned = fit_preferences(-rows, 1 - shares, 0.5)
    fit = fit_preferences(rows, shares, 0.5)
    assert turned.weights == pytest.approx(fit.weights, abs=1e-6)
    assert fit.log_odds(rows) == pytest.approx(-fit.log_odds(-rows))


def test_a_tie_pulls_towards_nothing() -> None:
    rows = np.array([[1.0], [-1.0], [1.0]])
    with_tie = fit_preferences(np.vstack([rows, [[5.0]]]), np.array([1.0, 0.0, 1.0, 0.5]), 0.1)
    without = fit_preferences(rows, np.array([1.0, 0.0, 1.0]), 0.1)
    assert 0 < with_tie.weights[0] < without.weights[0]


def test_features_lose_what_lies_along_a_direction() -> None:
    random = np.random.default_rng(0)
    features, directions = random.normal(size=(50, 8)), random.normal(size=(2, 8))
    rest = project_out(features, np.vstack([directions, np.zeros(8), directions[0] * 3]))
    assert np.abs(rest @ directions.T).max() < 1e-10
    assert np.linalg.matrix_rank(rest) == 6
    assert project_out(features, np.zeros((1, 8))) == pytest.approx(features)


@pytest.mark.parametrize(
    ("shares", "ridge", "sentence"),
    [
        ([1.0, 1.0, 0.5], 1.0, "prefer one side alone"),
        ([0.5, 0.5, 0.5], 1.0, "prefer one side alone"),
        ([1.0, 0.0, 2.0], 1.0, "between 0 and 1"),
        ([1.0, 0.0, 0.5], 0.0, "the ridge is above 0"),
        ([1.0, 0.0], 1.0, "one row of features for each label"),
    ],
)
def test_what_cannot_be_fitted_is_refused(shares: list[float], ridge: float, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit_preferences(np.ones((3, 2)), np.array(shares), ridge)


def test_a_feature_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        fit_preferences(np.array([[np.nan], [1.0]]), np.array([1.0, 0.0]), 1.0)


def test_the_layer_with_the_signal_is_chosen() -> None:
    rows, shares, _ = drawn()
    noise = np.random.default_rng(9).normal(size=rows.shape)
    clusters = [f"c{number // 4}" for number in range(len(shares))]
    selection = choose_ridge({8: noise, 16: rows}, Preferences(shares), clusters, (10.0, 1.0, 0.1))
    assert selection.best.layer == 16
    assert len(selection.candidates) == 6
    assert selection.best.loss == min(candidate.loss for candidate in selection.candidates)
    assert 0.6 < selection.best.accuracy < 0.95
    of_noise = [candidate for candidate in selection.candidates if candidate.layer == 8]
    assert all(0.4 < candidate.accuracy < 0.6 for candidate in of_noise)


def test_held_out_log_odds_come_from_fits_without_the_fold() -> None:
    rows, shares, _ = drawn(pairs=60)
    clusters = [f"c{number // 3}" for number in range(60)]
    selection = choose_ridge({1: rows}, Preferences(shares), clusters, (1.0,))
    folds = cluster_folds(clusters, 0)
    for fold in set(folds.tolist()):
        held_out = folds == fold
        fit = fit_preferences(rows[~held_out], shares[~held_out], 1.0)
        assert selection.predictions[held_out] == pytest.approx(fit.log_odds(rows[held_out]), abs=1e-4)


def test_pairs_of_one_cluster_share_a_fold() -> None:
    clusters = [f"c{number % 7}" for number in range(70)]
    folds = cluster_folds(clusters, 3)
    assert len({(cluster, fold) for cluster, fold in zip(clusters, folds.tolist(), strict=True)}) == 7
    assert set(cluster_folds(clusters, 4).tolist()) <= set(range(5))


def test_one_cluster_is_no_basis_for_a_choice() -> None:
    rows, shares, _ = drawn(pairs=20)
    with pytest.raises(InputError, match=r"several clusters.*1 clusters"):
        choose_ridge({1: rows}, Preferences(shares), ["c"] * 20, (1.0,))


def test_pairs_that_do_not_count_are_only_learned_from() -> None:
    rows, shares, _ = drawn(pairs=80)
    clusters = [f"c{number // 2}" for number in range(80)]
    counted = np.arange(80) < 60
    selection = choose_ridge({1: rows}, Preferences(shares), clusters, (1.0,), in_loss=counted)
    whole = choose_ridge({1: rows}, Preferences(shares), clusters, (1.0,))
    assert selection.predictions == pytest.approx(whole.predictions)
    right = (whole.predictions[counted] > 0) == (shares[counted] > 0.5)
    assert selection.best.accuracy == pytest.approx(right.mean())
