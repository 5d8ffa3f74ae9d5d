"""Whether a higher value of a judge, a metric or the labels is the better one: said once, honoured by all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.results import Results
from evalhub.metrics import LENGTH_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

OPPOSED = "one of the two is better when lower: -1 is full agreement"
OTHER_WAY = "the judge's levels run the other way than the labels', so that equal ones do not mean the same"


class Directions:
    """The direction of every number of a run; True = higher is better, None = neither is.

    Args:
        results: The run.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._manifest = results.manifest
        self._specs = criteria(results)
        self._juries = {jury["id"]: jury["criteria"] for jury in self._manifest.get("juries", ())}
        self._metrics: Mapping[str, Mapping[str, Any]] = self._manifest.get("metrics", {})

    def of_judge(self, dataset: str, judge: str, criterion: str) -> bool:
        """Return the direction of a judge's ratings: its rubric's, or for a recorded judge its card's.

        A jury has that of its members, who rate on one scale.
        """
        if judge in self._juries:
            member, own = next(iter(self._juries[judge][criterion].items()))
            return self.of_judge(dataset, member, own)
        if rubric := self._results.rubric(judge):
            return rubric.higher_is_better(criterion)
        recorded = (self._manifest["cards"][dataset].get("judges") or {}).get(judge) or {}
        higher: bool | None = recorded.get("higher_is_better")
        return self.of_labels(dataset, criterion) if higher is None else higher

    def of_judges(self, verdicts: pd.DataFrame) -> list[bool]:
        """Return the direction of each row of verdicts, by their dataset, judge and criterion."""
        keys = list(zip(*(verdicts[name] for name in ("dataset", "judge", "criterion")), strict=True))
        directions = {key: self.of_judge(*key) for key in set(keys)}
        return [directions[key] for key in keys]

    def of_labels(self, dataset: str, criterion: str) -> bool:
        """Return the direction of a criterion's labels, as the card has it."""
        spec = self._specs.get((dataset, criterion))
        return spec is None or spec.higher_is_better

    def of_metric(self, dataset: str, metric: str) -> bool | None:
        """Return the direction of a metric: as the metric says, or for recorded scores as the card says."""
        higher: bool | None = self._metric(dataset, metric).get("higher_is_better", True)
        return higher

    def bounds_of_metric(self, dataset: str, metric: str) -> tuple[float, float] | None:
        """Return the lowest and highest value of a metric; None = not known."""
        known = self._metric(dataset, metric)
        return known.get("bounds") or known.get("range")

    def _metric(self, dataset: str, metric: str) -> Mapping[str, Any]:
        recorded = (self._manifest["cards"][dataset].get("metrics") or {}).get(metric)
        return recorded or self._metrics.get(metric) or {}


def oriented(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `measured` with values whose higher ones are better; those of no direction are left out.

    Where lower is better values are negated, and their floor is the negated ceiling.
    """
    rows = rows[rows["higher_is_better"].notna()]
    lower = rows["higher_is_better"].eq(False)
    floor, ceiling = (rows[name].where(~lower, -rows[other]) for name, other in (_ENDS, _ENDS[::-1]))
    return rows.assign(value=rows["value"].where(~lower, -rows["value"]), floor=floor, ceiling=ceiling)


_ENDS = ("floor", "ceiling")


def length_names(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the metrics that measure the length of a response.

    Args:
        metrics: The manifest's `metrics`. Older runs do not say which are lengths: theirs are recognised by
            the columns of the metric `length`.

    Returns:
        Names in the manifest's order, then the columns of the metric `length` that are not in it.
    """
    declared = (name for name, facts in metrics.items() if facts.get("is_length", name in LENGTH_COLUMNS))
    return list(dict.fromkeys([*declared, *(name for name in LENGTH_COLUMNS if name not in metrics)]))


def further_lengths(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lengths that leaderboards leave out: all but the first column of each metric.

    Args:
        metrics: The manifest's `metrics`.
    """
    by_metric: dict[str, list[str]] = {}
    for name in length_names(metrics):
        by_metric.setdefault(metrics.get(name, {}).get("metric", ""), []).append(name)
    return [name for names in by_metric.values() for name in names[1:]]


def direction_of(rows: pd.DataFrame) -> bool | None:
    """Return the direction of rows of `measured` under one measure."""
    higher = rows["higher_is_better"].iat[0]
    return bool(higher) if higher in (True, False) else None


def opposed(results: Results, verdicts: pd.DataFrame) -> pd.Series[bool]:
    """Say of each verdict whether its judge's direction differs from that of the labels it is held against.

    Args:
        results: The run.
        verdicts: With the columns dataset, judge, criterion and label_criterion ("" = held against none).
    """
    import pandas as pd

    directions = Directions(results)
    labels = {
        key: directions.of_labels(*key)
        for key in set(zip(verdicts["dataset"], verdicts["label_criterion"], strict=True))
    }
    differ = [
        bool(criterion) and labels[dataset, criterion] is not rises
        for dataset, criterion, rises in zip(
            verdicts["dataset"], verdicts["label_criterion"], directions.of_judges(verdicts), strict=True
        )
    ]
    return pd.Series(differ, index=verdicts.index, dtype=bool)
