"""p-values of several tests, adjusted for their number."""

from __future__ import annotations

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, floats


def adjusted(p: Column) -> tuple[float | None, ...]:
    """Adjust p-values by Holm's method, which controls the chance of one or more false alarms.

    Args:
        p: (n,) p-values in [0, 1]. None and NaN = no test, which stays None and is not counted.

    Returns:
        (n,) adjusted p-values in the same order, in [0, 1], none below its own p.

    Raises:
        InputError: A p-value lies outside [0, 1].

    Source: Holm, Scandinavian Journal of Statistics 6, 1979, 65-70.

    Example:
        >>> adjusted([0.01, None, 0.04, 0.03])
        (0.03, None, 0.06, 0.06)
    """
    numbers = floats(p)
    present = ~np.isnan(numbers)
    tested = numbers[present]
    strange = (tested < 0) | (tested > 1)
    if strange.any():
        raise InputError("a p-value lies between 0 and 1", value=float(tested[strange][0]))
    order = np.argsort(tested, kind="stable")
    factors = np.arange(len(tested), 0, -1)
    adjustments = np.full(len(numbers), np.nan)
    places = np.flatnonzero(present)[order]
    adjustments[places] = np.minimum(np.maximum.accumulate(factors * tested[order]), 1.0)
    return tuple(None if np.isnan(value) else float(value) for value in adjustments)
