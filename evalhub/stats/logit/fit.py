"""The core of the logits: identified columns, Newton's method, and perfect prediction.

Columns are centred and scaled before the fit. A column that is not identified has no coefficient, only a
reason. The other columns are fitted all the same.

- A constant column, and every column of a collinear set, is not identified: the data cannot tell which column
  of the set has the effect.
- Under separation the likelihood has no maximum. A linear programme finds the verdicts that some combination
  of columns predicts perfectly. In the limit they say nothing about the other coefficients, so they are set
  aside, together with the columns that only they identified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Bools, Floats, Ints

ITERATIONS = 100
CONVERGED = 1e-9
SUSPICIOUS = 12.0
RANK = 1e-11
LINKED = 1e-7
STRICT = 1e-6

CONSTANT = "the same in every row"
SEPARATED = "the verdict is predicted perfectly (separation)"
UNCONVERGED = "the fit did not converge"


@dataclass(frozen=True, slots=True)
class Design:
    """The columns that are fitted, standardised, and why other columns are not reported.

    Args:
        matrix: (n, r) independent columns. The intercept comes first.
        columns: (r,) number of the original column. -1 = the intercept.
        centres: (r,) subtracted from the original column.
        scales: (r,) divisors, above 0.
        reasons: Why an original column has no coefficient, by its number.
    """

    matrix: Floats
    columns: Ints
    centres: Floats
    scales: Floats
    reasons: dict[int, str]


@dataclass(frozen=True, slots=True)
class Solution:
    """A maximum of the likelihood, on the rows that have one.

    Args:
        design: The columns fitted.
        rows: (N,) True where a row entered.
        outcomes: (n,) outcomes of those rows, in [0, 1].
        beta: (r,) coefficients of the standardised columns. Empty where nothing could be fitted.
        reasons: Why an original column has no coefficient, by its number.
    """

    design: Design
    rows: Bools
    outcomes: Floats
    beta: Floats
    reasons: dict[int, str]


def solve(outcomes: Floats, matrix: Floats, names: Sequence[str]) -> Solution:
    """Maximise the (fractional) logistic likelihood over everything that is identified.

    Args:
        outcomes: (N,) in [0, 1]: 1 = win, 0 = loss, between = a tie or a probability.
        matrix: (N, k) finite covariates.
        names: (k,) their names, for the reasons.

    Returns:
        The solution, with the reasons of the columns that are not identified.

    Source: Albert & Anderson, Biometrika 71(1), 1984 (separation). Geyer, Electronic Journal of Statistics 3,
        2009, section 3 (the limiting model on the remaining rows).
    """
    rows = np.ones(len(outcomes), dtype=np.bool_)
    reasons: dict[int, str] = {}
    while True:
        design = _identify(matrix[rows], names)
        new = {column: reason for column, reason in design.reasons.items() if column not in reasons}
        reasons |= new if rows.all() else dict.fromkeys(new, SEPARATED)
        fitted_outcomes = outcomes[rows]
        beta, converged = _fit_logit(fitted_outcomes, design.matrix)
        if converged and float(np.abs(design.matrix @ beta).max(initial=0)) < SUSPICIOUS:
            return Solution(design, rows, fitted_outcomes, beta, reasons)
        direction = _separation(fitted_outcomes, design.matrix)
        if direction is None:
            if not converged:
                reasons |= {j: UNCONVERGED for j in range(len(names)) if j not in reasons}
            return Solution(design, rows, fitted_outcomes, beta if converged else beta[:0], reasons)
        rows[rows] = np.abs(design.matrix @ direction) <= STRICT
        if not rows.any():
            reasons |= {j: SEPARATED for j in range(len(names)) if j not in reasons}
            return Solution(design, rows, fitted_outcomes[:0], beta[:0], reasons)


def _identify(matrix: Floats, names: Sequence[str]) -> Design:
    """Standardise the (n, k) columns, choose independent ones, and give reasons for the others.

    All members of a collinear set get a reason. As many as are independent stay in the matrix, so that the
    other coefficients are adjusted for what the set spans.
    """
    largest = np.abs(matrix).max(axis=0, initial=0)
    units = np.where(largest > 0, largest, 1.0)
    small = matrix / units
    middle = small.mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])
    spread = np.sqrt(np.mean((small - middle) ** 2, axis=0)) if len(matrix) else np.zeros(matrix.shape[1])
    varies = spread > 1e-12
    centres, scales = units * middle, units * spread
    reasons = dict.fromkeys(np.flatnonzero(~varies).tolist(), CONSTANT)
    varying = np.flatnonzero(varies)
    standard = (small - middle)[:, varying] / spread[varying]
    _, sizes, right = np.linalg.svd(standard.T @ standard)
    null = right[sizes <= RANK * max(1.0, float(sizes.max(initial=0)))]
    linked = null.T @ null
    collinear = np.diag(linked) > LINKED
    for j in np.flatnonzero(collinear).tolist():
        partners = [names[varying[i]] for i in np.flatnonzero(np.abs(linked[j]) > LINKED).tolist() if i != j]
        reasons[int(varying[j])] = "collinear with " + ", ".join(partners)
    independent = np.flatnonzero(~collinear).tolist()
    for j in np.flatnonzero(collinear).tolist():
        grown = standard[:, [*independent, j]]
        smallest = float(np.linalg.eigvalsh(grown.T @ grown).min())
        if smallest > RANK * len(grown):
            independent.append(j)
    independent.sort()
    columns, fitted = varying[independent], standard[:, independent]
    return Design(
        np.column_stack([np.ones(len(matrix)), fitted]),
        np.concatenate([[-1], columns]),
        np.concatenate([[0.0], centres[columns]]),
        np.concatenate([[1.0], scales[columns]]),
        reasons,
    )


def _fit_logit(outcomes: Floats, design: Floats) -> tuple[Floats, bool]:
    """Return the (r,) coefficients of a logit, and whether Newton's method converged."""

    def step(beta: Floats) -> Floats | None:
        fitted = probabilities(design @ beta)
        try:
            return np.asarray(np.linalg.solve(information(design, fitted), design.T @ (outcomes - fitted)))
        except np.linalg.LinAlgError:
            return None

    def height(beta: Floats) -> float:
        predictor = design @ beta
        return float(outcomes @ predictor - np.logaddexp(0, predictor).sum())

    return newton(np.zeros(design.shape[1]), step, height)


