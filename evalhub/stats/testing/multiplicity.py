"""p-values that many tests share: adjusted, so that each may be held against the one error rate."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, floats


class Correction(StrEnum):
    """What is controlled: the chance of any false alarm, or the share of false alarms among the alarms."""

    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini-hochberg"
    BENJAMINI_YEKUTIELI = "benjamini-yekutieli"


def adjusted(p: Column, correction: Correction = Correction.HOLM) -> tuple[float | None, ...]:
    """Adjust p-values for how many there are.

    Args:
        p: (n,) p-values in [0, 1]; None and NaN = no test, which stays None and is not counted.
        correction: Holm controls the chance of one or more false alarms; Benjamini-Hochberg the expected
            share of false alarms, for independent or positively dependent tests; Benjamini-Yekutieli the
            same, for any tests.

    Returns:
        (n,) adjusted p-values in the order given, in [0, 1], none below its own p.

    Raises:
        InputError: A p-value lies outside [0, 1].

    Source: Holm, Scandinavian Journal of Statistics 6, 1979, 65-70; Benjamini & Hochberg, JRSS-B 57, 1995,
        289-300; Benjamini & Yekutieli, Annals of Statistics 29, 2001, 1165-1188.

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
    k = len(tested)
    ranks = np.arange(1, k + 1)
    if correction is Correction.HOLM:
        raised = np.maximum.accumulate((k + 1 - ranks) * tested[order])
    else:
        dependent = correction is Correction.BENJAMINI_YEKUTIELI
        factor = float(np.sum(1 / ranks)) if dependent else 1.0
        raised = np.minimum.accumulate((factor * k / ranks * tested[order])[::-1])[::-1]
    found = np.full(len(numbers), np.nan)
    found[np.flatnonzero(present)[order]] = np.minimum(raised, 1.0)
    return tuple(None if np.isnan(one) else float(one) for one in found)
