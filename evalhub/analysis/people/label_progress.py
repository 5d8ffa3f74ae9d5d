"""How far annotators are with a queue, and how often they agree with themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub import stats
from evalhub.stats import Estimate
from evalhub.store import (
    ADJUDICATED,
    Decision,
    LabelEntry,
    LabelQueue,
    disputes,
)


@dataclass(frozen=True, slots=True)
class AnnotatorProgress:
    """How far an annotator is with a queue.

    Attributes:
        annotator: The annotator's name.
        labelled: The number of units with a label. A second label of a unit does not count.
        undecided: The number of units on which the annotator cannot decide.
        self_agreement: How often the second label of a unit is the first.
    """

    annotator: str
    labelled: int
    undecided: int
    self_agreement: Estimate


def queue_progress(queue: LabelQueue, entries: Iterable[LabelEntry]) -> tuple[AnnotatorProgress, ...]:
    """Return how far each annotator is with a queue, in the order of their names.

    Args:
        queue: The queue.
        entries: What all annotators decided, as `read_entries` returns it.
    """
    keys = {unit.key for unit in queue.units}
    by_annotator: dict[str, list[LabelEntry]] = {}
    for entry in entries:
        if entry.queue == queue.name and entry.unit in keys and not entry.is_review:
            by_annotator.setdefault(entry.annotator, []).append(entry)
    return tuple(_progress(annotator, by_annotator[annotator]) for annotator in sorted(by_annotator))


def count_undecided_disputes(queue: LabelQueue, labels: Sequence[LabelEntry]) -> int:
    """Return on how many units annotators differ, and nobody decided between them.

    Args:
        queue: The queue.
        labels: The labels of its dataset, as `read_labels` returns them.
    """
    decided = {entry.unit for entry in labels if entry.annotator == ADJUDICATED}
    return len(disputes(queue, labels).keys() - decided)


def self_agreement(entries: Sequence[LabelEntry]) -> Estimate:
    """Return how often an annotator gives a unit the same label for the second time.

    Args:
        entries: What one annotator decided, in any order. Units that came once, or of which one time has no
            label, are left out.

    Returns:
        The share of units with two equal labels, with an interval over independent items. None without any
        unit that was labelled twice, and no interval below three items.

    Example:
        >>> self_agreement([]).reason
        'no unit was labelled twice'
    """
    labels: dict[tuple[Any, ...], dict[int, Any]] = {}
    for entry in entries:
        if entry.decision is Decision.LABEL:
            outcome = entry.value if entry.winner is None else entry.winner
            labels.setdefault(entry.unit, {})[entry.repeat] = outcome
    twice = {unit: outcomes for unit, outcomes in labels.items() if {0, 1} <= outcomes.keys()}
    if not twice:
        return Estimate.none("no unit was labelled twice")
    equal = [float(outcomes[0] == outcomes[1]) for outcomes in twice.values()]
    return stats.mean_estimate(equal, [unit[1] for unit in twice], bounds=(0.0, 1.0))


def _progress(annotator: str, entries: Sequence[LabelEntry]) -> AnnotatorProgress:
    firsts = [entry for entry in entries if not entry.repeat]
    return AnnotatorProgress(
        annotator,
        sum(entry.decision is Decision.LABEL for entry in firsts),
        sum(entry.decision is Decision.CANNOT_DECIDE for entry in firsts),
        self_agreement(entries),
    )
