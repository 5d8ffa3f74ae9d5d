"""From the judgments of one pair or response to its verdict: samples are combined first, then orders."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from evalhub.judging import (
    MOST_MOVED,
    SIDES,
    combine_orders,
    combine_winners,
    hard_winner,
    log_odds_of,
    preference,
    softmax,
    unanimous_winner,
)
from evalhub.records import FailureKind, Judgment, has_failed
from evalhub.scales import Winner

SOFT_SAMPLES = 3

JudgmentRow = Mapping[str, Any]
JudgmentRows = Sequence[JudgmentRow]
Verdict = tuple[dict[str, float] | None, Winner | None]


def verdict(judgments: JudgmentRows, *, vote: bool = False) -> Verdict:
    """Return the probabilities of a pair's outcomes and its hard verdict.

    Samples of one order are averaged as probabilities, which estimates the probability before a rationale is
    drawn. Orders are then averaged in log-odds, so that the effect of the position cancels. A pair with a
    failed judgment has neither. An outcome that is listed in one order alone has no mean in log-odds. Such a
    pair has a hard verdict only, unless its orders give the same probability to within 1%.

    Args:
        judgments: Each with shown, repeat, winner, p_a, failure, and log-probabilities a, tie and b. All
            rows of a list that have one repeat are one sample.
        vote: Each sample votes, its orders combined. The shares of the votes replace the probabilities.
    """
    if any(judgment["failure"] for judgment in judgments):
        return None, None
    if vote and len(samples := _samples(judgments)) > 1:
        votes = Counter(verdict(sample)[1] for sample in samples)
        chances = {name.value: votes[name] / len(samples) for name in Winner}
        return chances, _majority(votes)
    orders = _orders(judgments)
    if orders is None or _unlisted_matters(orders):
        return None, combine_winners(
            [[Winner(judgments[i]["winner"]) for i in places] for places in by_order(judgments).values()]
        )
    chances = combine_orders(orders)
    return chances, hard_winner(chances)


def pair_verdict(judgments: JudgmentRows, *, two_orders: bool, vote: bool) -> Verdict:
    """Return the verdict of a pair as `verdict` does, or none while one of two orders is missing."""
    complete = not two_orders or len(by_order(judgments)) == 2
    return verdict(judgments, vote=vote) if complete else (None, None)


def unanimous_verdict(judgments: JudgmentRows) -> Verdict:
    """Return the hard verdict that both orders of a pair give, or a tie if they differ.

    There are no probabilities, since they would follow another rule. A pair with a failed judgment, or with
    a missing order, has no verdict.
    """
    orders = [verdict([judgments[i] for i in places])[1] for places in by_order(judgments).values()]
    winners = [winner for winner in orders if winner is not None]
    return None, unanimous_winner(winners) if len(winners) == len(orders) == 2 else None


def judgment_row(judgment: Judgment) -> dict[str, Any]:
    """Return a judgment of a pair as a row for `verdict`."""
    logs = judgment.logprobs or {}
    fields = ("shown", "row", "repeat", "winner", "p_a", "failure")
    return {
        **{name: getattr(judgment, name) for name in fields},
        **{name: logs.get(name) for name in ("a", "tie", "b")},
    }


def order_verdict(judgments: JudgmentRows) -> tuple[str | None, float | None]:
    """Return the un-swapped hard verdict of one order alone, and the probability that a wins.

    Both are None without judgments, or with a failed one. A single judgment keeps what it says of itself.
    """
    if not judgments:
        return None, None
    if len(judgments) == 1 and judgments[0]["winner"]:
        return judgments[0]["winner"], judgments[0]["p_a"]
    chances, winner = verdict(judgments)
    return winner and winner.value, None if chances is None else preference(chances)


def spread(judgments: JudgmentRows) -> float | None:
    """Return the standard deviation of the samples' probability that a wins, within an order of the prompt.

    None with one sample, or where any judgment has no probability.

    Args:
        judgments: As `verdict` takes them, each with its row.
    """
    prompts: dict[tuple[str | None, int | None], list[JudgmentRow]] = {}
    for judgment in judgments:
        prompts.setdefault((judgment["shown"], judgment["row"]), []).append(judgment)
    variances = []
    for samples in prompts.values():
        preferences = [_preference(sample) for sample in samples]
        present = [value for value in preferences if value is not None]
        if len(present) < 2 or len(present) < len(preferences):
            return None
        variances.append(statistics.variance(present))
    return math.sqrt(statistics.fmean(variances)) if variances else None


def retest(judgments: JudgmentRows) -> float | None:
    """Return the probability that two samples give the same hard verdict, each with its orders combined.

    None with one sample, or with a failed judgment.
    """
    samples = _samples(judgments)
    if len(samples) < 2 or any(judgment["failure"] for judgment in judgments):
        return None
    return equal_pairs([verdict(sample)[1] for sample in samples])


@dataclass(frozen=True, slots=True)
class Rating:
    """What the judgments of one response say together.

    Attributes:
        value: The level. None where a judgment failed, or the criterion does not apply.
        expected: The probability-weighted level. None beside a hard verdict.
        not_applicable: Whether at least half of the judgments find that the criterion does not apply.
    """

    value: float | None = None
    expected: float | None = None
    not_applicable: bool = False


def rating(judgments: JudgmentRows, *, vote: bool = False) -> Rating:
    """Return the rating of a response from the judge's samples, as the facts of a run have it.

    Args:
        judgments: Each with value, expected and failure, in the order of their samples. At least one.
        vote: Whether the samples vote, see `level`.
    """
    failures = [judgment["failure"] for judgment in judgments]
    inapplicable = sum(failure == FailureKind.NOT_APPLICABLE for failure in failures)
    if any(has_failed(failure) for failure in failures):
        return Rating()
    if 2 * inapplicable >= len(judgments):
        return Rating(not_applicable=True)
    rated = [judgment for judgment in judgments if judgment["value"] is not None]
    expected = [judgment["expected"] for judgment in rated if judgment["expected"] is not None]
    complete = len(expected) == len(rated)
    return Rating(
        value=level([judgment["value"] for judgment in rated], vote=vote),
        # Added one by one, as the facts of a run are, so that both have the same last bit.
        expected=reduce(add, expected) / len(expected) if complete else None,
    )


def equal_pairs(values: Sequence[object]) -> float:
    """Return the share of equal pairs among all pairs of two or more values.

    >>> equal_pairs(["a", "a", "b"])
    0.3333333333333333
    """
    equal = sum(count * (count - 1) for count in Counter(values).values())
    return equal / (len(values) * (len(values) - 1))


def level(samples: Sequence[float], *, vote: bool) -> float:
    """Return the mean of the samples' levels, or with votes the most frequent level (the mean of several)."""
    return statistics.fmean(statistics.multimode(samples) if vote else samples)


