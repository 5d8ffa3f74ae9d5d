"""The core of the joint length-controlled fit: penalised Newton over models and items at once.

Log-odds that model m wins on item i: θ_m + φ_m t_mi + ψ_m γ_i, with t the squashed length difference. Each
item has one unknown, so its part of the information matrix is a diagonal, which is eliminated (Schur
complement); what is left has three unknowns per model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Bools, Floats

ITERATIONS = 200
CONVERGED = 1e-8
SETTLED = 1e-5

# Standard deviations of the normal penalties. Strengths are all but free. The lengths' effects lie around a
# common one, which itself is all but free, as those of AlpacaEval's anchors hold each model's own.
STRENGTH = 5.0
LENGTH = 0.3
COMMON_LENGTH = 2.0
SENSITIVITY = 0.15
LEAST_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What is fitted, as a table of models and items.

    Args:
        wins: (m, n) in [0, 1]; 0 where nothing was measured.
        present: (m, n) True where something was.
        length: (m, n) squashed length difference, in (-1, 1), above 0 = the model is longer.
    """

    wins: Floats
    present: Bools
    length: Floats


@dataclass(frozen=True, slots=True)
class Fitted:
    """A maximum of the penalised likelihood.

    Args:
        verdicts: What was fitted.
        beta: (m, 3) of each model: strength θ, effect of length φ, sensitivity to the item ψ.
        ease: (n,) of each item, γ: above 0 = models win there more often; 0 where it is not fitted.
        spread: Standard deviation of the items' ease; 0 = not fitted.
        converged: Whether the last step was as good as none.
    """

    verdicts: Verdicts
    beta: Floats
    ease: Floats
    spread: float
    converged: bool


def fit(verdicts: Verdicts, *, items_vary: bool) -> Fitted:
    """Maximise the penalised likelihood by Newton's method with halved steps.

    Args:
        verdicts: What is fitted; each model has at least one verdict.
        items_vary: Whether each item has an ease of its own; without, γ is 0.

    Returns:
        The fit. The items' spread is estimated along the way: their mean square over the number of items that
        the data, rather than the penalty, determine.

    Source: MacKay, Neural Computation 4(3), 1992, 415-447 (the spread); Breslow & Clayton, JASA 88, 1993,
        9-25 (penalised quasi-likelihood).
    """
    counts = verdicts.present.sum(axis=1)
    shares = (verdicts.wins.sum(axis=1) + 0.5) / (counts + 1)
    beta = np.column_stack([np.log(shares / (1 - shares)), np.zeros(len(shares)), np.ones(len(shares))])
    now = Fitted(verdicts, beta, np.zeros(verdicts.wins.shape[1]), 1.0 if items_vary else 0.0, False)
    for _ in range(ITERATIONS):
        system = System.of(now)
        step, item_step = system.step()
        following = _climb(now, step, item_step)
        spread = _spread(following, system) if items_vary else 0.0
        still = abs(spread - now.spread) <= SETTLED * now.spread
        now = replace(following, spread=spread)
        if still and max(float(np.abs(step).max()), float(np.abs(item_step).max(initial=0))) < CONVERGED:
            return replace(now, converged=True)
    return now


def _climb(now: Fitted, step: Floats, item_step: Floats) -> Fitted:
    height, share = _height(now), 1.0
    while True:
        tried = replace(now, beta=now.beta + share * step, ease=now.ease + share * item_step)
        if share < 1e-4 or _height(tried) >= height - 1e-10 * abs(height):
            return tried
        share /= 2


def _height(now: Fitted) -> float:
    data = now.verdicts
    log_odds = predictor(now)
    likelihood = float(np.sum(data.wins * log_odds) - np.logaddexp(0, log_odds)[data.present].sum())
    off = now.beta - [0.0, 0.0, 1.0]
    cost = float(np.sum(off[:, [0, 2]] ** 2 / [STRENGTH**2, SENSITIVITY**2]))
    cost += float(off[:, 1] @ _length_precision(len(off)) @ off[:, 1])
    return likelihood - cost / 2 - (float(np.sum(now.ease**2)) / now.spread**2 / 2 if now.spread else 0.0)


