"""A mean of verdicts, corrected by the labels: the estimator and its interval.

With f the verdicts, y the labels, and λ the weight of the judge, the estimate is the mean of λf over all rows
plus the mean of y - λf over the labelled ones. It is unbiased for the mean label under any λ. The λ of least
variance is the one of prediction-powered inference. It is fitted for each cluster on the others, so that
tuning brings no bias. Both parts of a cluster's rows enter its residual, so that the variance is that of
whole clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Floats
from evalhub.stats.estimate import CONFIDENCE
from evalhub.stats.intervals import (
    NO_WIDTH,
    NOISE,
    Ends,
    no_ends,
    spread_freedom,
    t_quantile,
    wilson,
    z_quantile,
)
from evalhub.stats.people.frame import FEW_LABELLED, MIN_LABELLED, Frame

# With n labelled clusters, 4 / n of the labels' variance is left to any judge: if it were wrong in one row of
# n, and none of its errors were among the labels, the interval would still cover the truth.
_LEAST_LEFT = 4.0


@dataclass(frozen=True, slots=True)
class Rectified:
    """The estimate before it has an interval.

    Attributes:
        value: The mean.
        variance: Of the mean, over clusters, at least 0.
        freedom: Degrees of freedom of the variance. Infinite for a proportion of independent rows.
        tuning: Mean λ over the labelled rows. 0 = the judge does not enter.
    """

    value: float
    variance: float
    freedom: float
    tuning: float


def tuned_weights(frame: Frame) -> Floats:
    """Return for each row the λ of least variance, fitted on the other clusters.

    Args:
        frame: The rows.

    Returns:
        (n,) at least 0: a judge that contradicts the labels is not used.

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453 (power tuning). Cross-fitting as in
        Zrnic & Candès, PNAS 121(15), 2024.
    """
    f, share, equal = _centred(frame), frame.shares, 1 / len(frame.shares)
    truth = share * (frame.labels - share @ frame.labels)
    gap = equal * f - share * (f - share @ f)
    sums = [np.bincount(frame.members, weights=part) for part in (truth, gap)]
    cross, square = sums[0] * sums[1], sums[1] ** 2
    floor = max(NOISE * float(np.var(f)), (NOISE * float(np.abs(frame.verdicts).max())) ** 2) / len(f)
    remainder = square.sum() - square
    usable = remainder > floor
    slope = np.where(usable, -(cross.sum() - cross) / np.where(usable, remainder, 1.0), 0.0)
    weights: Floats = np.maximum(0.0, slope)[frame.members]
    return weights


def rectify(frame: Frame, weight: Floats | float, *, bounds: tuple[float, float] | None = None) -> Rectified:
    """Return the mean of the verdicts, corrected by the labels.

    Args:
        frame: The rows.
        weight: λ, one for all rows or (n,). A column must not differ within a cluster.
        bounds: Lowest and highest possible label. None = no bounds.

    Returns:
        The estimate. With λ = 0 it is the mean of the labels, its variance CR2.

    Source: Angelopoulos et al., Science 382, 2023, 669-674. Weights of unequal sampling as in Zrnic & Candès,
        ICML 2024. CR2 and its degrees of freedom: Bell & McCaffrey, Survey Methodology 28(2), 2002.
    """
    share, equal = frame.shares, 1 / len(frame.shares)
    lam = np.broadcast_to(np.asarray(weight, dtype=np.float64), share.shape)
    scaled = lam * _centred(frame)
    residual = np.where(frame.labelled, frame.labels - scaled, 0.0)
    correction = float(share @ residual)
    mean = float(np.full(len(share), equal) @ scaled)
    rows = share * (residual - correction) + equal * (scaled - mean)
    psi = np.bincount(frame.members, weights=rows)
    sizes = np.bincount(frame.members, weights=share)
    inflation = 1 / np.maximum(1 - sizes, NOISE)
    parts = inflation * psi**2
    variance = float(parts.sum())
    cross = inflation * sizes**2
    freedom = 1 / float(np.sum(sizes**2) + cross.sum() ** 2 - np.sum(cross**2))
    if _is_proportion(frame, bounds):
        # As in Wilson's own interval: no Bessel's correction, and the normal quantile.
        variance, freedom = variance * (1 - 1 / frame.labelled_clusters), math.inf
    elif variance > 0:
        freedom = min(freedom, spread_freedom(parts**0.5, clusters=frame.labelled_clusters))
    return Rectified(correction + mean, variance, freedom, float(share @ lam))


def least_variance(labels: Rectified, frame: Frame) -> float:
    """Return the smallest credible variance with any judge.

    Args:
        labels: The mean of the labels alone.
        frame: Its rows.

    Returns:
        The variance as if all rows were labelled, plus what few labels cannot rule out, at most that of the
        labels alone.
    """
    share = float(frame.labelled.sum() / len(frame.shares))
    return min(1.0, share + _LEAST_LEFT / frame.labelled_clusters) * labels.variance


def rectified_ends(
    rectified: Rectified,
    frame: Frame,
    *,
    bounds: tuple[float, float] | None,
    confidence: float = CONFIDENCE,
) -> Ends:
    """Make the interval: Wilson's form where the labels have bounds, else mean ± t · sqrt(variance).

    Args:
        rectified: The estimate.
        frame: Its rows.
        bounds: Lowest and highest possible label. None = no bounds.
        confidence: Level of the interval, in (0, 1).

    Returns:
        The ends, "wilson-rectified" or "rectified-t". None with fewer than 25 labelled clusters or without
        width.
    """
    if frame.labelled_clusters < MIN_LABELLED:
        return no_ends(FEW_LABELLED)
    value, error = rectified.value, rectified.variance**0.5
    scale = 1.0 if bounds is None else bounds[1] - bounds[0]
    variance = rectified.variance / scale**2
    flat = variance <= NOISE**2
    if bounds is None:
        if flat:
            return no_ends(NO_WIDTH)
        half = t_quantile(confidence, rectified.freedom) * error
        return Ends(value - half, value + half, "rectified-t", error=error)
    share = float(np.clip((value - bounds[0]) / scale, 0.0, 1.0))
    room = share * (1 - share)
    if flat and room > NOISE:
        return no_ends(NO_WIDTH)
    if flat or room <= NOISE:
        low, high = wilson(share, frame.labelled_clusters, z_quantile(confidence))
    else:
        low, high = wilson(share, room / variance, t_quantile(confidence, rectified.freedom))
    ends = bounds[0] + scale * low, bounds[0] + scale * high
    return Ends(*ends, "wilson-rectified", error=None if flat else error)


def _centred(frame: Frame) -> Floats:
    return np.asarray(frame.verdicts - frame.verdicts.mean(), dtype=np.float64)


def _is_proportion(frame: Frame, bounds: tuple[float, float] | None) -> bool:
    """Return whether all labels are at a bound, equally weighted, and one for each cluster."""
    shares = frame.shares[frame.labelled]
    independent = frame.labelled_clusters == len(shares) and float(np.ptp(shares)) <= NOISE
    return bool(bounds is not None and independent and np.isin(frame.labels[frame.labelled], bounds).all())
