"""Is the first not worse than the second by more than a margin, better by one, or the same within one?

The margin is stated beforehand. What is found is read off the interval: at level 1 - 2·alpha it is the
one-sided test at alpha, so the 95% interval that is printed everywhere tests at .025. For equivalence this is
the pair of one-sided tests (TOST). The p-value turns the same interval round: it is the alpha at which the
interval would just touch the margin, so that p < alpha says what the interval says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from evalhub.errors import InputError
from evalhub.stats.clusters import Column
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.testing.paired import mean_difference
from evalhub.stats.testing.unit import Bounds

LEAST_P = 1e-12


class Aim(StrEnum):
    """What is to be shown."""

    NON_INFERIORITY = "non-inferiority"
    SUPERIORITY = "superiority"
    EQUIVALENCE = "equivalence"


class Finding(StrEnum):
    """What was shown."""

    NON_INFERIOR = "non-inferior"
    INFERIOR = "inferior"
    SUPERIOR = "superior"
    NOT_SUPERIOR = "not superior"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class MarginTest:
    """A difference held against a margin.

    Attributes:
        difference: First minus second; its interval has the level 1 - 2·alpha.
        margin: Stated beforehand, in the unit of the values.
        aim: What was to be shown.
        finding: What the interval shows.
        p: One-sided, of the hypothesis that the aim is missed (the larger of two for equivalence), 1e-12 or
            more; below `alpha` exactly where the aim is shown. None without an interval.
        alpha: One-sided error of the test.
        reason: Why `p` is None.
    """

    difference: Estimate
    margin: float
    aim: Aim
    finding: Finding
    p: float | None
    alpha: float
    reason: str | None = None


def margin_test(
    first: Column,
    second: Column,
    clusters: Column,
    *,
    margin: float,
    aim: Aim = Aim.NON_INFERIORITY,
    bounds: Bounds | None = None,
    options: Options = DEFAULT,
) -> MarginTest:
    """Hold the difference of two systems on the same rows against a margin; higher values are better.

    Args:
        first: (n,) numbers; None, NaN and infinite = missing.
        second: (n,) numbers of the same rows; a row that lacks either is left out and counted.
        clusters: (n,) cluster ids.
        margin: In the unit of the values: above 0; of superiority 0 or more.
        aim: Non-inferiority: first > second - margin. Superiority: first > second + margin. Equivalence: less
            than the margin apart.
        bounds: Lowest and highest value of either there can be; None = not known.
        options: Level (alpha is half of what it leaves), which interval, resamples, seed.

    Returns:
        The difference, the finding and its one-sided p-value; inconclusive without an interval.

    Raises:
        InputError: The margin is out of range, the columns differ in length, or a value lies outside
            `bounds`.

    Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987, 657-680 (two one-sided
        tests).

    Example:
        >>> night, before = [4, 5, 3, 4, 4, 5, 4, 3], [4, 5, 3, 4, 5, 4, 4, 3]
        >>> margin_test(night, before, range(8), margin=0.5, bounds=(1, 5)).finding.value
        'non-inferior'
    """
    least = 0 if aim is Aim.SUPERIORITY else math.ulp(0.0)
    if not (math.isfinite(margin) and margin >= least):
        allowed = "0 or more" if aim is Aim.SUPERIORITY else "above 0"
        raise InputError(f"a margin of {aim} is out of range", value=margin, allowed=allowed)

    def at(level: float) -> Estimate:
        asked = replace(options, level=level)
        return mean_difference(first, second, clusters, bounds=bounds, options=asked)

    difference, alpha = at(options.level), (1 - options.level) / 2
    found = finding(difference, margin, aim)
    if difference.low is None:
        return MarginTest(difference, margin, aim, found, None, alpha, difference.reason)
    if aim is Aim.EQUIVALENCE:
        p = max(_exceeds(at, -margin), 1 - _exceeds(at, margin))
    else:
        p = _exceeds(at, margin if aim is Aim.SUPERIORITY else -margin)
    return MarginTest(difference, margin, aim, found, max(LEAST_P, p), alpha)


def finding(difference: Estimate, margin: float, aim: Aim = Aim.NON_INFERIORITY) -> Finding:
    """Say what the interval of a difference shows about a margin.

    Args:
        difference: First minus second; higher values are better.
        margin: In the unit of the values, at least 0.
        aim: As in `margin_test`.

    Returns:
        The finding; inconclusive without an interval.

    Example:
        >>> finding(Estimate(0.0, -0.03, 0.03, 0.95, "any", 9, 9, 0, None), 0.05).value
        'non-inferior'
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return Finding.INCONCLUSIVE
    if aim is Aim.EQUIVALENCE:
        inside, outside = -margin < low and high < margin, low > margin or high < -margin
        shown, refuted = Finding.EQUIVALENT, Finding.DIFFERENT
    elif aim is Aim.SUPERIORITY:
        inside, outside = low > margin, high < margin
        shown, refuted = Finding.SUPERIOR, Finding.NOT_SUPERIOR
    else:
        inside, outside = low > -margin, high < -margin
        shown, refuted = Finding.NON_INFERIOR, Finding.INFERIOR
    return shown if inside else refuted if outside else Finding.INCONCLUSIVE


def _exceeds(at: Callable[[float], Estimate], threshold: float) -> float:
    """Return the one-sided p-value of a difference of at most `threshold`, by turning the interval round."""
    from scipy import optimize

    above = (at(0.5).estimate or 0.0) > threshold

    def gap(log_tail: float) -> float:
        ends = at(1 - 2 * math.exp(log_tail))
        end = ends.low if above else ends.high
        return 0.0 if end is None else end - threshold if above else threshold - end

    widest, narrowest = math.log(LEAST_P), math.log(0.4999)
    if gap(widest) >= 0:
        tail = LEAST_P
    elif gap(narrowest) <= 0:
        tail = 0.5
    else:
        tail = math.exp(optimize.brentq(gap, widest, narrowest, xtol=1e-9))
    return tail if above else 1 - tail
