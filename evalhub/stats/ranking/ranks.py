"""Ranks with confidence: which systems are surely better or worse, all differences tested at once.

Resampled ranks do not keep their level where systems are close, because a rank is not a smooth function of
the estimates. Here a system's rank lies between 1 + the number of surely better systems and S - the number of
surely worse systems. "Surely" controls the chance of any wrong verdict, either over the differences with one
system (the marginal interval of its rank) or over all pairs (the simultaneous intervals).

Critical values are quantiles of the largest studentised difference under the clusters' covariance, drawn
2,000 times (the Gaussian multiplier bootstrap), and again without the differences already decided (step-
down). What follows from decided pairs of all systems is decided too. The critical values of independent
systems with equal spread (Tukey-Kramer) are used where they are larger, since the covariance of many
systems in few clusters looks narrower than it is. A pair's standard error is widened to Student's t, with
the clusters of the system that has fewer, minus one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Bools, Floats
from evalhub.stats.estimate import CONFIDENCE, MIN_CLUSTERS
from evalhub.stats.intervals import NOISE, RESAMPLES, SEED, TOO_FEW
from evalhub.stats.ranking.system_estimates import SystemEstimates

CHUNK = 256
_LITTLE = 0.01  # of the error rate, spent on pairs that never vary


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of one system, 1 = best.

    Args:
        system: Its id.
        rank: 1 + the number of systems with a higher estimate.
        low: Best rank of the interval of this system alone. None without an interval.
        high: Worst rank of that interval.
        low_all: Best rank of the intervals that hold for all systems at once.
        high_all: Worst rank of those intervals.
        confidence: Confidence level.
        method: How the intervals were made. "none" without.
        reason: Why there is no interval. None where there is one.
    """

    system: str
    rank: int
    low: int | None
    high: int | None
    low_all: int | None
    high_all: int | None
    confidence: float
    method: str
    reason: str | None = None


def rank_intervals(estimates: SystemEstimates) -> tuple[Rank, ...]:
    """Return the interval of each system's rank.

    Two systems whose intervals do not overlap are in that order with confidence. Overlapping intervals mean
    that the data do not decide between them.

    Args:
        estimates: Estimates of the systems, higher = better, with each cluster's influence.

    Returns:
        One rank per system, best first. A pair that differs by the same amount in every cluster has no
        standard error. It is decided where a sign test over clusters leaves next to no doubt. No interval for
        systems in fewer than 3 clusters, which count as undecided against all others.

    Source: Mogstad, Romano, Shaikh & Wilhelm, Review of Economic Studies 91(1), 2024, 476-518, section 3
        (marginal and simultaneous sets, step-down). R package csranks. Hayter, Annals of Statistics 12(1),
        1984, 61-75 (Tukey-Kramer).

    Example:
        >>> from evalhub.stats.ranking.system_estimates import system_means
        >>> scores = [1, 2, 1, 2, 5, 6, 6, 5, 4, 6, 5, 6]
        >>> estimates = system_means(scores, ["x"] * 4 + ["y"] * 4 + ["z"] * 4, [1, 2, 3, 4] * 3)
        >>> [(rank.system, rank.low, rank.high) for rank in rank_intervals(estimates)]
        [('y', 1, 2), ('z', 1, 2), ('x', 3, 3)]
    """
    pairs = _Pairs(estimates)
    size = len(estimates.systems)
    decided = _closed(pairs.decided(_all_pairs(size)))
    low_all, high_all = 1 + decided.sum(axis=0), size - decided.sum(axis=1)
    ranks = []
    for place, system in enumerate(estimates.systems):
        rank = 1 + int((estimates.values > estimates.values[place] + NOISE).sum())
        if estimates.entries[place] < MIN_CLUSTERS:
            ranks.append(
                Rank(system, rank, None, None, None, None, CONFIDENCE, method="none", reason=TOO_FEW)
            )
            continue
        marginal = pairs.decided(_pairs_of(size, place))
        low, high = 1 + int(marginal[:, place].sum()), size - int(marginal[place].sum())
        ends = (low, high, int(low_all[place]), int(high_all[place]))
        ranks.append(Rank(system, rank, *ends, CONFIDENCE, f"rank-stepdown-{RESAMPLES}"))
    return tuple(sorted(ranks, key=lambda rank: (rank.rank, rank.system)))


