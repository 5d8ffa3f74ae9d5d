"""The cluster-robust sandwich of a logit, as the effect of leaving out each cluster (CR3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evalhub.stats.clusters import Bools, Floats, Ints
from evalhub.stats.logit.fit import Solution, information, probabilities

CHUNK = 4_096
FULL_LEVERAGE = 1e-8


class Influence(NamedTuple):
    """By how much each coefficient falls when a cluster is left out, to first order.

    Args:
        values: (G, r) one row per cluster. 0 for clusters without rows.
        single: (r,) True where only one cluster identifies the coefficient.
    """

    values: Floats
    single: Bools


def cluster_influence(solution: Solution, members: Ints, groups: int) -> Influence:
    """Return each cluster's influence on the coefficients, its own leverage allowed for.

    The plain sandwich takes residuals for errors, but a cluster with leverage pulls the fit towards itself:
    with 20 items its 95% intervals cover a planted length bias in 91% of repeats, these in 95%.

    Args:
        solution: The fitted logit.
        members: (n,) cluster codes of its rows, in 0 ... groups - 1.
        groups: Number of clusters, those without rows among them.

    Returns:
        The influences. The sum of their squares times (G - 1) / G estimates the variance.

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002 (the jackknife form, CR3). For generalized linear
        models Mancl & DeRouen, Biometrics 57(1), 2001. MacKinnon, Nielsen & Webb, Journal of Applied
        Econometrics 38(5), 2023.
    """
    matrix = solution.design.matrix
    fitted = probabilities(matrix @ solution.beta)
    sizes, axes = np.linalg.eigh(information(matrix, fitted))
    root = axes / np.sqrt(np.maximum(sizes, np.finfo(np.float64).tiny))
    white = matrix @ root
    order = np.argsort(members, kind="stable")
    values = np.zeros((groups, len(solution.beta)))
    single = np.zeros(len(solution.beta), dtype=np.bool_)
    for first in range(0, groups, CHUNK):
        count = min(CHUNK, groups - first)
        start, end = np.searchsorted(members[order], [first, first + count])
        rows = order[start:end]
        weights = np.column_stack([fitted * (1 - fitted), solution.outcomes - fitted])[rows]
        pulls, directions = _inflate(white[rows], weights, members[rows] - first, count)
        values[first : first + count] = pulls @ root.T
        single |= (np.abs(directions @ root.T) > 1e-6 * np.abs(root).max(axis=1)).any(axis=0)
    return Influence(values, single)


def over_leverage(leverage: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Divide each cluster's score by one minus its leverage.

    Args:
        leverage: (G, r, r) share of the information that lies in each cluster, in whitened directions.
        scores: (G, r) score of each cluster, whitened.

    Returns:
        (G, r) scores over 1 - leverage, 0 where the leverage is 1. And (m, r) the directions in which a
        cluster has leverage 1.
    """
    remainder = np.eye(scores.shape[1]) - leverage
    _, logs = np.linalg.slogdet(remainder)
    easy = logs > np.log(FULL_LEVERAGE)
    pulls = np.zeros_like(scores)
    pulls[easy] = np.linalg.solve(remainder[easy], scores[easy][:, :, None])[:, :, 0]
    sizes, axes = np.linalg.eigh(remainder[~easy])
    full = sizes <= FULL_LEVERAGE
    turned = np.einsum("gij,gi->gj", axes, scores[~easy]) / np.where(full, 1.0, sizes)
    pulls[~easy] = np.einsum("gij,gj->gi", axes, np.where(full, 0.0, turned))
    return pulls, np.swapaxes(axes, 1, 2)[full]


def _inflate(white: Floats, weights: Floats, members: Ints, groups: int) -> tuple[Floats, Floats]:
    """Return (groups, r) scores over 1 - leverage, and (m, r) the directions of leverage 1."""
    size = white.shape[1]
    leverage = np.empty((groups, size, size))
    scores = np.empty((groups, size))
    for i in range(size):
        scores[:, i] = np.bincount(members, weights=weights[:, 1] * white[:, i], minlength=groups)
        for j in range(i + 1):
            cross = np.bincount(members, weights=weights[:, 0] * white[:, i] * white[:, j], minlength=groups)
            leverage[:, i, j] = leverage[:, j, i] = cross
    return over_leverage(leverage, scores)
