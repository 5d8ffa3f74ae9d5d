"""Agreement of a judge with labels: accuracy, balanced accuracy, and Cohen's kappa, weighted or not.

Kappa's interval, under `Interval.AUTO`: where every row is a cluster of its own, the posterior of kappa given
the table ("dirichlet-RESAMPLES"), which also holds where a category is rare or the two agree in full; where
rows share clusters, the rule of `bootstrap`, from 10 clusters on and where no category is too rare for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evalhub.stats.agreement.crosstable import CrossTable, cross_table
from evalhub.stats.agreement.ratings import TOO_RARE, bounded_interval, hardly_meet
from evalhub.stats.bootstrap import Shape
from evalhub.stats.clusters import Column, Floats, categories, floats, same_length
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import DEFAULT, TOO_FEW, Ends, Interval, Options, no_ends
from evalhub.stats.means import mean_estimate

MIN_OF_CATEGORY = 5


def accuracy(judge: Column, labels: Column, clusters: Column, *, options: Options = DEFAULT) -> Estimate:
    """Estimate the share of rows in which the judge says what the label says.

    Args:
        judge: (n,) categories; None = no verdict, left out and counted.
        labels: (n,) categories; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The accuracy in [0, 1], higher = more agreement; None without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> accuracy(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.6666666666666666
    """
    same_length({"judge": judge, "labels": labels, "clusters": clusters})
    said, has_verdict = categories(judge)
    true, has_label = categories(labels)
    equal = np.where(has_verdict & has_label, (said == true).astype(np.float64), np.nan)
    return mean_estimate(equal, clusters, bounds=(0, 1), options=options)


class Weights(StrEnum):
    """What a disagreement costs: the same always, by the steps between the two, or by their square."""

    NONE = "none"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


def balanced_accuracy(
    judge: Column, labels: Column, clusters: Column, *, options: Options = DEFAULT
) -> Estimate:
    """Estimate the mean, over the labels' categories, of the share of each that the judge finds.

    Args:
        judge: (n,) categories; None = no verdict, left out and counted.
        labels: (n,) categories; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        options: Which interval of the shares, level, resamples, seed.

    Returns:
        The mean recall in [0, 1], higher = more agreement; a category that no label has is left out. None
        without a row that has both.

    Raises:
        InputError: The columns differ in length.

    Source: Brodersen et al., ICPR 2010, doi 10.1109/ICPR.2010.764; Zou & Donner, Statistics in Medicine 27,
        2008, 1693-1702 (the interval of a sum from those of its parts; here with more room where a part is
        near 0 or 1, which the simulations asked for).

    Example:
        >>> balanced_accuracy(["a", "b", "a"], ["a", "b", "b"], ["q1", "q2", "q3"]).estimate
        0.75
    """
    table = cross_table(judge, labels, clusters, None)
    if isinstance(table, str):
        return Estimate.none(table, left_out=_length(judge), level=options.level)
    found = np.unique(table.second)
    equal = (table.first == table.second).astype(np.float64)
    parts, residuals = [], []
    for category in found:
        rows = table.second == category
        part = mean_estimate(equal[rows], table.members[rows], bounds=(0, 1), options=options)
        parts.append(part)
        centred = np.where(rows, equal - float(part.estimate or 0), 0.0)
        residuals.append(np.bincount(table.members, weights=centred))
    value = float(np.mean([float(part.estimate or 0) for part in parts]))
    return table.estimate(value, _mean_ends(parts, np.stack(residuals)), options)


def _mean_ends(parts: list[Estimate], residuals: Floats) -> Ends:
    """Return the interval of the mean of several shares, which go together as their residuals do."""
    if len(parts) < 2:
        return no_ends("the labels have one and the same category")
    for part in parts:
        if part.clusters < MIN_OF_CATEGORY:
            return no_ends(f"a category of the labels lies in fewer than {MIN_OF_CATEGORY} clusters")
        if part.low is None:
            return no_ends(f"a category of the labels: {part.reason}")
    share, low, high = np.array([(part.estimate, part.low, part.high) for part in parts], dtype=np.float64).T
    spread = np.sqrt(np.sum(residuals**2, axis=1))
    unit = residuals / np.where(spread > 0, spread, 1.0)[:, None]
    together = unit @ unit.T
    np.fill_diagonal(together, 1.0)
    # A share at 0 or 1 has no room beyond, and a mean of several would have too little: half of the room
    # gives way to half of the interval's half-length where that is more.
    halves = (np.maximum(room, room / 2 + (high - low) / 4) for room in (share - low, high - share))
    down, up = (float(max(0.0, half @ together @ half)) ** 0.5 / len(parts) for half in halves)
    errors = np.array([part.standard_error or 0.0 for part in parts])
    error = float(max(0.0, errors @ together @ errors)) ** 0.5 / len(parts)
    ends = max(0.0, share.mean() - down), min(1.0, share.mean() + up)
    return Ends(*ends, "recalls-mover", error=error)


def cohen_kappa(
    judge: Column,
    labels: Column,
    clusters: Column,
    *,
    weights: Weights = Weights.NONE,
    levels: Sequence[object] | None = None,
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate the agreement beyond what the two margins alone would give.

    Args:
        judge: (n,) categories, numbers where `weights` need an order and `levels` give none; None = no
            verdict, left out and counted.
        labels: (n,) the same of the labels; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        weights: What a disagreement costs.
        levels: All categories, lowest first; None = those that occur, numbers in their order: a number that
            never occurs is then no step.
        options: Which interval, level, resamples, seed.

    Returns:
        Kappa in [-1, 1]: 1 = full agreement, 0 = chance; None where all say one category and it is undefined.

    Raises:
        InputError: The columns differ in length, a value is none of the levels, or, with weights and without
            levels, no number.

    Source: Cohen, Educational and Psychological Measurement 20(1), 1960, 37-46; Cohen, Psychological Bulletin
        70(4), 1968, 213-220 (weights); Brown, Cai & DasGupta, Statistical Science 16(2), 2001, 101-133 (the
        prior, for two categories that of Jeffreys).

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"], ["q1", "q2", "q3", "q4"]).estimate
        0.5
        >>> judge, labels, clusters = [1, 2, 3, 3], [1, 2, 3, 2], ["q1", "q2", "q3", "q4"]
        >>> round(cohen_kappa(judge, labels, clusters, weights=Weights.LINEAR).estimate, 4)
        0.7143
    """
    if weights is not Weights.NONE and levels is None:
        table = cross_table(floats(judge), floats(labels), clusters, None, numbers=True)
    else:
        table = cross_table(judge, labels, clusters, levels)
    if isinstance(table, str):
        return Estimate.none(table, left_out=_length(judge), level=options.level)
    cost = _cost(table.k, weights)
    cells = table.cells()
    value = float(_kappa(cells.sum(axis=0)[None], cost)[0])
    if np.isnan(value):
        return table.estimate(None, no_ends("judge and labels use one and the same category"), options)
    return table.estimate(value, _kappa_ends(table, cells, cost, value=value, options=options), options)


def _kappa_ends(table: CrossTable, cells: Floats, cost: Floats, *, value: float, options: Options) -> Ends:
    if table.clusters < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    if table.clusters == table.n and options.interval is Interval.AUTO:
        whole = cells.sum(axis=0)
        return _posterior(_unnamed(whole) if _is_nominal(cost) else whole, cost, value, options)
    flat = cells.reshape(table.clusters, -1)

    def statistic(drawn: Floats) -> Floats:
        return _kappa((drawn @ flat).reshape(-1, table.k, table.k), cost)

    ends = bounded_interval(statistic, table.clusters, (-1, 1), options=options, shape=Shape.WILSON)
    chance = cells.sum(axis=(0, 2)) * cells.sum(axis=(0, 1)) / table.n
    return no_ends(TOO_RARE) if ends.low is not None and hardly_meet(chance) else ends


def _length(column: Column) -> int:
    return len(np.asarray(column, dtype=object))


def _cost(k: int, weights: Weights) -> Floats:
    """Return the (k, k) cost of each disagreement, in [0, 1]."""
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(k - 1, 1)
    powers = {Weights.NONE: 0, Weights.LINEAR: 1, Weights.QUADRATIC: 2}
    return np.where(steps > 0, steps ** powers[weights], 0.0)


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
    """Return the table with its categories in an order that their names do not decide.

    The draws of a simulation go to the cells in their order. With "a" and "b" exchanged, each count
    then still meets the same draws.
    """
    order = np.lexsort((np.diag(cells), cells.sum(axis=0), cells.sum(axis=1)))
    return cells[np.ix_(order, order)]


def _posterior(cells: Floats, cost: Floats, value: float, options: Options) -> Ends:
    """Draw tables from the posterior, under a prior worth one row on the diagonal and one off it."""
    k = len(cells)
    prior = np.where(np.eye(k, dtype=bool), 1 / k, 1 / (k * (k - 1)))
    draws = np.random.default_rng(options.seed).standard_gamma(cells + prior, (options.resamples, k, k))
    tail = (1 - options.level) / 2
    kappas = _kappa(draws, cost)
    low, high = np.quantile(kappas, [tail, 1 - tail])
    return Ends(
        min(float(low), value),
        max(float(high), value),
        f"dirichlet-{options.resamples}",
        error=float(kappas.std(ddof=1)),
        draws=options.resamples,
    )
