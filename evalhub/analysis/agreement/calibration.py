"""Whether a judge's probabilities keep their word, against labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.results import Results
from evalhub.analysis.run.servers import NO_PROBABILITIES, hard_verdicts
from evalhub.analysis.tables import floats, groups, row, table

if TYPE_CHECKING:
    import pandas as pd

_BY = ("dataset", "label_criterion", "annotator_kind", "judge", "criterion")
_WHO = ("dataset", "label_criterion", "annotator_kind", "rater", "criterion")
NAMED = (*_WHO, "statistic")


def calibration(results: Results) -> pd.DataFrame:
    """Return the Brier score of each pairwise judge, as it stands and after recalibration.

    One row per dataset, label criterion, kind of annotator, judge and statistic: `Brier` (.25 is what a coin
    gets, 0 is best) and `Brier (recalibrated)`, isotonic and cross-fitted: each cluster is mapped by what the
    other folds show. Labels that are a tie are left out and counted. Only soft verdicts count; a judge of the
    run whose engine gives no probabilities has None with that reason.
    """
    rows: list[dict[str, Any]] = [
        row(stats.Estimate.none(NO_PROBABILITIES, left_out=n), **named, statistic="Brier")
        for named, n in _hard(results)
    ]
    for named, p, outcome, clusters in _columns(results):
        raw = stats.brier(p, outcome, clusters)
        mapped, reason = stats.recalibrated(p, outcome, clusters)
        after = (
            stats.Estimate.none(reason, left_out=len(p)) if reason else stats.brier(mapped, outcome, clusters)
        )
        rows += [
            row(raw, **named, statistic="Brier"),
            row(after, **named, statistic="Brier (recalibrated)"),
        ]
    return table(rows, NAMED)


def _hard(results: Results) -> Iterator[tuple[dict[str, str], int]]:
    """Yield each judge of the run that gives no probabilities, with the number of its labelled pairs."""
    hard = set(hard_verdicts(results)["judge"])
    for key, found in groups(labelled_pairs(results), *_BY):
        named = dict(zip(_WHO, key, strict=True))
        if named["rater"] in hard and found["p_a"].isna().all():
            yield named, len(found)


def reliability(results: Results) -> pd.DataFrame:
    """Return the reliability curve of each pairwise judge: how often verdicts of a confidence are right.

    One row per judge and bin, with `confidence` (mean, in [.5, 1]) and the share that is right.
    """
    rows = [
        row(each.right, **named, confidence=each.confidence)
        for named, p, outcome, clusters in _columns(results)
        for each in stats.reliability(p, outcome, clusters)
    ]
    return table(rows, (*_WHO, "confidence"))


def _columns(
    results: Results,
) -> Iterator[tuple[dict[str, str], list[float | None], list[float | None], list[str]]]:
    """Yield each soft judge with its probabilities, the outcomes (None for ties) and the clusters."""
    for key, found in groups(labelled_pairs(results), *_BY):
        if found["p_a"].notna().any():
            outcome = [{"a": 1.0, "b": 0.0}.get(winner) for winner in found["label_winner"]]
            yield dict(zip(_WHO, key, strict=True)), floats(found["p_a"]), outcome, found["cluster"].tolist()
