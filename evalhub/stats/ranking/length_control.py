"""The win rate that a model would have were its responses as long as the baseline's: one model at a time.

AlpacaEval 2's model: the log-odds of a win are a strength, an effect of the squashed length difference and
one of the item's known difficulty. Anchors, rows of other responses whose strength is the baseline's, hold
the two effects where the model's own rows say little. Without such outside knowledge use `joint_length`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import (
    DEFAULT,
    NO_WIDTH,
    NOISE,
    TOO_FEW,
    Ends,
    Options,
    no_ends,
    t_quantile,
    wilson,
    with_ends,
)
from evalhub.stats.logit.fit import probabilities
from evalhub.stats.ranking.lasso_logit import FOLDS, lasso_logit

NO_SPREAD = "the length difference is the same on every item, so its effect cannot be told from strength"
ANCHORED_CLUSTERS = 300
FEW_ANCHORED = f"fewer than {ANCHORED_CLUSTERS} clusters, where the choice of the penalty shows"
LEAST_EVENTS = 6
FEW_EVENTS = f"wins or losses add up to less than {LEAST_EVENTS}"
ONE_VERDICT = "all verdicts are equal, so the effect of length cannot be told"


@dataclass(frozen=True, slots=True)
class Anchors:
    """Rows that hold the effects of length and difficulty; their own strength is the baseline's.

    Args:
        wins: (k,) probability of a win against the baseline, in [0, 1].
        length: (k,) standardised length difference, above 0 = longer than the baseline (see
            `standard_difference`).
        difficulty: (k,) difficulty of the row's item.
        weight: What one row counts, beside 1 for a row of the model; at least 0.

    Raises:
        InputError: The columns differ in length, a value is missing or out of range.
    """

    wins: Column
    length: Column
    difficulty: Column
    weight: float = 0.1

    def __post_init__(self) -> None:
        same_length({"wins": self.wins, "length": self.length, "difficulty": self.difficulty})
        in_range(floats(self.wins), "a probability of a win", most=1.0)
        if any(np.isnan(floats(column)).any() for column in (self.wins, self.length, self.difficulty)):
            raise InputError("an anchor lacks a value")
        if not 0 <= self.weight < np.inf:
            raise InputError("a weight is a finite number of at least 0", value=self.weight)


def length_controlled(
    wins: Column,
    lengths: tuple[Column, Column],
    difficulty: Column,
    clusters: Column,
    *,
    anchors: Anchors,
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate one model's length-controlled win rate from known difficulties and anchors.

    Args:
        wins: (n,) probability that the model beats the baseline, in [0, 1], .5 = tie; None = failed.
        lengths: (n,) length of the model's response, and (n,) of the baseline's, in characters, at least 0.
        difficulty: (n,) known difficulty of each row's item: the higher, the more often models win there.
        clusters: (n,) cluster ids.
        anchors: The anchors.
        options: The level.

    Returns:
        The mean, over the rows of known difficulty, of the win probability at no difference in length, in
        [0, 1], higher = better. A lasso logit fits the three effects, its penalty chosen over 5 folds of
        whole clusters. Interval: from the clusters' influence, in Wilson's form ("sandwich-wilson-t"); it
        takes anchors, difficulties and penalty as given, so there is none below 300 clusters. None where the
        difference in length never varies but is not 0. Rows without verdict, length or difficulty are left
        out of the fit and counted.

    Raises:
        InputError: The columns differ in length, or a value is out of range.

    Source: Dubois, Galambosi, Liang & Hashimoto, Length-Controlled AlpacaEval, 2024, arXiv 2404.04475.

    Example:
        >>> anchors = Anchors([0.9, 0.2, 0.8, 0.1], [1.0, -1.0, 0.5, -2.0], [0.0, 1.0, -1.0, 0.0])
        >>> own, base = [900, 100, 800, 300, 50, 400], [300, 600, 500, 400, 350, 390]
        >>> rate = length_controlled([1, 0, 0.9, 0.3, 0, 1], (own, base), [0] * 6, range(6), anchors=anchors)
        >>> 0.4 < rate.estimate < 0.7, rate.reason
        (True, 'wins or losses add up to less than 6')
    """
    given = {"wins": wins, "model": lengths[0], "baseline": lengths[1], "difficulty": difficulty}
    n = same_length(given | {"clusters": clusters})
    won, known = floats(wins), floats(difficulty)
    in_range(won, "a probability of a win", most=1.0)
    gap = standard_difference(lengths[0], lengths[1])
    present = ~(np.isnan(won) | np.isnan(gap) | np.isnan(known))
    members, _ = codes(clusters)
    kept, count = int(present.sum()), len(np.unique(members[present]))
    if not present.any():
        unknown = difference(lengths[0], lengths[1])
        reason = NO_SPREAD if np.any(~np.isnan(unknown) & ~np.isnan(won)) else "nothing was measured"
        return Estimate.none(reason, level=options.level, n=kept, clusters=count, left_out=n - kept)
    design = np.column_stack([np.tanh(gap), known, np.ones(n)])
    beta = _anchored(won[present], design[present], members[present], anchors)
    told = ~np.isnan(known)
    rates = probabilities(known[told] * beta[1] + beta[2])
    influence = np.zeros(n)
    influence[told] = (rates - rates.mean()) / len(rates)
    slope = np.zeros(3)
    slope[1:] = (rates * (1 - rates)) @ np.column_stack([known[told], np.ones(len(rates))]) / len(rates)
    influence[present] += _pull(won[present], design[present], beta, slope, anchors)
    ends = rate_ends(float(rates.mean()), influence, members, won, present, level=options.level)
    if ends.low is not None and count < ANCHORED_CLUSTERS:
        ends = no_ends(FEW_ANCHORED)
    return with_ends(
        float(rates.mean()), ends, level=options.level, n=kept, clusters=count, left_out=n - kept
    )


