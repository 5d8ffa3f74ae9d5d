"""The expected level or side of a verdict, where what a server did not list cannot move it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from evalhub.judging.probabilities import softmax
from evalhub.scales import Winner

MOST_MOVED = 0.01
"""How far unlisted choices may move an expected score or a preference, as a share of its range."""

SIDES: Mapping[str, float] = {winner.value: winner.points for winner in Winner}
"""What each outcome of a pair counts as in the probability that a wins, a tie counted as half."""


def expectation(
    logprobs: Mapping[str, float], values: Mapping[str, float], unlisted: Collection[str] = ()
) -> tuple[float, float]:
    """Return the expected level among those that the server listed, and how far the others could move it.

    With L the probability of the listed levels and U the most that the unlisted ones have together, the
    expected level moves by at most U / (L + U) times the distance to the farthest unlisted level.

    Args:
        logprobs: Natural-log probability of each label; of unlisted labels, shares of the most they can have.
        values: What each applicable label counts as.
        unlisted: The labels that the server did not list.

    Returns:
        The expected level and the bound, both in the scale's units; the bound is 0 where all are listed.

    Example:
        >>> probabilities = {"1": 0.6, "2": 0.3, "9": 0.1}
        >>> logprobs = {label: math.log(share) for label, share in probabilities.items()}
        >>> level, bound = expectation(logprobs, {"1": 1, "2": 2, "9": 9}, ["9"])
        >>> round(level, 2), round(bound, 2)
        (1.33, 0.77)
    """
    shares = softmax(
        {label: value for label, value in logprobs.items() if label in values and label not in unlisted}
    )
    level = math.fsum(share * values[label] for label, share in shares.items())
    farthest = max((abs(values[label] - level) for label in unlisted if label in values), default=0.0)
    most = math.fsum(math.exp(logprobs[label]) for label in unlisted)
    listed = math.fsum(math.exp(logprobs[label]) for label in shares)
    return level, farthest * most / (listed + most) if farthest else 0.0


def unsettled(
    values: Mapping[str, float], unlisted: Collection[str], bound: float, what: str = "the expected score"
) -> str | None:
    """Return why a verdict is hard; None where unlisted choices hardly move it (1% of the range).

    Args:
        values: What each choice counts as.
        unlisted: The choices that the server did not list, by the names that were asked for.
        bound: How far they could move what is expected.
        what: The name of what is expected.
    """
    allowed = MOST_MOVED * (max(values.values()) - min(values.values()))
    if bound <= allowed:
        return None
    names = ", ".join(unlisted)
    return (
        f"hard verdict: the server does not list {names}, which could move {what} by up to "
        f"{bound:.2g} (allowed is 1% of the range, {allowed:.2g})"
    )
