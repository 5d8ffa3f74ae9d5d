"""Paired differences in which two strata weigh the same: pairs whose better response is longer, or shorter.

What goes along with the stratum can then not make a difference: whoever always names the longer response is
right in one stratum alone, so in one half.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalhub.stats.clusters import Column, floats, same_length
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.means import mean_estimate


def balanced_difference(
    first: Column, second: Column, strata: Column, clusters: Column, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate the mean of two strata's paired differences, each stratum with the weight one half.

    Args:
        first: (n,) numbers, such as 1 for a right verdict. None and NaN are missing.
        second: (n,) numbers of the same rows.
        strata: (n,) True or False. None is in neither stratum. Such a row, and one that lacks a number, is
            left out and counted.
        clusters: (n,) cluster ids.
        confidence: Level of the interval, in (0, 1).

    Returns:
        The mean over strata of the mean of first minus second, with the cluster-robust interval of its
        linearised values ("cluster-t"). None where a stratum has no row.

    Raises:
        InputError: The columns differ in length.

    Source: Holt and Smith, Post stratification, JRSS A 142, 1979; Lohr, Sampling, 3rd ed., section 9.1
        (linearisation).

    Example:
        >>> longer = [True, True, True, False]
        >>> right, longer_is_right = [1, 1, 0, 1], [1, 1, 1, 0]
        >>> round(balanced_difference(right, longer_is_right, longer, list("abcd")).estimate, 3)
        0.333
    """
    same_length({"first": first, "second": second, "strata": strata, "clusters": clusters})
    differences = floats(first) - floats(second)
    halves = floats(strata)
    present = np.isfinite(differences) & np.isfinite(halves)
    n_excluded = int(len(present) - present.sum())
    differences, places = differences[present], halves[present].astype(int)
    sizes = np.bincount(places, minlength=2)
    if not sizes.all():
        return Estimate.none("one of the two strata has no row", n=len(places), n_excluded=n_excluded)
    means = np.bincount(places, weights=differences, minlength=2) / sizes
    # Each row's share of the estimate: its distance from the mean of its stratum, so that sizes that might
    # have been others cause no error of the first order.
    values = means.mean() + (differences - means[places]) * len(places) / (2 * sizes[places])
    names = np.asarray(clusters, dtype=object)[present]
    return replace(mean_estimate(values, names, confidence=confidence), n_excluded=n_excluded)
