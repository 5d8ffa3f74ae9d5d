"""Probabilities of a pair's outcomes: orders combined in log-odds, and the hard verdict they stand for.

Every function mirrors exactly: with the two systems exchanged, each result is the exchanged result to the
last bit. Sums use `math.fsum`, whose result does not depend on the order of the terms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evalhub.scales import Winner

TIE_WIDTH = 1e-6
# The least probability of an outcome of which only a rounded probability was recorded.
LEAST = 1e-12


def combine_orders(orders: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the pair's probabilities from the un-swapped log-probabilities of its orders.

    The mean log-probability of each outcome is renormalised. Without ties this is the sigmoid of the mean
    log-odds, so that a constant preference for a position cancels.

    Args:
        orders: For each order, log-probabilities of "a", "b" and, with ties, "tie".

    Returns:
        The probability of each outcome. They sum to 1.

    >>> import math
    >>> first = {"a": math.log(0.9), "b": math.log(0.1)}
    >>> second = {"a": math.log(0.2), "b": math.log(0.8)}
    >>> round(combine_orders([first, second])["a"], 3)
    0.6
    """
    means = {name: math.fsum(order[name] for order in orders) / len(orders) for name in orders[0]}
    return softmax(means)


def combine_winners(orders: Sequence[Sequence[Winner]]) -> Winner:
    """Return the pair's hard verdict from hard verdicts alone: the sign of the net sum of its orders.

    The samples of one order are averaged first, so that each order counts the same. A win and a tie make a
    win. A win for either side makes a tie, as with probabilities.

    Args:
        orders: For each order, the un-swapped verdicts of its samples, at least one.

    >>> combine_winners([[Winner.A], [Winner.TIE]])
    <Winner.A: 'a'>
    >>> combine_winners([[Winner.A], [Winner.B]])
    <Winner.TIE: 'tie'>
    """
    net = math.fsum(math.fsum(winner.sign for winner in order) / len(order) for order in orders)
    return Winner.of_sign(net)


def unanimous_winner(orders: Sequence[Winner]) -> Winner:
    """Return the verdict that all orders give, or a tie if they disagree.

    >>> unanimous_winner([Winner.A, Winner.TIE])
    <Winner.TIE: 'tie'>
    """
    return orders[0] if len(set(orders)) == 1 else Winner.TIE


def log_odds_of(p_a: float) -> dict[str, float]:
    """Return log-probabilities of "a" and "b" where only the probability of a is known.

    Both sides are held at 1e-12 or more, so that a recorded 0 and a recorded 1 weigh the same.

    >>> log_odds_of(1.0)["a"] == log_odds_of(0.0)["b"]
    True
    """
    return {"a": math.log(max(p_a, LEAST)), "b": math.log(max(1 - p_a, LEAST))}


def with_exact_complement(p_a: float) -> float:
    """Return the probability nearest to p_a whose complement is exact, so that 1 - (1 - p_a) is p_a.

    >>> 1 - (1 - 0.1) == 0.1, 1 - (1 - with_exact_complement(0.1)) == with_exact_complement(0.1)
    (False, True)
    """
    return 1 - (1 - p_a)


def log_sigmoid(log_odds: float) -> float:
    """Return the log of the probability that log-odds stand for, for log-odds of any size.

    >>> round(log_sigmoid(0.0), 3), log_sigmoid(-1000.0)
    (-0.693, -1000.0)
    """
    return min(log_odds, 0.0) - math.log1p(math.exp(-abs(log_odds)))


def softmax(log_weights: Mapping[str, float]) -> dict[str, float]:
    """Return probabilities that sum to 1 from log-weights."""
    top = max(log_weights.values())
    if top == -math.inf:
        return {name: 1 / len(log_weights) for name in log_weights}
    weights = {name: math.exp(value - top) for name, value in log_weights.items()}
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def preference(probabilities: Mapping[str, float]) -> float:
    """Return the probability that a is better, a tie counted as half.

    It is one half plus half of the difference of the two sides. It is rounded in the same way on both sides
    of one half, so that the probability of b is 1 minus that of a to the last bit.
    """
    half = (probabilities["a"] - probabilities["b"]) / 2
    return 0.5 + half if half >= 0 else 1 - (0.5 - half)


def hard_winner(probabilities: Mapping[str, float]) -> Winner:
    """Return the verdict that the probabilities stand for.

    If ties are a verdict of their own, it is the most probable outcome. Else it is the more probable side,
    and a tie if the probabilities lie within 1e-6 of one half.
    """
    a, b, tie = probabilities["a"], probabilities["b"], probabilities.get("tie")
    if tie is not None and tie >= max(a, b):
        return Winner.TIE
    if abs(a - b) < 2 * TIE_WIDTH:
        return Winner.TIE
    return Winner.A if a > b else Winner.B
