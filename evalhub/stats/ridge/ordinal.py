"""Ridge-penalised proportional odds: the level of a rating from features.

One score says how good a response is, and rising cut points on the line of scores part the levels. The chance
of at most level k is the sigmoid of the k-th cut point minus the score, so that a higher score makes every
higher level more probable. Levels are numbered from 0, the worst first. Their distances do not count.

Source: McCullagh, Regression models for ordinal data, JRSS B 42(2), 1980; Pratt, Concavity of the log
likelihood, JASA 76, 1981 (the minimum is unique); le Cessie and van Houwelingen, Ridge estimators in logistic
regression, Applied Statistics 41, 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalhub.errors import InputError
from evalhub.stats.ridge.descent import Matrix, Vector, minimise, sigmoid


@dataclass(frozen=True, slots=True)
class OrdinalFit:
    """Fitted proportional odds of k levels.

    Attributes:
        weights: (d,) The score is the features times these weights, in log-odds. Higher is better.
        cut_points: (k - 1,) rising scores that part the levels, in log-odds.
        loss: Mean log loss on the training ratings, without the penalty, in nats. Lower is better.
    """

    weights: Vector
    cut_points: Vector
    loss: float

    def log_probabilities(self, features: Matrix) -> Matrix:
        """Return (n, k) log-probabilities of the levels, of (n, d) features."""
        return level_log_probabilities(features @ self.weights, self.cut_points)


def level_log_probabilities(scores: Vector, cut_points: Vector) -> Matrix:
    """Return the log-probability of each level, for scores of any size.

    Args:
        scores: (n,) in log-odds. A higher score means higher levels.
        cut_points: (k - 1,) rising, in log-odds.

    Returns:
        (n, k) natural logarithms, the worst level first. Their exponentials sum to 1 in each row.

    Example:
        >>> np.exp(level_log_probabilities(np.array([0.0]), np.array([-1.0, 1.0]))).round(3).tolist()
        [[0.269, 0.462, 0.269]]
    """
    margins = np.asarray(cut_points)[None, :] - np.asarray(scores)[:, None]
    logs = np.zeros((len(scores), len(cut_points) + 1))
    # The sigmoid of b minus that of a is sigmoid(b) * sigmoid(-a) * (1 - exp(a - b)).
    logs[:, :-1] -= np.logaddexp(0.0, -margins)
    logs[:, 1:] -= np.logaddexp(0.0, margins)
    logs[:, 1:-1] += np.log(-np.expm1(-np.diff(cut_points)))
    return logs


def level_shares(positions: Vector, levels: int) -> Matrix:
    """Return the share of each level in ratings that may lie between two levels.

    A rating between two levels belongs to both, to the nearer one more, so that its mean position stays.

    Args:
        positions: (n,) ratings in [0, levels - 1], where 0 is the worst level and a step is one level.
        levels: Their number, at least 2.

    Returns:
        (n, levels) shares that sum to 1 in each row.

    Raises:
        InputError: A position lies outside.

    Example:
        >>> level_shares(np.array([2.0, 0.25]), 3).tolist()
        [[0.0, 0.0, 1.0], [0.75, 0.25, 0.0]]
    """
    if not ((positions >= 0) & (positions <= levels - 1)).all():
        raise InputError("a rating lies between the worst and the best level", allowed=f"0 to {levels - 1}")
    distances = np.abs(np.asarray(positions, float)[:, None] - np.arange(levels)[None, :])
    return np.asarray(np.maximum(1.0 - distances, 0.0))


def fit_ordinal(
    features: Matrix, shares: Matrix, ridge: float, *, prior: float = 1.0, start: OrdinalFit | None = None
) -> OrdinalFit:
    """Fit weights and cut points to ratings.

    Args:
        features: (n, d), with a mean of about 0. Their scale counts, because the penalty is the same for all.
        shares: (n, k) share of each level in each rating, the worst first. Each row sums to 1.
        ridge: Strength of the penalty, above 0: `ridge * |weights|^2 / 2` beside the summed log loss. The cut
            points have none.
        prior: Weight of one further rating, of features of 0 and in equal shares of all levels. It keeps a
            level possible that nobody gave. 0 = none, where every level was given.
        start: The fit to start from.

    Returns:
        The weights and cut points with the least penalised log loss. The minimum is unique.

    Raises:
        InputError: There are no ratings, they all say the same, a level has neither a rating nor a prior, or
            a number is out of range.

    Example:
        >>> features, ratings = np.array([[-1.0], [0.0], [0.2], [1.0]]), np.array([0.0, 1.0, 1.0, 2.0])
        >>> fit = fit_ordinal(features, level_shares(ratings, 3), 1.0)
        >>> bool(fit.weights[0] > 0), bool(fit.cut_points[0] < fit.cut_points[1])
        (True, True)
    """
    _check(features, shares, ridge, prior)
    width, levels = features.shape[1], shares.shape[1]
    loss = _PenalisedLoss(
        np.vstack([features, np.zeros((1, width))]),
        np.vstack([shares, np.full((1, levels), prior / levels)]),
        ridge,
    )
    parameters = minimise(loss, loss.initial(start))
    weights, cut_points = loss.read(parameters)
    logs = level_log_probabilities(features @ weights, cut_points)
    return OrdinalFit(weights, cut_points, _mean_loss(logs, shares))


@dataclass(frozen=True, slots=True)
class LevelShares:
    """Ratings that are predicted from features. `choose_ridge` asks for such an object.

    Attributes:
        shares: (n, k) share of each level in each rating, see `level_shares`.
    """

    shares: Matrix

    def fit(
        self, features: Matrix, rows: npt.NDArray[np.bool_], ridge: float, start: OrdinalFit | None = None
    ) -> OrdinalFit:
        """Return the fit to some of the ratings."""
        return fit_ordinal(features[rows], self.shares[rows], ridge, start=start)

    def predict(self, fit: OrdinalFit, features: Matrix) -> Matrix:
        """Return (m, k) log-probabilities of the levels."""
        return fit.log_probabilities(features)

    def loss(self, predictions: Matrix, rows: npt.NDArray[np.bool_]) -> float:
        """Return the mean log loss of some of the ratings, in nats."""
        return _mean_loss(predictions[rows], self.shares[rows])

    def accuracy(self, predictions: Matrix, rows: npt.NDArray[np.bool_]) -> float:
        """Return the mean share of the most probable level in some of the ratings."""
        best = np.argmax(predictions[rows], axis=1)
        return float(np.mean(np.take_along_axis(self.shares[rows], best[:, None], axis=1)))


class _PenalisedLoss:
    """The penalised log loss, with its gradient, as a function of weights, first cut point and log-gaps.

    The logarithms of the gaps between cut points are free numbers, so that cut points always rise. All but
    the weights are measured in the size of a feature: a step in any direction then changes the loss about as
    much, and the descent takes a tenth of the steps.
    """

    def __init__(self, rows: Matrix, shares: Matrix, ridge: float) -> None:
        self._rows = np.asarray(rows, float)
        self._shares = np.asarray(shares, float)
        self._ridge = ridge
        self._totals = self._shares.sum(axis=0)
        self._unit = float(np.sqrt(np.mean(self._rows**2))) or 1.0

    def initial(self, start: OrdinalFit | None) -> Vector:
        """Return the parameters of a fit, by default those of no weights, where the gaps are the best."""
        if start is None:
            below = np.cumsum(self._totals)[:-1] / self._totals.sum()
            start = OrdinalFit(np.zeros(self._rows.shape[1]), np.log(below / (1 - below)), 0.0)
        weights, cut_points = start.weights, start.cut_points
        return np.concatenate([weights, np.append(cut_points[0], np.log(np.diff(cut_points))) / self._unit])

    def read(self, parameters: Vector) -> tuple[Vector, Vector]:
        """Return the weights and the cut points."""
        weights, rest = np.split(parameters, [self._rows.shape[1]])
        first, log_gaps = rest[0] * self._unit, rest[1:] * self._unit
        return weights, first + np.concatenate([[0.0], np.cumsum(np.exp(log_gaps))])

    def __call__(self, parameters: Vector) -> tuple[float, Vector]:
        """Return the loss and its gradient."""
        weights, cut_points = self.read(parameters)
        gaps = np.diff(cut_points)
        scores = self._rows @ weights
        logs = level_log_probabilities(scores, cut_points)
        loss = -float(np.sum(self._shares * logs)) + self._ridge * float(weights @ weights) / 2
        margins = cut_points[None, :] - scores[:, None]
        of_margins = self._shares[:, 1:] * sigmoid(margins) - self._shares[:, :-1] * sigmoid(-margins)
        of_cut_points = of_margins.sum(axis=0)
        # A gap moves all cut points above it, and widens the level between its two ends.
        of_gaps = np.cumsum(of_cut_points[::-1])[::-1][1:] - self._totals[1:-1] / np.expm1(gaps)
        of_weights = self._ridge * weights - self._rows.T @ of_margins.sum(axis=1)
        of_rest = np.append(of_cut_points.sum(), of_gaps * gaps) * self._unit
        return loss, np.concatenate([of_weights, of_rest])


def _mean_loss(logs: Matrix, shares: Matrix) -> float:
    return -float(np.sum(shares * logs)) / len(shares)


def _check(features: Matrix, shares: Matrix, ridge: float, prior: float) -> None:
    if features.ndim != 2 or shares.ndim != 2 or len(features) != len(shares):
        raise InputError("there is one row of features for each rating", value=(features.shape, shares.shape))
    if not ridge > 0:
        raise InputError("the ridge is above 0", value=ridge)
    if not np.isfinite(features).all():
        raise InputError("a feature is not finite")
    if not ((shares >= 0).all() and np.allclose(shares.sum(axis=1), 1.0)):
        raise InputError("the shares of the levels of a rating are 0 or more and sum to 1")
    if not np.any(shares != shares[:1]):
        raise InputError(
            "the labels are all of one level, and a judge learns from several",
            value=f"{len(shares)} ratings",
            fix="take more labels",
        )
    if prior < 0 or (prior == 0 and not shares.sum(axis=0).all()):
        raise InputError("every level needs a rating or a prior", value=prior)
