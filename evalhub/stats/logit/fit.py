"""The core of the logits: which columns are identified, Newton's method, and perfect prediction.

Columns are centred and scaled before anything is solved. What cannot be identified is named and never
reported, and what can be is fitted as if the rest were nuisance:

- a constant column, and every column of a collinear set: which of them carries the effect is unknowable;
- under separation the likelihood has no maximum. A linear programme finds the verdicts that some combination
  of columns predicts perfectly; in the limit they say nothing about the other coefficients, so they are set
  aside, and the columns that only they identified go with them.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """The columns that are fitted, standardised, and why others are not reported.

    Args:
        matrix: (n, r) independent columns; the intercept comes first.
        columns: (r,) which given column each of them is; -1 = the intercept.
        centres: (r,) what was subtracted.
        scales: (r,) what was divided by, above 0.
        reasons: Why a given column has no coefficient, by its number.
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
        rows: (N,) True where a given row entered.
        outcomes: (n,) outcomes of those rows, in [0, 1].
        beta: (r,) coefficients of the standardised columns; empty where nothing could be fitted.
        reasons: Why a given column has no coefficient, by its number.
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
        The solution; columns that are not identified are in its reasons.

    Source: Albert & Anderson, Biometrika 71(1), 1984 (separation); Geyer, Electronic Journal of Statistics 3,
        2009, section 3 (the limiting model on the rows that are left).

    Example:
        >>> found = solve(np.array([1.0, 0, 1, 0]), np.array([[1.0], [1], [0], [0]]), ["x"])
        >>> found.beta.tolist(), found.reasons
        ([0.0, 0.0], {})
    """
    rows = np.ones(len(outcomes), dtype=np.bool_)
    reasons: dict[int, str] = {}
    while True:
        design = identify(matrix[rows], names)
        new = {column: reason for column, reason in design.reasons.items() if column not in reasons}
        reasons |= new if rows.all() else dict.fromkeys(new, SEPARATED)
        kept = outcomes[rows]
        beta, converged = newton(kept, design.matrix)
        if converged and float(np.abs(design.matrix @ beta).max(initial=0)) < SUSPICIOUS:
            return Solution(design, rows, kept, beta, reasons)
        direction = separation(kept, design.matrix)
        if direction is None:
            if not converged:
                reasons |= {j: UNCONVERGED for j in range(len(names)) if j not in reasons}
            return Solution(design, rows, kept, beta if converged else beta[:0], reasons)
        rows[rows] = np.abs(design.matrix @ direction) <= STRICT
        if not rows.any():
            reasons |= {j: SEPARATED for j in range(len(names)) if j not in reasons}
            return Solution(design, rows, kept[:0], beta[:0], reasons)


def identify(matrix: Floats, names: Sequence[str]) -> Design:
    """Standardise the columns, choose independent ones, and say which are not identified.

    Args:
        matrix: (n, k) finite covariates.
        names: (k,) their names.

    Returns:
        The design. All members of a collinear set are named; as many as are independent stay in the matrix,
        so that the other coefficients are adjusted for what the set spans.

    Example:
        >>> found = identify(np.array([[1.0, 2, 0], [2, 4, 1], [4, 8, 0]]), ["x", "y", "z"])
        >>> found.columns.tolist(), found.reasons
        ([-1, 0, 2], {0: 'collinear with y', 1: 'collinear with x'})
    """
    largest = np.abs(matrix).max(axis=0, initial=0)
    units = np.where(largest > 0, largest, 1.0)
    small = matrix / units
    middle = small.mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])
    spread = np.sqrt(np.mean((small - middle) ** 2, axis=0)) if len(matrix) else np.zeros(matrix.shape[1])
    varies = spread > 1e-12
    centres, scales = units * middle, units * spread
    reasons = dict.fromkeys(np.flatnonzero(~varies).tolist(), CONSTANT)
    alive = np.flatnonzero(varies)
    standard = (small - middle)[:, alive] / spread[alive]
    _, sizes, right = np.linalg.svd(standard.T @ standard)
    null = right[sizes <= RANK * max(1.0, float(sizes.max(initial=0)))]
    linked = null.T @ null
    caught = np.diag(linked) > LINKED
    for j in np.flatnonzero(caught).tolist():
        others = [names[alive[i]] for i in np.flatnonzero(np.abs(linked[j]) > LINKED).tolist() if i != j]
        reasons[int(alive[j])] = "collinear with " + ", ".join(others)
    chosen = np.flatnonzero(~caught).tolist()
    for j in np.flatnonzero(caught).tolist():
        grown = standard[:, [*chosen, j]]
        least = float(np.linalg.eigvalsh(grown.T @ grown).min())
        if least > RANK * len(grown):
            chosen.append(j)
    chosen.sort()
    columns, fitted = alive[chosen], standard[:, chosen]
    return Design(
        np.column_stack([np.ones(len(matrix)), fitted]),
        np.concatenate([[-1], columns]),
        np.concatenate([[0.0], centres[columns]]),
        np.concatenate([[1.0], scales[columns]]),
        reasons,
    )


def newton(outcomes: Floats, design: Floats) -> tuple[Floats, bool]:
    """Maximise the logistic likelihood by Newton's method with halved steps.

    Args:
        outcomes: (n,) in [0, 1].
        design: (n, r) columns, the intercept among them.

    Returns:
        (r,) coefficients, and whether the last step was as good as none.

    Example:
        >>> beta, converged = newton(np.array([1.0, 1, 1, 0]), np.ones((4, 1)))
        >>> round(float(beta[0]), 6), converged  # log 3
        (1.098612, True)
    """
    beta = np.zeros(design.shape[1])
    height = _height(outcomes, design @ beta)
    for _ in range(ITERATIONS):
        fitted = probabilities(design @ beta)
        try:
            step = np.linalg.solve(information(design, fitted), design.T @ (outcomes - fitted))
        except np.linalg.LinAlgError:
            return beta, False
        if float(np.abs(step).max(initial=0)) < CONVERGED:
            return beta + step, True
        share = 1.0
        least = height - 1e-10 * abs(height)
        while (risen := _height(outcomes, design @ (beta + share * step))) < least and share > 1e-6:
            share /= 2
        beta, height = beta + share * step, risen
    return beta, False


def separation(outcomes: Floats, design: Floats) -> Floats | None:
    """Find a direction along which the likelihood rises for ever.

    Args:
        outcomes: (n,) in [0, 1].
        design: (n, r) standardised columns.

    Returns:
        (r,) a direction whose linear predictor is 0 or on the right side of every verdict; None without one.

    Source: Albert & Anderson, Biometrika 71(1), 1984, 1-10; as a linear programme: Konis, Linear programming
        algorithms for detecting separated data in binary logistic regression models, 2007, chapter 4.

    Example:
        >>> separation(np.array([0.0, 1.0]), np.array([[1.0, -1.0], [1.0, 1.0]])).tolist()[1]
        1.0
        >>> separation(np.array([0.5, 1.0]), np.array([[1.0], [1.0]])) is None
        True
    """
    from scipy import optimize

    sure = (outcomes <= 0) | (outcomes >= 1)
    if not sure.any():
        return None
    towards = design[sure] * np.where(outcomes[sure] >= 1, 1.0, -1.0)[:, None]
    found = optimize.linprog(
        -towards.mean(axis=0),
        A_ub=-towards,
        b_ub=np.zeros(len(towards)),
        A_eq=design[~sure] if not sure.all() else None,
        b_eq=np.zeros(int((~sure).sum())) if not sure.all() else None,
        bounds=(-1, 1),
        method="highs",
    )
    if found.x is None or float((towards @ found.x).max()) <= STRICT:
        return None
    return np.asarray(found.x, dtype=np.float64)


def probabilities(predictor: Floats) -> Floats:
    """Return the logistic function of the linear predictor.

    Args:
        predictor: Any shape, log-odds.

    Returns:
        The same shape, in [0, 1].

    Example:
        >>> probabilities(np.array([0.0, 1000.0])).tolist()
        [0.5, 1.0]
    """
    from scipy import special

    return np.asarray(special.expit(predictor), dtype=np.float64)


def information(design: Floats, fitted: Floats) -> Floats:
    """Return the information matrix, the negative second derivative of the log-likelihood.

    Args:
        design: (n, r) columns.
        fitted: (n,) fitted probabilities.

    Returns:
        (r, r) matrix.

    Example:
        >>> information(np.ones((4, 1)), np.full(4, 0.5)).tolist()
        [[1.0]]
    """
    return np.asarray((design * (fitted * (1 - fitted))[:, None]).T @ design, dtype=np.float64)


def _height(outcomes: Floats, predictor: Floats) -> float:
    return float(outcomes @ predictor - np.logaddexp(0, predictor).sum())
