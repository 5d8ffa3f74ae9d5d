"""Control limits of a number over nights: where would the next value lie if nothing changed?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

LEAST_NIGHTS = 5
_OF_MOVING_RANGE = 2.66
_OF_HALF_WIDTH = 1.5
"""Three standard errors over the 1.96 of an interval of 95%, rounded down."""


def control_limits(values: Sequence[float], half_width: float | None = None) -> tuple[float, float] | None:
    """Return the limits within which the next value lies in nearly all cases if nothing changes.

    They are three standard deviations on both sides of the mean, estimated from the changes from one value to
    the next. Where values are equal because nothing was computed anew, the changes say little, so that the
    limits are at least as far apart as the sampling error of the next value asks for.

    Args:
        values: Earlier values, the earliest first.
        half_width: Half of the 95% interval of the next value. None = not known.

    Returns:
        None for fewer than 5 values.

    Source: Shewhart; individuals chart, Montgomery, Introduction to Statistical Quality Control, 6.4.
    """
    if len(values) < LEAST_NIGHTS:
        return None
    moving_range = fmean(abs(second - first) for first, second in pairwise(values))
    reach = max(_OF_MOVING_RANGE * moving_range, _OF_HALF_WIDTH * (half_width or 0.0))
    centre = fmean(values)
    return centre - reach, centre + reach