def difference(own: Column, other: Column) -> Floats:
    """Return how much longer the first is than the second.

    Args:
        own: (n,) lengths, at least 0; None = missing.
        other: (n,) lengths, at least 0; None = missing.

    Returns:
        (n,) first minus second, NaN where either is missing.

    Raises:
        InputError: The columns differ in length, or a length is negative.

    Example:
        >>> difference([5, 1], [3, None]).tolist()
        [2.0, nan]
    """
    same_length({"own": own, "other": other})
    first, second = floats(own), floats(other)
    for lengths in (first, second):
        in_range(lengths, "a length", most=np.inf)
    return first - second


def standard_difference(own: Column, other: Column) -> Floats:
    """Return how much longer the first is than the second, in standard deviations of that difference.

    Args:
        own: (n,) lengths, at least 0; None = missing.
        other: (n,) lengths, at least 0; None = missing.

    Returns:
        (n,) above 0 = the first is longer, not centred; NaN = missing. All 0 where the two never differ; all
        NaN where they differ by one and the same number throughout.

    Raises:
        InputError: The columns differ in length, or a length is negative.

    Example:
        >>> standard_difference([4, 2, 3], [2, 2, 2]).tolist()
        [2.0, 0.0, 1.0]
    """
    gap = difference(own, other)
    known = gap[~np.isnan(gap)]
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    if spread > NOISE * float(np.abs(known).max(initial=0)):
        return gap / spread
    return np.where(gap == 0, 0.0, np.nan)


def in_range(values: Floats, what: str, *, most: float) -> None:
    """Refuse values below 0 or above `most`; missing ones pass.

    Args:
        values: (n,) numbers or NaN.
        what: What they are, for the message.
        most: The highest value allowed.

    Raises:
        InputError: A value lies outside.

    Example:
        >>> in_range(np.array([0.5, np.nan]), "a probability", most=1.0)
    """
    strange = (values < 0) | (values > most)
    if strange.any():
        raise InputError(f"{what} lies out of range", value=float(values[strange][0]), allowed=f"0 to {most}")


