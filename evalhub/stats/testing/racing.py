"""A race: several raters on the same pairs, of which the worse ones stop early.

Each two raters are compared by a sequential test, whose interval holds at all looks together. The confidence
is divided among all pairs of raters that started (Bonferroni), so the intervals of all of them hold at all
looks, whichever rater leads. A rater that is as good as every other is then dropped with a probability of at
most 1 - confidence, in the whole race.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, floats
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.testing.sequential import sequential_comparison


@dataclass(frozen=True, slots=True)
class RaceLook:
    """The state of a race at a look.

    Attributes:
        leader: The place of the rater with the highest mean, the first of those that are level.
        lags: For each rater its mean minus the leader's, over the clusters' means, with an interval that
            holds for all looks and all pairs of raters. None for the leader.
        dropped: For each rater whether that interval lies below 0.
    """

    leader: int
    lags: tuple[Estimate | None, ...]
    dropped: tuple[bool, ...]


def race_look(
    columns: Sequence[Column], clusters: Column, *, starters: int, confidence: float = CONFIDENCE
) -> RaceLook:
    """Return who leads a race, and who is shown to be worse than the leader.

    Choose it to stop judging with the worse of several rubrics or judges. The order of the rows is the order
    of the looks, and clusters must come in a random order, whole.

    Args:
        columns: (k, n) values in [0, 1] of the raters that are still in the race, on the same rows.
        clusters: (n,) cluster ids.
        starters: The number of raters that started, at least k.
        confidence: In (0, 1). The chance that the race drops a rater that is as good as all others is at most
            1 - confidence.

    Raises:
        InputError: There are no raters or no rows, more raters than started, or columns of different lengths.

    Source: Waudby-Smith & Ramdas, JRSS-B 86(1), 2024, 1-27 (the sequential test). Maron & Moore, NIPS 6, 1994
        (races).

    Example:
        >>> look = race_look([[1] * 20, [0] * 20, [1] * 19 + [0]], range(20), starters=3)
        >>> look.leader, look.dropped
        (0, (False, True, False))
    """
    if not columns or not len(np.asarray(columns[0])):
        raise InputError("a race needs raters and rows", value=len(columns))
    if len(columns) > starters:
        raise InputError("more raters race than started", value=len(columns), allowed=f"at most {starters}")
    values = [floats(column) for column in columns]
    leader = int(np.argmax([column.mean() for column in values]))
    comparisons = max(1, starters * (starters - 1) // 2)
    level = 1 - (1 - confidence) / comparisons
    lags = [
        None
        if place == leader
        else sequential_comparison(column - values[leader], clusters, confidence=level).mean
        for place, column in enumerate(values)
    ]
    dropped = [mean is not None and mean.high is not None and mean.high < 0 for mean in lags]
    return RaceLook(leader, tuple(lags), tuple(dropped))
