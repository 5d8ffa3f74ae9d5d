"""Planned tasks in groups. A task is made when it is needed, so that plans of millions fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from evalhub.judging import PlannedJudgment
from evalhub.scales import Order

View = tuple[Order | None, int]
"""How responses are shown: the order of a pair and the row of a list."""


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One planned judging task, in terms of ids. `judging.Task` is the same with its texts.

    Attributes:
        row: The order in which a list is shown.
        repeat: Number of the judge's sample.
        judgments: The judgments that the task will end in.
        shard: The number of the shard that stores them.
    """

    judge: str
    dataset: str
    item_id: str
    criterion: str
    systems: tuple[str, ...]
    sample: int
    shown: Order | None
    row: int
    repeat: int
    same_family: bool | None
    judgments: tuple[PlannedJudgment, ...]
    shard: int = 1

    @property
    def keys(self) -> tuple[tuple[object, ...], ...]:
        """The keys of the task's judgments in the store."""
        return tuple(self._key(judgment) for judgment in self.judgments)

    @property
    def response_keys(self) -> list[tuple[str, str, str, int]]:
        """The keys of the task's responses in the store."""
        return [(self.dataset, self.item_id, system, self.sample) for system in self.systems]

    def _key(self, judgment: PlannedJudgment) -> tuple[object, ...]:
        names = [self.systems[place] for place in judgment.systems]
        system, a, b = (names[0], None, None) if len(names) == 1 else (None, *names)
        return (
            self.dataset, self.judge, judgment.criterion, self.item_id, system, a, b,
            self.sample, judgment.shown, self.row, self.repeat, judgment.item_criterion,
        )  # fmt: skip


PlanJudgments = Callable[[str, int, Order | None, int, tuple[str, ...]], tuple[PlannedJudgment, ...]]
"""Returns the judgments that a task will end in: of a criterion, so many responses, their order and row, and
the ids of the item's criteria."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What a judge asks of each group of responses of a dataset.

    Attributes:
        samples: The number of times that the judge answers each question.
        plan_judgments: Returns the judgments that a task will end in.
    """

    judge: str
    dataset: str
    criteria: tuple[str, ...]
    samples: int
    plan_judgments: PlanJudgments


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """All tasks of a judge on the same responses to one item.

    Attributes:
        questions: What is asked.
        sample: Number of the systems' sample.
        same_family: Whether the judge shares a model family with a response. None where that is unknown.
        views: How the responses are shown.
        shard: The number of the shard that stores the judgments.
        places: The places of the group's tasks that are planned. None = all.
        item_criteria: The ids of the item's criteria, where the judge asks these. Equal ones are one object.
    """

    questions: Questions
    item_id: str
    systems: tuple[str, ...]
    sample: int
    same_family: bool | None
    views: tuple[View, ...]
    shard: int = 1
    places: tuple[int, ...] | None = None
    item_criteria: tuple[str, ...] = ()

    @property
    def judge(self) -> str:
        """The judge."""
        return self.questions.judge

    @property
    def dataset(self) -> str:
        """The dataset."""
        return self.questions.dataset

    @property
    def judgments(self) -> int:
        """Number of judgments that the tasks end in."""
        questions = self.questions
        if self.places is not None:
            return sum(len(task.judgments) for task in self)
        counts = (
            len(questions.plan_judgments(criterion, len(self.systems), order, row, self.item_criteria))
            for criterion in questions.criteria
            for order, row in self.views
        )
        return questions.samples * sum(counts)

    def __len__(self) -> int:
        if self.places is not None:
            return len(self.places)
        return len(self.questions.criteria) * self.questions.samples * len(self.views)

    def __iter__(self) -> Iterator[PlannedTask]:
        if self.places is None:
            yield from self._tasks()
        else:
            tasks = list(self._tasks())
            yield from (tasks[place] for place in self.places)

    def keep(self, is_kept: Callable[[PlannedTask], bool]) -> TaskGroup:
        """Return the group with some of its tasks alone."""
        numbers = range(len(self)) if self.places is None else self.places
        places = tuple(number for number, task in zip(numbers, self, strict=True) if is_kept(task))
        return self if len(places) == len(self) else replace(self, places=places)

    def _tasks(self) -> Iterator[PlannedTask]:
        questions, responses, ids = self.questions, len(self.systems), self.item_criteria
        for criterion in questions.criteria:
            for repeat in range(questions.samples):
                for order, row in self.views:
                    yield PlannedTask(
                        judge=questions.judge,
                        dataset=questions.dataset,
                        item_id=self.item_id,
                        criterion=criterion,
                        systems=self.systems,
                        sample=self.sample,
                        shown=order,
                        row=row,
                        repeat=repeat,
                        same_family=self.same_family,
                        judgments=questions.plan_judgments(criterion, responses, order, row, ids),
                        shard=self.shard,
                    )


class Tasks(Iterable[PlannedTask]):
    """Planned tasks in their order, item by item.

    Args:
        groups: The groups of tasks. Empty ones are dropped.

    Attributes:
        groups: The groups.
    """

    __slots__ = ("groups",)

    def __init__(self, groups: Iterable[TaskGroup] = ()) -> None:
        self.groups = tuple(filter(len, groups))

    @property
    def judgments(self) -> int:
        """Number of judgments that the tasks end in."""
        return sum(group.judgments for group in self.groups)

    def __iter__(self) -> Iterator[PlannedTask]:
        for group in self.groups:
            yield from group

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    def __add__(self, further: Tasks) -> Tasks:
        return Tasks((*self.groups, *further.groups))

    def on(self, dataset: str) -> Tasks:
        """Return the tasks on one dataset."""
        return self.keep_groups(lambda group: group.dataset == dataset)

    def keep(self, is_kept: Callable[[PlannedTask], bool]) -> Tasks:
        """Return some of the tasks."""
        return Tasks(group.keep(is_kept) for group in self.groups)

    def keep_groups(self, is_kept: Callable[[TaskGroup], bool]) -> Tasks:
        """Return the tasks of some groups."""
        return Tasks(filter(is_kept, self.groups))
