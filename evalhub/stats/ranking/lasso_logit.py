"""A logit with an absolute-value penalty (lasso), its strength chosen by cross-validation."""

from __future__ import annotations

import numpy as np

from evalhub.stats.clusters import Floats, Ints
from evalhub.stats.logit.fit import probabilities

STRENGTHS: Floats = np.logspace(-4, 4, 10)
FOLDS = 5
ITERATIONS = 100
CONVERGED = 1e-9


def lasso_logit(outcomes: Floats, design: Floats, weights: Floats, folds: Ints) -> tuple[Floats, float]:
    """Minimise the sum of |coefficient| plus C times the weighted log-loss; C by the held-out log-loss.

    Args:
        outcomes: (n,) in [0, 1], fractions allowed.
        design: (n, k) columns; no intercept is added, and every column is penalised.
        weights: (n,) weights, at least 0.
        folds: (n,) which fold each row is held out with, 0 … f-1; some row lies outside each fold.

    Returns:
        (k,) coefficients, and the C of `STRENGTHS` whose weighted log-loss per held-out row is the least on
        average over the folds (the smallest of equals).

    Source: Tibshirani, JRSS B 58(1), 1996, 267-288; Yuan, Ho & Lin, JMLR 13, 2012, 1999-2030 (Newton steps
        with coordinate descent).

    Example:
        >>> ones = np.ones(40)
        >>> beta, _ = lasso_logit(np.repeat([1.0, 0.0], [30, 10]), ones[:, None], ones, np.arange(40) % 5)
        >>> round(float(beta[0]), 2)  # log 3, a little less
        1.1
    """
    losses = np.zeros(len(STRENGTHS))
    for fold in np.unique(folds).tolist():
        held, used = folds == fold, folds != fold
        beta = np.zeros(design.shape[1])
        for i, strength in enumerate(STRENGTHS.tolist()):
            beta = _minimise(outcomes[used], design[used], strength * weights[used], beta)
            losses[i] += _loss(outcomes[held], design[held] @ beta, weights[held]) / held.sum()
    best = float(STRENGTHS[int(np.argmin(losses))])
    return _minimise(outcomes, design, best * weights, np.zeros(design.shape[1])), best


def _loss(outcomes: Floats, predictor: Floats, weights: Floats) -> float:
    return float(weights @ (np.logaddexp(0, predictor) - outcomes * predictor))


def _minimise(outcomes: Floats, design: Floats, weights: Floats, beta: Floats) -> Floats:
    height = _loss(outcomes, design @ beta, weights) + float(np.abs(beta).sum())
    for _ in range(ITERATIONS):
        fitted = probabilities(design @ beta)
        slope = design.T @ (weights * (fitted - outcomes))
        bend = (design * (weights * fitted * (1 - fitted))[:, None]).T @ design
        step = _descend(slope, bend, beta) - beta
        if float(np.abs(step).max(initial=0)) < CONVERGED:
            break
        share = 1.0
        while share > 1e-8:
            tried = beta + share * step
            new = _loss(outcomes, design @ tried, weights) + float(np.abs(tried).sum())
            if new <= height + 1e-12 * abs(height):
                break
            share /= 2
        beta, height = tried, new
    return beta


def _descend(slope: Floats, bend: Floats, start: Floats) -> Floats:
    """Minimise the quadratic model plus the penalty, one coordinate at a time."""
    beta = start.copy()
    for _ in range(1_000):
        before = beta.copy()
        for j in range(len(beta)):
            curve = float(bend[j, j])
            if curve <= 0:
                beta[j] = 0.0
                continue
            target = curve * beta[j] - float(slope[j] + bend[j] @ (beta - start))
            beta[j] = np.sign(target) * max(0.0, abs(target) - 1) / curve
        if float(np.abs(beta - before).max()) < CONVERGED / 10:
            break
    return beta
