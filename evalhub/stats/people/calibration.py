"""Calibration of probabilities: Brier score, cross-fitted recalibration, reliability curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, floats, folds, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.means import mean_estimate

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


def recalibrated(chances: Column, outcomes: Column, clusters: Column) -> tuple[Floats, str | None]:
    """Map probabilities onto the outcomes of the other clusters, isotonically and symmetrically in the sides.

    Args:
        chances, outcomes: As in `brier`.
        clusters: (n,) cluster ids. A cluster's rows are mapped by the other folds.

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
        mapped[use] = _mirrored(p[fit], y[fit], p[use])
    return mapped, None


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


def isotonic(x: Column, y: Column, at: Column, *, weights: Column | None = None) -> Floats:
    """Fit the non-decreasing map that is nearest to the points, and apply it.

    Args:
        x: (n,) scores, finite.
        y: (n,) outcomes, finite.
        at: (m,) scores to map, linear between the fitted places, constant beyond them.
        weights: (n,) weights of the points, above 0. None = all equal.

    Returns:
        (m,) mapped scores, within the range of `y`.

    Source: Barlow, Bartholomew, Bremner & Brunk, Statistical Inference under Order Restrictions, 1972.

    Example:
        >>> isotonic([1, 2, 3], [0, 1, 0.5], [1, 3, 9]).tolist()
        [0.0, 0.75, 0.75]
    """
    from scipy.optimize import isotonic_regression

    scores, outcomes = floats(x), floats(y)
    heavy = np.ones(len(scores)) if weights is None else floats(weights)
    order = np.lexsort((outcomes, scores))
    places, start = np.unique(scores[order], return_index=True)
    sizes = np.add.reduceat(heavy[order], start)
    means = np.add.reduceat((heavy * outcomes)[order], start) / sizes
    fitted = isotonic_regression(means, weights=sizes).x
    return np.interp(floats(at), places, fitted)


def _mirrored(p: Floats, y: Floats, at: Floats) -> Floats:
    """Fit a non-decreasing map on (p, y) and its mirror (1 - p, 1 - y), and apply it."""
    return isotonic(np.concatenate([p, 1 - p]), np.concatenate([y, 1 - y]), at)
