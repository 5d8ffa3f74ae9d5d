"""The cluster-robust sandwich of a logit, as what leaving out each cluster does to the coefficients (CR3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evalhub.stats.clusters import Bools, Floats, Ints
from evalhub.stats.logit.fit import Solution, information, probabilities

CHUNK = 4_096
ALONE = 1e-8


class Influence(NamedTuple):
    """By how much each coefficient falls when a cluster is left out, to first order.

    Args:
        values: (G, r) one row per cluster; 0 for clusters without rows.
        alone: (r,) True where some cluster is the only one that tells a coefficient.
    """

    values: Floats
    alone: Bools


def cluster_influence(found: Solution, members: Ints, groups: int) -> Influence:
    """Return each cluster's influence on the coefficients, its own leverage allowed for.

    The plain sandwich takes residuals for errors, but a cluster with leverage pulls the fit towards itself:
    with 20 items its 95% intervals cover a planted length bias in 91% of repeats, these in 95%.

    Args:
        found: The solution.
        members: (n,) cluster codes of its rows, in 0 ... groups - 1.
        groups: Number of clusters, those without rows among them.

    Returns:
        The influences; the sum of their squares times (G - 1) / G estimates the variance.

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002 (the jackknife form, CR3); for generalized linear
        models Mancl & DeRouen, Biometrics 57(1), 2001; MacKinnon, Nielsen & Webb, Journal of Applied
        Econometrics 38(5), 2023.

    Example:
        >>> from evalhub.stats.logit.fit import solve
        >>> found = solve(np.array([1.0, 0, 1, 0]), np.empty((4, 0)), [])
        >>> cluster_influence(found, np.array([0, 0, 1, 2]), 3).values.round(3).ravel().tolist()
        [0.0, 0.667, -0.667]
    """
    matrix = found.design.matrix
    fitted = probabilities(matrix @ found.beta)
    sizes, axes = np.linalg.eigh(information(matrix, fitted))
    root = axes / np.sqrt(np.maximum(sizes, np.finfo(np.float64).tiny))
    white = matrix @ root
    order = np.argsort(members, kind="stable")
    firsts = range(0, groups, CHUNK)
    values = np.zeros((groups, len(found.beta)))
    alone = np.zeros(len(found.beta), dtype=np.bool_)
    for first in firsts:
        count = min(CHUNK, groups - first)
        start, end = np.searchsorted(members[order], [first, first + count])
        rows = order[start:end]
        weights = np.column_stack([fitted * (1 - fitted), found.outcomes - fitted])[rows]
        pulled, lonely = _inflate(white[rows], weights, members[rows] - first, count)
        values[first : first + count] = pulled @ root.T
        alone |= (np.abs(lonely @ root.T) > 1e-6 * np.abs(root).max(axis=1)).any(axis=0)
    return Influence(values, alone)


def over_leverage(leverage: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Divide each cluster's score by one minus its leverage.

    Args:
        leverage: (G, r, r) share of the information that lies in each cluster, in whitened directions.
        scores: (G, r) score of each cluster, whitened.

    Returns:
        (G, r) scores over 1 - leverage, 0 where the leverage is 1; and (m, r) the directions in which a
        cluster has leverage 1.

    Example:
        >>> pulled, alone = over_leverage(np.array([[[0.5]], [[1.0]]]), np.array([[2.0], [0.0]]))
        >>> pulled.tolist(), alone.tolist()
        ([[4.0], [0.0]], [[1.0]])
    """
    rest = np.eye(scores.shape[1]) - leverage
    _, logs = np.linalg.slogdet(rest)
    easy = logs > np.log(ALONE)
    pulled = np.zeros_like(scores)
    pulled[easy] = np.linalg.solve(rest[easy], scores[easy][:, :, None])[:, :, 0]
    sizes, axes = np.linalg.eigh(rest[~easy])
    lonely = sizes <= ALONE
    turned = np.einsum("gij,gi->gj", axes, scores[~easy]) / np.where(lonely, 1.0, sizes)
    pulled[~easy] = np.einsum("gij,gj->gi", axes, np.where(lonely, 0.0, turned))
    return pulled, np.swapaxes(axes, 1, 2)[lonely]


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
