"""Answers on the criteria that items bring along, and the labels on the same criteria of responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from evalhub.analysis.database.ratings import CRITERION_KEY
from evalhub.analysis.frames.judges import kind_of_judge
from evalhub.analysis.frames.labels import criterion_labels, with_label_criterion
from evalhub.analysis.results import Results, cached_table
from evalhub.analysis.tables import groups

if TYPE_CHECKING:
    import pandas as pd

_ANSWERS = f"""
SELECT f.dataset, f.judge, f.criterion, f.item_id, f.system, f.sample, f.item_criterion, i.cluster, f.source,
  f.value, f.expected, f.failures, f.not_applicable
FROM criterion_facts f JOIN items i USING (dataset, item_id)
ORDER BY {", ".join(f"f.{name}" for name in CRITERION_KEY)}
"""
_CRITERIA = """
SELECT dataset, item_id, cluster, c.id AS item_criterion, c.points AS points, c.tags AS tags
FROM (SELECT dataset, item_id, cluster, unnest(criteria) AS c FROM items)
"""
_UNIT = ["item_id", "system", "sample", "item_criterion"]


class LabelledAnswers(NamedTuple):
    """The answers of one judge on labelled criteria of items.

    Attributes:
        keys: dataset, label_criterion, annotator_kind, rater, rater_kind and criterion.
        frame: One row per labelled criterion of a response, with item_id, system, sample, item_criterion,
            cluster, points, tags, label_value and value (missing = the judge gave no verdict).
    """

    keys: dict[str, str]
    frame: pd.DataFrame


@cached_table
def criterion_answers(results: Results) -> pd.DataFrame:
    """Return the answer of each judge on each criterion of the item of each response.

    Columns: dataset, judge, criterion (it stands for the criteria of all items), item_id, system, sample,
    item_criterion (the id within the item), cluster, source, value (1 = met, 0 = not), expected (the
    probability that it is met), failures, not_applicable. Samples of a judge are averaged.
    """
    return results.coded_sql(_ANSWERS)


def labelled_answers(results: Results) -> Iterator[LabelledAnswers]:
    """Yield the answers of each judge on the labelled criteria of items, for each kind of annotator.

    Every judge is held against the same labels. Reference systems are left out.
    """
    labels = criterion_labels(results)
    labels = labels[labels["label_value"].notna()]
    if labels.empty:
        return
    criteria = results.sql(_CRITERIA)
    answers = with_label_criterion(results, criterion_answers(results))
    for (dataset, label_criterion, kind), group in groups(
        labels, "dataset", "label_criterion", "annotator_kind"
    ):
        systems = results.cards[dataset].reference_systems
        labelled = group[~group["system"].isin(systems)][[*_UNIT, "label_value"]]
        of_dataset = criteria[criteria["dataset"] == dataset].drop(columns="dataset")
        labelled = labelled.merge(of_dataset, on=["item_id", "item_criterion"])
        compared = answers[(answers["dataset"] == dataset) & (answers["label_criterion"] == label_criterion)]
        for (judge, criterion), rows in groups(compared, "judge", "criterion"):
            keys = {
                "dataset": dataset, "label_criterion": label_criterion, "annotator_kind": kind,
                "rater": judge, "rater_kind": kind_of_judge(rows), "criterion": criterion,
            }  # fmt: skip
            values = rows[[*_UNIT, "value"]].astype(dict.fromkeys(_UNIT[:2] + _UNIT[3:], object))
            frame = labelled.merge(values, on=_UNIT, how="left").sort_values(_UNIT, ignore_index=True)
            yield LabelledAnswers(keys, frame)
