"""What soft verdicts add up to: the win rate with its standard error, and the wins, ties and losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Column, codes, floats
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, Options
from evalhub.stats.means import cluster_variance
from evalhub.stats.ranking.preference import soft_win_rate

TIE = 0.5


@dataclass(frozen=True, slots=True)
class WinCounts:
    """One side's wins, counted softly and hard.

    Args:
        soft: Mean probability of a win, in [0, 1].
        hard: Mean of 1 for a win, .5 for a tie and 0 for a loss, in [0, 1].
        standard_error: Of `soft`, at least 0; None with fewer than 2 clusters.
        wins: Rows above .5.
        ties: Rows of exactly .5.
        losses: Rows below .5.
    """

    soft: Estimate
    hard: Estimate
    standard_error: float | None
    wins: int
    ties: int
    losses: int


def win_counts(probabilities: Column, clusters: Column, *, options: Options = DEFAULT) -> WinCounts:
    """Count wins from the probabilities that a side wins.

    Args:
        probabilities: (n,) probability of a win plus half that of a tie, in [0, 1]; .5 = tie, None or NaN =
            failed, left out and counted.
        clusters: (n,) cluster ids.
        options: Which interval, level, resamples, seed.

    Returns:
        The rates, higher = the side wins more. The standard error is cluster-robust; where each row is its
        own cluster it is the standard deviation (n - 1) over the root of n.

    Raises:
        InputError: The columns differ in length, or a probability lies outside [0, 1].

    Source: Bell & McCaffrey, Survey Methodology 28(2), 2002 (CR2).

    Example:
        >>> counts = win_counts([0.9, 0.5, 0.1, 0.9], ["q1", "q2", "q3", "q4"])
        >>> round(counts.soft.estimate, 3), counts.hard.estimate, round(counts.standard_error, 4)
        (0.6, 0.625, 0.1915)
    """
    soft = soft_win_rate(probabilities, clusters, options=options)
    values = floats(probabilities)
    hard = np.where(np.isnan(values), np.nan, TIE * (1 + np.sign(values - TIE)))
    present = ~np.isnan(values)
    members, count = codes(np.asarray(clusters)[present])
    error = cluster_variance(values[present], members)[0] ** 0.5 if count > 1 else None
    return WinCounts(
        soft,
        soft_win_rate(hard, clusters, options=options),
        error,
        wins=int(np.sum(hard == 1)),
        ties=int(np.sum(hard == TIE)),
        losses=int(np.sum(hard == 0)),
    )
