"""What preferences add up to: how many, of which clusters, how long, and how far people agree with them."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evalhub import stats
from evalhub.analysis.people.preference_pairs import PreferenceBatch
from evalhub.analysis.people.preference_rows import REASONS, Preference
from evalhub.analysis.people.preference_source import PreferenceFilter, PreferenceSource
from evalhub.analysis.tables import row
from evalhub.errors import InputError
from evalhub.records import AnnotatorKind
from evalhub.stats.clusters import Coded

_AGREES: Mapping[str, float] = {"chosen": 1.0, "rejected": 0.0}
_RUBRIC = ("rubric", "rubric_hash", "model")


class PreferenceTally:
    """Adds up preferences batch by batch. Of a row it keeps its cluster, and whether its label agrees.

    Args:
        source: The verdicts.
        selection: The filter.
        clusters: A number that no cluster's number reaches.
    """

    def __init__(self, source: PreferenceSource, selection: PreferenceFilter, clusters: int) -> None:
        self._source = source
        self._selection = selection
        self._clusters = bytearray(clusters)
        self._counts: Counter[str] = Counter()
        self._exclusions: Counter[str] = Counter()
        self._datasets: Counter[str] = Counter()
        self._criteria: Counter[str] = Counter()
        self._agreement: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self._labelled_clusters: dict[str, array[int]] = defaultdict(lambda: array("q"))

    @property
    def rows(self) -> int:
        """The number of preferences."""
        return self._counts["rows"]

    def add(self, batch: PreferenceBatch) -> None:
        """Add the preferences and the exclusions of a batch."""
        self._exclusions += batch.exclusions
        for preference in batch.preferences:
            self._add(preference)

    def _add(self, preference: Preference) -> None:
        values, extra = preference.row, preference.extra_chars
        self._counts["rows"] += 1
        self._counts["longer" if extra > 0 else "shorter" if extra < 0 else "equal"] += 1
        self._counts["control_tokens"] += values["control_tokens"]
        self._datasets[values["dataset"]] += 1
        self._criteria[values["criterion"]] += 1
        self._clusters[preference.cluster_number] = 1
        if kind := values["label_kind"]:
            # A label that is a tie takes neither side. It is left out of the agreement, and counted there.
            self._agreement[kind].append(_AGREES.get(values["label"], float("nan")))
            self._labelled_clusters[kind].append(preference.cluster_number)

    def facts(self, rules: Mapping[str, str]) -> dict[str, Any]:
        """Return the facts of the preferences for a manifest.

        Args:
            rules: How the clusters were selected, by dataset.
        """
        return {
            "rows": self.rows,
            "clusters": sum(self._clusters),
            "datasets": dict(sorted(self._datasets.items())),
            "criteria": dict(sorted(self._criteria.items())),
            "ordered_by": "labels" if self._source.judge is None else "judge",
            "judge": self._source.judge,
            **{name: self._rubric_fact(name) for name in _RUBRIC},
            "filters": asdict(self._selection),
            "splits": {dataset: rules[dataset] for dataset in sorted(self._datasets)},
            "pairs": self.rows + self._exclusions.total(),
            "exclusions": self.exclusions,
            "length": {
                "share_longer": self._counts["longer"] / self.rows,
                **{name: self._counts[name] for name in ("longer", "shorter", "equal")},
            },
            "agreement": self._agreements(),
            "control_tokens": self._counts["control_tokens"],
        }

    @property
    def exclusions(self) -> dict[str, int]:
        """The number of pairs that are no row, by reason, in the order in which pairs are tested."""
        return {reason: self._exclusions[reason] for reason in REASONS if self._exclusions[reason]}

    def _rubric_fact(self, name: str) -> str | None:
        """Return what the rubric or model is. None if the datasets have several."""
        values = {self._source.rubrics.get(dataset, {}).get(name) for dataset in self._datasets}
        return values.pop() if len(values) == 1 else None

    def _agreements(self) -> dict[str, dict[str, Any]]:
        """Return the accuracy of the verdicts by the labels of each kind of annotator, always of people."""
        import numpy as np

        kinds = sorted({AnnotatorKind.HUMAN.value, *self._agreement})
        if self._selection.labels or self._selection.agree_with_labels:
            absent = stats.Estimate.none("the labels select the pairs")
            return {kind: row(absent) for kind in kinds}
        names = np.arange(len(self._clusters)).astype(object)
        return {
            kind: row(
                stats.mean_estimate(
                    np.frombuffer(self._agreement[kind], dtype=np.float64),
                    Coded(np.frombuffer(self._labelled_clusters[kind], dtype=np.int64), names),
                    bounds=(0, 1),
                )
                if self._agreement[kind]
                else stats.Estimate.none("no pair has a label")
            )
            for kind in kinds
        }

    def nothing_left(self, run: str) -> InputError:
        """Return the error where no pair is left: it names the filter that left nothing."""
        pairs, reasons = self._exclusions.total(), self.exclusions
        # Pairs are counted for the first reason that they meet, so the last reason took the last pairs.
        option = REASONS[list(reasons)[-1]]
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        subject = f"{option} leaves none" if option else "no preference is left"
        return InputError(f"{subject} of {pairs} pairs: {counts}", where=run)
