"""The core of the joint length-controlled fit: penalised Newton over models and items at once.

Log-odds that model m wins on item i: θ_m + φ_m t_mi + ψ_m γ_i, with t the squashed length difference. Each
item has one unknown, so its part of the information matrix is a diagonal, which is eliminated (Schur
complement). The remaining system has three unknowns per model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Bools, Floats

ITERATIONS = 200
CONVERGED = 1e-8
SETTLED = 1e-5

# Standard deviations of the normal penalties. Strengths are all but free. The effects of length lie around a
# common one, which itself is all but free. AlpacaEval's anchors serve the same purpose.
STRENGTH = 5.0
LENGTH = 0.3
COMMON_LENGTH = 2.0
SENSITIVITY = 0.15
LEAST_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts, as a table of models and items.

    Args:
        wins: (m, n) in [0, 1]. 0 where nothing was measured.
        present: (m, n) True where a verdict is present.
        length: (m, n) squashed length difference, in (-1, 1), above 0 = the model is longer.
    """

    wins: Floats
    present: Bools
    length: Floats


@dataclass(frozen=True, slots=True)
class JointFit:
    """A maximum of the penalised likelihood.

    Args:
        verdicts: The verdicts.
        beta: (m, 3) of each model: strength θ, effect of length φ, sensitivity to the item ψ.
        ease: (n,) of each item, γ: above 0 = models win there more often. 0 where it is not fitted.
        spread: Standard deviation of the items' ease. 0 = not fitted.
        converged: Whether the last step was below `CONVERGED`.
    """

    verdicts: Verdicts
    beta: Floats
    ease: Floats
    spread: float
    converged: bool


def fit(verdicts: Verdicts, *, items_vary: bool) -> JointFit:
    """Maximise the penalised likelihood by Newton's method with halved steps.

    Args:
        verdicts: The verdicts, at least one for each model.
        items_vary: Whether each item has its own ease. Otherwise γ is 0.

    Returns:
        The fit. The items' spread is estimated along the way: the sum of squares of their ease over the
        number of items that the data, rather than the penalty, determine.

    Source: MacKay, Neural Computation 4(3), 1992, 415-447 (the spread). Breslow & Clayton, JASA 88, 1993,
        9-25 (penalised quasi-likelihood).
    """
    counts = verdicts.present.sum(axis=1)
    shares = (verdicts.wins.sum(axis=1) + 0.5) / (counts + 1)
    beta = np.column_stack([np.log(shares / (1 - shares)), np.zeros(len(shares)), np.ones(len(shares))])
    fitted = JointFit(verdicts, beta, np.zeros(verdicts.wins.shape[1]), 1.0 if items_vary else 0.0, False)
    for _ in range(ITERATIONS):
        system = System.of(fitted)
        step, item_step = system.step()
        higher = _climb(fitted, step, item_step)
        spread = _spread(higher, system) if items_vary else 0.0
        stable = abs(spread - fitted.spread) <= SETTLED * fitted.spread
        fitted = replace(higher, spread=spread)
        if stable and max(float(np.abs(step).max()), float(np.abs(item_step).max(initial=0))) < CONVERGED:
            return replace(fitted, converged=True)
    return fitted


def _climb(fitted: JointFit, step: Floats, item_step: Floats) -> JointFit:
    height, share = _height(fitted), 1.0
    while True:
        trial = replace(fitted, beta=fitted.beta + share * step, ease=fitted.ease + share * item_step)
        if share < 1e-4 or _height(trial) >= height - 1e-10 * abs(height):
            return trial
        share /= 2


def _height(fitted: JointFit) -> float:
    data = fitted.verdicts
    log_odds = predictor(fitted)
    likelihood = float(np.sum(data.wins * log_odds) - np.logaddexp(0, log_odds)[data.present].sum())
    off = fitted.beta - [0.0, 0.0, 1.0]
    cost = float(np.sum(off[:, [0, 2]] ** 2 / [STRENGTH**2, SENSITIVITY**2]))
    cost += float(off[:, 1] @ _length_precision(len(off)) @ off[:, 1])
    if fitted.spread:
        return likelihood - cost / 2 - float(np.sum(fitted.ease**2)) / fitted.spread**2 / 2
    return likelihood - cost / 2


