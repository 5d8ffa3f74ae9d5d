"""Agreement of a judge with labels: accuracy and Cohen's kappa."""

from __future__ import annotations

import numpy as np

from evalhub.stats.bootstrap import Shape, Statistic, interval
from evalhub.stats.clusters import Column, Floats, Ints, Texts, categories, codes, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options, no_ends, with_ends
from evalhub.stats.means import mean_estimate


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


def cohen_kappa(judge: Column, labels: Column, clusters: Column, *, options: Options = DEFAULT) -> Estimate:
    """Estimate the agreement beyond what the two margins alone would give.

    Args:
        judge: (n,) categories; None = no verdict, left out and counted.
        labels: (n,) categories; None = no label, left out and counted.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        Kappa in [-1, 1]: 1 = full agreement, 0 = chance; None where all say one category and it is undefined.

    Raises:
        InputError: The columns differ in length.

    Source: Cohen, Educational and Psychological Measurement 20(1), 1960, 37-46.

    Example:
        >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"], ["q1", "q2", "q3", "q4"]).estimate
        0.5
    """
    n = same_length({"judge": judge, "labels": labels, "clusters": clusters})
    said, has_verdict = categories(judge)
    true, has_label = categories(labels)
    both = has_verdict & has_label
    members, count = codes(np.asarray(clusters)[both])
    rows, left_out = int(both.sum()), int(n - both.sum())
    if not rows:
        reason = "no row has both a verdict and a label"
        return Estimate.none(reason, left_out=left_out, level=options.level)
    statistic = _kappa(said[both], true[both], members)
    value = float(statistic(np.ones((1, count)))[0])
    if np.isnan(value):
        ends = no_ends("judge and labels use one and the same category")
        return with_ends(None, ends, level=options.level, n=rows, clusters=count, left_out=left_out)
    ends = interval(statistic, count, options, shape=Shape.WILSON)
    return with_ends(value, ends, level=options.level, n=rows, clusters=count, left_out=left_out)


def _kappa(said: Texts, true: Texts, members: Ints) -> Statistic:
    names, coded = np.unique(np.stack([said, true]), return_inverse=True)
    first, second = coded.reshape(2, -1)
    k = len(names)
    count = int(members.max()) + 1
    cells = np.bincount((members * k + first) * k + second, minlength=count * k * k)
    table = cells.reshape(count, k * k).astype(np.float64)

    def statistic(weights: Floats) -> Floats:
        shares = (weights @ table).reshape(-1, k, k)
        shares = shares / shares.sum(axis=(1, 2), keepdims=True)
        observed = np.einsum("bkk->b", shares)
        chance = np.einsum("bk,bk->b", shares.sum(axis=2), shares.sum(axis=1))
        defined = chance < 1 - 1e-12
        kappa = (observed - chance) / np.where(defined, 1 - chance, 1.0)
        return np.asarray(np.where(defined, np.clip(kappa, -1.0, 1.0), np.nan), dtype=np.float64)

    return statistic
