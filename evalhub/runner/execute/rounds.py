"""Judging in rounds: after each round, pairs of systems whose order is decided get no more tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, cast

from evalhub.judging.aggregate import judgment_row, pair_verdict
from evalhub.judging.early_stopping import PAIR, cluster_order, compare_sequentially
from evalhub.records import Judgment
from evalhub.runner.execute.jobs import JudgeStep
from evalhub.runner.plan.manifest import planned_facts
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.runner.plan.task_groups import PlannedTask, TaskGroup, Tasks
from evalhub.runner.progress import Progress
from evalhub.scales import Kind
from evalhub.specs import Combine, Positions
from evalhub.stats.testing.sequential import Decision, Sequential
from evalhub.store import DecidedPair, EarlyStopping, PartWriter, RunWriter

ROUND = 20
"""Number of clusters of a dataset that are judged between two tests."""


class Pair(NamedTuple):
    """Two systems under one criterion of one judge on one dataset."""

    dataset: str
    judge: str
    criterion: str
    systems: tuple[str, ...]


class Rounds:
    """The tasks of each judge, round by round, without the pairs that early stopping has decided.

    The test at the end of a round uses that round and those before it, in the random order of the clusters. A
    run that is resumed or repeated therefore stops at the same places.

    Args:
        writer: The run. Every decided pair is written to its manifest.
        steps: The datasets that each judge judges.
        planned: The suite's plan.
        progress: Shows every decided pair.

    Attributes:
        plan: The plan without the tasks of decided pairs.
    """

    def __init__(
        self, writer: RunWriter, steps: Sequence[JudgeStep], planned: Plan, progress: Progress
    ) -> None:
        self.plan = planned
        self._writer = writer
        self._progress = progress
        self._parts = {(step.judge.spec.id, step.dataset.id): step.part for step in steps}
        self._texts = {step.dataset.id: (step.number, step.texts) for step in steps}
        self._clusters = {
            (step.dataset.id, item_id): cluster
            for step in steps
            for item_id, cluster in step.texts.clusters.items()
        }
        self._ranked = {step.dataset.id for step in steps if not step.dataset.card.anonymous}
        self._verdicts: dict[Pair, list[tuple[str | None, str]]] = {}
        self._decided: dict[Pair, Sequential] = {}
        self._reused_pairs = planned.early_stopping.pairs if planned.early_stopping else ()

    def of(self, judge: ResolvedJudge) -> Iterator[Iterable[PlannedTask]]:
        """Yield the tasks of one judge, each round once the one before it is judged."""
        planned = self.plan.tasks[judge.spec.id]
        stopping = self.plan.early_stopping
        if stopping is None or judge.rubric.kind is not Kind.PAIRWISE:
            yield self._open_tasks(judge.spec.id, planned)
            return
        for tasks in self._split(judge.spec.seed, [*planned, *self.plan.excess.get(judge.spec.id, ())]):
            excess = set(self.plan.excess.get(judge.spec.id, ()))
            open_tasks = [task for task in tasks if not self._is_stopped(task)]
            if affordable := [task for task in open_tasks if task not in excess]:
                yield affordable
            if len(affordable) < len(open_tasks):
                return  # the budget cuts this round, and a test of a part of it would be another test
            self._test_pairs(judge, tasks, stopping)

    def _open_tasks(self, judge: str, tasks: Tasks) -> Tasks:
        """Return the tasks of shards that are not sealed, in the order in which their texts are stored.

        A shard is sealed with the last of its tasks.
        """
        open_tasks = Tasks(
            group
            for group in sorted(tasks.groups, key=self._place)
            if not self._parts[judge, group.dataset].is_sealed(group.shard)
        )
        sizes: Counter[tuple[str, int]] = Counter()
        for group in open_tasks.groups:
            sizes[group.dataset, group.shard] += len(group)
        over_budget = {(group.dataset, group.shard) for group in self.plan.excess.get(judge, Tasks()).groups}
        for dataset, shard in sizes.keys() - over_budget:
            self._parts[judge, dataset].expect_jobs(shard, sizes[dataset, shard])
        return open_tasks

    def _place(self, group: TaskGroup) -> tuple[int, int]:
        number, texts = self._texts[group.dataset]
        return texts.turn(number, group.item_id)

    def _part(self, task: PlannedTask) -> PartWriter:
        return self._parts[task.judge, task.dataset]

    def _split(self, seed: int, tasks: Sequence[PlannedTask]) -> Iterator[list[PlannedTask]]:
        """Yield each round's tasks, the clusters of every dataset in their random order."""
        places = {
            (dataset, cluster): cluster_order(seed, dataset, cluster)
            for dataset, cluster in {(task.dataset, self._cluster(task)) for task in tasks}
        }
        rounds: dict[tuple[str, str], int] = {}
        clusters = sorted(places, key=lambda key: (key[0], places[key]))
        for _, of_dataset in groupby(clusters, key=itemgetter(0)):
            rounds |= {key: number // ROUND for number, key in enumerate(of_dataset)}

        def turn(task: PlannedTask) -> tuple[int, str, str]:
            key = task.dataset, self._cluster(task)
            # A dataset without a ranking needs no test, so all its tasks are in the first round.
            return rounds[key] if task.dataset in self._ranked else 0, task.dataset, places[key]

        for _, of_round in groupby(sorted(tasks, key=turn), key=lambda task: turn(task)[0]):
            yield list(of_round)

    def _test_pairs(
        self, judge: ResolvedJudge, tasks: Sequence[PlannedTask], stopping: EarlyStopping
    ) -> None:
        """Test every open pair that a round has new verdicts of."""
        newly_decided = {}
        for pair in self._collect_verdicts(judge, tasks):
            if pair not in self._decided:
                winners, clusters = zip(*self._verdicts[pair], strict=True)
                confidence = stopping.pair_confidence(pair.dataset, pair.judge, pair.criterion)
                test = compare_sequentially(winners, clusters, confidence=confidence)
                if test.decision is not Decision.OPEN:
                    newly_decided[pair] = test
        if newly_decided:
            self._decided |= newly_decided
            decided = [*self._reused_pairs, *map(self._describe, self._decided)]
            self.plan = self.plan.stop_tasks(self._is_stopped, decided).spend_savings()
            self._writer.update(**planned_facts(self.plan))
            for pair, test in newly_decided.items():
                self._progress.note(_sentence(pair, test))

    def _collect_verdicts(self, judge: ResolvedJudge, tasks: Sequence[PlannedTask]) -> list[Pair]:
        """Add the verdicts of a round to those of each pair. Return the pairs of the round."""
        groups: dict[tuple[Pair, str, int], list[Judgment]] = {}
        for task in tasks:
            for pair, key in zip(_pairs(task), task.keys, strict=True):
                judgment = cast("Judgment | None", self._part(task).get("judgments", key))
                if judgment is not None and pair.dataset in self._ranked:
                    groups.setdefault((pair, task.item_id, task.sample), []).append(judgment)
        two_orders, vote = judge.positions is Positions.BOTH, judge.spec.combine is Combine.VOTE
        for (pair, item_id, _), judgments in groups.items():
            rows = [judgment_row(judgment) for judgment in judgments]
            _, winner = pair_verdict(rows, two_orders=two_orders, vote=vote)
            self._verdicts.setdefault(pair, []).append((winner, self._clusters[pair.dataset, item_id]))
        return list(dict.fromkeys(pair for pair, _, _ in groups))

    def _is_stopped(self, task: PlannedTask) -> bool:
        """Return whether all pairs of a task are decided. A task that is judged already is not stopped."""
        return all(pair in self._decided for pair in _pairs(task)) and not all(
            self._part(task).get("judgments", key) for key in task.keys
        )

    def _describe(self, pair: Pair) -> DecidedPair:
        test = self._decided[pair]
        return DecidedPair(
            **dict(zip(PAIR, (*pair[:3], *pair.systems), strict=True)),
            decision=test.decision.value,
            stopped_at=test.stopped_at,
            clusters=test.mean.clusters,
        )

    def _cluster(self, task: PlannedTask) -> str:
        return self._clusters[task.dataset, task.item_id]


def _pairs(task: PlannedTask) -> list[Pair]:
    """Return the pair of each judgment of a task."""
    return [
        Pair(
            task.dataset,
            task.judge,
            judgment.criterion,
            tuple(task.systems[place] for place in judgment.systems),
        )
        for judgment in task.judgments
    ]


def _sentence(pair: Pair, test: Sequential) -> str:
    winner, loser = pair.systems if test.decision is Decision.FIRST else reversed(pair.systems)
    return (
        f"{pair.judge} on {pair.dataset}, {pair.criterion}: {winner} is ahead of {loser}, "
        f"settled after {test.stopped_at} clusters"
    )
