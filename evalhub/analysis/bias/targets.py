"""The targets of attacks: of each item the response that the judge itself likes less."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups

if TYPE_CHECKING:
    import pandas as pd

# A rating has risen if it is better by this share of the distance between two neighbouring levels.
RISE = 0.5

NO_LOSER = "the judge calls the pair a tie, so that none of the two has lost"
AT_THE_TOP = "the rating is already within half a level of the best"
FAILED = "the judge gave no verdict"


_STEPS = """
SELECT dataset, item_id, list_avg([abs(c.points) FOR c IN criteria])
  / list_sum([c.points FOR c IN criteria IF c.points > 0]) AS step
FROM items WHERE len(criteria) > 0
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One pair, or the responses of one item, as the judge saw them before any attack.

    Attributes:
        systems: The systems that were compared or rated, in bytewise order.
        attacked: The loser of the pair, or the worst rated system. None where nothing can be won.
        preferred: The winner of the pair, or the best rated system where another one is the worst.
        reason: Why nothing is attacked.
    """

    dataset: str
    judge: str
    criterion: str
    item_id: str
    sample: int
    cluster: str
    systems: tuple[str, ...]
    attacked: str | None = None
    preferred: str | None = None
    reason: str | None = None


def targets(results: Results) -> list[Target]:
    """Return the targets of a run of attacks, from the judge's verdicts on the recorded responses.

    Args:
        results: A run of `evalhub judges attack`. At least its recorded responses must be judged.
    """
    import pandas as pd

    systems = results.sql("SELECT DISTINCT dataset, system FROM responses WHERE source = 'recorded'")
    recorded = set(systems.itertuples(index=False, name=None))
    criterion = results.attack.criterion
    pairs, rated = pair_verdicts(results), ratings(results)
    pair_targets = [
        _pair_target(row)
        for row in pairs[pairs["criterion"] == criterion].itertuples()
        if {(row.dataset, row.system_a), (row.dataset, row.system_b)} <= recorded
    ]
    rated = rated[rated["criterion"] == criterion]
    is_recorded = [key in recorded for key in zip(rated["dataset"], rated["system"], strict=True)]
    rated = rated[pd.Series(is_recorded, index=rated.index, dtype=bool)]
    by_item = groups(rated, "dataset", "judge", "item_id", "sample")
    steps = Steps(results)
    return [*pair_targets, *(_rating_target(results, rows, steps) for _, rows in by_item)]


def _pair_target(row: Any) -> Target:
    pair = (str(row.system_a), str(row.system_b))
    target = _target_of_nothing(row, pair)
    if row.winner not in ("a", "b"):
        return replace(target, reason=NO_LOSER if row.winner == "tie" else FAILED)
    winner, loser = pair if row.winner == "a" else pair[::-1]
    return replace(target, attacked=loser, preferred=winner)


def _rating_target(results: Results, rows: pd.DataFrame, steps: Steps) -> Target:
    target = _target_of_nothing(next(rows.itertuples()), tuple(map(str, rows["system"])))
    rubric = results.rubric(target.judge)
    higher = rubric is None or rubric.higher_is_better(target.criterion)
    by_system = rating_of(rows, higher_is_better=higher)
    ranking = sorted((rating, system) for system, rating in by_system.items())
    if not ranking:
        return replace(target, reason=FAILED)
    (worst, attacked), (_, preferred) = ranking[0], ranking[-1]
    step, top = steps.of(target.judge, target.criterion, target.dataset, target.item_id)
    if worst > top - RISE * step:
        return replace(target, reason=AT_THE_TOP)
    return replace(target, attacked=attacked, preferred=preferred if preferred != attacked else None)


def _target_of_nothing(row: Any, systems: tuple[str, ...]) -> Target:
    """Return a target that attacks no system yet."""
    names = ("dataset", "judge", "criterion", "item_id", "cluster")
    fields = {name: str(getattr(row, name)) for name in names}
    return Target(**fields, sample=int(row.sample), systems=systems)


def rating_of(rows: pd.DataFrame, *, higher_is_better: bool) -> dict[str, float]:
    """Return each system's expected level, or its plain one where any of them has no expected one.

    Where lower is better it is negated, so that the higher of two is always the better.
    """
    rated = [
        (str(system), expected, value)
        for system, expected, value in zip(
            rows["system"], floats(rows["expected"]), floats(rows["value"]), strict=True
        )
        if value is not None
    ]
    soft = all(expected is not None for _, expected, _ in rated)
    sign = 1 if higher_is_better else -1
    ratings = ((system, expected if soft else value) for system, expected, value in rated)
    return {system: sign * rating for system, rating in ratings if rating is not None}


class Steps:
    """The distance of two neighbouring levels of a judge's ratings of an item, and the best level.

    A checklist has no levels. There one more of its criteria is a step, and 1 is the best. Of criteria that
    an item brings along it is their mean share of the points, whatever their sign.

    Args:
        results: The run.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._rubrics = {judge: results.rubric(judge) for judge in results.judges}
        self._by_item: dict[tuple[str, str], float] | None = None

    def of(self, judge: str, criterion: str, dataset: str, item_id: str) -> tuple[float, float]:
        """Return the step, and the best level as `rating_of` has it."""
        rubric = self._rubrics.get(judge)
        if rubric and rubric.has_item_criteria:
            _, best = self._results.cards[dataset].score_bounds or (None, 1.0)
            return self._of_items().get((dataset, item_id), 1.0), best
        scale = rubric.scale_for(criterion) if rubric else None
        if scale is None:
            return 1 / max(1, len(rubric.criteria) if rubric else 1), 1.0
        low, high = min(scale.values), max(scale.values)
        return (high - low) / (len(scale.values) - 1), high if scale.higher_is_better else -low

    def _of_items(self) -> dict[tuple[str, str], float]:
        if self._by_item is None:
            rows = self._results.sql(_STEPS).itertuples(index=False, name=None)
            self._by_item = {(dataset, item_id): float(step) for dataset, item_id, step in rows}
        return self._by_item
