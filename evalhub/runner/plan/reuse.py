"""What earlier runs have made already: complete parts, found by the keys of the steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evalhub.errors import StorageError
from evalhub.runner.plan.resolve import Resolved
from evalhub.runner.plan.steps import dataset_step, judgments_step, responses_step, scores_step
from evalhub.store import Part, PartFacts, PartKind, PartRecord, Run, Step, part_problems


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A complete part of a run."""

    run: Run
    part: Part
    record: PartRecord


class Catalog:
    """The complete parts of all runs, by key.

    Args:
        runs: The runs, the newest first.

    Attributes:
        damaged: What could not be reused because a file has changed, one sentence each.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.damaged: dict[Path, str] = {}
        self._intact: set[Path] = set()
        self._parts: dict[str, list[tuple[Run, Part]]] = {}
        for run in runs:
            for part in run.manifest.parts:
                self._parts.setdefault(part.key, []).append((run, part))

    def find(self, step: Step) -> StoredPart | None:
        """Return the part that an earlier run made of a step. None if there is none that can be reused.

        A part in which an engine failed to answer is made again.
        """
        for run, part in self._parts.get(step.key, ()):
            with suppress(StorageError):  # it was damaged since it was looked at
                if self._is_intact(run, part) and not (record := run.part_record(part)).facts.retriable:
                    return StoredPart(run, part, record)
        return None

    def damage_of(self, step: Step) -> str | None:
        """Return why the part of a step cannot be reused although a run has made it, or None."""
        folders = (run.part_folder(part) for run, part in self._parts.get(step.key, ()))
        return next((self.damaged[folder] for folder in folders if folder in self.damaged), None)

    def _is_intact(self, run: Run, part: Part) -> bool:
        folder = run.part_folder(part)
        if folder not in self._intact | self.damaged.keys():
            self._intact.add(folder)
            for name, (_, problem) in part_problems(folder, part.sha256).items():
                if problem:
                    self._intact.discard(folder)
                    self.damaged[folder] = (
                        f"the {part.kind} of {part.source} on {part.dataset} in {run.id} cannot be reused "
                        f"({name}: {problem})"
                    )
        return folder in self._intact

    def newest(self, suite: str, step: Step) -> Step | None:
        """Return the step that stood at the same place in the newest run of a suite."""
        for run in self.runs:
            if run.manifest.suite == suite:
                for part in run.manifest.parts:
                    if part.place == step.place:
                        with suppress(StorageError):
                            return run.part_record(part).step
        return None


@dataclass(frozen=True, slots=True)
class StepState:
    """A step of a suite, and what is known of its part.

    Attributes:
        step: The step. None where it depends on responses that are not made yet.
        stored: The part of an earlier run.
    """

    kind: PartKind
    dataset: str
    source: str
    step: Step | None
    stored: StoredPart | None

    @property
    def facts(self) -> PartFacts | None:
        """The facts of the part, if an earlier run has made it."""
        return self.stored.record.facts if self.stored else None


def find_parts(resolved: Resolved, catalog: Catalog) -> list[StepState]:
    """Return the state of each step of a suite, in the order in which they are done.

    A dataset that an earlier run has read is not read again.
    """
    return list(_states(resolved, catalog))


def _states(resolved: Resolved, catalog: Catalog) -> Iterator[StepState]:
    def state(step: Step) -> StepState:
        return StepState(step.kind, step.dataset, step.source, step, catalog.find(step))

    for dataset in resolved.datasets:
        read = state(dataset_step(dataset))
        if read.facts:
            dataset.recall(read.facts)
        yield read
        answers: dict[str, PartFacts] = {}
        for candidate in resolved.candidates:
            answer = state(responses_step(candidate, dataset))
            if answer.facts:
                answers[candidate.spec.id] = answer.facts
            yield answer
        complete = len(answers) == len(resolved.candidates)
        for judge in resolved.judges:
            if complete:
                yield state(judgments_step(resolved, judge, dataset, answers))
            else:
                yield StepState(PartKind.JUDGMENTS, dataset.id, judge.spec.id, None, None)
        for use, metric in resolved.metrics:
            if complete:
                yield state(scores_step(use, metric, dataset, answers))
            else:
                yield StepState(PartKind.SCORES, dataset.id, use.name, None, None)


def reused_judgments(states: Sequence[StepState]) -> dict[tuple[str, str], PartFacts]:
    """Return the facts of the judgments that are made already, by judge and dataset."""
    return {
        (state.source, state.dataset): state.facts
        for state in states
        if state.kind is PartKind.JUDGMENTS and state.facts
    }
