"""Chooses a layer and a penalty by cross-validation over clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalhub.errors import InputError
from evalhub.records import digest
from evalhub.stats.ridge.preferences import Matrix, Vector, fit_preferences, mean_loss

FOLDS = 5


@dataclass(frozen=True, slots=True)
class RidgeCandidate:
    """A layer and a penalty, with what they reach on clusters that they were not fitted to.

    Attributes:
        loss: Mean log loss, in nats. Lower is better.
        accuracy: Share of pairs without ties whose side is right, in [0, 1].
    """

    layer: int
    ridge: float
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class RidgeSelection:
    """The chosen layer and penalty.

    Attributes:
        candidates: All that were tried.
        log_odds: (n,) log-odds of each pair from a fit without its fold, with the layer and the penalty that
            are best on the other folds.
    """

    best: RidgeCandidate
    candidates: tuple[RidgeCandidate, ...]
    log_odds: Vector


def cluster_folds(
    clusters: Sequence[str], seed: int, count: int = FOLDS
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the fold of each pair. Pairs of one cluster share a fold, which its name and the seed decide."""
    folds = {cluster: int(digest([seed, "fold", cluster])[:8], 16) % count for cluster in set(clusters)}
    return np.array([folds[cluster] for cluster in clusters], dtype=np.int64)


def choose_ridge(
    by_layer: Mapping[int, Matrix],
    shares: Vector,
    clusters: Sequence[str],
    ridges: Sequence[float],
    *,
    seed: int = 0,
    in_loss: npt.NDArray[np.bool_] | None = None,
) -> RidgeSelection:
    """Return the layer and the penalty with the least log loss on held-out clusters.

    Args:
        by_layer: For each layer (n, d) differences of features.
        shares: (n,) preference for the first response, in [0, 1].
        clusters: (n,) the cluster of each pair.
        ridges: The penalties to try.
        seed: Seed of the folds.
        in_loss: (n,) whether a pair counts in the losses. The others are only learned from. None = all count.

    Raises:
        InputError: The clusters do not fill two folds, or a fold leaves labels of one side alone.
    """
    folds = cluster_folds(clusters, seed)
    if len(set(folds.tolist())) < 2:
        raise InputError(
            "cross-validation needs labels of several clusters",
            value=f"{len(set(clusters))} clusters",
            fix="take labels on more items",
        )
    scored = np.ones(len(shares), bool) if in_loss is None else in_loss
    attempts: list[tuple[RidgeCandidate, Vector]] = []
    for layer, differences in by_layer.items():
        starts: dict[int, Vector] = {}
        for ridge in sorted(ridges, reverse=True):
            log_odds: Vector = np.zeros(len(shares))
            for fold in np.unique(folds):
                held_out = folds == fold
                fit = fit_preferences(
                    differences[~held_out], shares[~held_out], ridge, start=starts.get(int(fold))
                )
                starts[int(fold)] = fit.weights
                log_odds[held_out] = fit.log_odds(differences[held_out])
            attempts.append((_candidate(layer, ridge, log_odds[scored], shares[scored]), log_odds))
    best = min((candidate for candidate, _ in attempts), key=lambda candidate: candidate.loss)
    log_odds = _held_out_choices([odds for _, odds in attempts], shares, folds, scored)
    return RidgeSelection(best, tuple(candidate for candidate, _ in attempts), log_odds)


def _held_out_choices(
    attempts: Sequence[Vector], shares: Vector, folds: npt.NDArray[np.int64], scored: npt.NDArray[np.bool_]
) -> Vector:
    """Return the log-odds of each fold from the attempt that is best on the other folds.

    The best of many attempts is better than it seems on the folds that chose it.
    """
    log_odds: Vector = np.zeros(len(shares))
    for fold in np.unique(folds):
        held_out = folds == fold
        elsewhere = scored & ~held_out
        best = min(attempts, key=lambda odds: mean_loss(odds[elsewhere], shares[elsewhere]))
        log_odds[held_out] = best[held_out]
    return log_odds


def _candidate(layer: int, ridge: float, log_odds: Vector, shares: Vector) -> RidgeCandidate:
    decided = shares != 0.5
    right = [side_share(odds, share) for odds, share in zip(log_odds[decided], shares[decided], strict=True)]
    return RidgeCandidate(layer, ridge, mean_loss(log_odds, shares), float(np.mean(right)))


def side_share(log_odds: float, share: float) -> float:
    """Return whether log-odds are on the side of a preference: 1, 0, or a half where they are on none.

    >>> side_share(0.3, 1.0), side_share(0.3, 0.0), side_share(0.0, 0.0)
    (1.0, 0.0, 0.5)
    """
    return 0.5 if log_odds == 0 else float((log_odds > 0) == (share > 0.5))
