"""Prediction-powered inference: few labels of people and many verdicts of a judge make one mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from evalhub.stats.clusters import Column, floats, same_length
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.intervals import NOISE, no_ends, with_ends
from evalhub.stats.means import mean_estimate
from evalhub.stats.people.frame import Frame, check_bounds, read_frame
from evalhub.stats.people.rectifier import (
    Rectified,
    least_variance,
    rectified_ends,
    rectify,
    tuned_weights,
)


@dataclass(frozen=True, slots=True)
class Powered:
    """The mean from labels and verdicts combined, and from each of them.

    Attributes:
        estimate: The mean label of all rows, from labels and verdicts combined.
        labels_only: From the labels alone.
        judge_only: The mean verdict. It is biased as the judge is, and its method says so.
        labelled: Number of labels.
        verdicts: Number of verdicts.
        tuning: The judge's weight λ, at least 0, the mean over the labels. None without an estimate.
        correlation: Of verdicts and labels where both are present, in [-1, 1]. None where one is constant.
        effective_n: Number of labels that would give the same interval without the judge. None where nothing
            varies.
    """

    estimate: Estimate
    labels_only: Estimate
    judge_only: Estimate
    labelled: int
    verdicts: int
    tuning: float | None
    correlation: float | None
    effective_n: float | None


def powered_mean(
    labels: Column,
    judge: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    inclusion: Column | None = None,
    confidence: float = CONFIDENCE,
) -> Powered:
    """Estimate the mean label from the labelled rows and the judge's verdicts on all.

    Choose it where a random part of the rows has labels. It is unbiased for the mean label whatever the judge
    does. A better judge narrows the interval.

    Args:
        labels: (n,) labels of people. None = not labelled. The labelled rows must be a random sample.
        judge: (n,) verdicts on any scale that rises with the labels'. None = failed. A failed row counts with
            the mean verdict, so that rows which the judge cannot judge stay in the mean.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest possible label, (0, 1) for win rates. None = no bounds.
        inclusion: (n,) probability with which each row was sampled for labelling, in [.05, 1]. None = equal.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        The mean in the labels' unit with its interval, within `bounds`. No interval with fewer than 25
        labelled clusters, None with fewer than 3 or without overlap.

    Raises:
        InputError: The columns differ in length, a label lies outside `bounds`, or an inclusion probability
            outside [.05, 1].

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453 (PPI++). Angelopoulos et al., Science 382,
        2023, 669-674.

    Example:
        >>> judge = [0, 1] * 100
        >>> labels = [0, 1, 0, 1, 1, 0, 0, 1, 0, 1] * 6 + [None] * 140
        >>> powered = powered_mean(labels, judge, range(200), bounds=(0, 1))
        >>> round(powered.estimate.estimate, 2), powered.labelled, round(powered.correlation, 2)
        (0.5, 60, 0.6)
        >>> powered.estimate.width < powered.labels_only.width
        True
    """
    same_length({"labels": labels, "judge": judge, "clusters": clusters})
    verdicts = floats(judge)
    present = ~np.isnan(verdicts)
    judged = read_frame(labels, verdicts, clusters, inclusion)
    judge_only = _judge_only(judged, bounds, confidence)
    frame = judged
    if judged.labelled.any():
        # Any guess keeps the estimate unbiased: a row without a verdict gets the mean one, and stays in.
        filled = np.where(present, verdicts, verdicts[present].mean())
        frame = read_frame(labels, filled, clusters, inclusion)
    check_bounds(frame, bounds)
    labelled = int(frame.labelled.sum())
    join = partial(
        with_ends,
        n=len(frame.labels),
        clusters=frame.clusters,
        n_excluded=frame.n_excluded,
        confidence=confidence,
    )
    if frame.reason is not None:
        no_estimate = join(None, no_ends(frame.reason))
        return Powered(no_estimate, no_estimate, judge_only, labelled, len(frame.labels), None, None, None)
    plain = rectify(frame, 0.0, bounds=bounds)
    rectified = rectify(frame, tuned_weights(frame), bounds=bounds)
    rectified = replace(rectified, variance=max(rectified.variance, least_variance(plain, frame)))
    value = rectified.value if bounds is None else float(np.clip(rectified.value, *bounds))
    return Powered(
        join(value, rectified_ends(rectified, frame, bounds=bounds, confidence=confidence)),
        _labels_only(frame, plain, bounds, confidence),
        judge_only,
        labelled=labelled,
        verdicts=len(judged.labels),
        tuning=rectified.tuning,
        correlation=_correlation(judged),
        effective_n=labelled * plain.variance / rectified.variance if rectified.variance > 0 else None,
    )


def powered_difference(
    first: tuple[Column, Column],
    second: tuple[Column, Column],
    clusters: Column,
    *,
    inclusion: Column | None = None,
    confidence: float = CONFIDENCE,
) -> Powered:
    """Estimate how much higher the labels of one system are than those of another, on the same items.

    Args:
        first: Labels and verdicts of one system, each (n,), one row per item. None = missing.
        second: Labels and verdicts of the other on the same items. A row counts as labelled where both are.
        clusters, inclusion, confidence: As in `powered_mean`.

    Returns:
        Mean of first minus mean of second, in the labels' unit. The rest is as in `powered_mean`.

    Raises:
        InputError: As `powered_mean`.

    Source: As `powered_mean`, of the differences within items.

    Example:
        >>> x, y = [1, 1, 0, 1] * 10, [0, 1, 0, 0] * 10
        >>> powered = powered_difference((x, x), (y, y), range(40))
        >>> round(powered.estimate.estimate, 9), powered.tuning
        (0.5, 0.0)
    """
    same_length({"labels": first[0], "judge": first[1], "others": second[0], "other judge": second[1]})
    labels, verdicts = (floats(x) - floats(y) for x, y in zip(first, second, strict=True))
    return powered_mean(labels, verdicts, clusters, inclusion=inclusion, confidence=confidence)


def _labels_only(
    frame: Frame, plain: Rectified, bounds: tuple[float, float] | None, confidence: float
) -> Estimate:
    rows = frame.labelled
    if np.ptp(frame.shares[rows]) <= NOISE:
        return mean_estimate(frame.labels[rows], frame.members[rows], bounds=bounds, confidence=confidence)
    ends = rectified_ends(plain, frame, bounds=bounds, confidence=confidence)
    return with_ends(
        plain.value,
        ends,
        n=int(rows.sum()),
        clusters=frame.labelled_clusters,
        n_excluded=0,
        confidence=confidence,
    )


def _judge_only(frame: Frame, bounds: tuple[float, float] | None, confidence: float) -> Estimate:
    verdicts = frame.verdicts
    inside = (
        bounds is not None
        and verdicts.size > 0
        and bounds[0] <= verdicts.min()
        and verdicts.max() <= bounds[1]
    )
    mean = mean_estimate(verdicts, frame.members, bounds=bounds if inside else None, confidence=confidence)
    return replace(mean, method=f"{mean.method}, biased")


def _correlation(frame: Frame) -> float | None:
    truth, verdicts = frame.labels, frame.verdicts
    x, y = (values - frame.shares @ values for values in (truth, verdicts))
    spread = float(np.sqrt((frame.shares @ x**2) * (frame.shares @ y**2)))
    flat = NOISE * max(1.0, float(np.abs(truth).max())) * max(1.0, float(np.abs(verdicts).max()))
    return float(np.clip(frame.shares @ (x * y) / spread, -1.0, 1.0)) if spread > flat else None