def _closed(decided: Bools) -> Bools:
    """Return the pairs that follow from decided ones: who beats a system beats all that this one beats.

    They are right wherever the decided ones are, so that the error rate stays what it is.
    """
    closed = decided
    while True:
        following = closed | (closed.astype(np.int64) @ closed.astype(np.int64) > 0)
        if (following == closed).all():
            return np.asarray(closed, dtype=np.bool_)
        closed = following


def _all_pairs(size: int) -> Bools:
    return ~np.eye(size, dtype=np.bool_)


def _pairs_of(size: int, place: int) -> Bools:
    """Return the pairs with one system on either side."""
    pairs = np.zeros((size, size), dtype=np.bool_)
    pairs[place] = pairs[:, place] = True
    pairs[place, place] = False
    return pairs


class _Pairs:
    """The studentised differences, first minus second, and their draws under no difference."""

    def __init__(self, estimates: SystemEstimates) -> None:
        covariance = estimates.covariance
        spread = np.diag(covariance)
        squares = spread[:, None] + spread[None, :] - 2 * covariance
        largest = float(spread.max(initial=0.0))
        self.has_error = squares > NOISE * largest
        fewest = np.minimum(estimates.entries[:, None], estimates.entries[None, :])
        self.differs = estimates.values[:, None] - estimates.values[None, :]
        # A difference that is the same in every cluster: a sign test over clusters instead of an error.
        self.constant = np.where(self.has_error, 1.0, 2.0 ** (1.0 - fewest))
        self.has_error &= fewest >= MIN_CLUSTERS
        self.freedoms, self.freedom = np.unique(np.maximum(fewest - 1, 1), return_inverse=True)
        self.freedom = self.freedom.reshape(fewest.shape)
        self.errors = np.sqrt(np.where(self.has_error, squares, 1.0))
        self.statistic = self.differs / self.errors
        lengths, axes = np.linalg.eigh(covariance)
        normal = np.random.default_rng(SEED).standard_normal((RESAMPLES, len(lengths))).T
        self.correlated = axes * np.sqrt(np.maximum(lengths, 0)) @ normal
        self.independent = normal / 2**0.5

    def decided(self, tested: Bools) -> Bools:
        """Return in which of the tested pairs the first is surely better than the second."""
        beyond_doubt = self.constant * max(1, int(tested.sum())) <= _LITTLE * (1 - CONFIDENCE)
        always = tested & beyond_doubt & (self.differs > NOISE)
        tested = tested & self.has_error
        sure = np.zeros_like(tested)
        statistic = self.statistic / self._widened(int(tested.sum()))
        while (left := tested & ~sure).any():
            new = left & (statistic > self._critical(left))
            if not new.any():
                break
            sure |= new
        return np.asarray(sure | always, dtype=np.bool_)

    def _widened(self, tests: int) -> Floats:
        """Return the ratio of t to normal quantiles at the tail of each test under Bonferroni."""
        from scipy import special

        tail = (1 - CONFIDENCE) / max(1, tests)
        ratios = special.stdtrit(self.freedoms, tail) / special.ndtri(tail)
        return np.asarray(ratios[self.freedom], dtype=np.float64)

    def _critical(self, left: Bools) -> float:
        """Return the quantile of the largest difference among the pairs left."""
        return max(
            self._quantile(left, self.correlated, self.errors),
            self._quantile(left, self.independent, np.ones_like(self.errors)),
        )

    def _quantile(self, left: Bools, draws: Floats, errors: Floats) -> float:
        firsts, seconds = np.nonzero(left)
        largest = np.full(draws.shape[1], -np.inf)
        for start in range(0, len(firsts), CHUNK):
            first, second = firsts[start : start + CHUNK], seconds[start : start + CHUNK]
            differences = draws[first] - draws[second]
            differences /= errors[first, second][:, None]
            np.maximum(largest, differences.max(axis=0), out=largest)
        return float(np.quantile(largest, CONFIDENCE))
