"""Precision and F1 of a judge's categories, averaged so that a rare category counts like a common one.

The macro recall is `balanced_accuracy`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from evalhub.stats.agreement.crosstable import CrossTable, cross_table
from evalhub.stats.agreement.kappa import MIN_OF_CATEGORY
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import IntervalShape
from evalhub.stats.clusters import Column, Floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Ends, no_ends


def macro_precision(
    judge: Column, labels: Column, clusters: Column, *, apart: Collection[str] = ()
) -> Estimate:
    """Estimate the mean, over the judge's categories, of the share of each that the labels confirm.

    Args:
        judge, labels, clusters: As in `accuracy`.
        apart: Categories that count as wrong and are not averaged over.

    Returns:
        The mean precision in [0, 1], higher = more agreement. A category that the judge never uses is left
        out. None without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Sokolova & Lapalme, Information Processing & Management 45(4), 2009, 427-437.

    Example:
        >>> macro_precision(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.75
    """
    return _macro(cross_table(judge, labels, clusters, None), _precisions, judge, apart)


def macro_f1(judge: Column, labels: Column, clusters: Column, *, apart: Collection[str] = ()) -> Estimate:
    """Estimate the mean, over all categories, of the harmonic mean of precision and recall.

    Args:
        judge, labels, clusters: As in `accuracy`.
        apart: Categories that count as wrong and are not averaged over.

    Returns:
        The mean F1 in [0, 1], higher = more agreement. 0 for a category that only one of the two uses. None
        without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Sokolova & Lapalme, Information Processing & Management 45(4), 2009, 427-437. Opitz & Burst, arXiv
        1911.03347 (the mean of the F1s, not the F1 of the means).

    Example:
        >>> round(macro_f1(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate, 4)
        0.6667
    """
    return _macro(cross_table(judge, labels, clusters, None), _harmonic_means, judge, apart)


def _macro(
    table: CrossTable | str, shares: Callable[[Floats], Floats], judge: Column, apart: Collection[str]
) -> Estimate:
    if isinstance(table, str):
        return Estimate.none(table, n_excluded=len(np.asarray(judge, dtype=object)))
    averaged = [code for code, name in enumerate(table.names) if name not in apart]
    cells = table.cells()
    flat = cells.reshape(table.clusters, -1)

    def statistic(weights: Floats) -> Floats:
        tables = (weights @ flat).reshape(-1, table.k, table.k)
        return _mean_of_defined(shares(tables)[:, averaged])

    value = float(statistic(np.ones((1, table.clusters)))[0])
    if np.isnan(value):
        return table.estimate(None, no_ends("the judge says no category that a label can have"))
    return table.estimate(value, _ends(statistic, cells[:, averaged], table.clusters))


def _ends(statistic: Callable[[Floats], Floats], verdicts: Floats, clusters: int) -> Ends:
    """Make the interval, unless a category that the judge uses lies in too few clusters."""
    clusters_of_category = (verdicts.sum(axis=2) > 0).sum(axis=0)
    if ((clusters_of_category > 0) & (clusters_of_category < MIN_OF_CATEGORY)).any():
        return no_ends(f"a category of the judge lies in fewer than {MIN_OF_CATEGORY} clusters")
    return bounded_interval(statistic, clusters, (0, 1), shape=IntervalShape.WILSON)


def _precisions(tables: Floats) -> Floats:
    """Return (b, k) precisions of (b, k, k) tables, judge by labels. NaN for a category never used."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    verdicts = tables.sum(axis=2)
    return np.where(verdicts > 0, right / np.where(verdicts > 0, verdicts, 1.0), np.nan)


def _harmonic_means(tables: Floats) -> Floats:
    """Return (b, k) F1s of (b, k, k) tables. NaN for a category that neither uses."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    total = tables.sum(axis=2) + tables.sum(axis=1)
    return np.where(total > 0, 2 * right / np.where(total > 0, total, 1.0), np.nan)


def _mean_of_defined(shares: Floats) -> Floats:
    defined = ~np.isnan(shares)
    count = defined.sum(axis=1)
    sums = np.where(defined, shares, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)
