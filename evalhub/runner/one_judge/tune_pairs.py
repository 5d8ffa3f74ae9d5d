"""The labelled pairs of a run with the verdict of each variant, in the random order of their clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evalhub import stats
from evalhub.analysis import Results, pair_verdicts, rows_of
from evalhub.analysis.frames.labels import gold_labels
from evalhub.judging.early_stopping import cluster_order
from evalhub.records import Item, key_of
from evalhub.runner.one_judge.training_rows import joined_clusters
from evalhub.runner.one_judge.tune_bench import Bench
from evalhub.scales import Winner
from evalhub.store import Run

PairKey = tuple[str, str, str, str, int]
_PAIR = ("dataset", "item_id", "system_a", "system_b", "sample")

_JUDGED = f"SELECT DISTINCT {', '.join(_PAIR)} FROM pair_facts"
_UNANSWERED = f"SELECT DISTINCT {', '.join(_PAIR)} FROM judgments WHERE failure = 'engine'"


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A labelled pair.

    Attributes:
        key: Dataset, item, both systems and their sample.
        label: Who is better: a, tie or b.
        verdicts: The winner of each variant, by id. A variant without a verdict is absent.
    """

    key: PairKey
    item: Item
    label: Winner
    verdicts: Mapping[str, Winner]

    @property
    def dataset(self) -> str:
        """The dataset of its item."""
        return self.item.dataset

    @property
    def cluster(self) -> str:
        """The cluster of its item."""
        return self.item.cluster

    def hit(self, variant: str) -> float:
        """Return 1 where a variant says what the label says, and else 0. No verdict is wrong."""
        return float(self.verdicts.get(variant) is self.label)


def read_pairs(run: Run, bench: Bench) -> list[JudgedPair]:
    """Return the labelled pairs that a run judged, in the random order of their clusters.

    A pair that the engine did not answer for some variant is left out for all of them. So is a label that is
    a tie, where the rubric allows none.

    Args:
        run: A run of the bench.
        bench: The datasets with the labels.
    """
    results = Results(run)
    judged = _keys(results, _JUDGED) - _keys(results, _UNANSWERED)
    verdicts: dict[PairKey, dict[str, Winner]] = {}
    for row in rows_of(pair_verdicts(results)):
        if row["winner"] is not None:
            verdicts.setdefault(_key(row), {})[row["judge"]] = Winner(row["winner"])
    items = {key_of(record): cast("Item", record) for record in run.records("items")}
    pairs = []
    for row in rows_of(gold_labels(results)):
        key, winner = _key(row), row["label_winner"]
        if key not in judged or winner is None or bench.labels.get(row["dataset"]) != row["label_criterion"]:
            continue
        label = Winner(winner)
        if label is not Winner.TIE or bench.rubric.ties:
            item = items[row["dataset"], row["item_id"]]
            pairs.append(JudgedPair(key, item, label, verdicts.get(key, {})))
    return sorted(pairs, key=lambda pair: (cluster_order(bench.seed, pair.dataset, pair.cluster), pair.key))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a variant says what the labels say, and how much more often than the original.

    Attributes:
        accuracy: In [0, 1], with an interval over clusters.
        difference: To the original, on the pairs that both judged. None for the original.
    """

    accuracy: stats.Estimate
    difference: stats.Estimate | None


def measure(pairs: Sequence[JudgedPair], variant: str, original: str | None) -> Accuracy:
    """Return the accuracy of a variant, and its paired difference to the original.

    Args:
        pairs: The pairs that the variant judged.
        variant: The variant's id.
        original: The original's id, where it judged the same pairs.
    """
    clusters = joined_clusters(pairs)
    hits = [pair.hit(variant) for pair in pairs]
    accuracy = stats.mean_estimate(hits, clusters, bounds=(0.0, 1.0))
    if original is None or original == variant:
        return Accuracy(accuracy, None)
    originals = [pair.hit(original) for pair in pairs]
    return Accuracy(accuracy, stats.paired_difference(hits, originals, clusters))


def _keys(results: Results, query: str) -> set[PairKey]:
    return {_key(row) for row in rows_of(results.sql(query))}


def _key(row: Mapping[str, object]) -> PairKey:
    return cast("PairKey", tuple(row[name] for name in _PAIR))
