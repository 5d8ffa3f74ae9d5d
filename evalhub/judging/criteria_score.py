"""The score of a response by the criteria that its item brings along."""

from __future__ import annotations

import math
from collections.abc import Sequence


def criteria_score(
    shares: Sequence[float], points: Sequence[float], clip: tuple[float, float] | None
) -> float:
    """Return the points that a response gets, by those that it can get at most. Higher is better.

    Args:
        shares: (n,) how far each criterion is met, in [0, 1]: 0 or 1, or the probability that it is.
        points: (n,) the points of each criterion, at least one of them above 0.
        clip: The lowest and the highest score. None = the score is not cut off, and the highest is 1.

    The mean of what probabilities say is taken first and cut off then. The mean of the sum needs the
    probability of each criterion alone. The mean of the scores that are cut off would also need how the
    criteria depend on each other, which no judge says. Near the lower end the result is therefore at most
    that mean.

    >>> criteria_score([1, 0, 1], [5, 3, -2], (0, 1)), criteria_score([0, 0, 1], [5, 3, -2], None)
    (0.375, -0.25)

    Source: Arora et al., HealthBench, arXiv 2505.08775, section 3.
    """
    best = math.fsum(value for value in points if value > 0)
    score = math.fsum(share * value for share, value in zip(shares, points, strict=True)) / best
    score = score if clip is None else min(max(score, clip[0]), clip[1])
    return score + 0.0  # no negative zero
