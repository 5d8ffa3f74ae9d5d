"""Dawid and Skene's model: the category of each unit and the errors of each rater, without a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.stats.agreement.ratings import Ratings, coded, read_ratings
from evalhub.stats.clusters import Column, Floats, Ints

MIN_RATERS = 3
MIN_UNITS = 30
SMOOTHING = 0.1
TOLERANCE = 1e-8
MAX_STEPS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class DawidSkene:
    """The fitted model, empty with a reason where there is none.

    Args:
        prior: (k,) share of units of each true category. None without a model.
        confusions: By rater, (k, k) probability of a rating (columns) given the true category (rows).
        steps: Steps of EM.
        reason: Why there is no model. None otherwise.
    """

    prior: Floats | None
    confusions: dict[str, Floats]
    steps: int
    reason: str | None


def dawid_skene(
    values: Column, units: Column, raters: Column, *, levels: Sequence[object] | None = None
) -> DawidSkene:
    """Estimate the share of each category and the confusions of each rater by EM.

    Choose it where no gold labels exist and raters differ in skill. It assumes that raters err independently
    given the truth. Raters with common errors are therefore taken for right.

    EM starts at each unit's share of votes, adds 0.1 of a row to each cell of a confusion matrix and to each
    category of the prior, and stops when a step gains less than 1e-8 per unit.

    Args:
        values: (n,) the category that a rater gave to a unit. None = missing.
        units: (n,) unit ids.
        raters: (n,) ids of persons or judges, not of slots.
        levels: All categories. None = those that occur.

    Returns:
        The model. None with fewer than 3 raters, fewer than 30 units of 3 raters or more (the model is then
        not identified), one category, or no convergence within 2,000 steps.

    Raises:
        InputError: The columns differ in length, a value is none of the levels, or a rater has two values of
            one unit.

    Source: Dawid & Skene, Journal of the Royal Statistical Society C 28(1), 1979, 20-28.

    Example:
        >>> units = [unit for unit in range(40) for _ in range(3)]
        >>> values = ["ab"[unit % 2] if row % 3 or unit % 8 else "b" for row, unit in enumerate(units)]
        >>> model = dawid_skene(values, units, ["x", "y", "z"] * 40)
        >>> model.confusions["x"].round(2).tolist()
        [[0.75, 0.25], [0.0, 1.0]]
    """
    numbers, names = coded(values, levels)
    ratings = read_ratings(numbers, units, raters, clusters=units, names=names)
    reason = _reason_against_model(ratings)
    if reason:
        return DawidSkene(None, {}, 0, reason)
    votes = ratings.values.astype(np.int64)
    posterior = ratings.counts / ratings.sizes[:, None]
    before = -np.inf
    for step in range(1, MAX_STEPS + 1):
        prior, confusions = _maximise(posterior, ratings, votes)
        logs = np.log(confusions)[ratings.raters, :, votes]
        joint = np.log(prior) + _sum_rows(logs, ratings.units)
        largest = joint.max(axis=1, keepdims=True)
        of_unit = largest[:, 0] + np.log(np.exp(joint - largest).sum(axis=1))
        posterior = np.exp(joint - of_unit[:, None])
        likelihood = float(of_unit.sum())
        objective = likelihood + SMOOTHING * float(np.log(prior).sum() + np.log(confusions).sum())
        if objective - before < TOLERANCE * len(of_unit):
            by_rater = dict(zip(ratings.rater_names.tolist(), confusions, strict=True))
            return DawidSkene(prior, by_rater, step, None)
        before = objective
    return DawidSkene(None, {}, MAX_STEPS, f"EM did not converge within {MAX_STEPS} steps")


def _reason_against_model(ratings: Ratings) -> str | None:
    if len(ratings.rater_names) < MIN_RATERS:
        return f"fewer than {MIN_RATERS} raters"
    if len(ratings.names) < 2 or len(np.unique(ratings.values)) < 2:
        return "all values are one and the same"
    if int(np.sum(ratings.sizes >= MIN_RATERS)) < MIN_UNITS:
        return f"fewer than {MIN_UNITS} units of {MIN_RATERS} raters or more"
    return None


def _maximise(posterior: Floats, ratings: Ratings, votes: Ints) -> tuple[Floats, Floats]:
    """Return the prior and the (raters, k, k) confusions that the posterior makes most likely."""
    k = posterior.shape[1]
    prior = posterior.sum(axis=0) + SMOOTHING
    raters = len(ratings.rater_names)
    cell, shares = ratings.raters * k + votes, posterior[ratings.units]
    by_truth = [np.bincount(cell, weights=share, minlength=raters * k) for share in shares.T]
    counts = np.stack(by_truth).reshape(k, raters, k).transpose(1, 0, 2) + SMOOTHING
    return prior / prior.sum(), counts / counts.sum(axis=2, keepdims=True)


def _sum_rows(rows: Floats, units: Ints) -> Floats:
    """Sum (n, k) rows within units, which are in ascending order."""
    return np.asarray(np.add.reduceat(rows, np.flatnonzero(np.diff(units, prepend=-1)), axis=0))
