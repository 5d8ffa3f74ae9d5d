"""The jobs of candidates and judges: generators of requests, grouped by the engine that answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from evalhub.judging import JudgmentGenerator, Task, fail_all
from evalhub.records import FailureKind, Item, Response
from evalhub.runner.execute.driver import Job
from evalhub.runner.execute.generation import Generation, generate
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge, Runnable
from evalhub.runner.plan.tasks import PlannedTask
from evalhub.specs import EngineSpec
from evalhub.store import RunWriter

TaskRounds = Callable[[ResolvedJudge], Iterable[Iterable[PlannedTask]]]
"""Returns the rounds of one judge's tasks. A round is made when the one before it is judged."""


@dataclass(frozen=True, slots=True)
class EngineWork:
    """The jobs of some candidates or judges on one engine.

    Attributes:
        ids: The candidates or judges that the engine serves.
        runs: The model on its engine.
        spec: The engine's settings.
        rounds: The jobs. A round is made when the one before it is done.
    """

    ids: tuple[str, ...]
    runs: Runnable
    spec: EngineSpec
    rounds: Iterator[list[Job]]


def make_generations(resolved: Resolved) -> Iterator[EngineWork]:
    """Yield the jobs of each candidate: one for each item and sample."""
    for candidate in resolved.candidates:
        spec = candidate.spec
        jobs = [
            generate(
                Generation(
                    item=item,
                    system=spec.id,
                    families=candidate.runs.families,
                    sampling=spec.sampling.sampling(),
                    sample=sample,
                    system_prompt=spec.system_prompt,
                    think=tuple(pair.tags for pair in spec.think),
                )
            )
            for dataset in resolved.datasets
            for item in dataset.items
            for sample in range(spec.samples)
        ]
        yield EngineWork((spec.id,), candidate.runs, spec.engine, iter([cast("list[Job]", jobs)]))


def make_judgings(writer: RunWriter, resolved: Resolved, task_rounds: TaskRounds) -> Iterator[EngineWork]:
    """Yield the jobs of each judge: one for each task.

    Args:
        writer: The run, which holds the items and the responses.
        resolved: The suite.
        task_rounds: Returns the rounds of one judge's tasks.
    """
    items = {(item.dataset, item.item_id): item for item in cast("list[Item]", writer.table("items"))}

    def make_rounds(judge: ResolvedJudge) -> Iterator[list[Job]]:
        for tasks in task_rounds(judge):
            yield cast("list[Job]", [_judge_task(writer, items, judge, task) for task in tasks])

    for judge in resolved.judges:
        yield EngineWork((judge.spec.id,), judge.runs, judge.spec.engine, make_rounds(judge))


def _judge_task(
    writer: RunWriter, items: dict[tuple[str, str], Item], judge: ResolvedJudge, planned: PlannedTask
) -> JudgmentGenerator:
    """Return the protocol's generator. A failed response makes a failed judgment."""
    responses: list[Response] = []
    for system in planned.systems:
        key = (planned.dataset, planned.item_id, system, planned.sample)
        responses.append(cast("Response | None", writer.get("responses", key)) or Response(*key))
    task = Task(
        judge=judge.judge,
        item=items[planned.dataset, planned.item_id],
        criterion=planned.criterion,
        responses=tuple(responses),
        shown=planned.shown,
        row=planned.row,
        repeat=planned.repeat,
        same_family=planned.same_family,
    )
    if any(response.text is None for response in responses):
        return _fail_task(task, planned)
    return judge.protocol.ask(task)


def _fail_task(task: Task, planned: PlannedTask) -> JudgmentGenerator:
    """Return the failed judgments of a task without asking the judge."""
    missing = next(response for response in task.responses if response.text is None)
    yield from ()
    reason = f"the system {missing.system} gave no response"
    reason += f": {missing.detail}" if missing.detail else ""
    return fail_all(task, planned.judgments, missing.failure or FailureKind.ENGINE, reason)
