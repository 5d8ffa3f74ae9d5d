"""Ranks with confidence: which systems are surely better or worse, all differences tested at once.

A rank is not smooth in what it is made of: resampled ranks do not hold their level where systems are close.
Here each system's rank lies between 1 + how many are surely better and S - how many are surely worse, where
"surely" controls the chance of any wrong verdict: over the differences with one system (the marginal interval
of its rank), or over all pairs (the simultaneous ones). Critical values are quantiles of the largest
studentised difference under the clusters' covariance, drawn 2,000 times (the Gaussian multiplier bootstrap),
and again without the differences already decided (step-down); or those of independent systems of one spread
(Tukey-Kramer) where they are larger, since the covariance of many systems in few clusters looks narrower than
it is. A pair's standard error is widened to Student's t with the clusters of the system that has fewer, less
one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalhub.stats.clusters import Bools, Floats
from evalhub.stats.estimate import MIN_CLUSTERS
from evalhub.stats.intervals import DEFAULT, NOISE, TOO_FEW, Options
from evalhub.stats.ranking.standing import Standing

CHUNK = 256
_LITTLE = 0.01  # of the error rate, spent on pairs that never vary


@dataclass(frozen=True, slots=True)
class Rank:
    """Where one system stands, 1 = best.

    Args:
        system: Its id.
        rank: 1 + the number of systems with a higher estimate.
        low: Best rank it may have, at the level asked for this system alone; None without an interval.
        high: Worst rank it may have.
        low_all: Best rank, at the level for all systems at once.
        high_all: Worst rank, at the level for all systems at once.
        level: Confidence level.
        method: How the intervals were made; "none" without.
        reason: Why there is no interval; None where there is one.
    """

    system: str
    rank: int
    low: int | None
    high: int | None
    low_all: int | None
    high_all: int | None
    level: float
    method: str
    reason: str | None = None


def rank_intervals(standing: Standing, *, options: Options = DEFAULT) -> tuple[Rank, ...]:
    """Say between which ranks each system lies.

    Args:
        standing: Estimates of the systems, higher = better, with each cluster's influence.
        options: Level, resamples (draws of the critical value), seed.

    Returns:
        One rank per system, best first. A pair that differs by the same amount in every cluster has no
        standard error; it is sure where a sign test over clusters leaves next to no doubt. No interval for
        systems in fewer than 3 clusters, which count as undecided against all others.

    Source: Mogstad, Romano, Shaikh & Wilhelm, Review of Economic Studies 91(1), 2024, 476-518, section 3
        (marginal and simultaneous sets, step-down); R package csranks; Hayter, Annals of Statistics 12(1),
        1984, 61-75 (Tukey-Kramer).

    Example:
        >>> from evalhub.stats.ranking.standing import mean_standing
        >>> scores = [1, 2, 1, 2, 5, 6, 6, 5, 4, 6, 5, 6]
        >>> standing = mean_standing(scores, ["x"] * 4 + ["y"] * 4 + ["z"] * 4, [1, 2, 3, 4] * 3)
        >>> [(one.system, one.low, one.high) for one in rank_intervals(standing)]
        [('y', 1, 2), ('z', 1, 2), ('x', 3, 3)]
    """
    pairs = _Pairs(standing, options)
    size = len(standing.systems)
    everyone = pairs.decided(_both(size))
    low_all, high_all = 1 + everyone.sum(axis=0), size - everyone.sum(axis=1)
    found = []
    for place, system in enumerate(standing.systems):
        rank = 1 + int((standing.values > standing.values[place] + NOISE).sum())
        if standing.entries[place] < MIN_CLUSTERS:
            found.append(
                Rank(system, rank, None, None, None, None, options.level, method="none", reason=TOO_FEW)
            )
            continue
        alone = pairs.decided(_one(size, place))
        low, high = 1 + int(alone[:, place].sum()), size - int(alone[place].sum())
        ends = (low, high, int(low_all[place]), int(high_all[place]))
        found.append(Rank(system, rank, *ends, options.level, f"rank-stepdown-{options.resamples}"))
    return tuple(sorted(found, key=lambda one: (one.rank, one.system)))


def _both(size: int) -> Bools:
    return ~np.eye(size, dtype=np.bool_)


def _one(size: int, place: int) -> Bools:
    """Return the pairs with one system on either side."""
    pairs = np.zeros((size, size), dtype=np.bool_)
    pairs[place] = pairs[:, place] = True
    pairs[place, place] = False
    return pairs


class _Pairs:
    """The studentised differences, first minus second, and draws of what they are under no difference."""

    def __init__(self, standing: Standing, options: Options) -> None:
        self.level = options.level
        covariance = standing.covariance
        spread = np.diag(covariance)
        squares = spread[:, None] + spread[None, :] - 2 * covariance
        largest = float(spread.max(initial=0.0))
        self.known = squares > NOISE * largest
        fewest = np.minimum(standing.entries[:, None], standing.entries[None, :])
        self.differs = standing.values[:, None] - standing.values[None, :]
        # The same in every cluster: a sign test over clusters takes the place of a standard error.
        self.constant = np.where(self.known, 1.0, 2.0 ** (1.0 - fewest))
        self.known &= fewest >= MIN_CLUSTERS
        self.freedoms, self.freedom = np.unique(np.maximum(fewest - 1, 1), return_inverse=True)
        self.freedom = self.freedom.reshape(fewest.shape)
        self.errors = np.sqrt(np.where(self.known, squares, 1.0))
        self.statistic = self.differs / self.errors
        lengths, axes = np.linalg.eigh(covariance)
        normal = np.random.default_rng(options.seed).standard_normal((options.resamples, len(lengths))).T
        self.alike = axes * np.sqrt(np.maximum(lengths, 0)) @ normal
        self.independent = normal / 2**0.5

    def decided(self, tested: Bools) -> Bools:
        """Return which of the tested pairs have a first that is surely better than the second."""
        beyond = self.constant * max(1, int(tested.sum())) <= _LITTLE * (1 - self.level)
        always = tested & beyond & (self.differs > NOISE)
        tested = tested & self.known
        sure = np.zeros_like(tested)
        statistic = self.statistic / self._widened(int(tested.sum()))
        while (left := tested & ~sure).any():
            new = left & (statistic > self._critical(left))
            if not new.any():
                break
            sure |= new
        return np.asarray(sure | always, dtype=np.bool_)

    def _widened(self, tests: int) -> Floats:
        """Return by how much t exceeds the normal at the tail that each test would get by Bonferroni."""
        from scipy import special

        tail = (1 - self.level) / max(1, tests)
        ratios = special.stdtrit(self.freedoms, tail) / special.ndtri(tail)
        return np.asarray(ratios[self.freedom], dtype=np.float64)

    def _critical(self, left: Bools) -> float:
        """Return the quantile of the largest difference among the pairs left."""
        return max(
            self._quantile(left, self.alike, self.errors),
            self._quantile(left, self.independent, np.ones_like(self.errors)),
        )

    def _quantile(self, left: Bools, draws: Floats, errors: Floats) -> float:
        firsts, seconds = np.nonzero(left)
        largest = np.full(draws.shape[1], -np.inf)
        for start in range(0, len(firsts), CHUNK):
            one, two = firsts[start : start + CHUNK], seconds[start : start + CHUNK]
            differences = draws[one] - draws[two]
            differences /= errors[one, two][:, None]
            np.maximum(largest, differences.max(axis=0), out=largest)
        return float(np.quantile(largest, self.level))
