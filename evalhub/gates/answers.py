"""Which systems gave the same answers in two runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from evalhub.analysis.results import Results

_OF_SYSTEMS = """
SELECT system, count(*) AS n, bit_xor(hash(item_id, sample, coalesce(text, ''))) AS texts
FROM responses WHERE dataset = $dataset GROUP BY system"""
_TEXTS = """
SELECT item_id, sample, hash(coalesce(text, '')) AS text FROM responses
WHERE dataset = $dataset AND system = $system"""


class Answers:
    """The answers of two runs, compared system by system. The texts of a dataset are read once.

    Args:
        after: The later run.
        before: The earlier run.
    """

    def __init__(self, after: Results, before: Results) -> None:
        self._runs = (after, before)
        self._marks: dict[str, list[dict[str, Any]]] = {}

    def are_equal(self, dataset: str, system: str) -> bool:
        """Return whether a system gave the same answers to the same items."""
        marks = [of_run.get(system) for of_run in self._of_dataset(dataset)]
        return marks[0] == marks[1] and marks[0] is not None

    def differ(self, dataset: str, system: str, without: Collection[str] = ()) -> bool:
        """Return whether a system answered an item of both runs in another way. New items do not count.

        Args:
            dataset: Id of the dataset.
            system: The system.
            without: Items that do not count either, because they themselves changed.
        """
        if self.are_equal(dataset, system):
            return False
        values = {"dataset": dataset, "system": system}
        after, before = (run.sql(_TEXTS, values) for run in self._runs)
        shared = after.merge(before, on=["item_id", "sample"], suffixes=("_after", "_before"))
        shared = shared[~shared["item_id"].isin(without)]
        return bool((shared["text_after"] != shared["text_before"]).any())

    def _of_dataset(self, dataset: str) -> list[dict[str, Any]]:
        if dataset not in self._marks:
            frames = [run.sql(_OF_SYSTEMS, {"dataset": dataset}) for run in self._runs]
            self._marks[dataset] = [
                dict(zip(frame["system"], zip(frame["n"], frame["texts"], strict=True), strict=True))
                for frame in frames
            ]
        return self._marks[dataset]
