"""Prediction-powered inference: few labels of people and many verdicts of a judge make one mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Column, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, NOISE, Options, with_ends
from evalhub.stats.means import mean_estimate
from evalhub.stats.people.frame import PLAIN, Frame, Labelling, check_bounds, read_frame
from evalhub.stats.people.rectifier import (
    Rectified,
    least_variance,
    rectified_ends,
    rectify,
    tuned,
)


@dataclass(frozen=True, slots=True)
class Powered:
    """What labels and verdicts say together, and what each says alone.

    Attributes:
        estimate: The mean label of all rows, by both together.
        labels_only: By the labels alone.
        judge_only: The mean verdict; it is biased as the judge is, and its method says so.
        labelled: Labels used.
        verdicts: Verdicts of the rows asked about.
        tuning: The judge's weight λ, at least 0, the mean over the labels; None without an estimate.
        correlation: Of verdicts and labels where both are, in [-1, 1]; None where one of them is constant.
        effective_n: Labels that alone would give such an interval; None where nothing varies.
        outside: Share of the verdicts that lie outside the range of the labelled ones, in [0, 1].
        transported: Why labels of other systems stand in, so that the estimate rests on the judge being as
            wrong about both; None where the labels are the system's own.
        reason: Why the judge does not enter (λ = 0); None otherwise.
    """

    estimate: Estimate
    labels_only: Estimate
    judge_only: Estimate
    labelled: int
    verdicts: int
    tuning: float | None
    correlation: float | None
    effective_n: float | None
    outside: float | None
    transported: str | None
    reason: str | None


def powered_mean(
    labels: Column,
    judge: Column,
    clusters: Column,
    *,
    bounds: tuple[float, float] | None = None,
    design: Labelling = PLAIN,
    options: Options = DEFAULT,
) -> Powered:
    """Estimate the mean label from the labelled rows and the judge's verdicts on all.

    It aims at the mean label whatever the judge does; a better judge narrows the interval.

    Args:
        labels: (n,) labels of people; None = not labelled. Rows to label must have been drawn by chance.
        judge: (n,) verdicts on any scale that rises with the labels'; None = failed: such a row counts with
            the mean verdict, so that what the judge cannot judge is not left out (but is, where labels of
            other systems stand in).
        clusters: (n,) cluster ids.
        bounds: Lowest and highest label there can be, (0, 1) for win rates; None = not known.
        design: Probabilities of being sampled for labelling; whose answers the rows are. Labels of other
            systems enter only where the target has none: then λ is 1, the verdicts must be on the labels'
            scale, and the result is flagged.
        options: Level.

    Returns:
        The mean in the labels' unit with its interval, within `bounds`; no interval with fewer than 25
        labelled clusters, None with fewer than 3 or without overlap.

    Raises:
        InputError: The columns differ in length, a label lies outside `bounds`, or an inclusion probability
            outside [.05, 1].

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453 (PPI++); Angelopoulos et al., Science 382,
        2023, 669-674.

    Example:
        >>> judge = [0, 1] * 100
        >>> labels = [0, 1, 0, 1, 1, 0, 0, 1, 0, 1] * 6 + [None] * 140
        >>> found = powered_mean(labels, judge, range(200), bounds=(0, 1))
        >>> round(found.estimate.estimate, 2), found.labelled, round(found.correlation, 2)
        (0.5, 60, 0.6)
        >>> found.estimate.width < found.labels_only.width
        True
    """
    same_length({"labels": labels, "judge": judge, "clusters": clusters})
    said = floats(judge)
    known = ~np.isnan(said)
    heard = read_frame(labels, said, clusters, design)
    judge_only = _judge_only(heard, bounds, options)
    frame = heard
    if heard.transported is None and heard.labelled.any():
        # Any guess keeps the estimate unbiased: a row without a verdict gets the mean one, and stays in.
        frame = read_frame(labels, np.where(known, said, said[known].mean()), clusters, design)
    check_bounds(frame, bounds)
    if frame.reason is not None:
        return _nothing(frame, judge_only, options)
    alone = rectify(frame, 0.0, bounds=bounds)
    labels_only = _labels_only(frame, alone, bounds, options)
    if frame.transported is None:
        weight = tuned(frame)
        found = rectify(frame, weight, bounds=bounds)
        found = replace(found, variance=max(found.variance, least_variance(alone, frame)))
    else:
        found = rectify(frame, 1.0, bounds=bounds)
    own = frame.transported is None
    return Powered(
        _estimate(found, frame, bounds, options),
        labels_only,
        judge_only,
        labelled=int(frame.labelled.sum()),
        verdicts=int(heard.asked.sum()),
        tuning=found.tuning,
        correlation=_correlation(heard),
        effective_n=_effective(alone, found, frame) if own else None,
        outside=frame.outside,
        transported=frame.transported,
        reason=None if found.tuning > 0 else _why_unused(frame),
    )


def powered_difference(
    first: tuple[Column, Column],
    second: tuple[Column, Column],
    clusters: Column,
    *,
    inclusion: Column | None = None,
    options: Options = DEFAULT,
) -> Powered:
    """Estimate how much higher the labels of one system are than those of another, on the same items.

    Args:
        first: Labels and verdicts of one system, each (n,), one row per item; None = missing.
        second: Labels and verdicts of the other on the same items. A row counts as labelled where both are.
        clusters: (n,) cluster ids.
        inclusion: (n,) probability with which the item was sampled for labelling, in [.05, 1]; None = equal.
        options: Level.

    Returns:
        Mean of first minus mean of second, in the labels' unit; as `powered_mean` otherwise.

    Raises:
        InputError: As `powered_mean`.

    Source: As `powered_mean`, of the differences within items.

    Example:
        >>> one, other = [1, 1, 0, 1] * 10, [0, 1, 0, 0] * 10
        >>> found = powered_difference((one, one), (other, other), range(40))
        >>> round(found.estimate.estimate, 9), found.reason
        (0.5, 'every row is labelled')
    """
    same_length({"labels": first[0], "judge": first[1], "others": second[0], "other judge": second[1]})
    gaps = [floats(one) - floats(other) for one, other in zip(first, second, strict=True)]
    return powered_mean(gaps[0], gaps[1], clusters, design=Labelling(inclusion), options=options)


def _estimate(
    found: Rectified, frame: Frame, bounds: tuple[float, float] | None, options: Options
) -> Estimate:
    ends = rectified_ends(found, frame, bounds=bounds, level=options.level)
    if frame.transported is not None and ends.low is not None:
        ends = replace(ends, method=f"{ends.method}-transported")
    value = found.value if bounds is None else float(np.clip(found.value, *bounds))
    n, left_out = len(frame.labels), frame.left_out
    return with_ends(value, ends, level=options.level, n=n, clusters=frame.clusters, left_out=left_out)


def _labels_only(
    frame: Frame, alone: Rectified, bounds: tuple[float, float] | None, options: Options
) -> Estimate:
    if frame.transported is not None:
        return Estimate.none(frame.transported, level=options.level)
    used = frame.labelled
    if np.ptp(frame.shares[used]) <= NOISE:
        return mean_estimate(frame.labels[used], frame.members[used], bounds=bounds, options=options)
    ends = rectified_ends(alone, frame, bounds=bounds, level=options.level)
    clusters = frame.labelled_clusters
    return with_ends(alone.value, ends, level=options.level, n=int(used.sum()), clusters=clusters, left_out=0)


def _judge_only(frame: Frame, bounds: tuple[float, float] | None, options: Options) -> Estimate:
    said, members = frame.verdicts[frame.asked], frame.members[frame.asked]
    within = bounds is not None and said.size > 0 and bounds[0] <= said.min() and said.max() <= bounds[1]
    alone = mean_estimate(said, members, bounds=bounds if within else None, options=options)
    return replace(alone, method=f"{alone.method}, biased")


def _nothing(frame: Frame, judge_only: Estimate, options: Options) -> Powered:
    none = Estimate.none(
        frame.reason or "",
        n=len(frame.labels),
        clusters=frame.clusters,
        left_out=frame.left_out,
        level=options.level,
    )
    used, asked = int(frame.labelled.sum()), int(frame.asked.sum())
    return Powered(none, none, judge_only, used, asked, None, None, None, None, frame.transported, None)


def _effective(alone: Rectified, found: Rectified, frame: Frame) -> float | None:
    return int(frame.labelled.sum()) * alone.variance / found.variance if found.variance > 0 else None


def _correlation(frame: Frame) -> float | None:
    true, said = frame.labels, frame.verdicts
    x, y = (values - frame.shares @ values for values in (true, said))
    spread = float(np.sqrt((frame.shares @ x**2) * (frame.shares @ y**2)))
    flat = NOISE * max(1.0, float(np.abs(true).max())) * max(1.0, float(np.abs(said).max()))
    return float(np.clip(frame.shares @ (x * y) / spread, -1.0, 1.0)) if spread > flat else None


def _why_unused(frame: Frame) -> str:
    if frame.labelled[frame.asked].all():
        return "every row is labelled"
    if _correlation(frame) is None:
        return "the labels or the verdicts on them never vary"
    return "higher verdicts do not go with higher labels"
