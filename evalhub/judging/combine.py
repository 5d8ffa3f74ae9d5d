"""From askings to one verdict: order removed in log-odds, length penalised in the open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evalhub.scales import Winner

TIE_WIDTH = 1e-6


def combine_orders(askings: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the pair's probabilities from the un-swapped log-probabilities of its askings.

    The mean log-probability of each outcome, renormalised; without a tie that is the sigmoid
    of the mean log-odds, so that a constant preference for a position cancels.

    Args:
        askings: For each order, log-probabilities of "a", "b" and maybe "tie".

    Returns:
        The probability of each outcome; they sum to 1.

    >>> import math
    >>> first = {"a": math.log(0.9), "b": math.log(0.1)}
    >>> second = {"a": math.log(0.2), "b": math.log(0.8)}
    >>> round(combine_orders([first, second])["a"], 3)
    0.6
    """
    means = {name: sum(one[name] for one in askings) / len(askings) for name in askings[0]}
    return softmax(means)


def softmax(log_weights: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities that sum to 1 from log-weights."""
    top = max(log_weights.values())
    if top == -math.inf:
        return {name: 1 / len(log_weights) for name in log_weights}
    weights = {name: math.exp(value - top) for name, value in log_weights.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def preference(probabilities: Mapping[str, float]) -> float:
    """Return the probability that a is the better one, a tie counted as half."""
    return probabilities["a"] + probabilities.get("tie", 0.0) / 2


def hard_winner(probabilities: Mapping[str, float]) -> Winner:
    """Return the verdict that the probabilities stand for.

    Where ties are a verdict of their own, the most probable outcome; else the more probable
    side, and a tie within 1e-6 of one half.
    """
    a, b, tie = probabilities["a"], probabilities["b"], probabilities.get("tie")
    if tie is not None and tie >= max(a, b):
        return Winner.TIE
    if abs(a - b) < 2 * TIE_WIDTH:
        return Winner.TIE
    return Winner.A if a > b else Winner.B


def penalised(
    probabilities: Mapping[str, float], strength: float, *, extra: float, spread: float
) -> dict[str, float]:
    """Return the probabilities after the length penalty.

    The log-odds of a against b fall by `strength * tanh(extra / spread)`.

    Args:
        probabilities: Of "a", "b" and maybe "tie".
        strength: Of the penalty, in log-odds; 0 changes nothing.
        extra: Characters of a minus characters of b.
        spread: Standard deviation of that difference over the dataset's pairs.
    """
    if strength == 0 or spread <= 0:
        return dict(probabilities)
    shift = strength * math.tanh(extra / spread)
    logs = {name: math.log(value) if value > 0 else -math.inf for name, value in probabilities.items()}
    return softmax({**logs, "a": logs["a"] - shift / 2, "b": logs["b"] + shift / 2})


def penalised_score(score: float, strength: float, *, chars: int, median: float) -> float:
    """Return a rating after the length penalty: minus strength for each doubling over the median.

    Args:
        score: The rating, in the scale's units.
        strength: Of the penalty, in the scale's units for each doubling; 0 changes nothing.
        chars: Characters of the response, without think text.
        median: Median characters of the item's responses.
    """
    if strength == 0 or chars <= 0 or median <= 0:
        return score
    return score - strength * max(0.0, math.log2(chars / median))
