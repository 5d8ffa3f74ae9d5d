"""Calibration: Brier score, cross-fitted recalibration and the map behind it, reliability curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, floats, folds, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.means import mean_estimate
from evalhub.stats.people.isotonic import IsotonicMap, fit_isotonic

FOLDS = 5
MIN_FIT = 20


@dataclass(frozen=True, slots=True)
class Bin:
    """One step of a reliability curve.

    Args:
        confidence: Mean confidence of its verdicts, in [.5, 1].
        right: How often they were right, in [0, 1], with its interval.
    """

    confidence: float
    right: Estimate


def brier(chances: Column, outcomes: Column, clusters: Column) -> Estimate:
    """Estimate the mean squared distance of probabilities to the outcomes.

    Args:
        chances: (n,) probabilities in [0, 1]. None = missing.
        outcomes: (n,) 1 where it happened, 0 where not. None = unknown.
        clusters: (n,) cluster ids.

    Returns:
        The mean in [0, 1], 0 = best. A constant probability of one half has .25.

    Source: Brier, Monthly Weather Review 78(1), 1950.

    Example:
        >>> round(brier([0.9, 0.2, 0.6, 0.5], [1, 0, 0, 1], list("abcd")).estimate, 4)
        0.165
    """
    same_length({"chances": chances, "outcomes": outcomes, "clusters": clusters})
    distance = (floats(chances) - floats(outcomes)) ** 2
    return mean_estimate(distance, clusters, bounds=(0.0, 1.0))


def squared_error(
    scores: Column, labels: Column, clusters: Column, *, bounds: tuple[float, float] | None = None
) -> Estimate:
    """Estimate the mean squared distance of scores to the labels, in the labels' unit squared.

    Args:
        scores: (n,) scores. None = missing.
        labels: (n,) labels. None = unknown.
        clusters: (n,) cluster ids.
        bounds: Lowest and highest score and label. None = no bounds.

    Returns:
        The mean, 0 = best.

    Example:
        >>> squared_error([1.5, 3, 2], [1, 3, 4], list("abc"), bounds=(1, 5)).estimate
        1.4166666666666667
    """
    same_length({"scores": scores, "labels": labels, "clusters": clusters})
    distance = (floats(scores) - floats(labels)) ** 2
    limits = None if bounds is None else (0.0, (bounds[1] - bounds[0]) ** 2)
    return mean_estimate(distance, clusters, bounds=limits)


def squared_error_change(scores: Column, changed: Column, labels: Column, clusters: Column) -> Estimate:
    """Estimate by how much the mean squared distance to the labels changes. Below 0 = the change is better.

    Args:
        scores, changed: (n,) scores before and after. None = missing.
        labels, clusters: As in `squared_error`.

    Example:
        >>> squared_error_change([0.5, 0.5], [1, 0.5], [1, 0], ["a", "b"]).estimate
        -0.125
    """
    same_length({"scores": scores, "changed": changed, "labels": labels, "clusters": clusters})
    y = floats(labels)
    return mean_estimate((floats(changed) - y) ** 2 - (floats(scores) - y) ** 2, clusters)


def recalibrated(
    chances: Column, outcomes: Column, clusters: Column, *, mirrored: bool = True
) -> tuple[Floats, str | None]:
    """Map probabilities onto the outcomes of the other clusters, isotonically and symmetrically in the sides.

    Args:
        chances, outcomes: As in `brier`. Without `mirrored` scores and labels of any scale.
        clusters: (n,) cluster ids. A cluster's rows are mapped by the other folds.
        mirrored: Whether the two sides of a pair are treated alike, so that p and 1 - p map to q and 1 - q.

    Returns:
        (n,) probabilities, NaN where `chances` or the map is missing. And the reason if there is no map.

    Source: Zadrozny & Elkan, KDD 2002 (isotonic calibration). Cross-fitting as in Chernozhukov et al., The
        Econometrics Journal 21(1), 2018.

    Example:
        >>> recalibrated([0.9, 0.1], [1, 0], ["a", "b"])[1]
        'fewer than 20 verdicts to calibrate on'
    """
    p, y = floats(chances), floats(outcomes)
    complete = ~np.isnan(p) & ~np.isnan(y)
    fold_of = folds(clusters, FOLDS)
    mapped = np.full(len(p), np.nan)
    for fold in range(FOLDS):
        fit, use = complete & (fold_of != fold), ~np.isnan(p) & (fold_of == fold)
        if fit.sum() < MIN_FIT:
            return np.full(len(p), np.nan), f"fewer than {MIN_FIT} verdicts to calibrate on"
        mapped[use] = _fit(p[fit], y[fit], mirrored=mirrored).at(p[use])
    return mapped, None


def calibration_map(chances: Column, outcomes: Column, *, mirrored: bool = True) -> IsotonicMap:
    """Fit the map of `recalibrated` on all rows, for verdicts that have no label.

    How good it is, `recalibrated` tells: there no row is mapped by a curve that its own label has shaped.
    Choose the map only where `recalibrated` gives no reason against it.

    Args:
        chances, outcomes, mirrored: As in `recalibrated`. At least one row has both.

    Raises:
        InputError: No row has both.

    Example:
        >>> sure = calibration_map([0.9] * 4 + [0.2], [1, 1, 1, 0, 0])
        >>> sure.at([0.9, 0.1]).round(2).tolist()
        [0.8, 0.2]
    """
    p, y = floats(chances), floats(outcomes)
    complete = ~np.isnan(p) & ~np.isnan(y)
    if not complete.any():
        raise InputError("there is nothing to calibrate on", value=len(p))
    return _fit(p[complete], y[complete], mirrored=mirrored)


def reliability(chances: Column, outcomes: Column, clusters: Column, *, bins: int = 10) -> tuple[Bin, ...]:
    """Return how often verdicts of some confidence are right, in bins of about equal size.

    Args:
        chances: (n,) probabilities in [0, 1] of one of two sides. A verdict is for the likelier side.
        outcomes, clusters: As in `brier`.
        bins: Number of bins, at least 1, with at least 10 verdicts in each.

    Source: Niculescu-Mizil & Caruana, ICML 2005.

    Example:
        >>> (bin,) = reliability([0.9] * 6 + [0.4] * 6, [1, 0] * 6, range(12), bins=1)
        >>> round(bin.confidence, 2), bin.right.estimate
        (0.75, 0.5)
    """
    p, y = floats(chances), floats(outcomes)
    rows = np.flatnonzero(~np.isnan(p) & ~np.isnan(y))
    if not len(rows):
        return ()
    confidence = np.maximum(p[rows], 1 - p[rows])
    right = np.where(p[rows] == 0.5, 0.5, (p[rows] > 0.5) == (y[rows] > 0.5)).astype(np.float64)
    members = np.asarray(clusters).astype(np.str_)[rows]
    order = np.argsort(confidence, kind="stable")
    count = max(1, min(bins, len(rows) // 10))
    return tuple(
        Bin(float(confidence[part].mean()), mean_estimate(right[part], members[part], bounds=(0.0, 1.0)))
        for part in np.array_split(order, count)
    )


def _fit(x: Floats, y: Floats, *, mirrored: bool) -> IsotonicMap:
    """Fit a non-decreasing map on (x, y), and with `mirrored` on (1 - x, 1 - y) too."""
    if mirrored:
        return fit_isotonic(np.concatenate([x, 1 - x]), np.concatenate([y, 1 - y]))
    return fit_isotonic(x, y)