def _spread(now: Fitted, system: System) -> float:
    """Return the items' spread, judged by what the data determine; bounded from below."""
    determined = float(np.sum(1 - 1 / (system.curvature * now.spread**2)))
    return float(max(float(np.sum(now.ease**2)) / max(determined, 1e-9), LEAST_SPREAD**2) ** 0.5)


def predictor(now: Fitted) -> Floats:
    """Return the (m, n) log-odds of each model on each item."""
    strength, length, sensitivity = now.beta.T[:, :, None]
    return np.asarray(strength + length * now.verdicts.length + sensitivity * now.ease, dtype=np.float64)


def _length_precision(models: int) -> Floats:
    """Return the inverse covariance of the effects of length, whose common value is integrated out."""
    shared = COMMON_LENGTH**2 / (LENGTH**2 + models * COMMON_LENGTH**2)
    return (np.eye(models) - shared) / LENGTH**2


@dataclass(frozen=True, slots=True)
class System:
    """The linear system of a Newton step, the items eliminated.

    Args:
        residuals: (m, n) what is seen minus what is fitted; 0 where nothing is seen.
        weights: (m, n) variance of the verdicts as fitted; 0 where nothing is seen.
        features: (3, m, n) 1, length difference and ease.
        gradient: (3m,) of the models' coefficients.
        item_gradient: (n,) of the items' ease.
        cross: (3m, n) information that ties models to items.
        curvature: (n,) information about each item's ease, its penalty included; infinite = not fitted.
        schur: (3m, 3m) information about the models, the items allowed for.
        penalty: (3m, 3m) of it, what the penalties give.
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
    def of(cls, now: Fitted) -> System:
        """Set up the system at `now`."""
        from scipy import special

        data = now.verdicts
        m, n = data.wins.shape
        fitted = special.expit(predictor(now))
        weights = np.where(data.present, fitted * (1 - fitted), 0.0)
        residuals = np.where(data.present, data.wins - fitted, 0.0)
        features = np.stack([np.ones((m, n)), data.length, np.broadcast_to(now.ease, (m, n))])
        off = now.beta - [0.0, 0.0, 1.0]
        penalty = np.zeros((3, m, 3, m))
        every = np.arange(m)
        penalty[0, every, 0, every] = 1 / STRENGTH**2
        penalty[1, :, 1, :] = _length_precision(m)
        penalty[2, every, 2, every] = 1 / SENSITIVITY**2
        within = np.einsum("jmn,kmn,mn->jkm", features, features, weights, optimize=True)
        information = penalty.copy()
        for j in range(3):
            for k in range(3):
                information[j, every, k, every] += within[j, k]
        square, held = information.reshape(3 * m, 3 * m), penalty.reshape(3 * m, 3 * m)
        gradient = np.einsum("kmn,mn->km", features, residuals).ravel() - held @ off.T.ravel()
        sensitivity = now.beta[:, 2]
        if not now.spread:
            flat, cross, curvature = np.zeros(n), np.zeros((3 * m, n)), np.full(n, np.inf)
            return cls(residuals, weights, features, gradient, flat, cross, curvature, square, held)
        cross = (features * weights * sensitivity[:, None]).reshape(3 * m, n)
        curvature = sensitivity**2 @ weights + 1 / now.spread**2
        item_gradient = sensitivity @ residuals - now.ease / now.spread**2
        schur = square - (cross / curvature) @ cross.T
        return cls(residuals, weights, features, gradient, item_gradient, cross, curvature, schur, held)

    def step(self) -> tuple[Floats, Floats]:
        """Return the Newton step of the models (m, 3) and of the items (n,)."""
        reduced = self.gradient - self.cross @ (self.item_gradient / self.curvature)
        step = np.linalg.solve(self.schur, reduced)
        item_step = (self.item_gradient - self.cross.T @ step) / self.curvature
        return np.asarray(step.reshape(3, -1).T, dtype=np.float64), item_step
