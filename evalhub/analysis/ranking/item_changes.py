"""The items on which two systems, or one system in two runs, differ most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evalhub.analysis.frames.sides import SIDES
from evalhub.analysis.ranking.data_changes import data_change
from evalhub.analysis.results import Results

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("item_id", "first", "second", "difference")

_BY_ITEM = f"""
SELECT item_id, coalesce(opponent, '') AS other, avg(value) AS value FROM ({SIDES})
WHERE dataset = $dataset AND judge = $judge AND criterion = $criterion AND system = $system
  AND value IS NOT NULL AND ($opponent IS NULL OR opponent IS NULL OR opponent = $opponent)
GROUP BY ALL"""


class ChangeCounts(NamedTuple):
    """On how many items the first of two sides is better, worse and equal."""

    better: int
    worse: int
    equal: int


def system_changes(
    results: Results, dataset: str, judge: str, criterion: str, first: str, second: str
) -> pd.DataFrame:
    """Return how two systems of a run differ on each item, by one judge, the largest differences first.

    Of a judge of pairs only the pairs of these two systems count. A win is 1, a tie one half.

    Args:
        results: The run.
        dataset: Id of the dataset.
        judge: Id of a judge.
        criterion: A criterion of the judge.
        first: A system.
        second: Another system.

    Returns:
        item_id, first, second (mean outcomes on the item) and difference, first minus second.
    """
    outcomes = [
        _by_item(results, dataset, judge, criterion, system, opponent)
        for system, opponent in ((first, second), (second, first))
    ]
    first_outcomes, second_outcomes = (frame.assign(other="") for frame in outcomes)
    return _joined(first_outcomes, second_outcomes)


def run_changes(
    after: Results, before: Results, dataset: str, judge: str, criterion: str, system: str
) -> pd.DataFrame:
    """Return how one system differs between two runs on each item, by one judge, as `system_changes` does.

    `first` is the later run and `second` the earlier one. As in `run_comparison`, only items that are the
    same in both runs count, and on these only opponents that both runs have.

    Args:
        after: The later run.
        before: The earlier run.
        dataset: Id of the dataset.
        judge: Id of a judge that both runs have.
        criterion: A criterion of the judge.
        system: A system that both runs have.
    """
    changed = data_change(dataset, after, before).items
    first, second = (
        outcomes[~outcomes["item_id"].isin(changed)]
        for outcomes in (_by_item(run, dataset, judge, criterion, system, None) for run in (after, before))
    )
    return _joined(first, second)


def count_changes(changes: pd.DataFrame, *, lower_is_better: bool = False) -> ChangeCounts:
    """Return on how many items the first side is better, worse and equal.

    Args:
        changes: Of `system_changes` or `run_changes`.
        lower_is_better: Whether a lower rating is the better one.
    """
    gains = -changes["difference"] if lower_is_better else changes["difference"]
    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    return ChangeCounts(better, worse, len(changes) - better - worse)


def _by_item(
    results: Results, dataset: str, judge: str, criterion: str, system: str, opponent: str | None
) -> pd.DataFrame:
    values = {
        "dataset": dataset, "judge": judge, "criterion": criterion, "system": system, "opponent": opponent,
    }  # fmt: skip
    return results.sql(_BY_ITEM, values)


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    joined = first.merge(second, on=["item_id", "other"], suffixes=("_first", "_second"))
    joined = joined.groupby("item_id", as_index=False)[["value_first", "value_second"]].mean()
    joined = joined.rename(columns={"value_first": "first", "value_second": "second"})
    joined["difference"] = joined["first"] - joined["second"]
    order = joined.assign(size=-joined["difference"].abs()).sort_values(["size", "item_id"], kind="stable")
    return order[list(COLUMNS)].reset_index(drop=True)
