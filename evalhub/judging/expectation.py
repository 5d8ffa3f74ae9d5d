"""The expected level or side of a verdict, and how far choices that a server did not list could move it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from evalhub.judging.probabilities import softmax
from evalhub.scales import Winner

MOST_MOVED = 0.01
"""How far unlisted choices may move an expected score or a preference, as a share of its range."""

SIDES: Mapping[str, float] = {winner.value: winner.points for winner in Winner}
"""The value of each outcome of a pair in the probability that a wins. A tie counts as half."""


def expectation(
    logprobs: Mapping[str, float], values: Mapping[str, float], unlisted: Collection[str] = ()
) -> tuple[float, float]:
    """Return the expected level among the listed levels, and how far the unlisted ones could move it.

    L is the total probability of the listed levels, U the upper bound of the total of the unlisted ones. The
    expected level moves by at most U / (L + U) times the distance to the farthest unlisted level.

    Args:
        logprobs: Natural-log probability of each label. For an unlisted label, its share of the upper bound.
        values: The value of each applicable label.
        unlisted: The labels that the server did not list.

    Returns:
        The expected level and the shift, both in the scale's units. The shift is 0 if all labels are listed.

    Example:
        >>> probabilities = {"1": 0.6, "2": 0.3, "9": 0.1}
        >>> logprobs = {label: math.log(share) for label, share in probabilities.items()}
        >>> level, shift = expectation(logprobs, {"1": 1, "2": 2, "9": 9}, ["9"])
        >>> round(level, 2), round(shift, 2)
        (1.33, 0.77)
    """
    shares = softmax(
        {label: value for label, value in logprobs.items() if label in values and label not in unlisted}
    )
    level = math.fsum(share * values[label] for label, share in shares.items())
    farthest = max((abs(values[label] - level) for label in unlisted if label in values), default=0.0)
    shift = math.fsum(math.exp(logprobs[label]) for label in unlisted)
    listed = math.fsum(math.exp(logprobs[label]) for label in shares)
    return level, farthest * shift / (listed + shift) if farthest else 0.0


def why_hard(
    values: Mapping[str, float], unlisted: Collection[str], shift: float, quantity: str = "the expected score"
) -> str | None:
    """Return why a verdict is hard, or None if unlisted choices move it by at most 1% of the range.

    Args:
        values: The value of each choice.
        unlisted: The choices that the server did not list, by the names in the question.
        shift: How far they could move the expectation, in units of `values`.
        quantity: Name of the expectation, for the sentence.
    """
    allowed = MOST_MOVED * (max(values.values()) - min(values.values()))
    if shift <= allowed:
        return None
    names = ", ".join(unlisted)
    return (
        f"hard verdict: the server does not list {names}, which could move {quantity} by up to "
        f"{shift:.2g} (allowed is 1% of the range, {allowed:.2g})"
    )
