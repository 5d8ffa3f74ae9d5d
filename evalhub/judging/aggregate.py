"""From the askings of one pair to its verdict: samples first, then orders."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evalhub.judging import (
    MOST_MOVED,
    SIDES,
    agreed_winner,
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    preference,
    softmax,
)
from evalhub.records import Judgment
from evalhub.scales import Winner

SOFT_SAMPLES = 3

Askings = Sequence[Mapping[str, Any]]
Verdict = tuple[dict[str, float] | None, Winner | None]


def verdict(askings: Askings, *, vote: bool = False) -> Verdict:
    """Return the probabilities of a pair's outcomes and its hard verdict.

    Samples of one order are averaged as probabilities, which is the probability before any rationale is
    drawn; then the orders in log-odds, so that what a position adds cancels. A pair with a failed asking
    has neither. An outcome that is listed in one order alone has no mean in log-odds: such a pair has a
    hard verdict, unless its orders give the same probability to within 1%.

    Args:
        askings: Each with shown, repeat, winner, p_a, failure, and log-probabilities a, tie and b. All
            rows of a list that have one repeat are one sample.
        vote: Each sample votes, its orders combined, instead; the share of the votes takes the place of
            the probabilities.
    """
    if any(one["failure"] for one in askings):
        return None, None
    if vote and len(samples := _samples(askings)) > 1:
        votes = Counter(verdict(sample)[1] for sample in samples)
        chances = {name.value: votes[name] / len(samples) for name in Winner}
        return chances, _majority(votes)
    orders = _orders(askings)
    if orders is None or _leans(orders):
        return None, combine_winners(
            [[Winner(askings[at]["winner"]) for at in places] for places in by_order(askings).values()]
        )
    chances = combine_orders(orders)
    return chances, hard_winner(chances)


def pair_verdict(askings: Askings, *, both: bool, vote: bool) -> Verdict:
    """Return the verdict of a pair, as `verdict` does; none where one of both orders is still to be asked."""
    return verdict(askings, vote=vote) if not both or len(by_order(askings)) == 2 else (None, None)


def agreed_verdict(askings: Askings) -> Verdict:
    """Return the hard verdict that both orders of a pair give, and a tie where they differ.

    There are no probabilities: they would follow another rule. A pair with a failed asking, or of which
    one order is missing, has no verdict.
    """
    orders = [verdict([askings[at] for at in places])[1] for places in by_order(askings).values()]
    winners = [winner for winner in orders if winner is not None]
    return None, agreed_winner(winners) if len(winners) == len(orders) == 2 else None


def asking_of(judgment: Judgment) -> dict[str, Any]:
    """Return a judgment of a pair as `verdict` takes it."""
    logs = judgment.logprobs or {}
    told = {name: getattr(judgment, name) for name in ("shown", "row", "repeat", "winner", "p_a", "failure")}
    return {**told, **{name: logs.get(name) for name in ("a", "tie", "b")}}


def winner_shown(askings: Askings, order: str) -> str | None:
    """Return the un-swapped hard verdict of one order alone."""
    mine = [one for one in askings if one["shown"] == order]
    if len(mine) < 2:
        return mine[0]["winner"] if mine else None
    winner = verdict(mine)[1]
    return winner.value if winner else None


def spread(askings: Askings) -> float | None:
    """Return the standard deviation of the samples' probability that a wins, within an order of the prompt.

    None with one sample, or where any asking has no probability.

    Args:
        askings: As `verdict` takes them, each with its row.
    """
    prompts: dict[tuple[str | None, int | None], list[Mapping[str, Any]]] = {}
    for one in askings:
        prompts.setdefault((one["shown"], one["row"]), []).append(one)
    found = []
    for same in prompts.values():
        chances = [_chance(one) for one in same]
        known = [chance for chance in chances if chance is not None]
        if len(known) < 2 or len(known) < len(chances):
            return None
        found.append(statistics.variance(known))
    return math.sqrt(statistics.fmean(found)) if found else None


def retest(askings: Askings) -> float | None:
    """Return the probability that two samples give the same hard verdict, each with its orders combined.

    None with one sample, or with a failed asking.
    """
    samples = _samples(askings)
    if len(samples) < 2 or any(one["failure"] for one in askings):
        return None
    return same_twice([verdict(sample)[1] for sample in samples])


def same_twice(said: Sequence[object]) -> float:
    """Return the share of equal ones among all pairs of two or more things.

    >>> same_twice(["a", "a", "b"])
    0.3333333333333333
    """
    equal = sum(count * (count - 1) for count in Counter(said).values())
    return equal / (len(said) * (len(said) - 1))


def by_order(askings: Askings) -> dict[str | None, list[int]]:
    """Return the places of the askings of each order."""
    found: dict[str | None, list[int]] = {}
    for at, one in enumerate(askings):
        found.setdefault(one["shown"], []).append(at)
    return found


def _samples(askings: Askings) -> list[list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for one in askings:
        found.setdefault(one["repeat"], []).append(one)
    return list(found.values())


def _majority(votes: Counter[Winner | None]) -> Winner:
    """Return the outcome with the most votes; a draw of several is a tie."""
    most = max(votes.values())
    first = [winner for winner, count in votes.items() if count == most]
    return first[0] if len(first) == 1 and first[0] else Winner.TIE


def _mean(chances: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    """Return the log of the mean probability of each outcome."""
    means = {name: statistics.fmean(shares.get(name, 0.0) for shares in chances) for name in names}
    return {name: math.log(mean) if mean > 0 else -math.inf for name, mean in means.items()}


def _orders(askings: Askings) -> list[dict[str, float]] | None:
    """Return the log of each outcome's mean probability in each order; None where one has no probability."""
    shares = [_shares(asking) for asking in askings]
    soft = [share for share in shares if share is not None]
    if len(soft) < len(shares):
        return None
    names = [name for name in SIDES if name != "tie" or any(name in share for share in soft)]
    return [_mean([soft[at] for at in places], names) for places in by_order(askings).values()]


def _leans(orders: Sequence[Mapping[str, float]]) -> bool:
    """Return whether an outcome that one order does not list could lean the mean of the log-odds."""
    absent = {frozenset(name for name, log in order.items() if log == -math.inf) for order in orders}
    chances = [preference(softmax(order)) for order in orders]
    return len(absent) > 1 and max(chances) - min(chances) > MOST_MOVED


def _shares(asking: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the probability of each outcome, 0 for a side that is not listed; None for a hard verdict."""
    logs = {name: asking[name] for name in SIDES if _present(asking[name])}
    if not logs and _present(asking["p_a"]):
        logs = log_odds_of(float(asking["p_a"]))
    return {"a": 0.0, "b": 0.0, **softmax(logs)} if logs else None


def _chance(asking: Mapping[str, Any]) -> float | None:
    shares = _shares(asking)
    return None if shares is None else preference(shares)


def _present(value: Any) -> bool:
    return value is not None and value == value
