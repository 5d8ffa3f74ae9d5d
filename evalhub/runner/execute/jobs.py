"""The jobs of candidates and judges: generators of requests, grouped by the engine that answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import cast

from evalhub.judging import JudgmentGenerator, Task, fail_all
from evalhub.records import FailureKind, Item, Response
from evalhub.runner.execute.driver import Job, ShardJob
from evalhub.runner.execute.generation import Generation, generate
from evalhub.runner.execute.texts import Texts
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import ResolvedCandidate, ResolvedJudge, Runnable
from evalhub.runner.plan.task_groups import PlannedTask
from evalhub.specs import EngineSpec, Mode
from evalhub.store import PartWriter

TaskRounds = Callable[[ResolvedJudge], Iterable[Iterable[PlannedTask]]]
"""Returns the rounds of one judge's tasks. A round is made when the one before it is judged."""


@dataclass(frozen=True, slots=True)
class EngineWork:
    """The jobs of some candidates or judges on one engine.

    Attributes:
        ids: The candidates or judges that the engine serves.
        runs: The model on its engine.
        spec: The engine's settings.
        tokens: Most tokens of one answer.
        rounds: The jobs. A round is made when the one before it is done, and a job when the engine has room.
    """

    ids: tuple[str, ...]
    runs: Runnable
    spec: EngineSpec
    tokens: int
    rounds: Iterator[Iterable[ShardJob]]


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """A candidate that answers a dataset.

    Attributes:
        number: The number of the dataset.
        texts: The items.
    """

    candidate: ResolvedCandidate
    dataset: SuiteDataset
    number: int
    part: PartWriter
    texts: Texts

    @property
    def expected(self) -> int:
        """Number of planned responses."""
        return len(self.texts.clusters) * self.candidate.spec.samples


@dataclass(frozen=True, slots=True)
class JudgeStep:
    """A judge that judges a dataset.

    Attributes:
        number: The number of the dataset.
        texts: The items, and the responses to judge.
    """

    judge: ResolvedJudge
    dataset: SuiteDataset
    number: int
    part: PartWriter
    texts: Texts

    def job(self, task: PlannedTask) -> ShardJob:
        """Return the job of a task."""
        responses = tuple(self._response(task, system) for system in task.systems)
        item = self.texts.item(task.item_id)
        job = judge_job(self.judge, item, responses, task, clip=self.dataset.card.clip_range)
        return ShardJob(self.part.shard(task.shard), job, self.texts.turn(self.number, task.item_id))

    def _response(self, task: PlannedTask, system: str) -> Response:
        """Return a response. A run of attacks stores its own in the part of the judgments."""
        key = (task.dataset, task.item_id, system, task.sample)
        stored = self.texts.response(task.item_id, system, task.sample)
        return stored or cast("Response | None", self.part.get("responses", key)) or Response(*key)


def make_generations(steps: Iterable[AnswerStep]) -> Iterator[EngineWork]:
    """Yield the jobs of each candidate: one for each item and sample."""
    by_candidate: dict[str, list[AnswerStep]] = {}
    for step in steps:
        by_candidate.setdefault(step.candidate.spec.id, []).append(step)
    for name, of_candidate in by_candidate.items():
        candidate = of_candidate[0].candidate
        jobs = chain.from_iterable(map(_generations, of_candidate))
        tokens = candidate.spec.sampling.max_tokens
        yield EngineWork((name,), candidate.runs, candidate.spec.engine, tokens, iter([jobs]))


def _generations(step: AnswerStep) -> Iterator[ShardJob]:
    """Yield the jobs of the shards that are not sealed yet."""
    for shard in step.texts.shards:
        if not step.part.is_sealed(shard):
            items = step.texts.items_of(shard)
            step.part.expect_jobs(shard, len(items) * step.candidate.spec.samples)
            for item in items:
                place = (step.number, step.texts.place(item.item_id))
                for job in answer_jobs(step.candidate, item):
                    yield ShardJob(step.part.shard(shard), job, place)


def answer_jobs(candidate: ResolvedCandidate, item: Item) -> Iterator[Job]:
    """Yield the jobs in which a candidate answers an item, one for each sample."""
    spec = candidate.spec
    for sample in range(spec.samples):
        generation = Generation(
            item=item,
            system=spec.id,
            families=candidate.runs.families,
            sampling=spec.sampling.sampling(),
            sample=sample,
            system_prompt=spec.system_prompt,
            think=tuple(pair.tags for pair in spec.think),
        )
        yield cast("Job", generate(generation))


def make_judgings(steps: Iterable[JudgeStep], task_rounds: TaskRounds) -> Iterator[EngineWork]:
    """Yield the jobs of each judge: one for each task.

    Args:
        steps: The datasets that each judge judges.
        task_rounds: Returns the rounds of one judge's tasks.
    """
    by_judge: dict[str, dict[str, JudgeStep]] = {}
    for step in steps:
        by_judge.setdefault(step.judge.spec.id, {})[step.dataset.id] = step

    def make_rounds(judge: ResolvedJudge, by_dataset: dict[str, JudgeStep]) -> Iterator[Iterable[ShardJob]]:
        for tasks in task_rounds(judge):
            yield (by_dataset[task.dataset].job(task) for task in tasks)

    for name, by_dataset in by_judge.items():
        judge = next(iter(by_dataset.values())).judge
        rounds = make_rounds(judge, by_dataset)
        yield EngineWork((name,), judge.runs, judge.spec.engine, _answer_tokens(judge), rounds)


def _answer_tokens(judge: ResolvedJudge) -> int:
    """Return the most tokens that a judge's answers to one task have."""
    self_written = judge.spec.rationale_tokens * len(judge.protocol.writes)
    by_mode = {Mode.EXPLAIN: judge.spec.rationale_tokens, Mode.THINK: judge.spec.think_tokens}
    return self_written + by_mode.get(judge.spec.mode, 1)


def judge_job(
    judge: ResolvedJudge,
    item: Item,
    responses: tuple[Response, ...],
    planned: PlannedTask,
    *,
    clip: tuple[float, float] | None,
) -> Job:
    """Return the protocol's generator. A failed response makes a failed judgment.

    Args:
        judge: The judge.
        item: The item.
        responses: In bytewise order of the systems.
        planned: The task.
        clip: The range of the score of the item's criteria, which the dataset's card says.
    """
    task = Task(
        judge=judge.judge,
        item=item,
        criterion=planned.criterion,
        responses=responses,
        shown=planned.shown,
        row=planned.row,
        repeat=planned.repeat,
        same_family=planned.same_family,
        clip=clip,
    )
    if any(response.text is None for response in responses):
        return cast("Job", _fail_task(task, planned))
    return cast("Job", judge.protocol.ask(task))


def _fail_task(task: Task, planned: PlannedTask) -> JudgmentGenerator:
    """Return the failed judgments of a task without asking the judge."""
    missing = next(response for response in task.responses if response.text is None)
    yield from ()
    reason = f"the system {missing.system} gave no response"
    reason += f": {missing.detail}" if missing.detail else ""
    return fail_all(task, planned.judgments, missing.failure or FailureKind.ENGINE, reason)
