"""How often a metric orders two systems as people do: on the same item, and over all items.

People call many pairs equal, a metric with decimals hardly any. A tie threshold epsilon mends this: scores
that differ by no more than epsilon tie. It is chosen where the accuracy is highest, on the items of other
clusters than those it is then applied to; chosen on the same items it flatters the metric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evalhub.stats.clusters import Bools, Column, Floats, Ints
from evalhub.stats.correlation.coefficients import Coefficient, rounded
from evalhub.stats.correlation.levels import MIN_SYSTEMS
from evalhub.stats.correlation.points import point_interval
from evalhub.stats.correlation.rows import Rows, read_rows
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import DEFAULT, NOISE, TOO_FEW, Ends, Options, no_ends, with_ends
from evalhub.stats.means import mean_estimate

FOLDS = 10
IN_SAMPLE = "epsilon was chosen on these very items"
CHOSEN = "epsilon was chosen too: an interval of the items' spread alone holds 91 to 92% at 95%"


@dataclass(frozen=True, slots=True)
class RankingAccuracy:
    """Pairwise ranking accuracy within items, averaged over items ("acc*_eq"); tau_eq is 2 · accuracy - 1.

    Args:
        calibrated: Every item with the epsilon that is best on other clusters; its n counts items. No
            interval, because none was found that holds its level.
        uncalibrated: Epsilon 0: only equal scores tie.
        in_sample: The highest that one epsilon reaches on these items, as papers report it; no interval.
        epsilon: That epsilon, in the metric's unit; None without any pair.
        pairs: Pairs of systems on the same item.
    """

    calibrated: Estimate
    uncalibrated: Estimate
    in_sample: Estimate
    epsilon: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of rows within items, sorted by how far apart the metric puts them."""

    apart: Floats
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
    options: Options = DEFAULT,
) -> RankingAccuracy:
    """Estimate how often a metric orders, or ties, two systems on the same item as people do.

    Args:
        metric: (n,) scores, higher = better; None, NaN and infinite = missing.
        people: (n,) people's scores, higher = better.
        items: (n,) item ids; one row per item and system, samples averaged before.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one; None = the items.
        options: Which interval, level, resamples, seed (also of the folds).

    Returns:
        Accuracies in [0, 1], higher = better; an item without two systems is left out and counted.

    Raises:
        InputError: The columns differ in length, or a score is not a number.

    Source: Deutsch, Foster & Freitag, "Ties Matter", EMNLP 2023, arXiv 2305.14324 (acc_eq, tie calibration).

    Example:
        >>> ids = {"items": ["p"] * 3 + ["q"] * 3, "systems": ["r", "s", "t"] * 2}
        >>> found = ranking_accuracy([0.1, 0.2, 0.9, 0.8, 0.3, 0.4], [1, 1, 2, 2, 1, 1], **ids)
        >>> round(found.uncalibrated.estimate, 3), found.in_sample.estimate, round(found.epsilon, 3)
        (0.667, 1.0, 0.1)
    """
    scores = {"metric": metric, "people": people}
    rows = read_rows(scores, items=items, systems=systems, clusters=clusters)
    pairs = _pairs(rows)
    if not len(pairs.apart):
        left_out = rows.items_gone + len(rows.by_item())
        none = Estimate.none("no item has two systems", left_out=left_out, level=options.level)
        return RankingAccuracy(none, none, none, None, 0)
    clusters_of = rows.cluster_of(rows.by_item())

    def estimate(epsilon: Floats) -> Estimate:
        values = _accuracies(pairs, epsilon)
        found = mean_estimate(values, clusters_of, bounds=(0, 1), options=options)
        return replace(found, left_out=found.left_out + rows.items_gone)

    best = _best(pairs, np.ones(len(pairs.apart), dtype=np.bool_))
    plain = estimate(np.zeros(len(clusters_of)))
    flattering = estimate(np.full(len(clusters_of), best)).without_interval(IN_SAMPLE)
    if plain.clusters < MIN_CLUSTERS:
        calibrated = replace(plain.without_interval(TOO_FEW), estimate=None)
    else:
        folds = _folds(pairs, rows.cluster_count, options.seed)
        chosen = [_best(pairs, folds[pairs.clusters] != fold) for fold in range(int(folds.max()) + 1)]
        calibrated = estimate(np.array(chosen)[folds[clusters_of]]).without_interval(CHOSEN)
    return RankingAccuracy(calibrated, plain, flattering, best, len(pairs.apart))


