"""Penalised proportional odds, held against a second implementation and against planted weights."""

import numpy as np
import pytest
from scipy import optimize
from statsmodels.miscmodels.ordinal_model import OrderedModel

from evalhub.errors import InputError
from evalhub.stats import (
    LevelShares,
    choose_ridge,
    cluster_folds,
    fit_ordinal,
    level_log_probabilities,
    level_shares,
)
from evalhub.stats.ridge.ordinal import _PenalisedLoss

CUTS = np.array([-2.0, -0.5, 1.5])


def drawn(ratings: int = 500, width: int = 4, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, ratings drawn from planted weights and cut points, and the weights."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=width)
    rows = random.normal(size=(ratings, width))
    latent = rows @ weights + random.logistic(size=ratings)
    return rows, np.searchsorted(CUTS, latent).astype(float), weights


def test_without_a_penalty_it_equals_a_second_implementation() -> None:
    rows, ratings, _ = drawn()
    fit = fit_ordinal(rows, level_shares(ratings, 4), 1e-6, prior=0.0)
    model = OrderedModel(ratings.astype(int), rows, distr="logit")
    other = model.fit(method="bfgs", disp=False, gtol=1e-8)
    assert fit.weights == pytest.approx(other.params[:4], abs=2e-3)
    assert fit.cut_points == pytest.approx(model.transform_threshold_params(other.params)[1:-1], abs=2e-3)
    assert fit.loss == pytest.approx(-other.llf / len(ratings), abs=1e-6)


def test_the_gradient_is_that_of_the_loss() -> None:
    rows, ratings, _ = drawn(ratings=60)
    shares = level_shares(ratings * 0.9, 4)  # some ratings lie between two levels
    loss = _PenalisedLoss(rows, shares, 0.7)
    random = np.random.default_rng(3)
    for parameters in random.normal(size=(5, 4 + 3)):
        numeric = optimize.approx_fprime(parameters, lambda point: loss(point)[0], 1e-6)
        assert loss(parameters)[1] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


def test_planted_weights_and_cut_points_are_recovered() -> None:
    rows, ratings, weights = drawn(ratings=20_000)
    fit = fit_ordinal(rows, level_shares(ratings, 4), 1e-3)
    assert fit.weights == pytest.approx(weights, abs=0.08)
    assert fit.cut_points == pytest.approx(CUTS, abs=0.1)


def test_two_levels_are_a_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    rows, ratings, _ = drawn()
    right = ratings > 1
    fit = fit_ordinal(rows, level_shares(right.astype(float), 2), 2.0, prior=0.0)
    other = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=5000).fit(rows, right)
    assert fit.weights == pytest.approx(other.coef_[0], abs=1e-3)
    assert -fit.cut_points == pytest.approx(other.intercept_, abs=1e-3)


def test_a_larger_penalty_shortens_the_weights_and_leaves_the_cut_points_to_the_shares() -> None:
    rows, ratings, _ = drawn()
    shares = level_shares(ratings, 4)
    lengths = [float(np.linalg.norm(fit_ordinal(rows, shares, ridge).weights)) for ridge in (0.1, 10.0, 1e3)]
    assert lengths == sorted(lengths, reverse=True)
    flat = fit_ordinal(rows, shares, 1e9, prior=0.0)
    probabilities = np.exp(flat.log_probabilities(np.zeros((1, 4))))[0]
    assert probabilities == pytest.approx(shares.mean(axis=0), abs=1e-4)


def test_turned_levels_turn_the_weights() -> None:
    rows, ratings, _ = drawn()
    fit = fit_ordinal(rows, level_shares(ratings, 4), 0.5)
    turned = fit_ordinal(rows, level_shares(3 - ratings, 4), 0.5)
    assert turned.weights == pytest.approx(-fit.weights, abs=1e-3)
    assert turned.cut_points == pytest.approx(-fit.cut_points[::-1], abs=1e-3)


