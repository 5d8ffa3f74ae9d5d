"""How far probabilities keep their word: Brier score, cross-fitted recalibration, reliability curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, floats, folds, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
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


def brier(chances: Column, outcomes: Column, clusters: Column, *, options: Options = DEFAULT) -> Estimate:
    """Estimate the mean squared distance of probabilities to what happened.

    Args:
        chances: (n,) probabilities in [0, 1]; None = missing.
        outcomes: (n,) 1 where it happened, 0 where not; None = unknown.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The mean in [0, 1], 0 best; .25 is what always saying one half gets.

    Source: Brier, Monthly Weather Review 78(1), 1950.

    Example:
        >>> round(brier([0.9, 0.2, 0.6, 0.5], [1, 0, 0, 1], list("abcd")).estimate, 4)
        0.165
    """
    same_length({"chances": chances, "outcomes": outcomes, "clusters": clusters})
    distance = (floats(chances) - floats(outcomes)) ** 2
    return mean_estimate(distance, clusters, bounds=(0.0, 1.0), options=options)


def recalibrated(chances: Column, outcomes: Column, clusters: Column) -> tuple[Floats, str | None]:
    """Map probabilities onto what happened in the other clusters, isotonically and the same for both sides.

    Args:
        chances: (n,) probabilities in [0, 1]; None = missing.
        outcomes: (n,) 1, 0, or None = unknown.
        clusters: (n,) cluster ids; a cluster's rows are mapped by what the other folds show.

    Returns:
        (n,) probabilities, NaN where `chances` or the map is missing; and the reason if there is no map.

    Source: Zadrozny & Elkan, KDD 2002 (isotonic calibration); cross-fitting as in Chernozhukov et al., The
        Econometrics Journal 21(1), 2018.

    Example:
        >>> recalibrated([0.9, 0.1], [1, 0], ["a", "b"])[1]
        'fewer than 20 verdicts to calibrate on'
    """
    p, y = floats(chances), floats(outcomes)
    known = ~np.isnan(p) & ~np.isnan(y)
    fold_of = folds(clusters, FOLDS)
    mapped = np.full(len(p), np.nan)
    for fold in range(FOLDS):
        fit, use = known & (fold_of != fold), ~np.isnan(p) & (fold_of == fold)
        if fit.sum() < MIN_FIT:
            return np.full(len(p), np.nan), f"fewer than {MIN_FIT} verdicts to calibrate on"
        mapped[use] = _mirrored(p[fit], y[fit], p[use])
    return mapped, None


def reliability(
    chances: Column, outcomes: Column, clusters: Column, *, bins: int = 10, options: Options = DEFAULT
) -> tuple[Bin, ...]:
    """Return how often verdicts of a confidence are right, in bins of about equal size.

    Args:
        chances: (n,) probabilities in [0, 1] of one of two sides; a verdict is for the likelier one.
        outcomes: (n,) 1, 0, or None = unknown.
        clusters: (n,) cluster ids.
        bins: Number of bins, at least 1; never fewer than 10 verdicts in one.
        options: Which interval, level, resamples, seed.

    Source: Niculescu-Mizil & Caruana, ICML 2005.

    Example:
        >>> (one,) = reliability([0.9] * 6 + [0.4] * 6, [1, 0] * 6, range(12), bins=1)
        >>> round(one.confidence, 2), one.right.estimate
        (0.75, 0.5)
    """
    p, y = floats(chances), floats(outcomes)
    known = np.flatnonzero(~np.isnan(p) & ~np.isnan(y))
    if not len(known):
        return ()
    confidence = np.maximum(p[known], 1 - p[known])
    right = np.where(p[known] == 0.5, 0.5, (p[known] > 0.5) == (y[known] > 0.5)).astype(np.float64)
    members = np.asarray(clusters).astype(np.str_)[known]
    order = np.argsort(confidence, kind="stable")
    count = max(1, min(bins, len(known) // 10))
    return tuple(
        Bin(
            float(confidence[part].mean()),
            mean_estimate(right[part], members[part], bounds=(0.0, 1.0), options=options),
        )
        for part in np.array_split(order, count)
    )


def isotonic(x: Column, y: Column, at: Column, *, weights: Column | None = None) -> Floats:
    """Fit the non-decreasing map that is nearest to the points, and apply it.

    Args:
        x: (n,) scores, finite.
        y: (n,) outcomes, finite.
        at: (m,) scores to map; linear between the fitted places, level beyond them.
        weights: (n,) weights of the points, above 0; None = all equal.

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
