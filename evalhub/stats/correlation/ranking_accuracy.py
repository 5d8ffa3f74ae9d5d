"""How often a metric orders two systems as people do: on the same item, and over all items.

People call many pairs equal, a metric with decimals hardly any. A tie threshold epsilon corrects this: scores
that differ by no more than epsilon tie. It maximises the accuracy on the items of other clusters than those
it is then applied to. An epsilon that is chosen on the same items flatters the metric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Bools, Column, Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, rounded
from evalhub.stats.correlation.granularity import MIN_SYSTEMS
from evalhub.stats.correlation.points import point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import NOISE, SEED, TOO_FEW, Ends, no_ends, with_ends
from evalhub.stats.means import mean_estimate

FOLDS = 10
CHOSEN = "epsilon was chosen too: an interval of the items' spread alone holds 91 to 92% at 95%"


@dataclass(frozen=True, slots=True)
class RankingAccuracy:
    """Pairwise ranking accuracy within items, averaged over items ("acc*_eq"). tau_eq is 2 · accuracy - 1.

    Args:
        calibrated: Every item with the epsilon that is best on other clusters. Its n counts items. No
            interval, because none was found that holds its level.
        uncalibrated: Epsilon 0: only equal scores tie.
        epsilon: The epsilon that is best on all items, in the metric's unit. None without any pair.
        pairs: Pairs of systems on the same item.
    """

    calibrated: Estimate
    uncalibrated: Estimate
    epsilon: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of rows within items, sorted by the distance of their scores."""

    distances: Floats
    ordered: Floats  # 1 where the metric orders them as people do
    tied: Floats  # 1 where people tie
    items: Ints
    clusters: Ints


def ranking_accuracy(
    metric: Column,
    people: Column,
    *,
    items: Column,
    systems: Column,
    clusters: Column | None = None,
) -> RankingAccuracy:
    """Estimate how often a metric orders, or ties, two systems on the same item as people do.

    Choose it instead of Kendall's tau where people tie often: a metric that predicts ties is then rewarded.

    Args:
        metric: (n,) scores, higher = better. None, NaN and infinite are missing.
        people: (n,) people's scores, higher = better.
        items: (n,) item ids. One row per item and system, samples averaged before.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one. None = the items.

    Returns:
        Accuracies in [0, 1], higher = better. An item without two systems is left out and counted.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Deutsch, Foster & Freitag, "Ties Matter", EMNLP 2023, arXiv 2305.14324 (acc_eq, tie calibration).

    Example:
        >>> ids = {"items": ["p"] * 3 + ["q"] * 3, "systems": ["r", "s", "t"] * 2}
        >>> accuracy = ranking_accuracy([0.1, 0.2, 0.9, 0.8, 0.3, 0.4], [1, 1, 2, 2, 1, 1], **ids)
        >>> round(accuracy.uncalibrated.estimate, 3), round(accuracy.epsilon, 3)
        (0.667, 0.1)
    """
    scores = {"metric": metric, "people": people}
    rows = read_rows(scores, items=items, systems=systems, clusters=clusters)
    pairs = _pairs(rows)
    if not len(pairs.distances):
        n_excluded = rows.lost_items + len(rows.by_item())
        no_estimate = Estimate.none("no item has two systems", n_excluded=n_excluded)
        return RankingAccuracy(no_estimate, no_estimate, None, 0)
    clusters_of = rows.cluster_of(rows.by_item())

    def estimate(epsilon: Floats) -> Estimate:
        mean = mean_estimate(_accuracies(pairs, epsilon), clusters_of, bounds=(0, 1))
        return replace(mean, n_excluded=mean.n_excluded + rows.lost_items)

    best = _best(pairs, np.ones(len(pairs.distances), dtype=np.bool_))
    plain = estimate(np.zeros(len(clusters_of)))
    if plain.clusters < MIN_CLUSTERS:
        calibrated = replace(plain.without_interval(TOO_FEW), estimate=None)
    else:
        folds = _folds(pairs, rows.cluster_count)
        epsilons = [_best(pairs, folds[pairs.clusters] != fold) for fold in range(int(folds.max()) + 1)]
        calibrated = estimate(np.array(epsilons)[folds[clusters_of]]).without_interval(CHOSEN)
    return RankingAccuracy(calibrated, plain, best, len(pairs.distances))


