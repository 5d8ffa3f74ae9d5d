"""The consensus of the labels as tables that queries in SQL can join to verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalhub.analysis.frames.directions import Directions
from evalhub.analysis.frames.labels import criteria, gold_labels, label_criterion
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of

_LABEL_TEXTS = (
    "dataset", "label_criterion", "annotator_kind", "item_id", "system", "system_a", "system_b",
    "label_winner",
)  # fmt: skip


def add_label_tables(results: Results) -> None:
    """Add two tables to the run: the gold labels, and the label criterion of each judge's criterion.

    `label_consensus` has a row per labelled response or pair: dataset, label_criterion, annotator_kind,
    item_id, system or system_a and system_b, sample, turn (from 1, absent for the whole response),
    label_value and label_winner. `verdict_criteria` has dataset, judge, criterion, label_name (absent where
    no labels are compared with it) and reverse (whether the directions of judge and labels differ).
    """
    import pyarrow as pa

    texts, number, flag = pa.string(), pa.float64(), pa.bool_()
    criteria_schema = pa.schema(
        [*((name, texts) for name in ("dataset", "judge", "criterion", "label_name")), ("reverse", flag)]
    )
    labels_schema = pa.schema(
        [
            *((name, texts) for name in _LABEL_TEXTS),
            ("sample", pa.int64()),
            ("turn", pa.int64()),
            ("label_value", number),
        ]
    )
    results.database.add_table(
        "verdict_criteria", lambda: pa.Table.from_pylist(list(_criteria(results)), criteria_schema)
    )
    results.database.add_table(
        "label_consensus", lambda: pa.Table.from_pylist(_labels(results), labels_schema)
    )


def _labels(results: Results) -> list[dict[str, Any]]:
    specs = criteria(results)
    rows = rows_of(gold_labels(results))
    return [{**row, "turn": specs[row["dataset"], row["label_criterion"]].turn} for row in rows]


def _criteria(results: Results) -> Iterator[dict[str, Any]]:
    """Yield the label criterion of each judge's criterion, and whether their directions differ."""
    directions = Directions(results)
    query = "SELECT DISTINCT dataset, judge, criterion FROM {}"
    for facts in ("pair_facts", "rating_facts"):
        for key in rows_of(results.sql(query.format(facts))):
            name = label_criterion(results, key["judge"], key["dataset"], key["criterion"])
            # A verdict of a pair has no direction.
            reverse = (
                facts == "rating_facts"
                and name is not None
                and directions.of_judge(*key.values()) != directions.of_labels(key["dataset"], name)
            )
            yield {**key, "label_name": name, "reverse": reverse}
