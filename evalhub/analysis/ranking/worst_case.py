"""Worst-case (Manski) bounds: the lowest and highest mean that the failed cells could have given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, select_planned
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.judges import counts_as_wrong, may_tie
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, outcomes, withheld_reason
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, groups, ids, numbers, row, table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (*ABOUT, "higher_is_better", "system", "failed", "lowest", "highest")
ACCURACY = "accuracy"

Row = dict[str, Any]


def worst_case_bounds(results: Results) -> pd.DataFrame:
    """Return every mean of which some cells failed, with how far the failures could move it.

    One row per measure of the leaderboard and system, and per judge's accuracy against labelled pairs
    (`system` None). `estimate` is the mean of the cells that did not fail. `lowest` and `highest` are the
    mean if every failed cell had the lowest or the highest possible value. The interval [low, high] covers
    the sampling error and the failures. It assumes nothing of why a cell failed. A mean is over the items
    that would rank the systems if nothing had failed.

    There are no rows where nothing failed, where the values have no bounds, or for win rates of a judge that
    stopped early.

    Source: Manski, American Economic Review 80(2), 1990, 319-323.
    """
    rows: list[Row] = []
    for key, measure_rows in groups(outcomes(results), *ABOUT):
        if (ends := bounds_of(measure_rows)) is None or withheld_reason(measure_rows):
            continue
        key_columns: Row = {**dict(zip(ABOUT, key, strict=True)), "criterion": key[3] or None}
        key_columns["higher_is_better"] = direction_of(measure_rows)
        for (system,), system_cells in groups(item_outcomes(select_planned(measure_rows).rows), "system"):
            rows += _row_if_failed(system_cells, ends, {**key_columns, "system": system})
    rows += _accuracy_rows(results)
    return table(rows, COLUMNS)


def _row_if_failed(rows: pd.DataFrame, ends: tuple[float, float], key_columns: Row) -> Iterator[Row]:
    """Yield the row of one mean, and nothing where no cell failed."""
    values, lowest, highest = (numbers(rows[name]) for name in ("value", "lowest", "highest"))
    case = stats.worst_case(values, ids(rows["cluster"]), bounds=ends, extremes=(lowest, highest))
    if case.failed and case.measured.n:
        estimate = replace(
            case.measured,
            low=case.low, high=case.high, reason=case.reason, n_excluded=0, n=len(rows), standard_error=None,
            draws=case.measured.draws if case.reason is None else None,
        )  # fmt: skip
        extremes = {"failed": case.failed, "lowest": case.lowest.estimate, "highest": case.highest.estimate}
        yield row(estimate, **key_columns, **extremes)


def _accuracy_rows(results: Results) -> Iterator[Row]:
    labels = consensus_labels(results)
    labels = labels[labels["label_winner"].notna()]
    if labels.empty:
        return
    verdicts = with_label_criterion(results, pair_verdicts(results))
    ties = may_tie(results, verdicts)
    labels = labels[[*PAIR, "label_criterion", "annotator_kind", "label_winner"]]
    labelled = verdicts.merge(labels, on=[*PAIR, "label_criterion"])
    for key, pairs in groups(labelled, "dataset", "judge", "criterion", "annotator_kind"):
        dataset, judge, criterion, annotator_kind = key
        if counts_as_wrong(results, dataset, judge):
            continue
        if not ties[judge]:
            pairs = pairs[pairs["label_winner"] != "tie"]
        right = (pairs["winner"] == pairs["label_winner"]).astype("Float64").where(pairs["winner"].notna())
        key_columns = {
            "dataset": dataset, "rater_kind": "judge", "rater": judge, "criterion": criterion,
            "measure": f"{ACCURACY} ({annotator_kind} labels)",
            "higher_is_better": True,
            "system": None,
        }  # fmt: skip
        if len(pairs):
            columns = {"value": right, "lowest": right.fillna(0.0), "highest": right.fillna(1.0)}
            yield from _row_if_failed(pairs.assign(**columns), (0.0, 1.0), key_columns)
