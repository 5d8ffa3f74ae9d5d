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
from evalhub.errors import InputError
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
        changed_items = self.changed_items(dataset)
        changed = [name for name in names if self.answers.differ(dataset, name, changed_items)]
        return f"the answers of its opponents changed ({', '.join(changed)})" if changed else None

    def changed_items(self, dataset: str) -> frozenset[str]:
        """Return the items of both nights whose prompt, context or references differ."""
        return data_change(dataset, self.after, self.before).items

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


class NightSides:
    """A run and its baseline, or their parts with a tag. Gates with the same tag share what is read of them.

    Args:
        results: The run.
        baseline: The run that is signed off. None = there is none.
        rejudged: The answers of the baseline by tonight's judges. None = they were not judged anew.
    """

    def __init__(self, results: Results, baseline: Results | None, rejudged: Results | None = None) -> None:
        self.baseline = baseline
        self._runs = (results, baseline, rejudged)
        self._parts: dict[str | None, tuple[Results | None, ...]] = {}
        self._nights: dict[str | None, Nights] = {}

    def part(self, tag: str | None) -> Results | None:
        """Return the part of the run with a tag. None where no item has it."""
        return self._with_tag(tag)[0]

    def nights(self, tag: str | None) -> Nights | None:
        """Return the parts of both nights with a tag. None where there is no baseline, or no item has it."""
        after, before, rejudged = self._with_tag(tag)
        if after is None or before is None:
            return None
        return self._nights.setdefault(tag, Nights(after, before, rejudged))

    def _with_tag(self, tag: str | None) -> tuple[Results | None, ...]:
        if tag not in self._parts:
            self._parts[tag] = tuple(run and with_tag(run, tag) for run in self._runs)
        return self._parts[tag]


def with_tag(results: Results, tag: str | None) -> Results | None:
    """Return the part of a run about the items with a tag. None where no item has it."""
    if tag is None:
        return results
    quoted = tag.replace("'", "''")
    try:
        return results.where(f"list_contains(tags, '{quoted}')")
    except InputError:
        return None