def test_a_rating_between_two_levels_counts_as_a_part_of_each() -> None:
    rows, ratings, _ = drawn(ratings=40)
    between = fit_ordinal(np.vstack([rows, rows[:1]]), level_shares(np.append(ratings, 1.5), 4), 1.0)
    shares = level_shares(np.append(ratings, 1.0), 4)
    shares[-1] = [0.0, 0.5, 0.5, 0.0]
    assert between.weights == pytest.approx(fit_ordinal(np.vstack([rows, rows[:1]]), shares, 1.0).weights)
    assert level_shares(np.array([0.3, 2.9]), 4) @ np.arange(4) == pytest.approx([0.3, 2.9])


def test_a_level_that_nobody_gave_stays_possible() -> None:
    rows, ratings, _ = drawn(ratings=100)
    ratings = np.where(ratings == 1, 2.0, ratings)
    fit = fit_ordinal(rows, level_shares(ratings + 1, 6), 1.0)
    logs = fit.log_probabilities(rows)
    assert np.isfinite(logs).all()
    assert (np.diff(fit.cut_points) > 0).all()
    assert np.exp(logs).mean(axis=0)[[0, 2, 5]] == pytest.approx(1 / 6 / 101, rel=0.5)
    with pytest.raises(InputError, match="a rating or a prior"):
        fit_ordinal(rows, level_shares(ratings + 1, 6), 1.0, prior=0.0)


def test_a_higher_score_means_a_higher_level() -> None:
    scores = np.array([-1e6, -30.0, -1.0, 0.0, 2.0, 40.0, 1e6])
    logs = level_log_probabilities(scores, CUTS)
    assert np.isfinite(logs).all()
    assert np.exp(logs).sum(axis=1) == pytest.approx(np.ones(7))
    expected = np.exp(logs) @ np.arange(4)
    assert (np.diff(expected) >= 0).all()
    assert (expected[0], expected[-1]) == (0.0, 3.0)


@pytest.mark.parametrize(
    ("positions", "ridge", "sentence"),
    [
        ([1.0, 1.0, 1.0], 1.0, "all of one level"),
        ([0.0, 1.0, 2.0], 0.0, "the ridge is above 0"),
        ([0.0, 1.0], 1.0, "one row of features for each rating"),
        ([0.0, 1.0, 2.5], 1.0, "between the worst and the best level"),
        ([0.0, 1.0, np.nan], 1.0, "between the worst and the best level"),
    ],
)
def test_what_cannot_be_fitted_is_refused(positions: list[float], ridge: float, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit_ordinal(np.ones((3, 2)), level_shares(np.array(positions), 3), ridge)


def test_numbers_that_are_no_features_or_shares_are_refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        fit_ordinal(np.array([[np.inf], [1.0]]), np.eye(2), 1.0)
    with pytest.raises(InputError, match="sum to 1"):
        fit_ordinal(np.ones((2, 1)), np.array([[0.5, 0.2], [1.0, 0.0]]), 1.0)


def test_the_layer_with_the_signal_is_chosen() -> None:
    rows, ratings, _ = drawn()
    noise = np.random.default_rng(9).normal(size=rows.shape)
    clusters = [f"c{number // 4}" for number in range(len(ratings))]
    shares = level_shares(ratings, 4)
    selection = choose_ridge({8: noise, 16: rows}, LevelShares(shares), clusters, (10.0, 1.0, 0.1))
    assert selection.best.layer == 16
    assert len(selection.candidates) == 6
    assert selection.best.loss == min(candidate.loss for candidate in selection.candidates)
    assert selection.best.accuracy > max(
        candidate.accuracy for candidate in selection.candidates if candidate.layer == 8
    )
    expected = np.exp(selection.predictions) @ np.arange(4)
    assert np.corrcoef(expected, ratings)[0, 1] > 0.5


def test_held_out_levels_come_from_fits_without_the_fold() -> None:
    rows, ratings, _ = drawn(ratings=60)
    clusters = [f"c{number // 3}" for number in range(60)]
    shares = level_shares(ratings, 4)
    selection = choose_ridge({1: rows}, LevelShares(shares), clusters, (1.0,))
    folds = cluster_folds(clusters, 0)
    for fold in set(folds.tolist()):
        held_out = folds == fold
        fit = fit_ordinal(rows[~held_out], shares[~held_out], 1.0)
        assert selection.predictions[held_out] == pytest.approx(
            fit.log_probabilities(rows[held_out]), abs=1e-4
        )