def rate_ends(
    rate: float,
    influence: Floats,
    members: Ints,
    wins: Floats,
    present: Bools,
    *,
    level: float,
    doubt: float = 0.0,
) -> Ends:
    """Make the interval of a fitted rate from what each row pulls it by.

    Args:
        rate: The rate, in [0, 1].
        influence: (n,) by how much each row pulls the rate up, to first order; the sum is about 0.
        members: (n,) cluster codes of the rows.
        wins: (n,) verdicts, in [0, 1].
        present: (n,) True where a row was fitted; their clusters are the degrees of freedom plus 1.
        level: Confidence level, in (0, 1).
        doubt: Variance that the rows cannot show, at least 0.

    Returns:
        Wilson's form with the effective number of observations, "sandwich-wilson-t". None below 3 clusters,
        where all verdicts are equal, and where wins or losses add up to less than `LEAST_EVENTS`.

    Source: Jaeckel, The infinitesimal jackknife, Bell Laboratories, 1972; Wilson, JASA 22, 1927.

    Example:
        >>> pull, wins = np.array([-0.01, 0.01] * 10), np.array([0.0, 1.0] * 10)
        >>> rate_ends(0.5, pull, np.arange(20), wins, wins >= 0, level=0.95).method
        'sandwich-wilson-t'
    """
    count = len(np.unique(members[present]))
    if count < MIN_CLUSTERS:
        return no_ends(TOO_FEW)
    seen = wins[present]
    if np.all(seen == seen[0]):
        return no_ends(ONE_VERDICT)
    if min(float(seen.sum()), float((1 - seen).sum())) < LEAST_EVENTS:
        return no_ends(FEW_EVENTS)
    variance = count / (count - 1) * float(np.sum(np.bincount(members, weights=influence) ** 2)) + doubt
    room = rate * (1 - rate)
    if variance <= NOISE**2 or room <= NOISE:
        return no_ends(NO_WIDTH)
    low, high = wilson(rate, room / variance, t_quantile(level, count - 1))
    return Ends(low, high, "sandwich-wilson-t", error=variance**0.5)


def inflated(residuals: Floats, leverage: Floats) -> Floats:
    """Give residuals back what the fit took from them by following its own rows.

    Args:
        residuals: Any shape.
        leverage: The same shape, in [0, 1): share of each row in its own fitted value.

    Returns:
        The same shape, residual / (1 - leverage), as in the jackknife.

    Source: MacKinnon & White, Journal of Econometrics 29(3), 1985, 305-325 (HC3).

    Example:
        >>> inflated(np.array([1.0]), np.array([0.5])).tolist()
        [2.0]
    """
    return np.asarray(residuals / (1 - np.clip(leverage, 0.0, 0.9)), dtype=np.float64)


def _anchored(won: Floats, design: Floats, members: Ints, anchors: Anchors) -> Floats:
    """Fit the rows and the anchors; the folds are of whole clusters, whatever the order of the rows."""
    order = np.lexsort([won, *design.T, members])
    won, design, members = won[order], design[order], codes(members[order])[0]
    wins, rows = floats(anchors.wins), _rows(anchors)
    sort = np.lexsort([wins, *rows.T])
    beta, _ = lasso_logit(
        np.concatenate([won, wins[sort]]),
        np.concatenate([design, rows[sort]]),
        np.concatenate([np.ones(len(won)), np.full(len(wins), anchors.weight)]),
        np.concatenate([members % FOLDS, np.arange(len(wins)) % FOLDS]),
    )
    return beta


def _rows(anchors: Anchors) -> Floats:
    length, difficulty = floats(anchors.length), floats(anchors.difficulty)
    return np.column_stack([np.tanh(length), difficulty, np.zeros(len(length))])


def _pull(won: Floats, design: Floats, beta: Floats, slope: Floats, anchors: Anchors) -> Floats:
    """Return by how much each row pulls the rate through the coefficients that are not 0."""
    active = beta != 0
    if not active.any():
        return np.zeros(len(won))
    rows, fitted = _rows(anchors), probabilities(design @ beta)
    held = probabilities(rows @ beta)
    spread = fitted * (1 - fitted)
    information = (design * spread[:, None]).T @ design
    information += anchors.weight * (rows * (held * (1 - held))[:, None]).T @ rows
    solved = np.linalg.pinv(information[np.ix_(active, active)], hermitian=True)
    kept = design[:, active]
    leverage = spread * np.einsum("ij,jk,ik->i", kept, solved, kept)
    return np.asarray(kept @ solved @ slope[active] * inflated(won - fitted, leverage), dtype=np.float64)
