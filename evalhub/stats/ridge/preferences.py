"""Ridge-penalised Bradley-Terry regression: the better of two responses from the difference of features.

Source: Bradley and Terry, Rank analysis of incomplete block designs, 1952; le Cessie and van Houwelingen,
Ridge estimators in logistic regression, Applied Statistics 41, 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalhub.errors import InputError
from evalhub.stats.ridge.descent import Matrix, Vector, minimise, sigmoid


@dataclass(frozen=True, slots=True)
class PreferenceFit:
    """A fitted linear preference.

    Attributes:
        weights: (d,) The log-odds that the first response is better are the difference of the features times
            these weights.
        loss: Mean log loss on the training pairs, without the penalty, in nats. Lower is better.
    """

    weights: Vector
    loss: float

    def log_odds(self, differences: Matrix) -> Vector:
        """Return (n,) log-odds that the first response is better, of (n, d) differences."""
        return np.asarray(differences @ self.weights, dtype=float)


def fit_preferences(
    differences: Matrix, shares: Vector, ridge: float, *, start: Vector | None = None
) -> PreferenceFit:
    """Fit the weights of features to preferences.

    There is no intercept, so that exchanging the two responses mirrors the preference exactly.

    Args:
        differences: (n, d) features of the first response minus those of the second. Their scale counts,
            because the penalty is the same for all of them.
        shares: (n,) preference for the first response, in [0, 1]. A tie is .5.
        ridge: Strength of the penalty, above 0: `ridge * |weights|^2 / 2` beside the summed log loss.
        start: (d,) weights to start from.

    Returns:
        The weights with the least penalised log loss. The minimum is unique.

    Raises:
        InputError: There are no pairs, the labels all say the same side or only ties, or a number is out of
            range.

    Example:
        >>> fit = fit_preferences(np.array([[1.0], [2.0], [-1.0]]), np.array([1.0, 1.0, 0.0]), 1.0)
        >>> bool(fit.weights[0] > 0)
        True
    """
    _check(differences, shares, ridge)
    rows, targets = np.asarray(differences, float), np.asarray(shares, float)

    def penalised(weights: Vector) -> tuple[float, Vector]:
        log_odds = rows @ weights
        loss = np.logaddexp(0.0, log_odds) - targets * log_odds
        gradient = rows.T @ (sigmoid(log_odds) - targets) + ridge * weights
        return float(loss.sum() + ridge * weights @ weights / 2), gradient

    initial = np.zeros(rows.shape[1]) if start is None else np.asarray(start, float)
    weights = minimise(penalised, initial)
    return PreferenceFit(weights, mean_loss(rows @ weights, targets))


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences that are predicted from differences of features. `choose_ridge` asks for such an object.

    Attributes:
        shares: (n,) preference for the first response, in [0, 1]. A tie is .5.
    """

    shares: Vector

    def fit(
        self, features: Matrix, rows: npt.NDArray[np.bool_], ridge: float, start: PreferenceFit | None = None
    ) -> PreferenceFit:
        """Return the fit to some of the pairs."""
        weights = None if start is None else start.weights
        return fit_preferences(features[rows], self.shares[rows], ridge, start=weights)

    def predict(self, fit: PreferenceFit, features: Matrix) -> Vector:
        """Return (m,) log-odds that the first response is better."""
        return fit.log_odds(features)

    def loss(self, predictions: Vector, rows: npt.NDArray[np.bool_]) -> float:
        """Return the mean log loss of some of the pairs, in nats."""
        return mean_loss(predictions[rows], self.shares[rows])

    def accuracy(self, predictions: Vector, rows: npt.NDArray[np.bool_]) -> float:
        """Return the share of some of the pairs, without ties, whose side is right."""
        decided = rows & (self.shares != 0.5)
        right = map(side_share, predictions[decided].tolist(), self.shares[decided].tolist())
        return float(np.mean(list(right)))


def side_share(log_odds: float, share: float) -> float:
    """Return whether log-odds are on the side of a preference: 1, 0, or a half where they are on none.

    >>> side_share(0.3, 1.0), side_share(0.3, 0.0), side_share(0.0, 0.0)
    (1.0, 0.0, 0.5)
    """
    return 0.5 if log_odds == 0 else float((log_odds > 0) == (share > 0.5))


def mean_loss(log_odds: Vector, shares: Vector) -> float:
    """Return the mean log loss of log-odds against preferences, in nats.

    >>> round(mean_loss(np.array([0.0]), np.array([1.0])), 4)
    0.6931
    """
    return float(np.mean(np.logaddexp(0.0, log_odds) - shares * log_odds))


def divergences(log_odds: Vector, shares: Vector) -> Vector:
    """Return (n,) Kullback-Leibler divergences of log-odds from preferences, in nats, 0 or more.

    Args:
        log_odds: (n,) verdicts.
        shares: (n,) preferences in [0, 1], such as a teacher's probabilities.

    Example:
        >>> divergences(np.array([0.0, 0.0]), np.array([0.5, 1.0])).round(4).tolist()
        [0.0, 0.6931]
    """
    from scipy.special import xlogy

    entropies = -xlogy(shares, shares) - xlogy(1 - shares, 1 - shares)
    losses = np.logaddexp(0.0, log_odds) - shares * log_odds
    return np.asarray(np.maximum(losses - entropies, 0.0))


def check_sides(shares: Vector) -> None:
    """Refuse preferences that all name one side, or none.

    Raises:
        InputError: A judge would learn nothing but the side.
    """
    if not ((shares > 0.5).any() and (shares < 0.5).any()):
        raise InputError(
            "the labels prefer one side alone, and a judge learns from two",
            value=f"{int((shares > 0.5).sum())} for the first, {int((shares < 0.5).sum())} for the second",
            fix="take more labels",
        )


def project_out(features: Matrix, directions: Matrix) -> Matrix:
    """Return features without what lies along some directions.

    Args:
        features: (n, d).
        directions: (k, d). A direction of length 0 removes nothing.

    Returns:
        (n, d), of which every row is orthogonal to every direction.

    Example:
        >>> project_out(np.array([[3.0, 4.0]]), np.array([[2.0, 0.0]])).tolist()
        [[0.0, 4.0]]
    """
    basis = _basis(directions)
    return features - (features @ basis.T) @ basis


def _basis(directions: Matrix) -> Matrix:
    """Return an orthonormal basis of the space of some directions, row by row."""
    _, sizes, rows = np.linalg.svd(np.asarray(directions, float), full_matrices=False)
    largest = sizes.max(initial=0.0)
    return np.asarray(rows[sizes > 1e-12 * largest] if largest > 0 else rows[:0])


def _check(differences: Matrix, shares: Vector, ridge: float) -> None:
    if differences.ndim != 2 or len(differences) != len(shares):
        raise InputError(
            "there is one row of features for each label", value=(differences.shape, len(shares))
        )
    if not ridge > 0:
        raise InputError("the ridge is above 0", value=ridge)
    if not np.isfinite(differences).all():
        raise InputError("a feature is not finite")
    if not ((shares >= 0) & (shares <= 1)).all():
        raise InputError("a preference lies between 0 and 1")
    check_sides(shares)
