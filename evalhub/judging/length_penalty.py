"""A verdict or rating after the length penalty. The raw one is always shown beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evalhub.judging.probabilities import softmax


def penalise(
    probabilities: Mapping[str, float], strength: float, *, extra: float, spread: float
) -> dict[str, float]:
    """Return the probabilities after the length penalty.

    The log-odds of a against b fall by `strength * tanh(extra / spread)`.

    Args:
        probabilities: Probability of "a", "b" and, with ties, "tie".
        strength: Strength of the penalty in log-odds. 0 changes nothing.
        extra: Characters of a minus characters of b.
        spread: Root mean square of that difference over the dataset's pairs.
    """
    if strength == 0 or spread <= 0:
        return dict(probabilities)
    shift = strength * math.tanh(extra / spread)
    logs = {name: math.log(value) if value > 0 else -math.inf for name, value in probabilities.items()}
    return softmax({**logs, "a": logs["a"] - shift / 2, "b": logs["b"] + shift / 2})


def penalise_score(
    score: float, strength: float, *, chars: int, median: float, higher_is_better: bool = True
) -> float:
    """Return a rating after the length penalty: worse by `strength` for each doubling over the median.

    Args:
        score: The rating, in the scale's units.
        strength: Strength of the penalty in the scale's units for each doubling. 0 changes nothing.
        chars: Characters of the response, without think text.
        median: Median characters of the item's responses.
        higher_is_better: Whether a worse rating is a lower one.
    """
    if strength == 0 or chars <= 0 or median <= 0:
        return score
    loss = strength * max(0.0, math.log2(chars / median))
    return score - loss if higher_is_better else score + loss
