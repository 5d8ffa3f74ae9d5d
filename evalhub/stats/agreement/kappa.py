"""Agreement of a judge with labels: accuracy, balanced accuracy, and Cohen's kappa, weighted or not.

Kappa's interval: where every row is a cluster of its own, the posterior of kappa given the table
("dirichlet-RESAMPLES"), which also holds where a category is rare or the two agree in full. Where rows share
clusters, the rule of `bootstrap`, from 10 clusters on and where no category is too rare for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evalhub.stats.agreement.crosstable import CrossTable, cross_table
from evalhub.stats.agreement.ratings import TOO_RARE, bounded_interval, hardly_meet
from evalhub.stats.bootstrap import IntervalShape
from evalhub.stats.clusters import Column, Floats, categories, floats, same_length
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import RESAMPLES, SEED, TOO_FEW, Ends, no_ends
from evalhub.stats.means import mean_estimate

MIN_OF_CATEGORY = 5


def accuracy(judge: Column, labels: Column, clusters: Column) -> Estimate:
    """Estimate the share of rows in which the judge's category equals the label.

    A judge that always answers with the most common category can have a high accuracy. See
    `balanced_accuracy` and `cohen_kappa` for measures where it cannot.

    Args:
        judge: (n,) categories. None = no verdict, left out and counted.
        labels: (n,) categories. None = no label, left out and counted.
        clusters: (n,) cluster ids.

    Returns:
        The accuracy in [0, 1], higher = more agreement. None without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> accuracy(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.6666666666666666
    """
    same_length({"judge": judge, "labels": labels, "clusters": clusters})
    verdicts, has_verdict = categories(judge)
    truth, has_label = categories(labels)
    equal = np.where(has_verdict & has_label, (verdicts == truth).astype(np.float64), np.nan)
    return mean_estimate(equal, clusters, bounds=(0, 1))


class Weights(StrEnum):
    """Cost of a disagreement: always the same, or the square of the steps between the two levels."""

    NONE = "none"
    QUADRATIC = "quadratic"


def balanced_accuracy(judge: Column, labels: Column, clusters: Column) -> Estimate:
    """Estimate the mean recall: over the labels' categories, the share of each that the judge finds.

    Choose it where a rare category matters as much as a common one. A judge that always answers with one of
    k categories gets 1 / k.

    Args:
        judge, labels, clusters: As in `accuracy`.

    Returns:
        The mean recall in [0, 1], higher = more agreement. A category that no label has is left out. None
        without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Brodersen et al., ICPR 2010, doi 10.1109/ICPR.2010.764. Zou & Donner, Statistics in Medicine 27,
        2008, 1693-1702 (the interval of a sum from those of its parts, with more room where a part is near 0
        or 1, which the simulations required).

    Example:
        >>> balanced_accuracy(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.75
    """
    table = cross_table(judge, labels, clusters, None)
    if isinstance(table, str):
        return Estimate.none(table, n_excluded=_length(judge))
    equal = (table.first == table.second).astype(np.float64)
    recalls, residuals = [], []
    for category in np.unique(table.second):
        rows = table.second == category
        recall = mean_estimate(equal[rows], table.members[rows], bounds=(0, 1))
        recalls.append(recall)
        centred = np.where(rows, equal - float(recall.estimate or 0), 0.0)
        residuals.append(np.bincount(table.members, weights=centred))
    value = float(np.mean([float(recall.estimate or 0) for recall in recalls]))
    return table.estimate(value, _mean_ends(recalls, np.stack(residuals)))


def _mean_ends(recalls: list[Estimate], residuals: Floats) -> Ends:
    """Return the interval of the mean of several shares, correlated as their residuals are (MOVER)."""
    if len(recalls) < 2:
        return no_ends("the labels have one and the same category")
    for recall in recalls:
        if recall.clusters < MIN_OF_CATEGORY:
            return no_ends(f"a category of the labels lies in fewer than {MIN_OF_CATEGORY} clusters")
        if recall.low is None:
            return no_ends(f"a category of the labels: {recall.reason}")
    rows = [(recall.estimate, recall.low, recall.high) for recall in recalls]
    share, low, high = np.array(rows, dtype=np.float64).T
    spread = np.sqrt(np.sum(residuals**2, axis=1))
    unit = residuals / np.where(spread > 0, spread, 1.0)[:, None]
    correlations = unit @ unit.T
    np.fill_diagonal(correlations, 1.0)
    # At a recall of 0 or 1 one side of the Wilson interval has no width. Use at least a quarter of the
    # interval's length on that side. Simulations showed under-coverage otherwise.
    halves = (np.maximum(room, room / 2 + (high - low) / 4) for room in (share - low, high - share))
    down, up = (float(max(0.0, half @ correlations @ half)) ** 0.5 / len(recalls) for half in halves)
    errors = np.array([recall.standard_error or 0.0 for recall in recalls])
    error = float(max(0.0, errors @ correlations @ errors)) ** 0.5 / len(recalls)
    ends = max(0.0, share.mean() - down), min(1.0, share.mean() + up)
    return Ends(*ends, "recalls-mover", error=error)


def cohen_kappa(
    judge: Column,
    labels: Column,
    clusters: Column,
    *,
    weights: Weights = Weights.NONE,
    levels: Sequence[object] | None = None,
) -> Estimate:
    """Estimate the agreement beyond what the two margins would give by chance.

    Choose it to compare judges on sets whose categories differ in frequency. Quadratic weights suit ratings:
    a disagreement by two levels then costs four times as much as one by one level.

    Args:
        judge, labels, clusters: As in `accuracy`. Numbers for weights without `levels`.
        weights: Cost of a disagreement.
        levels: All categories, lowest first. None = those that occur, numbers in their order. A number that
            never occurs is then no step.

    Returns:
        Kappa in [-1, 1]: 1 = full agreement, 0 = chance. None where all use the same category.

    Raises:
        InputError: The columns differ in length, a value is none of the levels, or, with weights and without
            levels, no number.

    Source: Cohen, Educational and Psychological Measurement 20(1), 1960, 37-46. Cohen, Psychological Bulletin
        70(4), 1968, 213-220 (weights). Brown, Cai & DasGupta, Statistical Science 16(2), 2001, 101-133 (the
        prior, for two categories that of Jeffreys).

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"], ["q1", "q2", "q3", "q4"]).estimate
        0.5
        >>> judge, labels, clusters = [1, 2, 3, 3], [1, 2, 3, 2], ["q1", "q2", "q3", "q4"]
        >>> round(cohen_kappa(judge, labels, clusters, weights=Weights.QUADRATIC).estimate, 4)
        0.8
    """
    if weights is not Weights.NONE and levels is None:
        table = cross_table(floats(judge), floats(labels), clusters, None, numbers=True)
    else:
        table = cross_table(judge, labels, clusters, levels)
    if isinstance(table, str):
        return Estimate.none(table, n_excluded=_length(judge))
    cost = _cost(table.k, weights)
    cells = table.cells()
    value = float(_kappa(cells.sum(axis=0)[None], cost)[0])
    if np.isnan(value):
        return table.estimate(None, no_ends("judge and labels use one and the same category"))
    return table.estimate(value, _kappa_ends(table, cells, cost, value=value))


def _kappa_ends(table: CrossTable, cells: Floats, cost: Floats, *, value: float) -> Ends:
    if table.clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    if table.clusters == table.n:
        total = cells.sum(axis=0)
        return _posterior(_unnamed(total) if _is_nominal(cost) else total, cost, value)
    flat = cells.reshape(table.clusters, -1)

    def statistic(counts: Floats) -> Floats:
        return _kappa((counts @ flat).reshape(-1, table.k, table.k), cost)

    ends = bounded_interval(statistic, table.clusters, (-1, 1), shape=IntervalShape.WILSON)
    chance = cells.sum(axis=(0, 2)) * cells.sum(axis=(0, 1)) / table.n
    return no_ends(TOO_RARE) if ends.low is not None and hardly_meet(chance) else ends


def _length(column: Column) -> int:
    return len(np.asarray(column, dtype=object))


def _cost(k: int, weights: Weights) -> Floats:
    """Return the (k, k) cost of each disagreement, in [0, 1]."""
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(k - 1, 1)
    return np.where(steps > 0, steps ** (0 if weights is Weights.NONE else 2), 0.0)


def _is_nominal(cost: Floats) -> bool:
    return bool((cost[~np.eye(len(cost), dtype=bool)] == 1).all())


def _kappa(cells: Floats, cost: Floats) -> Floats:
    """Return kappa of (b, k, k) tables, NaN where chance cannot disagree."""
    shares = cells / cells.sum(axis=(1, 2), keepdims=True)
    observed = np.einsum("bij,ij->b", shares, cost)
    chance = np.einsum("bi,ij,bj->b", shares.sum(axis=2), cost, shares.sum(axis=1))
    defined = chance > 1e-12
    kappa = 1 - observed / np.where(defined, chance, 1.0)
    return np.asarray(np.where(defined, np.clip(kappa, -1.0, 1.0), np.nan), dtype=np.float64)


def _unnamed(cells: Floats) -> Floats:
    """Return the table with its categories in an order that does not depend on their names.

    The draws of a simulation are assigned to the cells in order. With "a" and "b" exchanged, each count then
    still gets the same draws.
    """
    order = np.lexsort((np.diag(cells), cells.sum(axis=0), cells.sum(axis=1)))
    return cells[np.ix_(order, order)]


def _posterior(cells: Floats, cost: Floats, value: float) -> Ends:
    """Draw tables from the posterior, under a prior worth one row on the diagonal and one row off it."""
    k = len(cells)
    prior = np.where(np.eye(k, dtype=bool), 1 / k, 1 / (k * (k - 1)))
    tables = np.random.default_rng(SEED).standard_gamma(cells + prior, (RESAMPLES, k, k))
    tail = (1 - CONFIDENCE) / 2
    kappas = _kappa(tables, cost)
    low, high = np.quantile(kappas, [tail, 1 - tail])
    return Ends(
        min(float(low), value),
        max(float(high), value),
        f"dirichlet-{RESAMPLES}",
        error=float(kappas.std(ddof=1)),
        draws=RESAMPLES,
    )