def by_order(judgments: JudgmentRows) -> dict[str | None, list[int]]:
    """Return the indices of the judgments of each order."""
    places: dict[str | None, list[int]] = {}
    for i, judgment in enumerate(judgments):
        places.setdefault(judgment["shown"], []).append(i)
    return places


def _samples(judgments: JudgmentRows) -> list[list[JudgmentRow]]:
    samples: dict[int, list[JudgmentRow]] = {}
    for judgment in judgments:
        samples.setdefault(judgment["repeat"], []).append(judgment)
    return list(samples.values())


def _majority(votes: Counter[Winner | None]) -> Winner:
    """Return the outcome with the most votes, or a tie if several have them."""
    largest = max(votes.values())
    leaders = [winner for winner, count in votes.items() if count == largest]
    return leaders[0] if len(leaders) == 1 and leaders[0] else Winner.TIE


def _mean(chances: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    """Return the log of the mean probability of each outcome."""
    means = {name: statistics.fmean(shares.get(name, 0.0) for shares in chances) for name in names}
    return {name: math.log(mean) if mean > 0 else -math.inf for name, mean in means.items()}


def _orders(judgments: JudgmentRows) -> list[dict[str, float]] | None:
    """Return the log of each outcome's mean probability by order. None if a judgment has no probability."""
    shares = [_shares(judgment) for judgment in judgments]
    soft = [share for share in shares if share is not None]
    if len(soft) < len(shares):
        return None
    names = [name for name in SIDES if name != "tie" or any(name in share for share in soft)]
    return [_mean([soft[i] for i in places], names) for places in by_order(judgments).values()]


def _unlisted_matters(orders: Sequence[Mapping[str, float]]) -> bool:
    """Return whether an outcome that is unlisted in one order alone could move the mean of the log-odds."""
    absent = {frozenset(name for name, log in order.items() if log == -math.inf) for order in orders}
    preferences = [preference(softmax(order)) for order in orders]
    return len(absent) > 1 and max(preferences) - min(preferences) > MOST_MOVED


def _shares(judgment: JudgmentRow) -> dict[str, float] | None:
    """Return the probability of each outcome, 0 for an unlisted side. None for a hard verdict."""
    logs = {name: judgment[name] for name in SIDES if _present(judgment[name])}
    if not logs and _present(judgment["p_a"]):
        logs = log_odds_of(float(judgment["p_a"]))
    return {"a": 0.0, "b": 0.0, **softmax(logs)} if logs else None


def _preference(judgment: JudgmentRow) -> float | None:
    shares = _shares(judgment)
    return None if shares is None else preference(shares)


def _present(value: Any) -> bool:
    return value is not None and value == value
