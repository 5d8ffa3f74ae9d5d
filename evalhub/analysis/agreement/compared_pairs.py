"""The labelled pairs of each criterion, and the raters that are compared on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.agreement.raters import Rater, raters
from evalhub.analysis.frames.labels import consensus_labels, criteria, label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, groups

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ComparedPairs:
    """The pairs that all raters of a criterion see.

    Attributes:
        keys: Dataset, label criterion and kind of annotator.
        labels: The label of each pair: a, b or tie.
        clusters: The cluster of each pair's item.
        raters: Judges, metrics and baseline judges, with a verdict for each pair.
    """

    keys: dict[str, Any]
    labels: pd.Series[Any]
    clusters: list[str]
    raters: tuple[Rater, ...]

    def labels_for(self, *compared: Rater) -> pd.Series[Any]:
        """Return the labels that raters can meet. One that may not give a tie cannot meet a tie."""
        if all(rater.ties for rater in compared):
            return self.labels
        return self.labels.where(self.labels != "tie", None)


def compared_pairs(results: Results) -> Iterator[ComparedPairs]:
    """Yield the labelled pairs of each dataset, label criterion and kind of annotator.

    All raters see the same pairs: the labelled pairs that some judge judged, or all labelled pairs if there
    are no judgments.
    """
    labelled = _with_lengths(results)
    if labelled.empty:
        return
    verdicts = pair_verdicts(results)
    for key, pairs in groups(labelled, "dataset", "label_criterion", "annotator_kind"):
        yield _compared_pairs(results, key, pairs.reset_index(drop=True), verdicts)


def _compared_pairs(
    results: Results, key: tuple[str, ...], pairs: pd.DataFrame, verdicts: pd.DataFrame
) -> ComparedPairs:
    dataset, criterion, annotator_kind = key
    criterion_verdicts = _verdicts_of_criterion(results, verdicts, dataset, criterion)
    if len(criterion_verdicts):
        judged_pairs = criterion_verdicts[PAIR].drop_duplicates()
        pairs = pairs.merge(judged_pairs, on=PAIR, how="inner")
    is_whole_response = criteria(results)[dataset, criterion].turn is None
    if not is_whole_response:
        pairs = pairs.assign(chars_a=None, chars_b=None)  # the length of a turn is not known
    return ComparedPairs(
        {"dataset": dataset, "label_criterion": criterion, "annotator_kind": annotator_kind},
        pairs["label_winner"],
        pairs["cluster"].tolist(),
        tuple(
            rater
            for rater in raters(results, pairs, criterion_verdicts)
            if is_whole_response or rater.kind != "metric"
        ),
    )


def _with_lengths(results: Results) -> pd.DataFrame:
    """Return the labelled pairs with the length of both responses and the item's cluster."""
    labels = consensus_labels(results)
    pairs = labels[labels["label_winner"].notna()]
    lengths = results.sql(
        "SELECT dataset, item_id, system, sample, chars FROM responses WHERE failure IS NULL"
    )
    clusters = results.sql("SELECT dataset, item_id, cluster FROM items")
    side = ["dataset", "item_id", "sample"]
    for name in ("a", "b"):
        renamed = lengths.rename(columns={"system": f"system_{name}", "chars": f"chars_{name}"})
        pairs = pairs.merge(renamed, on=[*side, f"system_{name}"], how="left")
    return pairs.merge(clusters, on=["dataset", "item_id"], how="left").sort_values(PAIR)


def _verdicts_of_criterion(
    results: Results, verdicts: pd.DataFrame, dataset: str, criterion: str
) -> pd.DataFrame:
    """Return the pair verdicts that are compared with the labels of a criterion."""
    fits = [
        d == dataset and label_criterion(results, j, d, c) == criterion
        for d, j, c in zip(verdicts["dataset"], verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    return verdicts[fits] if len(verdicts) else verdicts