def _spread(fitted: JointFit, system: System) -> float:
    """Return the items' spread from the number of items that the data determine, bounded from below."""
    determined = float(np.sum(1 - 1 / (system.curvature * fitted.spread**2)))
    return float(max(float(np.sum(fitted.ease**2)) / max(determined, 1e-9), LEAST_SPREAD**2) ** 0.5)


def predictor(fitted: JointFit) -> Floats:
    """Return the (m, n) log-odds of each model on each item."""
    strength, length, sensitivity = fitted.beta.T[:, :, None]
    log_odds = strength + length * fitted.verdicts.length + sensitivity * fitted.ease
    return np.asarray(log_odds, dtype=np.float64)


def _length_precision(models: int) -> Floats:
    """Return the inverse covariance of the effects of length, whose common value is integrated out."""
    shared = COMMON_LENGTH**2 / (LENGTH**2 + models * COMMON_LENGTH**2)
    return (np.eye(models) - shared) / LENGTH**2


@dataclass(frozen=True, slots=True)
class System:
    """The linear system of a Newton step, the items eliminated.

    Args:
        residuals: (m, n) observed minus fitted. 0 where nothing is observed.
        weights: (m, n) fitted variance of the verdicts. 0 where nothing is observed.
        features: (3, m, n) 1, length difference and ease.
        gradient: (3m,) of the models' coefficients.
        item_gradient: (n,) of the items' ease.
        cross: (3m, n) information that ties models to items.
        curvature: (n,) information about each item's ease, its penalty included. Infinite = not fitted.
        schur: (3m, 3m) information about the models, the items eliminated.
        penalty: (3m, 3m) its part that comes from the penalties.
    """

    residuals: Floats
    weights: Floats
    features: Floats
    gradient: Floats
    item_gradient: Floats
    cross: Floats
    curvature: Floats
    schur: Floats
    penalty: Floats

    @classmethod
    def of(cls, state: JointFit) -> System:
        """Set up the system at some coefficients."""
        from scipy import special

        data = state.verdicts
        m, n = data.wins.shape
        fitted = special.expit(predictor(state))
        weights = np.where(data.present, fitted * (1 - fitted), 0.0)
        residuals = np.where(data.present, data.wins - fitted, 0.0)
        features = np.stack([np.ones((m, n)), data.length, np.broadcast_to(state.ease, (m, n))])
        off = state.beta - [0.0, 0.0, 1.0]
        penalty = np.zeros((3, m, 3, m))
        models = np.arange(m)
        penalty[0, models, 0, models] = 1 / STRENGTH**2
        penalty[1, :, 1, :] = _length_precision(m)
        penalty[2, models, 2, models] = 1 / SENSITIVITY**2
        within = np.einsum("jmn,kmn,mn->jkm", features, features, weights, optimize=True)
        information = penalty.copy()
        for j in range(3):
            for k in range(3):
                information[j, models, k, models] += within[j, k]
        square, precision = information.reshape(3 * m, 3 * m), penalty.reshape(3 * m, 3 * m)
        gradient = np.einsum("kmn,mn->km", features, residuals).ravel() - precision @ off.T.ravel()
        sensitivity = state.beta[:, 2]
        if not state.spread:
            flat, cross, curvature = np.zeros(n), np.zeros((3 * m, n)), np.full(n, np.inf)
            return cls(residuals, weights, features, gradient, flat, cross, curvature, square, precision)
        cross = (features * weights * sensitivity[:, None]).reshape(3 * m, n)
        curvature = sensitivity**2 @ weights + 1 / state.spread**2
        item_gradient = sensitivity @ residuals - state.ease / state.spread**2
        schur = square - (cross / curvature) @ cross.T
        return cls(residuals, weights, features, gradient, item_gradient, cross, curvature, schur, precision)

    def step(self) -> tuple[Floats, Floats]:
        """Return the Newton step of the models (m, 3) and of the items (n,)."""
        reduced = self.gradient - self.cross @ (self.item_gradient / self.curvature)
        step = np.linalg.solve(self.schur, reduced)
        item_step = (self.item_gradient - self.cross.T @ step) / self.curvature
        return np.asarray(step.reshape(3, -1).T, dtype=np.float64), item_step
