"""The non-decreasing map that is nearest to some points: fitted once, applied to any score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, Floats, floats


@dataclass(frozen=True, slots=True)
class IsotonicMap:
    """A non-decreasing map from scores to outcomes.

    Attributes:
        places: (k,) scores at which it was fitted, rising. At least one.
        values: (k,) fitted outcomes there, not falling.
    """

    places: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, scores: Column) -> Floats:
        """Return (m,) mapped scores: linear between the fitted places, constant beyond them, NaN for NaN."""
        return np.interp(floats(scores), self.places, self.values)


def fit_isotonic(x: Column, y: Column, *, weights: Column | None = None) -> IsotonicMap:
    """Fit the non-decreasing map that is nearest to the points.

    Args:
        x: (n,) scores, finite, at least one.
        y: (n,) outcomes, finite.
        weights: (n,) weights of the points, above 0. None = all equal.

    Source: Barlow, Bartholomew, Bremner & Brunk, Statistical Inference under Order Restrictions, 1972.

    Example:
        >>> fit_isotonic([1, 2, 3], [0, 1, 0.5])
        IsotonicMap(places=(1.0, 2.0, 3.0), values=(0.0, 0.75, 0.75))
    """
    from scipy.optimize import isotonic_regression

    scores, outcomes = floats(x), floats(y)
    heavy = np.ones(len(scores)) if weights is None else floats(weights)
    order = np.lexsort((outcomes, scores))
    places, start = np.unique(scores[order], return_index=True)
    sizes = np.add.reduceat(heavy[order], start)
    means = np.add.reduceat((heavy * outcomes)[order], start) / sizes
    fitted = isotonic_regression(means, weights=sizes).x
    return IsotonicMap(tuple(places.tolist()), tuple(fitted.tolist()))


def isotonic(x: Column, y: Column, at: Column, *, weights: Column | None = None) -> Floats:
    """Fit the non-decreasing map that is nearest to the points, and apply it.

    Args:
        x: (n,) scores, finite.
        y: (n,) outcomes, finite.
        at: (m,) scores to map, linear between the fitted places, constant beyond them.
        weights: (n,) weights of the points, above 0. None = all equal.

    Returns:
        (m,) mapped scores, within the range of `y`.

    Source: As `fit_isotonic`.

    Example:
        >>> isotonic([1, 2, 3], [0, 1, 0.5], [1, 3, 9]).tolist()
        [0.0, 0.75, 0.75]
    """
    return fit_isotonic(x, y, weights=weights).at(at)
