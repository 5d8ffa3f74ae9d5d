"""A cascade of judges: each decides the items that it is sure of and passes the others on, finally to people.

A stage decides the items whose verdict is at least as confident as its threshold. Thresholds are set on
labelled items, so that with the guaranteed confidence a stage agrees with people on at least the guaranteed
share of the items that it decides. "Decide nothing" is a valid threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Bools, Column, Floats, Ints, codes, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.means import mean_estimate

MIN_START = 30
STEPS = 20
NOTHING_DECIDED = "the stage decides nothing"


@dataclass(frozen=True, slots=True)
class Promise:
    """The guarantee of a cascade.

    Args:
        agreement: Smallest share of decided items on which judge and people agree, in (0, 1).
        confidence: Probability, over the draw of the labelled items, that every stage reaches it, in (0, 1).

    Raises:
        InputError: A value is out of range.

    Example:
        >>> Promise().agreement
        0.8
    """

    agreement: float = 0.8
    confidence: float = 0.9

    def __post_init__(self) -> None:
        for name in ("agreement", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"a promised {name} lies between 0 and 1", value=getattr(self, name))


@dataclass(frozen=True, slots=True)
class StageVerdicts:
    """The verdicts of one stage on every item.

    Args:
        confidence: (n,) |p_a - .5| + .5 of its verdicts, in [.5, 1]. None = no verdict, always passed on.
        agrees: (n,) 1 where the verdict is the label, else 0. None = no label.
        cost: Cost of judging one item, in any unit.
    """

    confidence: Column
    agrees: Column
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """Smallest confidence with which a stage decides, and its evidence.

    Attributes:
        value: In [.5, 1]. None = the stage passes on everything.
        n: Labelled items that reached the stage with a verdict, one for each cluster.
        start: Items at which the tests start, selected by their confidences alone.
        upper_bound: Upper confidence bound of the share of disagreement among the items that the stage
            decides. None where it decides nothing.
        reason: Why `value` is None.
    """

    value: float | None
    n: int
    start: int
    upper_bound: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """The outcome of a stage.

    Attributes:
        n: Items that reach the stage.
        n_decided: Items that it decides.
        agreement: With the labels, on the items that it decides. Higher is better.
        share: Share of all items that enter the cascade that it decides.
        cost: Cost of the stage for each item that it decides. None where it decides nothing.
    """

    n: int
    n_decided: int
    agreement: Estimate
    share: Estimate
    cost: float | None


@dataclass(frozen=True, slots=True)
class Cascade:
    """The outcome of each stage, of all stages combined, and the share that remains for people."""

    stages: tuple[StageOutcome, ...]
    combined: StageOutcome
    people: Estimate


def disagreement_bound(wrong: int, n: int, *, confidence: float) -> float:
    """Return the Clopper-Pearson upper bound of a share, from independent items.

    Args:
        wrong: Items on which judge and people disagree, 0 to `n`.
        n: Items, at least 1.
        confidence: One-sided, in (0, 1).

    Returns:
        The bound, in [0, 1]: the largest share under which at most this many are wrong with a probability of
        at least 1 - confidence.

    Source: Clopper & Pearson, Biometrika 26(4), 1934, 404-413.

    Example:
        >>> round(disagreement_bound(2, 30, confidence=0.9), 4)
        0.1678
    """
    from scipy import special

    return 1.0 if wrong >= n else float(special.betaincinv(wrong + 1, n - wrong, confidence))


def set_thresholds(
    stages: Sequence[StageVerdicts], clusters: Column, *, promise: Promise = Promise(), seed: int = 0
) -> tuple[Threshold, ...]:
    """Set the threshold of each stage on labelled items, by tests in a fixed sequence.

    The error 1 - confidence is split evenly over the stages. A stage is tested on the items that the
    earlier stages pass on, as if their thresholds were fixed. Its tests go down from the most confident tenth
    (at least 30 items) in steps of a twentieth. The items of a test depend on confidences alone. Half of a
    stage's error belongs to the first test, the other half in equal parts to the tests at which the number of
    items has doubled. A test that passes gives its error to the next one (the fallback procedure), so a few
    unlucky verdicts at the top do not end the search. The lowest threshold that passes is the result.

    The binomial bound needs independent items: a cluster with several items is represented by one of them,
    drawn at random.

    Args:
        stages: The verdicts of each stage, the first stage first, as (n,) columns.
        clusters: (n,) cluster ids.
        promise: The guarantee.
        seed: Seed of the draw within clusters, which depends on the order of the rows.

    Returns:
        A threshold for each stage. A stage that cannot keep the guarantee has value None and a reason.

    Raises:
        InputError: No stage, columns of different lengths, a confidence outside [.5, 1].

    Source: Jung et al., Trust or Escalate, arXiv 2407.18370, section 2. Wiens, Pharmaceutical Statistics
        2(3), 2003, 211-215 (fallback).

    Example:
        >>> judged = StageVerdicts([0.9] * 40 + [0.6] * 40, [1] * 40 + [0, 1] * 20)
        >>> set_thresholds([judged], range(80))[0].value
        0.9
    """
    confidence, agrees = _columns(stages, clusters)
    labelled = (np.isnan(confidence) | ~np.isnan(agrees)).all(axis=0)
    rows = np.flatnonzero(labelled)[_representatives(np.asarray(clusters)[labelled], seed)]
    error = (1 - promise.confidence) / len(stages)
    thresholds = []
    for sure, right in zip(confidence, agrees, strict=True):
        judged = rows[~np.isnan(sure[rows])]
        threshold = _threshold(sure[judged], right[judged], promise.agreement, error)
        thresholds.append(threshold)
        rows = rows[decided_at([sure[rows]], [threshold.value]) == 1]
    return tuple(thresholds)


def decided_at(confidences: Sequence[Column], thresholds: Sequence[float | None]) -> Ints:
    """Return which stage decides each item.

    Args:
        confidences: For each stage (n,) confidences; None = no verdict.
        thresholds: For each stage its threshold. None = it decides nothing.

    Returns:
        (n,) number of the stage, from 0. The number of stages where people decide.

    Example:
        >>> decided_at([[0.9, 0.6, None], [0.7, 0.8, 0.7]], [0.8, 0.75]).tolist()
        [0, 1, 2]
    """
    passes = np.array(
        [
            floats(sure) >= (np.inf if value is None else value)
            for sure, value in zip(confidences, thresholds, strict=True)
        ]
    )
    return np.where(passes.any(axis=0), passes.argmax(axis=0), len(passes)).astype(np.int64)


def evaluate_cascade(
    stages: Sequence[StageVerdicts], thresholds: Sequence[float | None], clusters: Column
) -> Cascade:
    """Evaluate a cascade on items. Its thresholds should come from other items.

    Args:
        stages, clusters: As in `set_thresholds`.
        thresholds: For each stage its threshold. None = it decides nothing.

    Returns:
        Outcomes, with intervals over clusters.

    Raises:
        InputError: No stage, columns of different lengths, a confidence outside [.5, 1].

    Example:
        >>> judged = StageVerdicts([0.9, 0.9, 0.6, 0.9], [1, 1, 0, 0], cost=2)
        >>> outcome = evaluate_cascade([judged], [0.8], range(4)).stages[0]
        >>> outcome.agreement.estimate, outcome.share.estimate, outcome.cost
        (0.6666666666666666, 0.75, 2.6666666666666665)
    """
    confidence, agrees = _columns(stages, clusters)
    stage_of = decided_at(list(confidence), thresholds)
    names = np.asarray(clusters)

    def outcome(decided: Bools, reached: int, cost: float) -> StageOutcome:
        agreement = mean_estimate(right[decided], names[decided], bounds=(0, 1))
        count = int(decided.sum())
        if not count:
            agreement = Estimate.none(NOTHING_DECIDED)
        return StageOutcome(reached, count, agreement, share(decided), cost / count if count else None)

    def share(decided: Bools) -> Estimate:
        return mean_estimate(decided.astype(np.float64), names, bounds=(0, 1))

    reached = [int((stage_of >= place).sum()) for place in range(len(stages))]
    costs = [count * stage.cost for count, stage in zip(reached, stages, strict=True)]
    right = agrees[np.minimum(stage_of, len(stages) - 1), np.arange(len(stage_of))]
    outcomes = [outcome(stage_of == place, reached[place], costs[place]) for place in range(len(stages))]
    combined = outcome(stage_of < len(stages), len(stage_of), sum(costs))
    return Cascade(tuple(outcomes), combined, share(stage_of == len(stages)))


def _columns(stages: Sequence[StageVerdicts], clusters: Column) -> tuple[Floats, Floats]:
    """Return the confidences and agreements, one line per stage."""
    if not stages:
        raise InputError("a cascade has at least one stage")
    for stage in stages:
        same_length({"confidence": stage.confidence, "agrees": stage.agrees, "clusters": clusters})
    confidence = np.array([floats(stage.confidence) for stage in stages])
    outside = confidence[(confidence < 0.5) | (confidence > 1)]
    if outside.size:
        raise InputError("a confidence lies between .5 and 1", value=float(outside[0]))
    return confidence, np.array([floats(stage.agrees) for stage in stages])


def _representatives(clusters: Column, seed: int) -> Ints:
    """Return the place of one member of each cluster, drawn with a seed."""
    members, _ = codes(clusters)
    shuffled = np.random.default_rng(seed).permutation(len(members))
    _, first = np.unique(members[shuffled], return_index=True)
    return np.sort(shuffled[first]).astype(np.int64)


def _threshold(sure: Floats, right: Floats, agreement: float, error: float) -> Threshold:
    n = len(sure)
    start = max(MIN_START, math.ceil(n / 10))
    if n < start:
        reason = f"{n} labelled items with a verdict, and the tests start at {start}"
        return Threshold(None, n, start, None, reason)
    values, sizes = _grid(sure, start)
    wrong = (right == 0).astype(np.int64) @ (sure[:, None] >= values)
    best: tuple[float, float] | None = None
    alpha = 0.0
    for value, size, misses, share in zip(values, sizes, wrong, _shares(sizes), strict=True):
        alpha += error * share
        upper = disagreement_bound(int(misses), int(size), confidence=1 - alpha) if alpha else 1.0
        if upper <= 1 - agreement:
            best = float(value), upper
        else:
            alpha = 0.0
    if best is None:
        reason = f"{wrong[0]} of the {sizes[0]} most confident verdicts disagree with the labels"
        return Threshold(None, n, start, None, f"no threshold keeps the promise: {reason}")
    return Threshold(best[0], n, start, best[1], None)


def _grid(sure: Floats, start: int) -> tuple[Floats, Ints]:
    """Return the thresholds to test, falling, and the number of items of each. No label is read."""
    n = len(sure)
    falling = np.sort(sure)[::-1]
    counts = np.append(np.arange(start, n, max(1, n // STEPS)), n)
    values = np.unique(falling[counts - 1])[::-1]
    return values, np.searchsorted(-falling, -values, side="right").astype(np.int64)


def _shares(sizes: Ints) -> Floats:
    """Return each test's share of the error: half for the first, the other half at each doubling of size."""
    doublings = sizes[0] * 2 ** np.arange(1, 1 + int(math.log2(sizes[-1] / sizes[0])))
    places = np.unique(np.searchsorted(sizes, doublings))
    shares = np.zeros(len(sizes))
    shares[places] = 0.5 / max(1, len(places))
    shares[0] = 1 - shares.sum()
    return shares
