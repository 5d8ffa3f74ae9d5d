"""Whether a higher value is better: the direction of each judge, metric and labelled criterion of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.results import Results
from evalhub.analysis.tables import by_key
from evalhub.metrics import LENGTH_COLUMNS
from evalhub.store import MetricFacts

if TYPE_CHECKING:
    import pandas as pd

OPPOSED = "one of the two is better when lower: -1 is full agreement"
OTHER_WAY = "the judge's levels run the other way than the labels', so that equal ones do not mean the same"


class Directions:
    """The direction of every number of a run. True = higher is better, None = neither is better.

    Args:
        results: The run.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._cards = results.cards
        self._specs = criteria(results)
        self._juries = {jury.id: jury.criteria for jury in results.juries}
        self._metrics = results.manifest.metrics

    def of_judge(self, dataset: str, judge: str, criterion: str) -> bool:
        """Return the direction of a judge's ratings: of its rubric, or of its card for a recorded judge.

        A jury has the direction of its members, who rate on one scale.
        """
        if judge in self._juries:
            member, member_criterion = next(iter(self._juries[judge][criterion].items()))
            return self.of_judge(dataset, member, member_criterion)
        if rubric := self._results.rubric(judge):
            return rubric.higher_is_better(criterion)
        higher = self._results.recorded_judge(dataset, judge).higher_is_better
        return self.of_labels(dataset, criterion) if higher is None else higher

    def of_judges(self, verdicts: pd.DataFrame) -> list[bool]:
        """Return the direction of each row of verdicts, by their dataset, judge and criterion."""
        return by_key(verdicts, ("dataset", "judge", "criterion"), self.of_judge).tolist()

    def of_labels(self, dataset: str, criterion: str) -> bool:
        """Return the direction of a criterion's labels, which the card gives."""
        spec = self._specs.get((dataset, criterion))
        return spec is None or spec.higher_is_better

    def of_metric(self, dataset: str, metric: str) -> bool | None:
        """Return the direction of a metric, or of recorded scores, whose direction the card gives."""
        recorded = self._cards[dataset].metrics.get(metric)
        facts = recorded or self._metrics.get(metric)
        return facts.higher_is_better if facts else True

    def bounds_of_metric(self, dataset: str, metric: str) -> tuple[float, float] | None:
        """Return the lowest and highest possible value of a metric. None = not known."""
        if recorded := self._cards[dataset].metrics.get(metric):
            return recorded.range
        facts = self._metrics.get(metric)
        return facts.bounds if facts else None


def oriented(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `outcomes` with all values turned so that higher is better.

    Where lower is better the value is negated, and its floor is the negated ceiling. Rows without a
    direction are left out.
    """
    rows = rows[rows["higher_is_better"].notna()]
    lower = rows["higher_is_better"].eq(False)
    floor, ceiling = (rows[name].where(~lower, -rows[other]) for name, other in (_ENDS, _ENDS[::-1]))
    return rows.assign(value=rows["value"].where(~lower, -rows["value"]), floor=floor, ceiling=ceiling)


_ENDS = ("floor", "ceiling")


def length_names(metrics: Mapping[str, MetricFacts]) -> list[str]:
    """Return the names of the metrics that measure the length of a response.

    Args:
        metrics: The manifest's `metrics`.

    Returns:
        Names in the manifest's order, then the columns of the metric `length` that are not in it.
    """
    declared = (name for name, facts in metrics.items() if facts.is_length)
    return list(dict.fromkeys([*declared, *(name for name in LENGTH_COLUMNS if name not in metrics)]))


def further_lengths(metrics: Mapping[str, MetricFacts]) -> list[str]:
    """Return the lengths that leaderboards leave out: all but the first column of each metric.

    Args:
        metrics: The manifest's `metrics`.
    """
    by_metric: dict[str, list[str]] = {}
    for name in length_names(metrics):
        by_metric.setdefault(metrics[name].metric if name in metrics else "", []).append(name)
    return [name for names in by_metric.values() for name in names[1:]]


def direction_of(rows: pd.DataFrame) -> bool | None:
    """Return the direction of rows of `outcomes` that share one measure. None = neither is better."""
    higher = rows["higher_is_better"].iat[0]
    return bool(higher) if higher in (True, False) else None


def opposed_directions(results: Results, verdicts: pd.DataFrame) -> pd.Series[bool]:
    """Mark each verdict whose judge has another direction than the labels that it is compared with.

    Args:
        results: The run.
        verdicts: With the columns dataset, judge, criterion and label_criterion ("" = no labels).
    """
    directions = Directions(results)

    def differ(dataset: str, judge: str, criterion: str, label_criterion: str) -> bool:
        labels = directions.of_labels(dataset, label_criterion)
        return bool(label_criterion) and labels is not directions.of_judge(dataset, judge, criterion)

    return by_key(verdicts, ("dataset", "judge", "criterion", "label_criterion"), differ).astype(bool)
