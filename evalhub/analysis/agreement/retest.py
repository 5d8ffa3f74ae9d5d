"""Whether a judge says the same again, and in every language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.agreement.raters import UNPARSED
from evalhub.analysis.frames.judges import counts_as_wrong, kind_of_judge, may_tie
from evalhub.analysis.frames.juries import JURY
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.frames.labels import with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import FAILED, Results
from evalhub.analysis.tables import floats, groups, row, table, values

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "statistic")
LANGUAGE_NAMED = (
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

    Samples of a pair are compared with their orders combined, samples of a rating by level. None for a
    judge with one sample: asked again it draws nothing, and would say the same. None for a jury too.
    """
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)):
        for (dataset, judge, criterion), found in groups(frame, "dataset", "judge", "criterion"):
            why = "a jury is not asked again" if kind_of_judge(found) == JURY else "the judge has one sample"
            same = (
                stats.mean_estimate(floats(found["retest"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
                if found["retest"].notna().any()
                else stats.Estimate.none(why, left_out=len(found))
            )
            named = {"dataset": dataset, "judge": judge, "criterion": criterion}
            rows.append(row(same, **named, statistic="test-retest agreement"))
    return table(rows, NAMED)


def by_language(results: Results) -> pd.DataFrame:
    """Return, for each language of the items, how a judge does: accuracy, flip rate and failure rate.

    One row per dataset, judge, criterion, language and statistic, of accuracy for each kind of label, by the
    rules of `agreement`. Of a run of attacks there is the accuracy alone: the rates would tell of the
    responses that are made up. No rows where no item names its language.
    """
    names = results.sql(_LANGUAGES)
    rows: list[dict[str, Any]] = []
    if len(names):
        pairs = pair_verdicts(results)
        rows += _accuracies(results, pairs, names)
        if "attack" not in results.manifest:
            rows += _rates(results, pairs.merge(names, on=_ITEM))
    order = ("dataset", "judge", "criterion", "lang", "statistic", "annotator_kind")
    rows.sort(key=lambda one: [str(one.get(name)) for name in order])
    return table(rows, LANGUAGE_NAMED)


def _accuracies(results: Results, pairs: pd.DataFrame, names: pd.DataFrame) -> Iterator[dict[str, Any]]:
    held = with_label_criterion(results, pairs)
    ties = {key: may_tie(results, mine) for key, mine in groups(held, "dataset", "label_criterion")}
    labelled = labelled_pairs(results).merge(names, on=_ITEM)
    for key, found in groups(labelled, *LANGUAGE_NAMED[:-1]):
        dataset, judge, _, criterion, *_ = key
        said, labels = found["winner"], found["label_winner"]
        if not ties[dataset, criterion][judge]:
            labels = labels.where(labels != "tie", None)
        if counts_as_wrong(results, dataset, judge):
            said = said.where(said.notna(), UNPARSED)
        right = stats.accuracy(values(said), values(labels), values(found["cluster"]))
        yield row(right, **dict(zip(LANGUAGE_NAMED, key, strict=False)), statistic="accuracy")


def _rates(results: Results, pairs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    by = ("dataset", "judge", "criterion", "lang")
    for key, found in groups(pairs, *by):
        ab, ba = values(found["winner_ab"]), values(found["winner_ba"])
        flips = stats.flip_rate(ab, ba, values(found["cluster"]))
        yield row(flips, **dict(zip(by, key, strict=True)), statistic="flip rate")
    for key, found in groups(results.sql(_FAILED), *by):
        failed = stats.mean_estimate(floats(found["failed"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
        yield row(failed, **dict(zip(by, key, strict=True)), statistic="failure rate")
