"""Every pair that a judge, a jury or people compared, as a preference or with the reason why it is none.

Thin rows of verdicts are read a few thousand at a time, and then the texts of those items alone. So memory
does not grow with the texts of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalhub.analysis.frames.splits import ALL
from evalhub.analysis.people.preference_rows import (
    DISAGREE,
    HARD,
    NO_VERDICT,
    ONE_ORDER,
    OTHER_LABEL,
    OTHER_SPLIT,
    TIE,
    UNLABELLED,
    UNSURE,
    Preference,
    preference_row,
    preference_texts,
    probability,
)
from evalhub.analysis.people.preference_source import PreferenceFilter, PreferenceSource
from evalhub.analysis.results import Results
from evalhub.records import Item, Response, from_columns, key_of
from evalhub.scales import Winner

BATCH = 2_048
"""The number of pairs whose texts are in memory, or a few more where an item has many pairs."""

_PAIRS = """
SELECT verdicts.*, items.cluster, items.cluster_number, items.split, labels.label_winner,
  labels.annotator_kind AS label_kind
FROM (SELECT * FROM ({verdicts}) WHERE dataset = $in_dataset AND item_id BETWEEN $first AND $last) verdicts
JOIN (SELECT * FROM {splits} WHERE dataset = $in_dataset AND item_id BETWEEN $first AND $last) items
  USING (dataset, item_id)
LEFT JOIN verdict_criteria USING (dataset, judge, criterion)
LEFT JOIN (
  SELECT * FROM label_consensus
  WHERE dataset = $in_dataset AND item_id BETWEEN $first AND $last AND system_a IS NOT NULL
) labels
  ON labels.label_criterion = if(verdicts.judge IS NULL, verdicts.criterion, verdict_criteria.label_name)
  AND labels.item_id = verdicts.item_id AND labels.sample = verdicts.sample
  AND labels.system_a = verdicts.system_a AND labels.system_b = verdicts.system_b
ORDER BY verdicts.item_id, verdicts.criterion, verdicts.system_a, verdicts.system_b, verdicts.sample"""
_TEXTS = """
SELECT {columns} FROM {kind} WHERE dataset = $in_dataset AND item_id BETWEEN $first AND $last
AND item_id IN (SELECT unnest($names::VARCHAR[]))"""
_COLUMNS = {
    "items": "dataset, item_id, turns, context, messages",
    "responses": "dataset, item_id, system, sample, text, turns, failure",
}


@dataclass(frozen=True, slots=True)
class PreferenceBatch:
    """The preferences of a few thousand pairs, and how many pairs are none, by reason."""

    preferences: list[Preference] = field(default_factory=list)
    exclusions: Counter[str] = field(default_factory=Counter)


def preference_batches(
    results: Results, source: PreferenceSource, selection: PreferenceFilter, splits: str
) -> Iterator[PreferenceBatch]:
    """Yield every pair of a source, as a preference or as an exclusion, sorted by dataset and item.

    Args:
        results: The run, with the tables of `add_label_tables`.
        source: The verdicts.
        selection: The filter.
        splits: The name of the table with the rows of `item_splits`.
    """
    query = _PAIRS.format(verdicts=source.verdicts, splits=splits)
    for dataset, first, last in _ranges(results, source):
        place = {"in_dataset": dataset, "first": first, "last": last}
        batch = PreferenceBatch()
        pairs = []
        for pair in results.arrow_of(query, {**source.parameters, **place}).to_pylist():
            if reason := _reason(pair, selection):
                batch.exclusions[reason] += 1
            else:
                pairs.append(pair)
        _add(batch, pairs, _Texts(results, place, {pair["item_id"] for pair in pairs}), source)
        yield batch


def _ranges(results: Results, source: PreferenceSource) -> Iterator[tuple[str, str, str]]:
    """Yield the dataset, the first and the last item of about `BATCH` pairs."""
    query = f"""SELECT dataset, item_id, count(*) AS pairs FROM ({source.verdicts})
    GROUP BY dataset, item_id ORDER BY dataset, item_id"""
    dataset, first, last, count = "", "", "", 0
    for batch in results.arrow_of(query, source.parameters).to_batches(max_chunksize=65_536):
        for row in batch.to_pylist():
            if count and (count >= BATCH or row["dataset"] != dataset):
                yield dataset, first, last
                count = 0
            if not count:
                dataset, first = row["dataset"], row["item_id"]
            last, count = row["item_id"], count + row["pairs"]
    if count:
        yield dataset, first, last


def _reason(pair: Mapping[str, Any], selection: PreferenceFilter) -> str | None:
    """Return why a pair is no preference, as far as its verdict says. None = its texts decide."""
    if pair["winner"] is None:
        return NO_VERDICT
    if pair["winner"] == Winner.TIE:
        return TIE
    if selection.split != ALL and pair["split"] != selection.split:
        return OTHER_SPLIT
    if selection.min_probability is not None:
        if pair["p_a"] is None:
            return HARD
        if probability(pair) < selection.min_probability:
            return UNSURE
    if selection.orders_agree and not pair["orders_agree"]:
        return ONE_ORDER if pair["orders_agree"] is None else DISAGREE
    if selection.agree_with_labels and pair["label_winner"] != pair["winner"]:
        return UNLABELLED if pair["label_winner"] is None else OTHER_LABEL
    return None


class _Texts:
    """The items of a batch, and the responses to them.

    Args:
        results: The run.
        place: The dataset, and the first and last item of the batch.
        names: The items that are needed.
    """

    def __init__(self, results: Results, place: Mapping[str, Any], names: set[str]) -> None:
        self._results = results
        self._parameters = {**place, "names": sorted(names)}
        self.items = {record.item_id: record for record in self._read("items") if isinstance(record, Item)}
        self.responses = {
            key_of(record): record for record in self._read("responses") if isinstance(record, Response)
        }

    def _read(self, kind: str) -> Iterator[Any]:
        if not self._parameters["names"]:
            return iter(())
        query = _TEXTS.format(columns=_COLUMNS[kind], kind=kind)
        return from_columns(kind, self._results.arrow_of(query, self._parameters).to_pydict())


def _add(
    batch: PreferenceBatch, pairs: list[dict[str, Any]], texts: _Texts, source: PreferenceSource
) -> None:
    """Add to a batch what the texts of its pairs are: a preference or an exclusion."""
    for pair in pairs:
        item = texts.items[pair["item_id"]]
        key = pair["dataset"], pair["item_id"]
        responses = [
            texts.responses.get((*key, pair[f"system_{side}"], pair["sample"])) for side in ("a", "b")
        ]
        conversation = preference_texts(item, responses[0], responses[1], pair["turn"])
        if isinstance(conversation, str):
            batch.exclusions[conversation] += 1
        else:
            row = preference_row(pair, *conversation, source.rubrics.get(pair["dataset"], {}))
            batch.preferences.append(Preference(row, pair["cluster_number"]))
