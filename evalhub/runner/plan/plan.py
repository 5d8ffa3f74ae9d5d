"""The judging tasks that a suite needs, decided before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from evalhub.errors import SpecError
from evalhub.judging.early_stopping import STOPPED, cluster_order
from evalhub.runner.plan.budget import split_by_budget
from evalhub.runner.plan.cascades import check_cascades
from evalhub.runner.plan.checks import check_suite
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.juries import jury_facts
from evalhub.runner.plan.links import label_criteria
from evalhub.runner.plan.resolve import Resolved
from evalhub.runner.plan.task_groups import PlannedTask, Tasks
from evalhub.runner.plan.tasks import Systems, collect_systems, plan_tasks
from evalhub.scales import Kind
from evalhub.store import DecidedPair, EarlyStopping, JuryFacts, PartFacts

OVER_BUDGET = "judgments over the budget"

TasksByJudge = Mapping[str, Tasks]
ReusedJudgments = Mapping[tuple[str, str], PartFacts]
"""The facts of judgments that are made already, by judge and dataset."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The work that a suite needs.

    Attributes:
        tasks: The tasks of each judge, item by item, both orders together.
        generations: Number of responses to generate.
        skipped: Counts of what has no task, by judge, dataset and reason.
        label_criteria: The labels' criterion by judge, dataset and rubric criterion, where there is one.
        excess: The tasks of each judge that exceed the budget.
        juries: The facts of each jury.
        early_stopping: The facts of the sequential tests, None without `budget.early_stopping`: `confidence`,
            `seeds` by judge, `order_sizes` (pairs of systems in each order), and `pairs`, those that are
            decided.
        stopped: The tasks of each judge that early stopping left out.
        reused: The facts of the judgments that are made already, by judge and dataset. They have no tasks.
        budget: Maximum number of judgments. None = no limit.
    """

    tasks: TasksByJudge
    generations: int
    skipped: Mapping[str, Mapping[str, Mapping[str, int]]]
    label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]]
    excess: TasksByJudge = field(default_factory=dict)
    juries: list[JuryFacts] = field(default_factory=list)
    early_stopping: EarlyStopping | None = None
    stopped: TasksByJudge = field(default_factory=dict)
    reused: ReusedJudgments = field(default_factory=dict)
    budget: int | None = None

    @property
    def judgments(self) -> int:
        """Number of planned judgments that are not made already."""
        return sum(tasks.judgments for tasks in self.tasks.values())

    @property
    def expected(self) -> dict[str, int]:
        """Number of planned judgments of each judge, with those that are made already."""
        counts = {judge: tasks.judgments for judge, tasks in self.tasks.items()}
        for (judge, _), facts in self.reused.items():
            counts[judge] = counts.get(judge, 0) + facts.expected
        return counts

    def count(self, judge: str, dataset: str) -> int:
        """Return the number of planned judgments of a judge on a dataset, made already or not."""
        if facts := self.reused.get((judge, dataset)):
            return facts.expected
        return self.tasks[judge].on(dataset).judgments

    @property
    def over_budget(self) -> int:
        """Number of judgments that exceed the budget."""
        return sum(tasks.judgments for tasks in self.excess.values())

    @property
    def exclusions(self) -> dict[str, dict[str, dict[str, int]]]:
        """Counts of what is not judged, by judge, dataset and reason, with budget and early stopping."""
        counts = {
            judge: {dataset: dict(reasons) for dataset, reasons in by_dataset.items()}
            for judge, by_dataset in self.skipped.items()
        }
        for reason, by_judge in ((OVER_BUDGET, self.excess), (STOPPED, self.stopped)):
            for judge, tasks in by_judge.items():
                for group in tasks.groups:
                    reasons = counts[judge][group.dataset]
                    reasons[reason] = reasons.get(reason, 0) + group.judgments
        for (judge, dataset), facts in self.reused.items():
            counts[judge][dataset] = dict(facts.exclusions)
        return counts

    def with_reused(self, judge: str, dataset: str, facts: PartFacts) -> Plan:
        """Return the plan without the tasks of a judge on a dataset, whose judgments are made already."""

        def without(tasks: TasksByJudge) -> TasksByJudge:
            remaining = tasks.get(judge, Tasks()).keep_groups(lambda group: group.dataset != dataset)
            return {**tasks, judge: remaining}

        return replace(
            self,
            tasks=without(self.tasks),
            excess=without(self.excess),
            early_stopping=self.early_stopping and _with_decided(self.early_stopping, judge, dataset, facts),
            reused={**self.reused, (judge, dataset): facts},
        )

    def add_tasks(self, further: TasksByJudge) -> Plan:
        """Return the plan with tasks that only its own judgments made reused."""
        judges = dict.fromkeys([*self.tasks, *further])
        return replace(
            self,
            tasks={judge: self.tasks.get(judge, Tasks()) + further.get(judge, Tasks()) for judge in judges},
        )

    def stop_tasks(self, is_stopped: Callable[[PlannedTask], bool], decided: list[DecidedPair]) -> Plan:
        """Return the plan without tasks that early stopping leaves out.

        Args:
            is_stopped: Whether a task is left out.
            decided: The facts of the pairs that are decided.
        """
        stopped = {
            judge: (tasks + self.excess.get(judge, Tasks())).keep(is_stopped)
            for judge, tasks in self.tasks.items()
        }
        return replace(
            self,
            tasks=_without(self.tasks, is_stopped),
            excess=_without(self.excess, is_stopped),
            early_stopping=self.early_stopping
            and self.early_stopping.model_copy(update={"pairs": tuple(decided)}),
            stopped={judge: self.stopped.get(judge, Tasks()) + tasks for judge, tasks in stopped.items()},
        )

    def spend_savings(self) -> Plan:
        """Return the plan with tasks over the budget that fit into it now, since others were left out."""
        if self.budget is None or not self.over_budget:
            return self
        further, excess = split_by_budget(max(0, self.budget - sum(self.expected.values())), self.excess)
        return replace(self.add_tasks(further), excess=excess)

    def keep_judged(self, is_judged: Callable[[PlannedTask], bool]) -> Plan:
        """Return the plan with tasks that exceed the budget but were judged before the budget was lowered."""
        judged = {judge: tasks.keep(is_judged) for judge, tasks in self.excess.items()}
        return replace(
            self,
            tasks={judge: tasks + judged.get(judge, Tasks()) for judge, tasks in self.tasks.items()},
            excess=_without(self.excess, is_judged),
        )


def _with_decided(stopping: EarlyStopping, judge: str, dataset: str, facts: PartFacts) -> EarlyStopping:
    """Return the sequential tests with those of judgments that are made already."""
    pairs = [pair for pair in stopping.pairs if (pair.judge, pair.dataset) != (judge, dataset)]
    sizes = dict(stopping.order_sizes)
    if judge in stopping.seeds:
        sizes[judge] = {**sizes.get(judge, {}), dataset: dict(facts.order_sizes)}
    return stopping.model_copy(update={"pairs": (*pairs, *facts.decided), "order_sizes": sizes})


def _without(by_judge: TasksByJudge, is_removed: Callable[[PlannedTask], bool]) -> TasksByJudge:
    return {judge: tasks.keep(lambda task: not is_removed(task)) for judge, tasks in by_judge.items()}


def plan(resolved: Resolved, reused: ReusedJudgments | None = None) -> Plan:
    """Return every task that the suite needs, under its controls and its budget.

    Args:
        resolved: The suite.
        reused: The judgments that are made already. They get no tasks, and no dataset is read for them.

    Raises:
        FamilyError: A judge shares a family with a response it would judge, under `require`.
        SpecError: A judge has nothing to judge, or the name of a recorded judge. Or an item has no prompt.
        UnknownNameError: A judge names a criterion of labels, or a baseline, that no dataset has.
    """
    reused, budget = reused or {}, resolved.suite.budget
    check_suite(resolved)
    links = {
        judge.spec.id: {dataset.id: label_criteria(judge, dataset) for dataset in resolved.datasets}
        for judge in resolved.judges
    }
    check_cascades(resolved, links)
    by_judge = {judge.spec.id: Tasks() for judge in resolved.judges}
    skipped: dict[str, dict[str, dict[str, int]]] = {judge: {} for judge in by_judge}
    for dataset in resolved.datasets:
        judges = [judge for judge in resolved.judges if (judge.spec.id, dataset.id) not in reused]
        systems = collect_systems(resolved, dataset) if judges else Systems()
        for judge in judges:
            tasks, exclusions = plan_tasks(resolved, judge, dataset, systems)
            if budget.early_stopping is not None:
                tasks = _in_random_order(tasks, judge.spec.seed, dataset)
            elif budget.judgments is not None or budget.is_metered:
                tasks = _in_random_order(tasks, 0, dataset)  # the same for all judges
            by_judge[judge.spec.id] += tasks
            skipped[judge.spec.id][dataset.id] = exclusions
    for judge_id, tasks in by_judge.items():
        if not tasks and not any(name == judge_id and facts.expected for (name, _), facts in reused.items()):
            raise SpecError(
                "the judge has nothing to judge",
                where=f"{resolved.path}:judges.{judge_id}",
                value="; ".join(_why_empty(name, counts) for name, counts in skipped[judge_id].items()),
            )
    limit = budget.judgments
    if limit is not None:
        limit = max(0, limit - sum(facts.expected for facts in reused.values()))
    affordable, excess = split_by_budget(limit, by_judge)
    generations = sum(
        dataset.facts.items * candidate.spec.samples
        for dataset in resolved.datasets
        for candidate in resolved.candidates
    )
    juries = jury_facts(resolved, links)
    early_stopping = _early_stopping(resolved, by_judge, reused)
    return Plan(
        affordable,
        generations,
        skipped,
        links,
        excess,
        juries,
        early_stopping,
        reused=reused,
        budget=budget.judgments,
    )


def _in_random_order(tasks: Tasks, seed: int, dataset: SuiteDataset) -> Tasks:
    """Return the tasks in the random order of their clusters, so that a budget cuts off the last clusters."""
    places = {item.item_id: cluster_order(seed, dataset.id, item.cluster) for item in dataset.items}
    return Tasks(sorted(tasks.groups, key=lambda group: places[group.item_id]))


def _early_stopping(
    resolved: Resolved, by_judge: TasksByJudge, reused: ReusedJudgments
) -> EarlyStopping | None:
    confidence = resolved.suite.budget.early_stopping
    if confidence is None:
        return None
    seeds = {
        judge.spec.id: judge.spec.seed for judge in resolved.judges if judge.rubric.kind is Kind.PAIRWISE
    }
    pair_counts = {judge: _count_pairs(by_judge[judge]) for judge in seeds}
    for (judge_id, dataset), facts in reused.items():
        if judge_id in seeds:
            pair_counts[judge_id][dataset] = dict(facts.order_sizes)
    decided = tuple(pair for facts in reused.values() for pair in facts.decided)
    return EarlyStopping(confidence=confidence, seeds=seeds, order_sizes=pair_counts, pairs=decided)


def _count_pairs(tasks: Iterable[PlannedTask]) -> dict[str, dict[str, int]]:
    """Return the number of pairs of systems that make up one order, by dataset and criterion."""
    pairs: dict[tuple[str, str], set[frozenset[str]]] = {}
    for task in tasks:
        for judgment in task.judgments:
            systems = frozenset(task.systems[place] for place in judgment.systems)
            pairs.setdefault((task.dataset, judgment.criterion), set()).add(systems)
    counts: dict[str, dict[str, int]] = {}
    for (dataset, criterion), of_order in pairs.items():
        counts.setdefault(dataset, {})[criterion] = len(of_order)
    return counts


def _why_empty(dataset: str, exclusions: dict[str, int]) -> str:
    """Return in words why a dataset leaves a judge nothing."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in exclusions.items())
    return f"{dataset}: {reasons or 'too few responses to the same item'}"
