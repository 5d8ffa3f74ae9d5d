"""What each number could have been had nothing failed: the worst and the best case of every failed cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import item_outcomes, select_planned
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.judges import counts_as_wrong, may_tie
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.outcomes import ABOUT, bounds_of, early_stop_reason, outcomes
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

NAMED = (*ABOUT, "higher_is_better", "system", "failed", "lowest", "highest")
ACCURACY = "accuracy"

Row = dict[str, Any]


def worst_cases(results: Results) -> pd.DataFrame:
    """Return every mean whose cells failed in part, with how far the failures could move it.

    One row per measure of the leaderboard and system, and per judge's accuracy against labelled pairs
    (`system` None). `estimate` is of what did not fail; `lowest` and `highest` are as if every failed cell
    had come out lowest or highest, and [low, high] allows for sampling and failures both. Nothing is assumed
    of why a cell failed. A mean is over the items that would rank the systems had nothing failed. No rows
    where nothing failed, where the values have no bounds, or for win rates of a judge that stopped early.
    """
    rows: list[Row] = []
    for key, whole in groups(outcomes(results), *ABOUT):
        if (ends := bounds_of(whole)) is None or early_stop_reason(results, key[0], key[2], key[3]):
            continue
        for (system,), found in groups(item_outcomes(select_planned(whole).rows), "system"):
            named: Row = {**dict(zip(ABOUT, key, strict=True)), "system": system}
            named["higher_is_better"] = direction_of(whole)
            rows += _row(found, ends, named)
    rows += _accuracies(results)
    return table(rows, NAMED)


def _row(found: pd.DataFrame, ends: tuple[float, float], named: Row) -> Iterator[Row]:
    values, lowest, highest = (floats(found[name]) for name in ("value", "lowest", "highest"))
    clusters = found["cluster"].tolist()
    case = stats.worst_case(values, clusters, bounds=ends, extremes=(lowest, highest))
    if case.failed and case.measured.n:
        both = replace(
            case.measured,
            low=case.low, high=case.high, reason=case.reason, left_out=0, n=len(found), standard_error=None,
            draws=case.measured.draws if case.reason is None else None,
        )  # fmt: skip
        extremes = {"failed": case.failed, "lowest": case.lowest.estimate, "highest": case.highest.estimate}
        yield row(both, **{**named, "criterion": named["criterion"] or None}, **extremes)


def _accuracies(results: Results) -> Iterator[Row]:
    verdicts = with_label_criterion(results, pair_verdicts(results))
    ties = may_tie(results, verdicts)
    labels = consensus_labels(results)
    labels = labels[labels["label_winner"].notna()]
    labels = labels[[*PAIR, "label_criterion", "annotator_kind", "label_winner"]]
    joined = verdicts.merge(labels, on=[*PAIR, "label_criterion"])
    for key, found in groups(joined, "dataset", "judge", "criterion", "annotator_kind"):
        dataset, judge, criterion, kind = key
        if counts_as_wrong(results, dataset, judge):
            continue
        if not ties[judge]:
            found = found[found["label_winner"] != "tie"]
        right = (found["winner"] == found["label_winner"]).astype("Float64").where(found["winner"].notna())
        named = {
            "dataset": dataset, "kind": "judge", "rater": judge, "criterion": criterion,
            "measure": f"{ACCURACY} ({kind} labels)",
            "higher_is_better": True,
            "system": None,
        }  # fmt: skip
        if len(found):
            sides = {"value": right, "lowest": right.fillna(0.0), "highest": right.fillna(1.0)}
            yield from _row(found.assign(**sides), (0.0, 1.0), named)
