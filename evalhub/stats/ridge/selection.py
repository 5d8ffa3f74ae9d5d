"""Chooses a layer and a penalty by cross-validation over clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from evalhub.errors import InputError
from evalhub.records import digest
from evalhub.stats.ridge.descent import Matrix

FOLDS = 5

Fit = TypeVar("Fit")
Places = npt.NDArray[np.bool_]
Predictions = npt.NDArray[np.floating[Any]]


class Outcomes(Protocol[Fit]):
    """What labels say, and how it is predicted from features: `Preferences` or `LevelShares`."""

    def fit(self, features: Matrix, rows: Places, ridge: float, start: Fit | None = None) -> Fit:
        """Return the fit to those of (n, d) features that `rows` marks."""

    def predict(self, fit: Fit, features: Matrix) -> Predictions:
        """Return what a fit says of (m, d) features, m rows."""

    def loss(self, predictions: Predictions, rows: Places) -> float:
        """Return the mean log loss of those of n predictions that `rows` marks, in nats."""

    def accuracy(self, predictions: Predictions, rows: Places) -> float:
        """Return the share of right ones among those of n predictions that `rows` marks, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class RidgeCandidate:
    """A layer and a penalty, with what they reach on clusters that they were not fitted to.

    Attributes:
        loss: Mean log loss, in nats. Lower is better.
        accuracy: Share of pairs without ties whose side is right, or of ratings whose level is right, in
            [0, 1].
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
        predictions: n predictions, each from a fit without the fold of its row, with the layer and the
            penalty that are best on the other folds. Of preferences (n,) log-odds, of levels (n, k)
            log-probabilities.
    """

    best: RidgeCandidate
    candidates: tuple[RidgeCandidate, ...]
    predictions: Predictions


def cluster_folds(
    clusters: Sequence[str], seed: int, count: int = FOLDS
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the fold of each row. Rows of one cluster share a fold, which its name and the seed decide."""
    folds = {cluster: int(digest([seed, "fold", cluster])[:8], 16) % count for cluster in set(clusters)}
    return np.array([folds[cluster] for cluster in clusters], dtype=np.int64)


def choose_ridge(
    by_layer: Mapping[int, Matrix],
    outcomes: Outcomes[Fit],
    clusters: Sequence[str],
    ridges: Sequence[float],
    *,
    seed: int = 0,
    in_loss: Places | None = None,
) -> RidgeSelection:
    """Return the layer and the penalty with the least log loss on held-out clusters.

    Args:
        by_layer: For each layer (n, d) features.
        outcomes: What the labels of the n rows say.
        clusters: (n,) the cluster of each row.
        ridges: The penalties to try.
        seed: Seed of the folds.
        in_loss: (n,) whether a row counts in the losses. The others are only learned from. None = all count.

    Raises:
        InputError: The clusters do not fill two folds, or a fold leaves labels of one kind alone.
    """
    folds = cluster_folds(clusters, seed)
    if len(set(folds.tolist())) < 2:
        raise InputError(
            "cross-validation needs labels of several clusters",
            value=f"{len(set(clusters))} clusters",
            fix="take labels on more items",
        )
    scored = np.ones(len(clusters), bool) if in_loss is None else in_loss
    attempts: list[tuple[RidgeCandidate, Predictions]] = []
    for layer, features in by_layer.items():
        starts: dict[int, Fit] = {}
        for ridge in sorted(ridges, reverse=True):
            predictions = _held_out(outcomes, features, folds, ridge, starts)
            loss, accuracy = outcomes.loss(predictions, scored), outcomes.accuracy(predictions, scored)
            attempts.append((RidgeCandidate(layer, ridge, loss, accuracy), predictions))
    best = min((candidate for candidate, _ in attempts), key=lambda candidate: candidate.loss)
    predictions = _held_out_choices([prediction for _, prediction in attempts], outcomes, folds, scored)
    return RidgeSelection(best, tuple(candidate for candidate, _ in attempts), predictions)


def _held_out(
    outcomes: Outcomes[Fit],
    features: Matrix,
    folds: npt.NDArray[np.int64],
    ridge: float,
    starts: dict[int, Fit],
) -> Predictions:
    """Return the predictions of each fold from a fit without it. The fits are the next ones' starts."""
    parts: dict[int, Predictions] = {}
    for fold in np.unique(folds).tolist():
        held_out = folds == fold
        starts[fold] = outcomes.fit(features, ~held_out, ridge, starts.get(fold))
        parts[fold] = outcomes.predict(starts[fold], features[held_out])
    return _joined(parts, folds)


def _held_out_choices(
    attempts: Sequence[Predictions], outcomes: Outcomes[Fit], folds: npt.NDArray[np.int64], scored: Places
) -> Predictions:
    """Return the predictions of each fold from the attempt that is best on the other folds.

    The best of many attempts is better than it seems on the folds that chose it.
    """
    parts: dict[int, Predictions] = {}
    for fold in np.unique(folds).tolist():
        held_out = folds == fold
        elsewhere = scored & ~held_out
        best = min(range(len(attempts)), key=lambda place: outcomes.loss(attempts[place], elsewhere))
        parts[fold] = attempts[best][held_out]
    return _joined(parts, folds)


def _joined(parts: Mapping[int, Predictions], folds: npt.NDArray[np.int64]) -> Predictions:
    """Return the predictions of all folds in the order of the rows."""
    order = np.argsort(folds, kind="stable")
    predictions = np.concatenate([parts[fold] for fold in sorted(parts)])
    return np.asarray(predictions[np.argsort(order)])
