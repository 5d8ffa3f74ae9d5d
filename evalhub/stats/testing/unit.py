"""Values with bounds, scaled to [0, 1]."""

from __future__ import annotations

import math

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, floats, within_bounds

Bounds = tuple[float, float]


def to_unit(values: Column, bounds: Bounds) -> Floats:
    """Scale values from their bounds to [0, 1], without float noise at the two ends.

    Args:
        values: (n,) numbers. None, NaN and infinite are missing.
        bounds: Lowest and highest possible value, finite, the lowest first.

    Returns:
        (n,) numbers in [0, 1]. NaN = missing.

    Raises:
        InputError: The bounds are no range, or a value lies outside them.

    Example:
        >>> to_unit([1, 3, None, 5], (1, 5)).tolist()
        [0.0, 0.5, nan, 1.0]
    """
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError("bounds are the lowest and the highest value there can be", value=bounds)
    return (within_bounds(floats(values), bounds) - low) / (high - low)