def _pairs(rows: Rows) -> _Pairs:
    metric, people = rows.scores
    first, second, item = [], [], []
    for number, group in enumerate(rows.by_item()):
        left, right = np.triu_indices(len(group), 1)
        first.append(group[left])
        second.append(group[right])
        item.append(np.full(len(left), number))
    i, j, items = (np.concatenate([*part, np.array([], dtype=np.int64)]) for part in (first, second, item))
    by_metric, by_people = metric[i] - metric[j], people[i] - people[j]
    distances = rounded(np.abs(by_metric))
    order = np.lexsort((items, distances))
    ordered = (by_metric * by_people > 0).astype(np.float64)
    tied = (by_people == 0).astype(np.float64)
    return _Pairs(distances[order], ordered[order], tied[order], items[order], rows.clusters[i][order])


def _folds(pairs: _Pairs, clusters: int) -> Ints:
    """Assign the clusters that have pairs to folds of equal size."""
    members = np.unique(pairs.clusters)
    folds = np.zeros(clusters, dtype=np.int64)
    folds[members] = np.random.default_rng(SEED).permutation(len(members)) % min(FOLDS, len(members))
    return folds


def _best(pairs: _Pairs, rows: Bools) -> float:
    """Return the smallest epsilon of the highest mean accuracy over the items of some pairs."""
    weights = rows / np.bincount(pairs.items)[pairs.items]
    # The gain of calling a pair tied, summed up to each epsilon: all epsilons in one pass.
    gains = np.cumsum(weights * (pairs.tied - pairs.ordered))
    last = np.append(np.diff(pairs.distances) > 0, True)
    epsilons = np.append(0.0, pairs.distances[last])
    reached = np.append(0.0, gains[last])
    return float(epsilons[np.argmax(reached >= reached.max() - NOISE)])


def _accuracies(pairs: _Pairs, epsilon: Floats) -> Floats:
    """Return the accuracy within each item from (items,) epsilons. NaN for an item without pairs."""
    right = np.where(pairs.distances <= epsilon[pairs.items], pairs.tied, pairs.ordered)
    counts = np.bincount(pairs.items, minlength=len(epsilon))
    sums = np.bincount(pairs.items, weights=right, minlength=len(epsilon))
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), dtype=np.float64)


def system_accuracy(
    metric: Column,
    people: Column,
    *,
    items: Column,
    systems: Column,
    clusters: Column | None = None,
) -> Estimate:
    """Estimate how often a metric orders two systems, by their means, as people do.

    Args:
        metric, people, items, systems, clusters: As in `ranking_accuracy`.

    Returns:
        Share of the pairs of systems in [0, 1], higher = better. Its n counts systems. The interval is that
        of Kendall's tau (see `points`), which is 2 · share - 1. It is about systems like these.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Kocmi et al., "To Ship or Not to Ship", WMT 2021, arXiv 2107.10821 (pairwise accuracy of systems).

    Example:
        >>> ids = {"items": ["p"] * 4, "systems": list("rstu")}
        >>> round(system_accuracy([0.1, 0.2, 0.3, 0.4], [1, 2, 4, 3], **ids).estimate, 3)
        0.833
    """
    rows = read_rows({"m": metric, "p": people}, items=items, systems=systems, clusters=clusters)
    n = rows.system_count
    counts = {"n": n, "clusters": rows.cluster_count, "n_excluded": rows.lost_systems}
    if n < MIN_SYSTEMS:
        return with_ends(None, no_ends(f"fewer than {MIN_SYSTEMS} systems"), **counts)
    first, second = np.triu_indices(n, 1)
    by_metric, by_people = (np.sign(means[first] - means[second]) for means in rows.system_means())
    share = float(np.mean(by_metric == by_people))
    ends = point_interval(Coefficient.KENDALL, 2 * share - 1, n)
    if ends.low is not None and ends.high is not None:
        ends = Ends((1 + ends.low) / 2, (1 + ends.high) / 2, ends.method)
    return with_ends(share, ends, **counts)
