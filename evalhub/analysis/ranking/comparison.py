"""Differences between two systems of a run, or of one system between two runs, paired on the same items."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, outcomes, rows_of_measure, withheld_reason
from evalhub.analysis.people.prediction_powered import prediction_powered_differences
from evalhub.analysis.ranking.comparability import rater_changes
from evalhub.analysis.ranking.data_changes import DataChange, data_change
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, ids, numbers, row, table
from evalhub.stats.clusters import Column

if TYPE_CHECKING:
    import pandas as pd

_KEY = (*ABOUT, "higher_is_better")
_TEST = ("p", "p_holm", "test", "finding", "failed", "worst_low", "worst_high")
NOTHING_SHARED = "the two have no item, or no opponent on one, in common"
ALL_CHANGED = "no item that both have is the same in both runs"
OTHER_SCALE = "the scale is not the same in both runs"
SYSTEMS = ("first", "second")
RUNS = ("system", "after", "before")
# The two sides of one system, in this order. No opponent has such a name.
AFTER, BEFORE = "\0after", "\0before"
_CHANGES = ("changed", "changed_data", "changed_items", "changed_labels")

Row = dict[str, Any]
Bounds = tuple[float, float] | None
Differences = dict[tuple[str, ...], "Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The cells of two sides (systems, or runs of one system) on the same items, row by row.

    Attributes:
        first: Rows of the first side.
        second: Rows of the second side.
        bounds: Lowest and highest possible value. None = not known.
        lacking: Number of items that only one side has.
        reason: Why the cells do not compare. None = they do.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    bounds: Bounds
    lacking: int
    reason: str | None

    def estimate(self, confidence: float) -> stats.Estimate:
        """Return the difference on the cells on which neither side failed, at a level of confidence."""
        if reason := self.reason or self.reason_if_empty(NOTHING_SHARED):
            return stats.Estimate.none(reason, n_excluded=self.lacking, confidence=confidence)
        first, second = (numbers(side["value"]) for side in (self.first, self.second))
        change = stats.mean_difference(
            first, second, self._clusters, items=self._items, bounds=self.bounds, confidence=confidence
        )
        return replace(change, n_excluded=change.n_excluded + self.lacking)

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same value in each row, and at least one row."""
        return bool(len(self.first)) and bool((self.first["value"].array == self.second["value"].array).all())

    def compare(self) -> stats.Comparison:
        """Compare the cells on which neither side failed."""
        if reason := self.reason or self.reason_if_empty(NOTHING_SHARED):
            return stats.Comparison.none(stats.Estimate.none(reason, n_excluded=self.lacking), reason)
        first, second = (numbers(side["value"]) for side in (self.first, self.second))
        comparison = stats.paired_comparison(
            first, second, self._clusters, items=self._items, bounds=self.bounds
        )
        difference = comparison.difference
        return replace(
            comparison, difference=replace(difference, n_excluded=difference.n_excluded + self.lacking)
        )

    def reason_if_empty(self, reason: str) -> str | None:
        """Return the reason where the two sides have nothing in common."""
        return None if len(self.first) else reason

    @property
    def failed(self) -> int:
        """Number of failed verdicts or scores of either side on the items that they share."""
        return int(self.first["failed"].sum() + self.second["failed"].sum())

    def worst_case(self, difference: stats.Estimate) -> stats.WorstCase | None:
        """Return how far the failed cells could move the difference.

        None where nothing failed, the values have no bounds, or the sides do not compare.
        """
        if not self.failed or self.bounds is None or self.reason:
            return None
        first, second = (
            (numbers(side["lowest"]), numbers(side["highest"])) for side in (self.first, self.second)
        )
        return stats.worst_case_difference(
            difference,
            first,
            second,
            self._clusters,
            items=self._items,
            failed=self.failed,
            bounds=self.bounds,
        )

    @property
    def _items(self) -> Column:
        return ids(self.first["item_id"])

    @property
    def _clusters(self) -> Column:
        return ids(self.first["cluster"])


