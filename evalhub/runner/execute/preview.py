"""What a run of a suite would reuse and what it would make, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

from evalhub.engines import EngineIdentity, completion_key
from evalhub.records import Record, Response, key_of
from evalhub.runner.execute.driver import Job
from evalhub.runner.execute.jobs import answer_jobs, judge_job
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.prepared import Prepared
from evalhub.runner.plan.resolve import ResolvedCandidate, ResolvedJudge
from evalhub.runner.plan.reuse import StepState
from evalhub.runner.plan.steps import engine_hash
from evalhub.store import CompletionIndex, PartKind, Step, changed_inputs

_LOOKED_UP = 4096


def describe_steps(prepared: Prepared) -> list[dict[str, Any]]:
    """Return each step of a suite with its state, and why it is not reused.

    Returns:
        Rows with step, dataset, source, state (reused, partly, new, or later: it depends on responses that
        are not made yet), requests (the first requests of a new step, None without an engine), answered (how
        many of them are answered already), and reason.
    """
    preview = _Preview(prepared)
    return [preview.describe(state) for state in prepared.states]


class _Preview:
    def __init__(self, prepared: Prepared) -> None:
        resolved = prepared.resolved
        self._suite = resolved.suite.suite
        self._planned = prepared.plan
        self._states = prepared.states
        self._catalog = prepared.catalog
        self._datasets = {dataset.id: dataset for dataset in resolved.datasets}
        self._candidates = {candidate.spec.id: candidate for candidate in resolved.candidates}
        self._judges = {judge.spec.id: judge for judge in resolved.judges}

    def describe(self, state: StepState) -> dict[str, Any]:
        requests = answered = None
        if state.stored:
            word, reason = "reused", f"made in {state.stored.record.run}"
        elif state.step is None:
            word, reason = "later", "depends on responses that are not made yet"
        else:
            answered, requests = self._count_answered(state)
            word, reason = "partly" if answered else "new", self._reason(state.step)
        return {
            "step": state.kind.value,
            "dataset": state.dataset,
            "source": state.source,
            "state": word,
            "requests": requests,
            "answered": answered,
            "reason": reason,
        }

    def _reason(self, step: Step) -> str:
        if damage := self._catalog.damage_of(step):
            return damage
        earlier = self._catalog.newest(self._suite, step)
        if earlier is None:
            return "no run of this suite has it"
        changes = list(changed_inputs(step, earlier))
        return ", ".join(changes) if changes else "an engine failed to answer some of it"

    def _count_answered(self, state: StepState) -> tuple[int | None, int | None]:
        """Return how many of a step's first requests are answered already, and their number."""
        dataset = self._datasets[state.dataset]
        if state.kind is PartKind.RESPONSES:
            candidate = self._candidates[state.source]
            return self._look_up(candidate.runs.identity, _answer_jobs(candidate, dataset))
        if state.kind is PartKind.JUDGMENTS:
            judge = self._judges[state.source]
            return self._look_up(judge.runs.identity, self._judge_jobs(judge, dataset))
        return None, None

    def _look_up(self, identity: EngineIdentity, jobs: Iterator[Job]) -> tuple[int, int]:
        index = CompletionIndex(engine_hash(identity), self._catalog.runs, "")
        keys = {completion_key(identity, request) for job in jobs for request in _first_requests(job)}
        ordered = sorted(keys)
        batches = (ordered[start : start + _LOOKED_UP] for start in range(0, len(ordered), _LOOKED_UP))
        return sum(1 for batch in batches for _ in index.find(batch)), len(keys)

    def _judge_jobs(self, judge: ResolvedJudge, dataset: SuiteDataset) -> Iterator[Job]:
        items = {item.item_id: item for item in dataset.items}
        responses = {key_of(response): response for response in self._responses(dataset)}
        for task in self._planned.tasks[judge.spec.id]:
            if task.dataset == dataset.id:
                texts = tuple(responses.get(key) or Response(*key) for key in task.response_keys)
                yield judge_job(judge, items[task.item_id], texts, task, clip=dataset.card.clip_range)

    def _responses(self, dataset: SuiteDataset) -> Iterator[Response]:
        """Yield the recorded responses of a dataset, and those that earlier runs have generated."""
        yield from dataset.responses
        for state in self._states:
            if (state.kind, state.dataset) == (PartKind.RESPONSES, dataset.id) and state.stored:
                records: Iterator[Record] = state.stored.run.part_records(state.stored.part, "responses")
                yield from cast("Iterator[Response]", records)


def _answer_jobs(candidate: ResolvedCandidate, dataset: SuiteDataset) -> Iterator[Job]:
    for item in dataset.items:
        yield from answer_jobs(candidate, item)


def _first_requests(job: Job) -> tuple[Any, ...]:
    with closing(job):
        return next(job, ())
