"""Precision and F1 of a judge's categories, averaged so that a rare category counts like a common one.

The macro recall is `balanced_accuracy`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from evalhub.stats.agreement.crosstable import CrossTable, cross_table
from evalhub.stats.agreement.kappa import MIN_OF_CATEGORY
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import Shape
from evalhub.stats.clusters import Column, Floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Ends, Options, no_ends


def macro_precision(
    judge: Column,
    labels: Column,
    clusters: Column,
    *,
    apart: Collection[str] = (),
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate the mean, over the judge's categories, of the share of each that the labels confirm.

    Args:
        judge: (n,) categories; None = no verdict, left out and counted.
        labels: (n,) categories; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        apart: Categories that count as wrong and are not averaged over.
        options: Which interval, level, resamples, seed.

    Returns:
        The mean precision in [0, 1], higher = more agreement; a category that the judge never says is left
        out. None without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Sokolova & Lapalme, Information Processing & Management 45(4), 2009, 427-437.

    Example:
        >>> macro_precision(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.75
    """
    table = cross_table(judge, labels, clusters, None)
    return _macro(table, _precisions, judge, apart, options)


def macro_f1(
    judge: Column,
    labels: Column,
    clusters: Column,
    *,
    apart: Collection[str] = (),
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate the mean, over all categories, of the harmonic mean of precision and recall.

    Args:
        judge: (n,) categories; None = no verdict, left out and counted.
        labels: (n,) categories; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        apart: Categories that count as wrong and are not averaged over.
        options: Which interval, level, resamples, seed.

    Returns:
        The mean F1 in [0, 1], higher = more agreement; 0 for a category that only one of the two uses. None
        without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Sokolova & Lapalme, Information Processing & Management 45(4), 2009, 427-437; Opitz & Burst, arXiv
        1911.03347 (the mean of the F1s, not the F1 of the means).

    Example:
        >>> round(macro_f1(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate, 4)
        0.6667
    """
    table = cross_table(judge, labels, clusters, None)
    return _macro(table, _harmonic_means, judge, apart, options)


def _macro(
    table: CrossTable | str,
    shares: Callable[[Floats], Floats],
    judge: Column,
    apart: Collection[str],
    options: Options,
) -> Estimate:
    if isinstance(table, str):
        return Estimate.none(table, left_out=len(np.asarray(judge, dtype=object)), level=options.level)
    averaged = [code for code, name in enumerate(table.names) if name not in apart]
    cells = table.cells()
    flat = cells.reshape(table.clusters, -1)

    def statistic(weights: Floats) -> Floats:
        tables = (weights @ flat).reshape(-1, table.k, table.k)
        return _mean_of_defined(shares(tables)[:, averaged])

    value = float(statistic(np.ones((1, table.clusters)))[0])
    if np.isnan(value):
        return table.estimate(None, no_ends("the judge says no category that a label can have"), options)
    return table.estimate(value, _ends(statistic, cells[:, averaged], table, options), options)


def _ends(statistic: Callable[[Floats], Floats], said: Floats, table: CrossTable, options: Options) -> Ends:
    """Make the interval, unless a category that the judge says lies in too few clusters to speak of."""
    lying_in = (said.sum(axis=2) > 0).sum(axis=0)
    if ((lying_in > 0) & (lying_in < MIN_OF_CATEGORY)).any():
        return no_ends(f"a category of the judge lies in fewer than {MIN_OF_CATEGORY} clusters")
    return bounded_interval(statistic, table.clusters, (0, 1), options=options, shape=Shape.WILSON)


def _precisions(tables: Floats) -> Floats:
    """Return (b, k) precisions of (b, k, k) tables, judge by labels; NaN for a category never said."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    said = tables.sum(axis=2)
    return np.where(said > 0, right / np.where(said > 0, said, 1.0), np.nan)


def _harmonic_means(tables: Floats) -> Floats:
    """Return (b, k) F1s of (b, k, k) tables; NaN for a category that neither uses."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    used = tables.sum(axis=2) + tables.sum(axis=1)
    return np.where(used > 0, 2 * right / np.where(used > 0, used, 1.0), np.nan)


def _mean_of_defined(shares: Floats) -> Floats:
    defined = ~np.isnan(shares)
    count = defined.sum(axis=1)
    sums = np.where(defined, shares, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
