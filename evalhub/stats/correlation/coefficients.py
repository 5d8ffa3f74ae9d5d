"""Pearson, Spearman and Kendall's tau-b of two columns, and of the rows of many groups."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evalhub.stats.clusters import Bools, Floats, Ints

DIGITS = 12
_SIGN_MATRIX_ROWS = 250
_SMALL_GROUP = 50
_BLOCK = 2_000_000


class Coefficient(StrEnum):
    """The coefficients of correlation. `KENDALL` is tau-b.

    Choose Pearson where distances of scores have a meaning, Spearman or Kendall where only their order has
    one. Kendall is the most robust for few systems and for scores with many ties.
    """

    PEARSON = "pearson"
    SPEARMAN = "spearman"
    KENDALL = "kendall"


def rounded(values: Floats) -> Floats:
    """Round to 12 digits of the largest value, so that float noise breaks no tie.

    Args:
        values: (n,) finite numbers.

    Returns:
        (n,) rounded numbers.

    Example:
        >>> rounded(np.array([0.1 + 0.2, 0.3])).tolist()
        [0.3, 0.3]
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return values
    return np.round(values, int(np.clip(DIGITS - np.ceil(np.log10(largest)), -290, 290)))


def coefficient(kind: Coefficient, x: Floats, y: Floats) -> float:
    """Correlate two columns.

    Args:
        kind: Which coefficient.
        x: (n,) finite numbers, already `rounded`.
        y: (n,) finite numbers, already `rounded`.

    Returns:
        The coefficient in [-1, 1], higher = more alike. NaN with fewer than 2 rows or a constant column.

    Source: Kendall, Biometrika 33(3), 1945, 239-251 (tau-b). Spearman is Pearson of the midranks.

    Example:
        >>> round(coefficient(Coefficient.KENDALL, np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 9)
        0.333333333
    """
    return float(coefficients(kind, x[None], y)[0])


def coefficients(kind: Coefficient, columns: Floats, y: Floats) -> Floats:
    """Correlate many columns with one.

    Args:
        kind: Which coefficient.
        columns: (m, n) finite numbers, already `rounded`, one column in each row.
        y: (n,) finite numbers, already `rounded`.

    Returns:
        (m,) coefficients, each as `coefficient` returns it.
    """
    values = np.full(len(columns), np.nan)
    if columns.shape[1] < 2 or np.all(y == y[0]):
        return values
    varied = _vary(columns)
    if varied.any():
        values[varied] = _of_varied(kind, columns[varied], y)
    return values


def _of_varied(kind: Coefficient, columns: Floats, y: Floats) -> Floats:
    if kind is Coefficient.PEARSON:
        return _mean_products(columns, y)
    from scipy import stats

    if kind is Coefficient.SPEARMAN:
        return _mean_products(stats.rankdata(columns, axis=1), stats.rankdata(y))
    rows, count = columns.shape
    if count <= _SIGN_MATRIX_ROWS:
        blocks = np.array_split(columns, -(-rows * count**2 // _BLOCK))
        return np.concatenate([_by_signs(kind, block, y[None]) for block in blocks])
    return np.array([stats.kendalltau(x, y, method="asymptotic").statistic for x in columns])


def within_groups(kind: Coefficient, x: Floats, y: Floats, groups: Sequence[Ints]) -> Floats:
    """Correlate two columns within each group of rows, groups of equal size at once.

    Args:
        kind: Which coefficient.
        x: (n,) finite numbers, already `rounded`.
        y: (n,) finite numbers, already `rounded`.
        groups: The row numbers of each group.

    Returns:
        (groups,) coefficients, each equal to that of `coefficient`, but for float noise.
    """
    coefficients = np.full(len(groups), np.nan)
    sizes = np.array([len(group) for group in groups])
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        if size > 1 and kind is Coefficient.PEARSON:
            rows = np.stack([groups[i] for i in places])
            coefficients[places] = _of_pairs(x[rows], y[rows])
        elif size > _SMALL_GROUP:
            coefficients[places] = [coefficient(kind, x[groups[i]], y[groups[i]]) for i in places]
        elif size > 1:
            for block in np.array_split(places, -(-len(places) * size**2 // _BLOCK)):
                rows = np.stack([groups[i] for i in block])
                coefficients[block] = _by_signs(kind, x[rows], y[rows])
    return coefficients


def standard(values: Floats) -> Floats:
    """Centre and scale (..., n) finite numbers, none constant, to mean 0 and standard deviation 1."""
    scaled = values / np.abs(values).max(axis=-1, keepdims=True)
    centred = scaled - scaled.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True)), dtype=np.float64)


def _mean_products(columns: Floats, y: Floats) -> Floats:
    return np.asarray(np.clip(np.mean(standard(columns) * standard(y), axis=1), -1.0, 1.0))


def _of_pairs(x: Floats, y: Floats) -> Floats:
    """Return Pearson's coefficient of each of (m, n) columns with its own of (m, n), NaN where constant."""
    values = np.full(len(x), np.nan)
    varied = _vary(x) & _vary(y)
    values[varied] = _mean_products(x[varied], y[varied])
    return values


def _vary(columns: Floats) -> Bools:
    return np.asarray(np.any(columns != columns[:, :1], axis=1), dtype=np.bool_)


def _by_signs(kind: Coefficient, x: Floats, y: Floats) -> Floats:
    """Return the (m,) rank coefficients of (m, n) columns from the signs of all their pairs."""
    signs = [np.sign(column[:, :, None] - column[:, None, :]) for column in (x, y)]
    if kind is Coefficient.SPEARMAN:
        # A row's signs sum to twice its midrank, minus a constant.
        u, v = (sign.sum(axis=2) for sign in signs)
        product, largest = (u * v).sum(axis=1), np.sqrt((u * u).sum(axis=1) * (v * v).sum(axis=1))
    else:
        product = (signs[0] * signs[1]).sum(axis=(1, 2))
        untied = [np.abs(sign).sum(axis=(1, 2)) for sign in signs]
        largest = np.sqrt(untied[0] * untied[1])
    ratio = np.where(largest > 0, product, np.nan) / np.where(largest > 0, largest, 1)
    return np.asarray(np.clip(ratio, -1, 1))
