"""The mean label of a system from a judge's scores, mapped onto labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Column, Floats, folds
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Ends, Options, no_ends, with_ends
from evalhub.stats.means import cluster_variance
from evalhub.stats.people.calibration import isotonic
from evalhub.stats.people.frame import (
    FEW_LABELLED,
    MIN_LABELLED,
    PLAIN,
    Frame,
    Labelling,
    check_bounds,
    read_frame,
)
from evalhub.stats.people.rectifier import Rectified, rectified_ends

GROUPS = 20
MOST_OUTSIDE = 0.05


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A mean of calibrated scores, and what it rests on.

    Attributes:
        estimate: The mean label that the scores promise.
        labelled: Labels that the map was fitted on.
        scores: Scores that were mapped.
        outside: Share of them outside the range of the labelled ones, in [0, 1]; None without labels.
        transported: Why labels of other systems stand in, so that the estimate rests on a score meaning the
            same for both; None where the labels are the system's own.
    """

    estimate: Estimate
    labelled: int
    scores: int
    outside: float | None
    transported: str | None


def calibrated_mean(
    labels: Column,
    scores: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    design: Labelling = PLAIN,
    options: Options = DEFAULT,
) -> Calibrated:
    """Estimate a system's mean label by mapping its scores, isotonically, onto labels.

    The interval holds both the scores' variance and that of the map, which is refitted without each of 20
    groups of labelled clusters.

    Args:
        labels: (n,) labels of people; None = not labelled.
        scores: (n,) scores of the judge, on any scale that does not fall with the labels; None = none.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest label there can be; None = not known.
        design: Probabilities of being sampled for labelling; whose answers the rows are. Labels of other
            systems are used only where the target has none, and that is flagged.
        options: Level.

    Returns:
        The mean in the labels' unit; None where more than 5% of the scores lie outside the labelled range,
        and no interval with fewer than 25 labelled clusters.

    Raises:
        InputError: The columns differ in length, a label lies outside `bounds`, or an inclusion probability
            outside [.05, 1].

    Source: Landesberg & Narayan 2025, arXiv 2512.11150 (calibrated scores, uncertainty of the map); Zadrozny
        & Elkan, KDD 2002; Kott, Journal of Official Statistics 17(4), 2001 (delete-a-group jackknife).

    Example:
        >>> scores = [0, 1, 2, 3] * 50
        >>> labels = [0, 0, 1, 1] * 15 + [None] * 140
        >>> found = calibrated_mean(labels, scores, range(200), bounds=(0, 1))
        >>> found.estimate.estimate, found.labelled, found.outside
        (0.5, 60, 0.0)
    """
    frame = read_frame(labels, scores, clusters, design)
    check_bounds(frame, bounds)
    outside = frame.outside if frame.reason is None else None
    value, ends = _mean(frame, bounds, outside, options.level)
    if frame.transported is not None and ends.low is not None:
        ends = replace(ends, method=f"{ends.method}-transported")
    n, left_out = len(frame.labels), frame.left_out
    estimate = with_ends(value, ends, level=options.level, n=n, clusters=frame.clusters, left_out=left_out)
    used, asked = int(frame.labelled.sum()), int(frame.asked.sum())
    return Calibrated(estimate, used, asked, outside, frame.transported)


def _mean(
    frame: Frame, bounds: tuple[float, float] | None, outside: float | None, level: float
) -> tuple[float | None, Ends]:
    if frame.reason is not None or outside is None:
        return None, no_ends(frame.reason or "")
    if outside > MOST_OUTSIDE:
        return None, no_ends(f"{outside:.0%} of the scores lie outside the range of the labelled ones")
    mapped = _mapped(frame, frame.shares)
    value = float(mapped.mean())
    if frame.labelled_clusters < MIN_LABELLED:
        return value, no_ends(FEW_LABELLED)
    found = Rectified(value, *_spread(frame, mapped), tuning=1.0)
    ends = rectified_ends(found, frame, bounds=bounds, level=level)
    return value, ends if ends.low is None else replace(ends, method="delete-group-jackknife")


def _mapped(frame: Frame, shares: Floats) -> Floats:
    """Fit the map on the rows with a share, and apply it to the rows asked about."""
    fit = shares > 0
    labels, verdicts = frame.labels[fit], frame.verdicts[fit]
    return isotonic(verdicts, labels, frame.verdicts[frame.asked], weights=shares[fit])


def _spread(frame: Frame, mapped: Floats) -> tuple[float, float]:
    """Return the variance of the mean and its degrees of freedom (Satterthwaite)."""
    group = np.full(len(frame.labels), -1, dtype=np.int64)
    group[frame.labelled] = folds(frame.members[frame.labelled], GROUPS)
    left = np.array([_mapped(frame, np.where(group == k, 0.0, frame.shares)).mean() for k in range(GROUPS)])
    of_map = (GROUPS - 1) / GROUPS * float(np.sum((left - left.mean()) ** 2))
    _, members = np.unique(frame.members[frame.asked], return_inverse=True)
    of_scores, freedom = cluster_variance(mapped, members)
    variance = of_map + of_scores
    if variance <= 0:
        return 0.0, 1.0
    return variance, variance**2 / (of_map**2 / (GROUPS - 1) + of_scores**2 / freedom)
