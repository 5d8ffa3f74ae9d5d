"""How many labels an interval of a stated width needs, alone and with a judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column
from evalhub.stats.estimate import CONFIDENCE
from evalhub.stats.intervals import NOISE, t_quantile
from evalhub.stats.means import cluster_variance
from evalhub.stats.people.frame import FEW_LABELLED, MIN_LABELLED, PLAIN, read_frame

_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a few labels show of the many.

    Args:
        sd: Standard deviation of the labels, above 0.
        correlation: Of verdicts and labels, in [-1, 1]; below 0 the judge is of no use.
        design_effect: Variance of the mean over that of independent rows, above 0; 1 = rows are
            independent.

    Raises:
        InputError: A value is out of range.

    Example:
        >>> Pilot(0.5, 0.6).design_effect
        1.0
    """

    sd: float
    correlation: float = 0.0
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.sd < math.inf and 0 < self.design_effect < math.inf):
            raise InputError(
                "a standard deviation and a design effect are above 0", value=(self.sd, self.design_effect)
            )
        if not -1 <= self.correlation <= 1:
            raise InputError("a correlation lies between -1 and 1", value=self.correlation)


@dataclass(frozen=True, slots=True)
class Needed:
    """Labels that a width needs.

    Attributes:
        alone: Labels without a judge; None where all rows are too few.
        with_judge: Labels beside verdicts on all rows, at most `alone`; None where all rows are too few.
        reason: Why a number is None; None otherwise.
    """

    alone: int | None
    with_judge: int | None
    reason: str | None


def pilot(labels: Column, judge: Column, clusters: Column) -> Pilot | None:
    """Measure what `labels_needed` asks for, on rows that have both.

    Args:
        labels: (n,) labels; None = missing.
        judge: (n,) verdicts; None = missing.
        clusters: (n,) cluster ids.

    Returns:
        The pilot; None with fewer than 3 clusters, or where the labels never vary.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> found = pilot([0, 1, 0, 1], [0, 1, 1, 1], list("abcd"))
        >>> round(found.sd, 2), round(found.correlation, 2), round(found.design_effect, 2)
        (0.58, 0.58, 1.0)
    """
    frame = read_frame(labels, judge, clusters, PLAIN)
    if frame.reason is not None:
        return None
    used = frame.labelled
    true, said = frame.labels[used], frame.verdicts[used]
    _, members = np.unique(frame.members[used], return_inverse=True)
    sd = float(np.std(true, ddof=1))
    if sd <= NOISE * max(1.0, float(np.abs(true).max())):
        return None
    variance, _ = cluster_variance(true, members)
    flat = float(np.ptp(said)) <= NOISE * max(1.0, float(np.abs(said).max()))
    correlation = 0.0 if flat else float(np.clip(np.corrcoef(true, said)[0, 1], -1.0, 1.0))
    return Pilot(sd, correlation, max(1 / len(true), variance * len(true) / sd**2))


def labels_needed(
    width: float, found: Pilot, *, rows: int | None = None, level: float = CONFIDENCE
) -> Needed:
    """Return how many labels make the interval of a mean at most so wide.

    Args:
        width: Of the interval, in the labels' unit, above 0.
        found: Spread, correlation and design effect, from `pilot`.
        rows: Rows with a verdict, of which the labelled ones are drawn; None = as many as one likes.
        level: Confidence level, in (0, 1).

    Returns:
        The least numbers, at least 25, the fewest from which an interval is made; fewer for a wider
        interval and for a better judge.

    Raises:
        InputError: The width is not above 0, or there are fewer than 1 rows.

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453: the variance under the best λ, which with n
        labels of m rows is the labels' times (1 - r²) / n + r² / m.

    Example:
        >>> labels_needed(0.2, Pilot(0.5, 0.6), rows=2000)
        Needed(alone=99, with_judge=66, reason=None)
        >>> labels_needed(0.01, Pilot(0.5, 0.6), rows=2000).reason
        '2000 labelled rows would make it 0.0439 wide'
    """
    if not 0 < width < math.inf:
        raise InputError("a width is above 0", value=width)
    if rows is not None and rows < 1:
        raise InputError("there is at least one row", value=rows)
    most = _MOST if rows is None else rows
    skill = max(0.0, found.correlation) ** 2

    def wide(skill: float, n: int) -> float:
        spread = (1 - skill) / n + (skill / rows if rows is not None else 0.0)
        freedom = max(1.0, n / max(1.0, found.design_effect) - 1)
        return 2 * t_quantile(level, freedom) * found.sd * math.sqrt(found.design_effect * spread)

    alone, both = (_least(partial(wide, r), width, most) for r in (0.0, skill))
    if alone is not None and both is not None:
        return Needed(alone, both, None)
    if most < MIN_LABELLED:
        return Needed(alone, both, FEW_LABELLED)
    return Needed(alone, both, f"{most} labelled rows would make it {wide(0.0, most):.3g} wide")


def _least(wide: Callable[[int], float], width: float, most: int) -> int | None:
    """Return the least number that makes the interval narrow enough; None where `most` does not."""
    if most < MIN_LABELLED or wide(most) > width:
        return None
    low, high = MIN_LABELLED - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if wide(middle) <= width else (middle, high)
    return high
