"""What changed between two runs, step by step, and which numbers that can explain."""

from __future__ import annotations

from dataclasses import dataclass

from evalhub.store import PartKind, PartRecord, Run, changed_inputs

_NAMES = {
    PartKind.DATASET: "dataset",
    PartKind.RESPONSES: "candidate",
    PartKind.JUDGMENTS: "judge",
    PartKind.SCORES: "metric",
}
_EXPLAINS = {
    PartKind.DATASET: "every number on {dataset}",
    PartKind.RESPONSES: "the numbers of {source} on {dataset}, and of its opponents",
    PartKind.JUDGMENTS: "the numbers by {source} on {dataset}",
    PartKind.SCORES: "the numbers by {source} on {dataset}",
}
# The hashes of what a step reads say that an earlier step changed, which has a line of its own.
_OF_EARLIER_STEPS = ("items ", "references ", "labels ", "prompts ", "responses ")
ADDED, REMOVED, ONLY_INPUTS = "added", "removed", "only what it reads"


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that two runs did in different ways, or that one of them did not do.

    Attributes:
        step: dataset, candidate, judge or metric.
        dataset: The dataset.
        source: The dataset, candidate, judge or metric itself.
        change: What differs in words: settings with their values before and after, that the step was added or
            removed, or that only what it reads differs.
        explains: Which numbers this can explain.
    """

    step: str
    dataset: str
    source: str
    change: str
    explains: str


def step_changes(after: Run, before: Run) -> list[StepChange]:
    """Return the steps that differ between two finished runs, in the order of a run.

    Args:
        after: The later run.
        before: The earlier run.
    """
    records = [{part.place: run.part_record(part) for part in run.manifest.parts} for run in (after, before)]
    places = sorted({*records[0], *records[1]}, key=lambda place: (list(_NAMES).index(place[0]), *place[1:]))
    changes = []
    for kind, dataset, source in places:
        change = _change(*(of_run.get((kind, dataset, source)) for of_run in records))
        if change is not None:
            explains = _EXPLAINS[kind].format(dataset=dataset, source=source)
            changes.append(StepChange(_NAMES[kind], dataset, source, change, explains))
    return changes


def _change(after: PartRecord | None, before: PartRecord | None) -> str | None:
    if before is None:
        return ADDED
    if after is None:
        return REMOVED
    if after.step.key == before.step.key:
        return None
    changes = changed_inputs(after.step, before.step)
    return ", ".join(change for change in changes if not change.startswith(_OF_EARLIER_STEPS)) or ONLY_INPUTS
