"""Number of labels for an interval of a given width, without and with a judge."""

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
from evalhub.stats.people.frame import FEW_LABELLED, MIN_LABELLED, read_frame

_LIMIT = 10_000_000


@dataclass(frozen=True, slots=True)
class Pilot:
    """The spread of a few labels, from which the number of labels is planned.

    Args:
        sd: Standard deviation of the labels, above 0.
        correlation: Of verdicts and labels, in [-1, 1]. Below 0 the judge is of no use.
        design_effect: Variance of the mean over that of independent rows, above 0. 1 = independent rows.

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
    """Number of labels for a width.

    Attributes:
        without_judge: Labels without a judge. None where all rows are too few.
        with_judge: Labels beside verdicts on all rows, at most `without_judge`. None where all rows are too
            few.
        reason: Why a number is None. None otherwise.
    """

    without_judge: int | None
    with_judge: int | None
    reason: str | None


def pilot(labels: Column, judge: Column, clusters: Column) -> Pilot | None:
    """Measure the input of `labels_needed` on rows that have a label and a verdict.

    Args:
        labels: (n,) labels. None = missing.
        judge: (n,) verdicts. None = missing.
        clusters: (n,) cluster ids.

    Returns:
        The pilot. None with fewer than 3 clusters, or where the labels never vary.

    Raises:
        InputError: The columns differ in length.

    Example:
        >>> spread = pilot([0, 1, 0, 1], [0, 1, 1, 1], list("abcd"))
        >>> round(spread.sd, 2), round(spread.correlation, 2), round(spread.design_effect, 2)
        (0.58, 0.58, 1.0)
    """
    frame = read_frame(labels, judge, clusters)
    if frame.reason is not None:
        return None
    truth, verdicts = frame.labels[frame.labelled], frame.verdicts[frame.labelled]
    _, members = np.unique(frame.members[frame.labelled], return_inverse=True)
    sd = float(np.std(truth, ddof=1))
    if sd <= NOISE * max(1.0, float(np.abs(truth).max())):
        return None
    variance, _ = cluster_variance(truth, members)
    flat = float(np.ptp(verdicts)) <= NOISE * max(1.0, float(np.abs(verdicts).max()))
    correlation = 0.0 if flat else float(np.clip(np.corrcoef(truth, verdicts)[0, 1], -1.0, 1.0))
    return Pilot(sd, correlation, max(1 / len(truth), variance * len(truth) / sd**2))


def labels_needed(width: float, spread: Pilot, *, rows: int | None = None) -> Needed:
    """Return how many labels make the interval of a mean at most this wide.

    Args:
        width: Of the interval, in the labels' unit, above 0.
        spread: Spread, correlation and design effect, from `pilot`.
        rows: Rows with a verdict, of which the labelled ones are a sample. None = unlimited.

    Returns:
        The smallest numbers, at least 25, the fewest that have an interval. They are smaller for a wider
        interval and for a better judge.

    Raises:
        InputError: The width is not above 0, or there are fewer than 1 rows.

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453: the variance under the best λ, which with n
        labels of m rows is the labels' times (1 - r²) / n + r² / m.

    Example:
        >>> labels_needed(0.2, Pilot(0.5, 0.6), rows=2000)
        Needed(without_judge=99, with_judge=66, reason=None)
        >>> labels_needed(0.01, Pilot(0.5, 0.6), rows=2000).reason
        '2000 labelled rows would make it 0.0439 wide'
    """
    if not 0 < width < math.inf:
        raise InputError("a width is above 0", value=width)
    if rows is not None and rows < 1:
        raise InputError("there is at least one row", value=rows)
    limit = _LIMIT if rows is None else rows
    skill = max(0.0, spread.correlation) ** 2

    def width_of(skill: float, n: int) -> float:
        variance = (1 - skill) / n + (skill / rows if rows is not None else 0.0)
        freedom = max(1.0, n / max(1.0, spread.design_effect) - 1)
        return 2 * t_quantile(CONFIDENCE, freedom) * spread.sd * math.sqrt(spread.design_effect * variance)

    without_judge, with_judge = (_smallest(partial(width_of, r), width, limit) for r in (0.0, skill))
    if without_judge is not None and with_judge is not None:
        return Needed(without_judge, with_judge, None)
    if limit < MIN_LABELLED:
        return Needed(without_judge, with_judge, FEW_LABELLED)
    reason = f"{limit} labelled rows would make it {width_of(0.0, limit):.3g} wide"
    return Needed(without_judge, with_judge, reason)


def _smallest(width_of: Callable[[int], float], width: float, limit: int) -> int | None:
    """Return the smallest number that makes the interval narrow enough. None where `limit` does not."""
    if limit < MIN_LABELLED or width_of(limit) > width:
        return None
    low, high = MIN_LABELLED - 1, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if width_of(middle) <= width else (middle, high)
    return high