def _pairs(rows: Rows) -> _Pairs:
    metric, people = rows.scores
    first, second, item = [], [], []
    for number, group in enumerate(rows.by_item()):
        one, other = np.triu_indices(len(group), 1)
        first.append(group[one])
        second.append(group[other])
        item.append(np.full(len(one), number))
    i, j, items = (np.concatenate([*part, np.array([], dtype=np.int64)]) for part in (first, second, item))
    by_metric, by_people = metric[i] - metric[j], people[i] - people[j]
    apart = rounded(np.abs(by_metric))
    order = np.lexsort((items, apart))
    ordered = (by_metric * by_people > 0).astype(np.float64)
    tied = (by_people == 0).astype(np.float64)
    return _Pairs(apart[order], ordered[order], tied[order], items[order], rows.clusters[i][order])


def _folds(pairs: _Pairs, clusters: int, seed: int) -> Ints:
    """Deal the clusters that have pairs out into folds of one size."""
    used = np.unique(pairs.clusters)
    folds = np.zeros(clusters, dtype=np.int64)
    folds[used] = np.random.default_rng(seed).permutation(len(used)) % min(FOLDS, len(used))
    return folds


def _best(pairs: _Pairs, used: Bools) -> float:
    """Return the smallest epsilon of the highest mean accuracy over the items that are used."""
    weights = used / np.bincount(pairs.items)[pairs.items]
    # What is gained by calling a pair tied, summed up to each epsilon: all epsilons in one pass.
    gains = np.cumsum(weights * (pairs.tied - pairs.ordered))
    last = np.append(np.diff(pairs.apart) > 0, True)
    epsilons = np.append(0.0, pairs.apart[last])
    reached = np.append(0.0, gains[last])
    return float(epsilons[np.argmax(reached >= reached.max() - NOISE)])


def _accuracies(pairs: _Pairs, epsilon: Floats) -> Floats:
    """Return the accuracy within each item, given (items,) epsilons; NaN for an item without pairs."""
    right = np.where(pairs.apart <= epsilon[pairs.items], pairs.tied, pairs.ordered)
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
    options: Options = DEFAULT,
) -> Estimate:
    """Estimate how often a metric orders two systems, by their means, as people do.

    Args:
        metric: (n,) scores, higher = better; None, NaN and infinite = missing.
        people: (n,) people's scores, higher = better.
        items: (n,) item ids.
        systems: (n,) system ids.
        clusters: (n,) cluster ids, each item within one; None = the items.
        options: Confidence level.

    Returns:
        Share of the pairs of systems in [0, 1], higher = better; its n counts systems. The interval is that
        of Kendall's tau (see `points`), which is 2 · share - 1: it speaks of systems like these.

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
    facts = {"n": n, "clusters": rows.cluster_count, "left_out": rows.systems_gone}
    if n < MIN_SYSTEMS:
        too_few = no_ends(f"fewer than {MIN_SYSTEMS} systems")
        return with_ends(None, too_few, level=options.level, **facts)
    one, other = np.triu_indices(n, 1)
    by_metric, by_people = (np.sign(means[one] - means[other]) for means in rows.system_means())
    share = float(np.mean(by_metric == by_people))
    ends = point_interval(Coefficient.KENDALL, 2 * share - 1, n, level=options.level)
    if ends.low is not None and ends.high is not None:
        ends = Ends((1 + ends.low) / 2, (1 + ends.high) / 2, ends.method)
    return with_ends(share, ends, level=options.level, **facts)