def comparisons(results: Results, *, margin: float | None = None) -> pd.DataFrame:
    """Return the difference of every two systems under every measure, first minus second.

    An item counts once. Its value is the mean over samples and, for win rates, over the opponents that both
    systems met there, each other among them. A match in which either system failed is left out for both.

    `p` is from the sign-flip test over clusters of items. `p_holm` corrects it for all pairs of systems under
    that measure. Both are missing where there is no test. `finding` is what the interval shows of
    non-inferiority: the first system is worse than the second by less than `margin`. `higher_is_better` says
    which direction is worse. There is no finding where it is missing.

    `failed` counts the failed cells of either system. Where it is above 0 and the values have bounds,
    [worst_low, worst_high] covers the sampling error and every outcome that these cells could have had.

    Where people labelled a part of a judge's pairs or responses, the judge's measure also has rows of kind
    `people + judge`: a prediction-powered estimate of people's difference. It has an interval and no test,
    and every row counts once there.

    Args:
        results: The run.
        margin: Margin of non-inferiority, in the unit of the measure. None = no finding.
    """
    rows: list[Row] = []
    for key, measure_rows in groups(outcomes(results), *ABOUT):
        differences = _differences(measure_rows, "system", withheld_reason(measure_rows))
        rows += _rows((*key, direction_of(measure_rows)), SYSTEMS, differences, margin)
    for key_columns, estimate in prediction_powered_differences(results):
        finding = _finding(estimate, margin, key_columns["higher_is_better"])
        rows.append(row(estimate, **key_columns, test="none", finding=finding))
    return _table(rows, (*_KEY, *SYSTEMS, *_TEST))


def compare_two(results: Results, measure: Sequence[str], first: str, second: str) -> stats.Comparison | None:
    """Compare two systems under one measure, as `comparisons` does. None where it has no rows of both.

    Args:
        results: The run.
        measure: Dataset, kind of rater, rater, criterion and measure, as in `outcomes`.
        first: A system.
        second: Another one.
    """
    difference = system_difference(results, measure, first, second)
    return None if difference is None else difference.compare()


def system_difference(results: Results, measure: Sequence[str], first: str, second: str) -> Difference | None:
    """Return two systems of a run under one measure, on the same items. None where it has no rows of both.

    Args:
        results: The run.
        measure: Dataset, kind of rater, rater, criterion and measure, as in `outcomes`.
        first: A system.
        second: Another one.
    """
    rows = rows_of_measure(results, measure)
    rows = rows[rows["system"].isin((first, second))]
    if rows["system"].nunique() < 2:
        return None
    ((sides, difference),) = _differences(rows, "system", withheld_reason(rows)).items()
    if sides == (first, second):
        return difference
    return replace(difference, first=difference.second, second=difference.first)


def run_difference(after: Results, before: Results, measure: Sequence[str], system: str) -> Difference | None:
    """Return one system in two runs under one measure, on the items that are the same in both.

    None where a run has no rows of the system under the measure.

    Args:
        after: The later run.
        before: The earlier run.
        measure: As in `system_difference`.
        system: The system.
    """
    sides = [rows_of_measure(run, measure) for run in (after, before)]
    sides = [side[side["system"] == system] for side in sides]
    if any(side.empty for side in sides):
        return None
    is_same = len({(bounds_of(side), direction_of(side)) for side in sides}) == 1
    reasons = [*map(withheld_reason, sides), None if is_same else OTHER_SCALE]
    change = data_change(measure[0], after, before)
    by_system, _ = _changes_of_systems(sides[0], sides[1], change, next(filter(None, reasons), None))
    return by_system[system]


def run_comparison(
    after: Results, before: Results, *, margin: float | None = None, measures: Collection[str] | None = None
) -> pd.DataFrame:
    """Return how each system changed between two runs, after minus before, on the items of both.

    Columns are those of `comparisons`, with the ids of the runs in `after` and `before`. Left out are items,
    and opponents on an item, that only one run has, and items whose prompt, context or references changed.
    `changed_items` counts the changed items of the system. Rows of labels are left out too.

    `changed` names the parts of the judge or metric that differ between the runs. A difference of scores may
    then come from them. `changed_data` names what differs in the dataset, and `changed_labels` counts its
    labels that differ. There is no estimate where the scale or its direction changed.

    Args:
        after: The later run.
        before: The earlier run.
        margin: Margin of non-inferiority, in the unit of the measure. None = no finding.
        measures: The measures that are compared. None = all.
    """
    rows_before = dict(groups(outcomes(before), *ABOUT))
    data_changes: dict[str, DataChange] = {}
    rows: list[Row] = []
    for key, measure_rows in groups(outcomes(after), *ABOUT):
        if key not in rows_before or measure_rows["rater_kind"].iat[0] == "labels":
            continue
        if measures is not None and key[-1] not in measures:
            continue
        if (dataset := key[0]) not in data_changes:
            data_changes[dataset] = data_change(dataset, after, before)
        change = data_changes[dataset]
        sides = (measure_rows, rows_before[key])
        scales = [(bounds_of(side), direction_of(side)) for side in sides]
        reasons = [*map(withheld_reason, sides), OTHER_SCALE if scales[0] != scales[1] else None]
        by_system, changed_items = _changes_of_systems(*sides, change, next(filter(None, reasons), None))
        differences: Differences = {
            (system, after.run.id, before.run.id): difference for system, difference in by_system.items()
        }
        facts = {
            "changed": ", ".join(rater_changes(key, after, before)) or None,
            "changed_data": ", ".join(change.changes) or None,
            "changed_labels": change.labels,
        }
        for values in _rows((*key, direction_of(measure_rows)), RUNS, differences, margin):
            rows.append({**values, **facts, "changed_items": changed_items[values["system"]]})
    return _table(rows, (*_KEY, *RUNS, *_TEST, *_CHANGES))


