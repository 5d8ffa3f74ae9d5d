"""Whether a judge says the same again, and in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.labelled import labelled_pairs
from evalhub.analysis.results import Results
from evalhub.analysis.tidy import floats, groups, row, table, values
from evalhub.analysis.verdicts import pair_verdicts, ratings

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "statistic")

_LANGUAGES = "SELECT dataset, item_id, lang FROM items WHERE lang IS NOT NULL"

_FAILED = """
SELECT j.dataset, j.judge, j.criterion, i.lang, i.cluster, if(j.failure IS NULL, 0, 1) AS failed
FROM judgments j JOIN items i USING (dataset, item_id)
WHERE i.lang IS NOT NULL ORDER BY ALL
"""


def retest(results: Results) -> pd.DataFrame:
    """Return the test-retest agreement of each judge: the probability that two of its samples agree.

    Samples of a pair are compared with their orders combined, samples of a rating by level. None for a
    judge with one sample: asked again it draws nothing, and would say the same.
    """
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)):
        for (dataset, judge, criterion), found in groups(frame, "dataset", "judge", "criterion"):
            same = (
                stats.mean_estimate(floats(found["retest"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
                if found["retest"].notna().any()
                else stats.Estimate.none("the judge has one sample", left_out=len(found))
            )
            named = {"dataset": dataset, "judge": judge, "criterion": criterion}
            rows.append(row(same, **named, statistic="test-retest agreement"))
    return table(rows, NAMED)


def by_language(results: Results) -> pd.DataFrame:
    """Return, for each language of the items, how a judge does: accuracy, flip rate and failure rate.

    One row per dataset, judge, criterion, language and statistic; no rows where no item names its language.
    """
    rows: list[dict[str, Any]] = []
    by = ("dataset", "judge", "criterion", "lang")
    names = results.sql(_LANGUAGES)
    pairs = pair_verdicts(results).merge(names, on=["dataset", "item_id"])
    labelled = labelled_pairs(results).merge(names, on=["dataset", "item_id"])
    for key, found in groups(labelled, *by):
        right = stats.accuracy(
            values(found["winner"]), values(found["label_winner"]), values(found["cluster"])
        )
        rows.append(row(right, **dict(zip(by, key, strict=True)), statistic="accuracy"))
    for key, found in groups(pairs, *by):
        flips = stats.flip_rate(
            values(found["winner_ab"]), values(found["winner_ba"]), values(found["cluster"])
        )
        rows.append(row(flips, **dict(zip(by, key, strict=True)), statistic="flip rate"))
    for key, found in groups(results.sql(_FAILED), *by):
        failed = stats.mean_estimate(floats(found["failed"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
        rows.append(row(failed, **dict(zip(by, key, strict=True)), statistic="failure rate"))
    rows.sort(key=lambda one: [str(one[name]) for name in (*by, "statistic")])
    return table(rows, (*by, "statistic"))
