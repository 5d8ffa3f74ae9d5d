"""The alternative annotator test: may the judge replace a person, by the standards of the other persons?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.agreement.others import JudgeColumn, read_judged
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import IntervalShape
from evalhub.stats.clusters import Column, Floats, Ints, codes
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import NOISE, TOO_FEW, with_ends
from evalhub.stats.means import cluster_variance

MIN_ANNOTATORS = 3
MIN_ITEMS = 30
FALSE_DISCOVERY_RATE = 0.05
EPSILON = 0.2
"""The advantage that experts must have to be worth their cost (skilled annotators .15, a crowd .1)."""


class Alignment(StrEnum):
    """How close a value is to the other annotators' values: the share that is equal, or minus the root
    mean square distance."""

    ACCURACY = "accuracy"
    RMSE = "rmse"


@dataclass(frozen=True, slots=True)
class Against:
    """The judge against one annotator.

    Args:
        judge: Share of items on which the judge is as close to the other annotators as this one, or closer.
        human: Share on which this annotator is as close as the judge, or closer.
        p: One-sided p-value of "judge minus human is at most -epsilon".
        wins: Whether the judge wins, all annotators' tests considered.
    """

    judge: float
    human: float
    p: float
    wins: bool


@dataclass(frozen=True, slots=True)
class AlternativeTest:
    """The outcome of the test.

    Args:
        winning_rate: Share of annotators against whom the judge wins, in [0, 1]. From .5 on the judge may
            replace a person. None without a test.
        advantage: The average advantage probability: how often the judge is as good as an annotator or
            better, mean over the annotators.
        annotators: Each annotator that was tested, by id.
        excluded: Annotators with too few items, and why.
        epsilon: The advantage that people must have.
        reason: Why there is no test. None otherwise.
    """

    winning_rate: float | None
    advantage: Estimate
    annotators: dict[str, Against]
    excluded: dict[str, str]
    epsilon: float
    reason: str | None


def alternative_test(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    alignment: Alignment,
    epsilon: float = EPSILON,
) -> AlternativeTest:
    """Test whether the judge represents the annotators as well as one of them does.

    Choose it to decide whether a judge may stand in for people. A winning rate of .5 or more says yes.

    Args:
        values, judge, units, annotators: As in `ceiling`, with an item as a unit.
        clusters: (n,) cluster ids of the items. With one item each, the test is the paper's t-test.
        alignment: How close a value is to the others'.
        epsilon: How much better a person must be, in [0, 1).

    Returns:
        The winning rate and the advantage. No winning rate with fewer than 3 annotators of 30 items or more,
        or fewer than 3 clusters.

    Raises:
        InputError: `epsilon` is out of range, the columns differ in length, a value is no number where
            a number is needed, someone has two values of one item, or an item lies in two clusters.

    Source: Calderon, Reichart & Dror, ACL 2025, arXiv 2501.10970, section 3. Benjamini & Yekutieli, Annals of
        Statistics 29(4), 2001, 1165-1188.

    Example:
        >>> units = [item for item in range(40) for _ in range(3)]
        >>> people, judge = ["x", "y", "z"] * 40, [item % 2 for item in units]
        >>> values = [item % 2 if item % 10 else row % 2 for row, item in enumerate(units)]
        >>> columns = {"annotators": people, "clusters": units}
        >>> alternative_test(values, judge, units, **columns, alignment=Alignment.ACCURACY).winning_rate
        1.0
    """
    if not 0 <= epsilon < 1:
        raise InputError("epsilon is an advantage of people", value=epsilon, allowed="0 or more, below 1")
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=alignment is Alignment.RMSE, min_annotators=2,
    )  # fmt: skip
    ratings = judged.ratings
    ahead = _ahead(judged, alignment)
    members = ratings.clusters[ratings.units]
    tested: dict[str, tuple[Floats, Ints]] = {}
    excluded: dict[str, str] = {}
    for code, name in enumerate(ratings.rater_names.tolist()):
        rows = ratings.raters == code
        if rows.sum() < MIN_ITEMS:
            excluded[name] = f"fewer than {MIN_ITEMS} items"
        elif len(np.unique(members[rows])) < MIN_CLUSTERS:
            excluded[name] = TOO_FEW
        else:
            tested[name] = (ahead[rows], members[rows])
    if len(tested) < MIN_ANNOTATORS:
        reason = f"fewer than {MIN_ANNOTATORS} annotators of {MIN_ITEMS} items or more"
        no_estimate = Estimate.none(reason, n=len(judged.judge), n_excluded=judged.n_excluded)
        return AlternativeTest(None, no_estimate, {}, excluded, epsilon, reason)
    from scipy import stats

    p_values = [_p_value(*columns, epsilon=epsilon) for columns in tested.values()]
    wins = stats.false_discovery_control(p_values, method="by") <= FALSE_DISCOVERY_RATE
    results = {
        name: Against(float(np.mean(gap >= 0)), float(np.mean(gap <= 0)), p, bool(win))
        for (name, (gap, _)), p, win in zip(tested.items(), p_values, wins, strict=True)
    }
    return AlternativeTest(float(wins.mean()), _advantage(judged, tested), results, excluded, epsilon, None)


def _ahead(judged: JudgeColumn, alignment: Alignment) -> Floats:
    """Return by row: 1 = the judge is closer to the others, 0 = as close, -1 = the annotator is."""
    ratings = judged.ratings
    if alignment is Alignment.ACCURACY:
        counts = judged.counts_of_others()
        rows = np.arange(len(counts))
        machine, human = (counts[rows, column.astype(np.int64)] for column in (judged.of_row, ratings.values))
        return np.asarray(np.sign(machine - human), dtype=np.float64)
    # With m the others' mean, the mean square distance is (value - m)^2 and a part that is the same for both.
    middle = judged.mean_of_others()
    machine, human = (np.abs(column - middle) for column in (judged.of_row, ratings.values))
    noise = 1e-9 * max(1.0, float(np.abs(ratings.values).max(initial=0.0)))
    return np.where(np.abs(machine - human) <= noise, 0.0, np.sign(human - machine))


def _p_value(ahead: Floats, members: Ints, *, epsilon: float) -> float:
    local, count = codes(members)
    variance, _ = cluster_variance(ahead, local)
    mean = float(ahead.mean())
    if variance <= NOISE**2:
        # All rows are equal: bound the probability of that if the mean were -epsilon, by Markov's inequality.
        p = 1.0 if mean <= -epsilon else ((1 - epsilon) / (1 + mean)) ** count
    else:
        from scipy import special

        p = float(special.stdtr(count - 1, -(mean + epsilon) / variance**0.5))
    return min(1.0, max(p, float(np.finfo(np.float64).tiny)))


def _advantage(judged: JudgeColumn, tested: dict[str, tuple[Floats, Ints]]) -> Estimate:
    clusters = int(judged.ratings.clusters.max()) + 1
    hits, sizes = (
        np.stack([np.bincount(m, weights=w, minlength=clusters) for w, m in columns])
        for columns in (
            [((ahead >= 0).astype(np.float64), members) for ahead, members in tested.values()],
            [(np.ones(len(ahead)), members) for ahead, members in tested.values()],
        )
    )

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.mean((weights @ hits.T) / (weights @ sizes.T), axis=1), dtype=np.float64)

    value = float(statistic(np.ones((1, clusters)))[0])
    ends = bounded_interval(statistic, clusters, (0, 1), shape=IntervalShape.WILSON)
    return with_ends(value, ends, n=len(judged.judge), clusters=clusters, n_excluded=judged.n_excluded)
