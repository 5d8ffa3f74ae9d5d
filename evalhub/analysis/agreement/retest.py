"""Test-retest agreement of judges, and their accuracy and failures by language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.raters import UNPARSED
from evalhub.analysis.database.sql import FAILED
from evalhub.analysis.frames.judges import counts_as_wrong, kind_of_judge, may_tie
from evalhub.analysis.frames.juries import JURY
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.frames.labels import with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, ids, numbers, row, table, values

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("dataset", "judge", "criterion", "statistic")
LANGUAGE_KEYS = (
    "dataset", "judge", "criterion", "label_criterion", "annotator_kind", "lang", "statistic",
)  # fmt: skip
_ITEM = ["dataset", "item_id"]

_LANGUAGES = "SELECT dataset, item_id, lang FROM items WHERE lang IS NOT NULL"

_FAILED = f"""
SELECT j.dataset, j.judge, j.criterion, i.lang, i.cluster, if(j.{FAILED}, 1, 0) AS failed
FROM judgments j JOIN items i USING (dataset, item_id)
WHERE i.lang IS NOT NULL ORDER BY ALL
"""


def retest(results: Results) -> pd.DataFrame:
    """Return the test-retest agreement of each judge: the probability that two of its samples agree.

    Samples of a pair are compared with their orders combined, samples of a rating by level. None for a judge
    with one sample, whose verdicts are deterministic. None for a jury too.
    """
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)):
        for (dataset, judge, criterion), group in groups(frame, "dataset", "judge", "criterion"):
            is_jury = kind_of_judge(group) == JURY
            reason = "a jury is not asked again" if is_jury else "the judge has one sample"
            agreement = (
                stats.mean_estimate(numbers(group["retest"]), ids(group["cluster"]), bounds=(0.0, 1.0))
                if group["retest"].notna().any()
                else stats.Estimate.none(reason, n_excluded=len(group))
            )
            keys = {"dataset": dataset, "judge": judge, "criterion": criterion}
            rows.append(row(agreement, **keys, statistic="test-retest agreement"))
    return table(rows, KEYS)


def by_language(results: Results) -> pd.DataFrame:
    """Return accuracy, flip rate and failure rate of each judge, for each language of the items.

    One row per dataset, judge, criterion, language and statistic. Accuracy has one row per kind of label and
    follows the rules of `agreement`. A run of attacks has only the accuracy, because its flips and failures
    are also those of made-up responses. There are no rows where no item has a language.
    """
    names = results.sql(_LANGUAGES)
    rows: list[dict[str, Any]] = []
    if len(names):
        pairs = pair_verdicts(results)
        rows += _accuracies(results, pairs, names)
        if not results.is_attack:
            rows += _rates(results, pairs.merge(names, on=_ITEM))
    order = ("dataset", "judge", "criterion", "lang", "statistic", "annotator_kind")
    rows.sort(key=lambda record: [str(record.get(name)) for name in order])
    return table(rows, LANGUAGE_KEYS)


def _accuracies(results: Results, pairs: pd.DataFrame, names: pd.DataFrame) -> Iterator[dict[str, Any]]:
    verdicts = with_label_criterion(results, pairs)
    ties = {key: may_tie(results, group) for key, group in groups(verdicts, "dataset", "label_criterion")}
    labelled = labelled_pairs(results).merge(names, on=_ITEM)
    for key, group in groups(labelled, *LANGUAGE_KEYS[:-1]):
        dataset, judge, _, criterion, *_ = key
        winners, labels = group["winner"], group["label_winner"]
        if not ties[dataset, criterion][judge]:
            labels = labels.where(labels != "tie", None)
        if counts_as_wrong(results, dataset, judge):
            winners = winners.where(winners.notna(), UNPARSED)
        right = stats.accuracy(values(winners), values(labels), values(group["cluster"]))
        yield row(right, **dict(zip(LANGUAGE_KEYS, key, strict=False)), statistic="accuracy")


def _rates(results: Results, pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    by = ("dataset", "judge", "criterion", "lang")
    for key, group in groups(pairs, *by):
        ab, ba = values(group["winner_ab"]), values(group["winner_ba"])
        flips = stats.flip_rate(ab, ba, values(group["cluster"]))
        yield row(flips, **dict(zip(by, key, strict=True)), statistic="flip rate")
    for key, group in groups(results.sql(_FAILED), *by):
        failed = stats.mean_estimate(floats(group["failed"]), group["cluster"].tolist(), bounds=(0.0, 1.0))
        yield row(failed, **dict(zip(by, key, strict=True)), statistic="failure rate")
