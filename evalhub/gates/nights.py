"""A run beside its baseline: what else than the gated system changed between the two nights."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evalhub.analysis.frames.outcomes import rows_of_measure
from evalhub.analysis.ranking.comparability import rater_changes
from evalhub.analysis.ranking.comparison import Difference, run_difference
from evalhub.analysis.ranking.data_changes import data_change
from evalhub.analysis.results import Results
from evalhub.gates.answers import Answers
from evalhub.gates.split import Split, split_change
from evalhub.texts import count

if TYPE_CHECKING:
    import pandas as pd

Measure = tuple[str, ...]
"""Dataset, kind of rater, rater, criterion and measure, as in `outcomes`."""

LOST = 0.05
"""If more of the items that had a value on the baseline have none now, nothing is decided."""


@dataclass(frozen=True)
class Nights:
    """A run and the baseline that it is compared with, or the parts of both with one tag.

    Attributes:
        after: The run.
        before: The baseline.
        rejudged: The answers of the baseline by tonight's judges. None = they were not judged anew.
    """

    after: Results
    before: Results
    rejudged: Results | None = None

    @cached_property
    def answers(self) -> Answers:
        """The answers of both nights, which are compared when they are needed."""
        return Answers(self.after, self.before)

    def difference(self, measure: Measure, system: str) -> Difference | None:
        """Return a system on both nights under one measure. None where a night does not have it."""
        return run_difference(self.after, self.before, measure, system)

    def is_unchanged(self, measure: Measure, system: str, difference: Difference) -> bool:
        """Return whether answers and values of a system are those of the baseline."""
        return difference.is_equal and self.answers.are_equal(measure[0], system)

    def cause(self, measure: Measure, system: str, difference: Difference) -> str | None:
        """Return what else than the system may be the reason for a change. None where nothing is."""
        dataset, kind, *_ = measure
        noun = "metric" if kind == "metric" else "judge"
        if changes := rater_changes(measure, self.after, self.before):
            return f"the {noun} changed ({', '.join(changes)})"
        rows, rows_before = (self._rows(night, measure, system) for night in (self.after, self.before))
        if cause := self.changed_opponents(dataset, rows["other"]):
            return cause
        if not difference.is_equal and self.answers.are_equal(dataset, system):
            return f"its answers are those of the baseline, so the {noun} or its records changed"
        return self.loss(*(set(side[side["value"].notna()]["item_id"]) for side in (rows, rows_before)))

    def split(self, measure: Measure, system: str) -> Split | None:
        """Return what the judge and what the system did. None where the judge is the same, or not known."""
        if self.rejudged is None or not rater_changes(measure, self.after, self.before):
            return None
        return split_change(self.after, self.before, self.rejudged, measure, system)

    def changed_opponents(self, dataset: str, opponents: Iterable[str]) -> str | None:
        """Return which opponents answered in another way than on the baseline, as a cause. None where none.

        Args:
            dataset: Id of the dataset.
            opponents: The opponents of a system, "" where it has none.
        """
        names = sorted({str(name) for name in opponents} - {""})
        if not names:
            return None
        changed_items = data_change(dataset, self.after, self.before).items
        changed = [name for name in names if self.answers.differ(dataset, name, changed_items)]
        return f"the answers of its opponents changed ({', '.join(changed)})" if changed else None

    def loss(self, after: Set[str], before: Set[str]) -> str | None:
        """Return how many items of the baseline have no value now, as a cause, if they are many.

        Args:
            after: The items with a value of the run.
            before: The items with a value of the baseline. Those that the dataset has no more do not count.
        """
        before = before & set(self.after.items(columns=["item_id"])["item_id"])
        missing = len(before - after)
        if missing <= LOST * len(before):
            return None
        return f"{count(missing)} of {count(len(before))} items with a value on the baseline have none now"

    @staticmethod
    def _rows(night: Results, measure: Measure, system: str) -> pd.DataFrame:
        rows = rows_of_measure(night, measure)
        return rows[rows["system"] == system]
