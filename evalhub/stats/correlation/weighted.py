"""The coefficients as functions of cluster weights.

A resample is a row of weights: the count of each cluster in it. All coefficients are functions of these
weights, so thousands of resamples are a few matrix products. Each value equals the coefficient of the rows
repeated by their weights.
"""

from __future__ import annotations

import numpy as np

from evalhub.stats.bootstrap import Statistic
from evalhub.stats.clusters import Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, coefficient, standard

PAIR_MATRIX_ROWS = 5_000
PAIR_MATRIX_CLUSTERS = 1_500
_BLOCK = 2_000_000
_CACHE_SIZE = 100_000  # numbers that fit in the cache of a processor


def weighted(kind: Coefficient, x: Floats, y: Floats, members: Ints) -> Statistic:
    """Return the coefficient as a function of cluster weights.

    Args:
        kind: Which coefficient.
        x: (n,) finite numbers, already `rounded`, not constant.
        y: (n,) finite numbers, already `rounded`, not constant.
        members: (n,) code of each row's cluster.

    Returns:
        A function from (b, clusters) weights to (b,) coefficients, NaN where a resample is constant.
    """
    if kind is Coefficient.PEARSON:
        return _weighted_pearson(standard(x), standard(y), members)
    if kind is Coefficient.SPEARMAN:
        return _weighted_spearman(x, y, members)
    return (_resampled_kendall if is_slow(kind, members) else _weighted_kendall)(x, y, members)


def is_slow(kind: Coefficient, members: Ints) -> bool:
    """Return whether each resample is correlated separately, which calls for fewer of them.

    This is so for Kendall beyond 5,000 rows or 1,500 clusters.
    """
    large = len(members) > PAIR_MATRIX_ROWS or members.max(initial=0) >= PAIR_MATRIX_CLUSTERS
    return kind is Coefficient.KENDALL and bool(large)


def _ratio(covariance: Floats, var_x: Floats, var_y: Floats) -> Floats:
    """Divide. NaN where a variance is nothing but float noise."""
    defined = (var_x > 1e-12) & (var_y > 1e-12)
    scale = np.sqrt(np.where(defined, var_x * var_y, 1.0))
    return np.asarray(np.where(defined, np.clip(covariance / scale, -1.0, 1.0), np.nan), dtype=np.float64)


def _weighted_pearson(x: Floats, y: Floats, members: Ints) -> Statistic:
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
    sums = np.stack([np.bincount(members, weights=column) for column in columns], axis=1)

    def statistic(weights: Floats) -> Floats:
        total = weights @ sums
        mean = total / total[:, :1]
        _, mx, my, xx, yy, xy = mean.T
        return _ratio(xy - mx * my, xx - mx * mx, yy - my * my)

    return statistic


def _rank_function(values: Floats) -> Statistic:
    """Return the midranks in (0, 1) of all rows as a function of (b, n) row weights."""
    order = np.argsort(values, kind="stable")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts) - 1

    def ranks(weights: Floats) -> Floats:
        at_end = np.cumsum(weights[:, order], axis=1)[:, ends]
        before = np.concatenate([np.zeros((len(weights), 1)), at_end[:, :-1]], axis=1)
        middle: Floats = (before + at_end) / (2 * at_end[:, -1:])
        return middle[:, inverse]

    return ranks


def _weighted_spearman(x: Floats, y: Floats, members: Ints) -> Statistic:
    rank_x, rank_y = _rank_function(x), _rank_function(y)

    def block(weights: Floats) -> Floats:
        rows = weights[:, members]
        rows = rows / rows.sum(axis=1, keepdims=True)
        # The weighted mean of midranks is one half, with or without ties.
        u, v = rank_x(rows) - 0.5, rank_y(rows) - 0.5
        return _ratio(
            np.einsum("bn,bn,bn->b", rows, u, v),
            np.einsum("bn,bn,bn->b", rows, u, u),
            np.einsum("bn,bn,bn->b", rows, v, v),
        )

    # Blocks of resamples, so that their rows fit in memory.
    step = max(1, _BLOCK // (8 * len(members)))
    return lambda weights: np.concatenate(
        [block(weights[i : i + step]) for i in range(0, len(weights), step)]
    )


def _weighted_kendall(x: Floats, y: Floats, members: Ints) -> Statistic:
    """Sum signs of pairs between clusters once. Tau is then a ratio of quadratic forms in the weights."""
    matrices = _pair_sums(x, y, members)
    return lambda weights: _ratio(*(_form(matrix, weights) for matrix in matrices))


def _form(matrix: Floats, weights: Floats) -> Floats:
    return np.asarray(np.einsum("bg,bg->b", weights @ matrix, weights), dtype=np.float64)


def _pair_sums(x: Floats, y: Floats, members: Ints) -> tuple[Floats, ...]:
    """Sum over the pairs between any two clusters: concordance, untied in x, untied in y."""
    order = np.argsort(members, kind="stable")
    x, y, members = x[order], y[order], members[order]
    starts = np.flatnonzero(np.diff(members, prepend=-1))
    step = max(1, _CACHE_SIZE // len(x))
    sums: list[list[Floats]] = [[], [], []]
    for i in range(0, len(x), step):
        sign_x = np.sign(x[i : i + step, None] - x[None, :])
        sign_y = np.sign(y[i : i + step, None] - y[None, :])
        for blocks, signs in zip(sums, (sign_x * sign_y, np.abs(sign_x), np.abs(sign_y)), strict=True):
            blocks.append(np.add.reduceat(signs, starts, axis=1))
    return tuple(np.add.reduceat(np.concatenate(blocks), starts, axis=0) for blocks in sums)


def _resampled_kendall(x: Floats, y: Floats, members: Ints) -> Statistic:
    def tau(weights: Floats) -> float:
        rows = np.repeat(np.arange(len(x)), weights[members].astype(np.int64))
        return coefficient(Coefficient.KENDALL, x[rows], y[rows])

    return lambda weights: np.array([tau(row) for row in weights])
