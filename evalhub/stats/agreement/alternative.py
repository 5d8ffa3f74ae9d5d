"""The alternative annotator test: may the judge replace a person, seen from the other persons?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.agreement.others import Judged, read_judged
from evalhub.stats.agreement.ratings import bounded_interval
from evalhub.stats.bootstrap import Shape
from evalhub.stats.clusters import Column, Floats, Ints, codes
from evalhub.stats.estimate import MIN_CLUSTERS, Estimate
from evalhub.stats.intervals import DEFAULT, NOISE, TOO_FEW, Options, with_ends
from evalhub.stats.means import cluster_variance, mean_estimate
from evalhub.stats.testing.comparison import Comparison

MIN_ANNOTATORS = 3
MIN_ITEMS = 30
REPLACES_FROM = 0.5


class Alignment(StrEnum):
    """How close a value is to the other annotators' values: the share that is equal, or minus the root
    mean square distance."""

    ACCURACY = "accuracy"
    RMSE = "rmse"


class Expertise(StrEnum):
    """Who the annotators are, which sets how much dearer than the judge they are (epsilon)."""

    EXPERTS = "experts"
    SKILLED = "skilled"
    CROWD = "crowd"

    @property
    def epsilon(self) -> float:
        """The advantage that a person must have to be worth the cost."""
        return {Expertise.EXPERTS: 0.2, Expertise.SKILLED: 0.15, Expertise.CROWD: 0.1}[self]


@dataclass(frozen=True, slots=True)
class Against:
    """The judge against one annotator, before the remaining ones.

    Args:
        judge: Share of items on which the judge is as close to the others as this annotator, or closer.
        human: Share on which this annotator is as close as the judge, or closer.
        comparison: `judge` minus `human`; p of the one-sided test of "at most -epsilon".
        wins: Whether the judge wins, all annotators' tests taken together.
    """

    judge: float
    human: float
    comparison: Comparison
    wins: bool


@dataclass(frozen=True, slots=True)
class AlternativeTest:
    """What the test says.

    Args:
        winning_rate: Share of annotators whom the judge wins against, in [0, 1]; None without a test.
        replaces: Whether the winning rate is .5 or more; None without a test.
        advantage: The average advantage probability: how often the judge is as good as an annotator or
            better, mean over the annotators.
        annotators: Each annotator that was tested, by id.
        left_out: Annotators with too few items, and why.
        epsilon: The advantage that was asked of people.
        q: The false discovery rate that was held.
        reason: Why there is no test; None otherwise.
    """

    winning_rate: float | None
    replaces: bool | None
    advantage: Estimate
    annotators: dict[str, Against]
    left_out: dict[str, str]
    epsilon: float
    q: float
    reason: str | None


def alternative_test(
    values: Column,
    judge: Column,
    units: Column,
    *,
    annotators: Column,
    clusters: Column,
    alignment: Alignment,
    epsilon: float = Expertise.EXPERTS.epsilon,
    q: float = 0.05,
    options: Options = DEFAULT,
) -> AlternativeTest:
    """Test whether the judge represents the annotators as well as one of them does.

    Args:
        values: (n,) one person's value of one item: categories (accuracy) or numbers (rmse); None = missing.
        judge: (n,) the judge's value of the row's item, the same in all its rows; None = missing.
        units: (n,) item ids.
        annotators: (n,) ids of persons, not of slots.
        clusters: (n,) cluster ids of the items; with one item each the test is the paper's t-test.
        alignment: How close a value is to the others'.
        epsilon: What a person must be better by, in [0, 1); see `Expertise`.
        q: False discovery rate over the annotators, in (0, 1).
        options: Which intervals, level, resamples, seed.

    Returns:
        The winning rate, whether the judge may replace, and the advantage; no winning rate with fewer than 3
        annotators of 30 items or more, or fewer than 3 clusters.

    Raises:
        InputError: `epsilon` or `q` is out of range, the columns differ in length, a value is no number where
            one is needed, someone has two values of one item, or an item lies in two clusters.

    Source: Calderon, Reichart & Dror, ACL 2025, arXiv 2501.10970, section 3; Benjamini & Yekutieli, Annals of
        Statistics 29(4), 2001, 1165-1188.

    Example:
        >>> units = [item for item in range(40) for _ in range(3)]
        >>> people, judge = ["x", "y", "z"] * 40, [item % 2 for item in units]
        >>> values = [item % 2 if item % 10 else row % 2 for row, item in enumerate(units)]
        >>> columns = {"annotators": people, "clusters": units}
        >>> found = alternative_test(values, judge, units, **columns, alignment=Alignment.ACCURACY)
        >>> found.winning_rate, found.replaces
        (1.0, True)
    """
    if not 0 <= epsilon < 1:
        raise InputError("epsilon is an advantage of people", value=epsilon, allowed="0 or more, below 1")
    if not 0 < q < 1:
        raise InputError("a false discovery rate lies between 0 and 1", value=q)
    judged = read_judged(
        values, judge, units, annotators=annotators, clusters=clusters,
        numbers=alignment is Alignment.RMSE, least=2,
    )  # fmt: skip
    ratings = judged.ratings
    ahead = _ahead(judged, alignment)
    members = ratings.clusters[ratings.units]
    tested: dict[str, tuple[Floats, Ints]] = {}
    left_out: dict[str, str] = {}
    for code, name in enumerate(ratings.rater_names.tolist()):
        rows = ratings.raters == code
        if rows.sum() < MIN_ITEMS:
            left_out[name] = f"fewer than {MIN_ITEMS} items"
        elif len(np.unique(members[rows])) < MIN_CLUSTERS:
            left_out[name] = TOO_FEW
        else:
            tested[name] = (ahead[rows], members[rows])
    if len(tested) < MIN_ANNOTATORS:
        reason = f"fewer than {MIN_ANNOTATORS} annotators of {MIN_ITEMS} items or more"
        none = Estimate.none(reason, n=len(judged.judge), left_out=judged.left_out, level=options.level)
        return AlternativeTest(None, None, none, {}, left_out, epsilon, q, reason)
    comparisons = [_comparison(*rows, epsilon=epsilon, options=options) for rows in tested.values()]
    wins = _rejected(np.array([float(one.p or 0) for one in comparisons]), q)
    rate = float(wins.mean())
    return AlternativeTest(
        winning_rate=rate,
        replaces=rate >= REPLACES_FROM,
        advantage=_advantage(judged, tested, options),
        annotators={
            name: Against(float(np.mean(rows[0] >= 0)), float(np.mean(rows[0] <= 0)), one, bool(won))
            for (name, rows), one, won in zip(tested.items(), comparisons, wins, strict=True)
        },
        left_out=left_out,
        epsilon=epsilon,
        q=q,
        reason=None,
    )


def _ahead(judged: Judged, alignment: Alignment) -> Floats:
    """Return by row: 1 = the judge is closer to the others, 0 = as close, -1 = the annotator is."""
    ratings = judged.ratings
    if alignment is Alignment.ACCURACY:
        others = judged.others()
        rows = np.arange(len(others))
        machine, human = (others[rows, said.astype(np.int64)] for said in (judged.of_row, ratings.values))
        return np.asarray(np.sign(machine - human), dtype=np.float64)
    # With m the others' mean, the mean square distance is (value - m)^2 and a part that both share.
    middle = judged.mean_of_others()
    machine, human = (np.abs(said - middle) for said in (judged.of_row, ratings.values))
    noise = 1e-9 * max(1.0, float(np.abs(ratings.values).max(initial=0.0)))
    return np.where(np.abs(machine - human) <= noise, 0.0, np.sign(human - machine))


def _comparison(ahead: Floats, members: Ints, *, epsilon: float, options: Options) -> Comparison:
    difference = mean_estimate(ahead, members, bounds=(-1, 1), options=options)
    local, count = codes(members)
    variance, _ = cluster_variance(ahead, local)
    mean = float(ahead.mean())
    if variance <= NOISE**2:
        # All rows say the same: bound how likely that is if the mean were -epsilon, by Markov's inequality.
        bound = 1.0 if mean <= -epsilon else ((1 - epsilon) / (1 + mean)) ** count
        return Comparison(difference, _above_zero(bound), "markov-one-sided")
    from scipy import special

    p = float(special.stdtr(count - 1, -(mean + epsilon) / variance**0.5))
    return Comparison(difference, _above_zero(p), "cluster-t-one-sided")


def _above_zero(p: float) -> float:
    return min(1.0, max(p, float(np.finfo(np.float64).tiny)))


def _rejected(p: Floats, q: float) -> np.ndarray:
    """Say which hypotheses fall under Benjamini and Yekutieli's step-up rule."""
    order = np.argsort(p, kind="stable")
    ranks = np.arange(1, len(p) + 1)
    below = p[order] <= q * ranks / (len(p) * np.sum(1 / ranks))
    last = int(np.max(ranks[below], initial=0))
    rejected = np.zeros(len(p), dtype=np.bool_)
    rejected[order[:last]] = True
    return rejected


def _advantage(judged: Judged, tested: dict[str, tuple[Floats, Ints]], options: Options) -> Estimate:
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
    ends = bounded_interval(statistic, clusters, (0, 1), options=options, shape=Shape.WILSON)
    n, left_out = len(judged.judge), judged.left_out
    return with_ends(value, ends, level=options.level, n=n, clusters=clusters, left_out=left_out)