def newton(
    beta: Floats, step_at: Callable[[Floats], Floats | None], height_at: Callable[[Floats], float]
) -> tuple[Floats, bool]:
    """Maximise a concave function by Newton's method with halved steps.

    Args:
        beta: (r,) start.
        step_at: From coefficients to the Newton step. None = the information is singular.
        height_at: From coefficients to the log-likelihood.

    Returns:
        (r,) coefficients, and whether the last step was below `CONVERGED`.

    Example:
        >>> newton(np.array([3.0]), lambda beta: 1 - beta, lambda beta: -float((beta[0] - 1) ** 2))
        (array([1.]), True)
    """
    height = height_at(beta)
    for _ in range(ITERATIONS):
        step = step_at(beta)
        if step is None:
            return beta, False
        if float(np.abs(step).max(initial=0)) < CONVERGED:
            return beta + step, True
        share, floor = 1.0, height - 1e-10 * abs(height)
        while (new_height := height_at(beta + share * step)) < floor and share > 1e-6:
            share /= 2
        beta, height = beta + share * step, new_height
    return beta, False


def _separation(outcomes: Floats, design: Floats) -> Floats | None:
    """Return a (r,) direction along which the likelihood rises for ever, or None.

    Its linear predictor is 0 or on the right side of every verdict.

    Source: Albert & Anderson, Biometrika 71(1), 1984, 1-10. As a linear programme: Konis, Linear programming
        algorithms for detecting separated data in binary logistic regression models, 2007, chapter 4.
    """
    from scipy import optimize

    sure = (outcomes <= 0) | (outcomes >= 1)
    if not sure.any():
        return None
    towards = design[sure] * np.where(outcomes[sure] >= 1, 1.0, -1.0)[:, None]
    programme = optimize.linprog(
        -towards.mean(axis=0),
        A_ub=-towards,
        b_ub=np.zeros(len(towards)),
        A_eq=design[~sure] if not sure.all() else None,
        b_eq=np.zeros(int((~sure).sum())) if not sure.all() else None,
        bounds=(-1, 1),
        method="highs",
    )
    if programme.x is None or float((towards @ programme.x).max()) <= STRICT:
        return None
    return np.asarray(programme.x, dtype=np.float64)


def probabilities(predictor: Floats) -> Floats:
    """Return the logistic function of log-odds of any shape, in [0, 1]."""
    from scipy import special

    return np.asarray(special.expit(predictor), dtype=np.float64)


def information(design: Floats, fitted: Floats) -> Floats:
    """Return the (r, r) information of (n, r) columns at (n,) fitted probabilities."""
    return np.asarray((design * (fitted * (1 - fitted))[:, None]).T @ design, dtype=np.float64)
