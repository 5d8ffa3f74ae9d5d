"""The mean label of a system from a judge's scores, mapped onto labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalhub.stats.clusters import Column, Floats, folds
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import Ends, no_ends, with_ends
from evalhub.stats.means import cluster_variance
from evalhub.stats.people.frame import FEW_LABELLED, MIN_LABELLED, Frame, check_bounds, read_frame
from evalhub.stats.people.isotonic import isotonic
from evalhub.stats.people.rectifier import Rectified, rectified_ends

GROUPS = 20
MOST_OUTSIDE = 0.05


def calibrated_mean(
    labels: Column,
    scores: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    inclusion: Column | None = None,
) -> Estimate:
    """Estimate a system's mean label by mapping its scores, isotonically, onto labels.

    Choose it where a score means the same in all rows. `powered_mean` needs no such assumption. The interval
    covers both the scores' variance and that of the map, which is refitted without each of 20 groups of
    labelled clusters.

    Args:
        labels: (n,) labels of people. None = not labelled.
        scores: (n,) scores of the judge, on any scale that does not fall with the labels. None = no score.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest possible label. None = no bounds.
        inclusion: (n,) probability with which each row was sampled for labelling, in [.05, 1]. None = equal.

    Returns:
        The mean in the labels' unit. None where more than 5% of the scores lie outside the labelled range. No
        interval with fewer than 25 labelled clusters.

    Raises:
        InputError: The columns differ in length, a label lies outside `bounds`, or an inclusion probability
            outside [.05, 1].

    Source: Landesberg & Narayan 2025, arXiv 2512.11150 (calibrated scores, uncertainty of the map). Zadrozny
        & Elkan, KDD 2002. Kott, Journal of Official Statistics 17(4), 2001 (delete-a-group jackknife).

    Example:
        >>> scores, labels = [0, 1, 2, 3] * 50, [0, 0, 1, 1] * 15 + [None] * 140
        >>> mean = calibrated_mean(labels, scores, range(200), bounds=(0, 1))
        >>> mean.estimate, mean.method
        (0.5, 'delete-group-jackknife')
    """
    frame = read_frame(labels, scores, clusters, inclusion)
    check_bounds(frame, bounds)
    value, ends = _mean(frame, bounds)
    n, n_excluded = len(frame.labels), frame.n_excluded
    return with_ends(value, ends, n=n, clusters=frame.clusters, n_excluded=n_excluded)


def _mean(frame: Frame, bounds: tuple[float, float] | None) -> tuple[float | None, Ends]:
    if frame.reason is not None:
        return None, no_ends(frame.reason)
    if frame.outside > MOST_OUTSIDE:
        return None, no_ends(f"{frame.outside:.0%} of the scores lie outside the range of the labelled ones")
    mapped = _mapped(frame, frame.shares)
    value = float(mapped.mean())
    if frame.labelled_clusters < MIN_LABELLED:
        return value, no_ends(FEW_LABELLED)
    ends = rectified_ends(Rectified(value, *_spread(frame, mapped), tuning=1.0), frame, bounds=bounds)
    return value, ends if ends.low is None else replace(ends, method="delete-group-jackknife")


def _mapped(frame: Frame, shares: Floats) -> Floats:
    """Fit the map on the rows with a share, and apply it to all rows."""
    fit = shares > 0
    return isotonic(frame.verdicts[fit], frame.labels[fit], frame.verdicts, weights=shares[fit])


def _spread(frame: Frame, mapped: Floats) -> tuple[float, float]:
    """Return the variance of the mean and its degrees of freedom (Satterthwaite)."""
    group = np.full(len(frame.labels), -1, dtype=np.int64)
    group[frame.labelled] = folds(frame.members[frame.labelled], GROUPS)
    means = np.array([_mapped(frame, np.where(group == k, 0.0, frame.shares)).mean() for k in range(GROUPS)])
    of_map = (GROUPS - 1) / GROUPS * float(np.sum((means - means.mean()) ** 2))
    of_scores, freedom = cluster_variance(mapped, frame.members)
    variance = of_map + of_scores
    if variance <= 0:
        return 0.0, 1.0
    return variance, variance**2 / (of_map**2 / (GROUPS - 1) + of_scores**2 / freedom)
