"""Pearson, Spearman, Kendall tau-b and Stuart tau-c of two columns, and of the rows of many groups."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evalhub.stats.clusters import Floats, Ints

DIGITS = 12
_SIGN_MATRIX_ROWS = 250
_SMALL_GROUP = 50
_BLOCK = 2_000_000


class Coefficient(StrEnum):
    """The coefficients of correlation; `KENDALL` is tau-b, `KENDALL_C` is Stuart's tau-c.

    Tau-b reaches 1 only where the two columns tie alike; tau-c is made for columns of different numbers of
    levels. Its m is the smaller of the two numbers of distinct values in the rows at hand, so that it differs
    between items and resamples.
    """

    PEARSON = "pearson"
    SPEARMAN = "spearman"
    KENDALL = "kendall"
    KENDALL_C = "kendall-c"


COMMON = (Coefficient.PEARSON, Coefficient.SPEARMAN, Coefficient.KENDALL)
"""Those that are reported unless one asks for others."""

KENDALLS = (Coefficient.KENDALL, Coefficient.KENDALL_C)
"""Those that count pairs."""


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


def midranks(values: Floats) -> Floats:
    """Rank from 1, ties sharing their mean rank.

    Args:
        values: (n,) finite numbers.

    Returns:
        (n,) ranks in [1, n].

    Example:
        >>> midranks(np.array([10.0, 20.0, 20.0])).tolist()
        [1.0, 2.5, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def coefficient(kind: Coefficient, x: Floats, y: Floats) -> float:
    """Correlate two columns; NaN where it is undefined.

    Args:
        kind: Which coefficient.
        x: (n,) finite numbers, already `rounded`.
        y: (n,) finite numbers, already `rounded`.

    Returns:
        The coefficient in [-1, 1], higher = more alike; NaN with fewer than 2 rows or a constant column.

    Source: Kendall, Biometrika 33(3), 1945, 239-251 (tau-b); Stuart, Biometrika 40, 1953, 105-110 (tau-c);
        Spearman is Pearson of the midranks.

    Example:
        >>> round(coefficient(Coefficient.KENDALL, np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 9)
        0.333333333
    """
    if len(x) < 2 or np.all(x == x[0]) or np.all(y == y[0]):
        return float("nan")
    if kind is Coefficient.PEARSON:
        return _mean_product(x, y)
    if kind is Coefficient.SPEARMAN:
        return _mean_product(midranks(x), midranks(y))
    if len(x) <= _SIGN_MATRIX_ROWS:
        return float(_by_signs(kind, x[None], y[None])[0])
    from scipy import stats

    found = stats.kendalltau(x, y, method="asymptotic", variant="c" if kind is Coefficient.KENDALL_C else "b")
    return float(found.statistic)


def within_groups(kind: Coefficient, x: Floats, y: Floats, groups: Sequence[Ints]) -> Floats:
    """Correlate two columns within each group of rows, groups of one size at once.

    Args:
        kind: Which coefficient.
        x: (n,) finite numbers, already `rounded`.
        y: (n,) finite numbers, already `rounded`.
        groups: The row numbers of each group.

    Returns:
        (groups,) coefficients, each that of `coefficient`, but for float noise.

    Example:
        >>> x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0])
        >>> within_groups(Coefficient.KENDALL, x, y, [np.array([0, 1]), np.array([2, 3])]).tolist()
        [1.0, -1.0]
    """
    found = np.full(len(groups), np.nan)
    sizes = np.array([len(group) for group in groups])
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        if size > _SMALL_GROUP or kind is Coefficient.PEARSON:
            found[alike] = [coefficient(kind, x[groups[i]], y[groups[i]]) for i in alike]
        elif size > 1:
            for some in np.array_split(alike, -(-len(alike) * size**2 // _BLOCK)):
                rows = np.stack([groups[i] for i in some])
                found[some] = _by_signs(kind, x[rows], y[rows])
    return found


def standard(values: Floats) -> Floats:
    """Centre and scale, so that mean and standard deviation are 0 and 1.

    Args:
        values: (n,) finite numbers, not constant.

    Returns:
        (n,) numbers.

    Example:
        >>> standard(np.array([2.0, 4.0])).tolist()
        [-1.0, 1.0]
    """
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    return np.asarray(centred / np.sqrt(np.mean(centred**2)), dtype=np.float64)


def _mean_product(x: Floats, y: Floats) -> float:
    return float(np.clip(np.mean(standard(x) * standard(y)), -1.0, 1.0))


def _by_signs(kind: Coefficient, x: Floats, y: Floats) -> Floats:
    """Make the (m,) rank coefficients of (m, n) columns from the signs of all their pairs."""
    signs = [np.sign(column[:, :, None] - column[:, None, :]) for column in (x, y)]
    if kind is Coefficient.SPEARMAN:
        # A row's signs sum to twice its midrank, less what all rows have in common.
        u, v = (sign.sum(axis=2) for sign in signs)
        together, most = (u * v).sum(axis=1), np.sqrt((u * u).sum(axis=1) * (v * v).sum(axis=1))
    else:
        together = (signs[0] * signs[1]).sum(axis=(1, 2))
        untied = [np.abs(sign).sum(axis=(1, 2)) for sign in signs]
        most = np.sqrt(untied[0] * untied[1])
        if kind is Coefficient.KENDALL_C:
            levels = np.minimum(*(1 + np.count_nonzero(np.diff(np.sort(one)), axis=1) for one in (x, y)))
            most = np.where(most > 0, x.shape[1] ** 2 * (levels - 1) / levels, 0.0)
    return np.asarray(np.clip(np.where(most > 0, together, np.nan) / np.where(most > 0, most, 1), -1, 1))