def _changes_of_systems(
    after: pd.DataFrame, before: pd.DataFrame, change: DataChange, reason: str | None
) -> tuple[dict[str, Difference], dict[str, int]]:
    """Return the difference of each system without changed items, and its number of changed items."""
    import pandas as pd

    differences, changed_items = {}, {}
    measure_rows = pd.concat([after.assign(run=AFTER), before.assign(run=BEFORE)])
    for (system,), system_rows in groups(measure_rows, "system"):
        if system_rows["run"].nunique() < 2:
            continue
        unchanged = system_rows[~system_rows["item_id"].isin(change.items)]
        n_changed = system_rows["item_id"].nunique() - unchanged["item_id"].nunique()
        if unchanged["run"].nunique() == 2:
            (difference,) = _differences(unchanged, "run", reason).values()
        else:
            no_cells = unchanged[:0].assign(failed=False)
            lacking = unchanged["item_id"].nunique()
            difference = Difference(no_cells, no_cells, bounds_of(system_rows), lacking, reason)
        if n_changed:
            difference = replace(
                difference,
                lacking=difference.lacking + n_changed,
                reason=reason or difference.reason_if_empty(ALL_CHANGED),
            )
        differences[system], changed_items[system] = difference, n_changed
    return differences, changed_items


def _table(rows: list[Row], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = table(rows, columns)
    frame["failed"] = frame["failed"].astype("Int64")
    return frame


def _differences(measure_rows: pd.DataFrame, side: str, reason: str | None) -> Differences:
    """Return the difference of every two sides, samples averaged.

    Args:
        measure_rows: Rows of `outcomes` under one measure of one rater.
        side: Column of the sides.
        reason: Why the sides do not compare. None = they do.
    """
    ends = bounds_of(measure_rows)
    rows = item_outcomes(measure_rows, side)
    matching = stats.Matching(ids(rows[side]), ids(rows["item_id"]), ids(rows["other"]))
    differences: Differences = {}
    for pair in itertools.combinations(matching.sides, 2):
        first, second, _ = matching.pair(*pair)
        lacking = matching.lacking(*pair)
        differences[pair] = Difference(rows.iloc[first], rows.iloc[second], ends, lacking, reason)
    return differences


def _rows(
    key: tuple[Any, ...], names: tuple[str, ...], differences: Differences, margin: float | None
) -> Iterator[Row]:
    key_columns = dict(zip(_KEY, key, strict=True))
    key_columns["criterion"] = key_columns["criterion"] or None
    comparisons = [difference.compare() for difference in differences.values()]
    p_holm = stats.adjusted([comparison.p for comparison in comparisons])
    for (sides, difference), comparison, holm in zip(differences.items(), comparisons, p_holm, strict=True):
        estimate = comparison.difference
        finding = _finding(estimate, margin, key_columns["higher_is_better"])
        test = {"p": comparison.p, "p_holm": holm, "test": comparison.test, "finding": finding}
        worst = difference.worst_case(estimate)
        ends = {"worst_low": worst and worst.low, "worst_high": worst and worst.high}
        names_of_sides = dict(zip(names, sides, strict=True))
        yield row(estimate, **key_columns, **names_of_sides, **test, failed=difference.failed, **ends)


def _finding(difference: stats.Estimate, margin: float | None, higher_is_better: bool | None) -> str | None:
    if margin is None or higher_is_better is None:
        return None
    return stats.finding(difference if higher_is_better else difference.negated(), margin).value
