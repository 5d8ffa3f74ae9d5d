"""Calibration: whether a judge's probabilities match the frequencies of the labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.run.servers import NO_PROBABILITIES, hard_verdicts
from evalhub.analysis.tables import groups, ids, numbers, row, table
from evalhub.stats.clusters import Column, Floats

if TYPE_CHECKING:
    import pandas as pd

_GROUP_COLUMNS = ("dataset", "label_criterion", "annotator_kind", "judge", "criterion")
_RATER_KEYS = ("dataset", "label_criterion", "annotator_kind", "rater", "criterion")
KEYS = (*_RATER_KEYS, "statistic")


@cached_statistics
def calibration(results: Results) -> pd.DataFrame:
    """Return the Brier score of each pairwise judge, before and after recalibration. Lower is better.

    One row per dataset, label criterion, kind of annotator, judge and statistic. The statistics are `Brier`
    (0 is best, a constant probability of .5 gets .25) and `Brier (recalibrated)`. The recalibration is
    isotonic and cross-fitted: each cluster is mapped by a curve of the other folds. Labels that are a tie are
    left out and counted. Only soft verdicts count. A judge of the run whose engine gives no probabilities has
    None with that reason.
    """
    rows: list[dict[str, Any]] = [
        row(stats.Estimate.none(NO_PROBABILITIES, n_excluded=n), **keys, statistic="Brier")
        for keys, n in _hard_judges(results)
    ]
    for keys, p, outcome, clusters in _columns(results):
        raw = stats.brier(p, outcome, clusters)
        mapped, reason = stats.recalibrated(p, outcome, clusters)
        after = (
            stats.Estimate.none(reason, n_excluded=len(p))
            if reason
            else stats.brier(mapped, outcome, clusters)
        )
        rows += [
            row(raw, **keys, statistic="Brier"),
            row(after, **keys, statistic="Brier (recalibrated)"),
        ]
    return table(rows, KEYS)


def _hard_judges(results: Results) -> Iterator[tuple[dict[str, str], int]]:
    """Yield each judge of the run that gives no probabilities, with the number of its labelled pairs."""
    hard = set(hard_verdicts(results)["judge"])
    for key, pairs in groups(labelled_pairs(results), *_GROUP_COLUMNS):
        keys = dict(zip(_RATER_KEYS, key, strict=True))
        if keys["rater"] in hard and pairs["p_a"].isna().all():
            yield keys, len(pairs)


def reliability(results: Results) -> pd.DataFrame:
    """Return the reliability curve of each pairwise judge: the share of right verdicts by probability.

    One row per judge and bin, with the mean `predicted` probability in [.5, 1] and the share of right
    verdicts. For a calibrated judge the two are equal.
    """
    rows = [
        row(interval.right, **keys, predicted=interval.confidence)
        for keys, p, outcome, clusters in _columns(results)
        for interval in stats.reliability(p, outcome, clusters)
    ]
    return table(rows, (*_RATER_KEYS, "predicted"))


def _columns(
    results: Results,
) -> Iterator[tuple[dict[str, str], Floats, list[float | None], Column]]:
    """Yield each soft judge with its probabilities, the outcomes (None for ties) and the clusters."""
    for key, pairs in groups(labelled_pairs(results), *_GROUP_COLUMNS):
        if pairs["p_a"].notna().any():
            outcome = [{"a": 1.0, "b": 0.0}.get(winner) for winner in pairs["label_winner"]]
            keys = dict(zip(_RATER_KEYS, key, strict=True))
            yield keys, numbers(pairs["p_a"]), outcome, ids(pairs["cluster"])
