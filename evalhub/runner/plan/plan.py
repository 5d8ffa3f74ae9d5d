"""The judging tasks that a suite needs, decided before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalhub.errors import SpecError
from evalhub.judging.early_stopping import STOPPED, cluster_order
from evalhub.runner.plan.budget import split_by_budget
from evalhub.runner.plan.cascades import check_cascades
from evalhub.runner.plan.checks import check_suite
from evalhub.runner.plan.juries import jury_facts
from evalhub.runner.plan.resolve import Resolved
from evalhub.runner.plan.tasks import PlannedTask, collect_systems, plan_tasks
from evalhub.scales import Kind
from evalhub.sources import Dataset
from evalhub.store import DecidedPair, EarlyStopping, JuryFacts

OVER_BUDGET = "judgments over the budget"

TasksByJudge = Mapping[str, tuple[PlannedTask, ...]]


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
    """

    tasks: TasksByJudge
    generations: int
    skipped: Mapping[str, Mapping[str, Mapping[str, int]]]
    label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]]
    excess: TasksByJudge = field(default_factory=dict)
    juries: list[JuryFacts] = field(default_factory=list)
    early_stopping: EarlyStopping | None = None
    stopped: TasksByJudge = field(default_factory=dict)

    @property
    def judgments(self) -> int:
        """Number of planned judgments."""
        return sum(map(count_judgments, self.tasks.values()))

    @property
    def over_budget(self) -> int:
        """Number of judgments that exceed the budget."""
        return sum(map(count_judgments, self.excess.values()))

    @property
    def exclusions(self) -> dict[str, dict[str, dict[str, int]]]:
        """Counts of what is not judged, by judge, dataset and reason, with budget and early stopping."""
        counts = {
            judge: {dataset: dict(reasons) for dataset, reasons in by_dataset.items()}
            for judge, by_dataset in self.skipped.items()
        }
        for reason, by_judge in ((OVER_BUDGET, self.excess), (STOPPED, self.stopped)):
            for judge, tasks in by_judge.items():
                for task in tasks:
                    reasons = counts[judge][task.dataset]
                    reasons[reason] = reasons.get(reason, 0) + len(task.judgments)
        return counts

    def add_tasks(self, further: TasksByJudge) -> Plan:
        """Return the plan with tasks that only its own judgments made known."""
        judges = dict.fromkeys([*self.tasks, *further])
        return replace(
            self, tasks={judge: (*self.tasks.get(judge, ()), *further.get(judge, ())) for judge in judges}
        )

    def stop_tasks(self, is_stopped: Callable[[PlannedTask], bool], decided: list[DecidedPair]) -> Plan:
        """Return the plan without tasks that early stopping leaves out.

        Args:
            is_stopped: Whether a task is left out.
            decided: The facts of the pairs that are decided.
        """
        stopped = {
            judge: tuple(filter(is_stopped, (*tasks, *self.excess.get(judge, ()))))
            for judge, tasks in self.tasks.items()
        }
        return replace(
            self,
            tasks=_without(self.tasks, is_stopped),
            excess=_without(self.excess, is_stopped),
            early_stopping=self.early_stopping
            and self.early_stopping.model_copy(update={"pairs": tuple(decided)}),
            stopped={judge: (*self.stopped.get(judge, ()), *tasks) for judge, tasks in stopped.items()},
        )

    def keep_judged(self, is_judged: Callable[[PlannedTask], bool]) -> Plan:
        """Return the plan with tasks that exceed the budget but were judged before the budget was lowered."""
        judged = {judge: tuple(filter(is_judged, tasks)) for judge, tasks in self.excess.items()}
        return replace(
            self,
            tasks={judge: tasks + judged.get(judge, ()) for judge, tasks in self.tasks.items()},
            excess=_without(self.excess, is_judged),
        )


def _without(by_judge: TasksByJudge, is_removed: Callable[[PlannedTask], bool]) -> TasksByJudge:
    return {judge: tuple(task for task in tasks if not is_removed(task)) for judge, tasks in by_judge.items()}


def count_judgments(tasks: Iterable[PlannedTask]) -> int:
    """Return the number of judgments that tasks end in."""
    return sum(len(task.judgments) for task in tasks)


def plan(resolved: Resolved) -> Plan:
    """Return every task that the suite needs, under its controls and its budget.

    Raises:
        FamilyError: A judge shares a family with a response it would judge, under `require`.
        SpecError: A judge has nothing to judge, or the name of a recorded judge. Or an item has no prompt.
        UnknownNameError: A judge names a criterion of labels, or a baseline, that no dataset has.
    """
    check_suite(resolved)
    by_judge: dict[str, list[PlannedTask]] = {}
    skipped: dict[str, dict[str, dict[str, int]]] = {}
    label_criteria: dict[str, dict[str, dict[str, str]]] = {}
    for dataset in resolved.datasets:
        systems = collect_systems(resolved, dataset)
        for judge in resolved.judges:
            tasks, exclusions, links = plan_tasks(resolved, judge, dataset, systems)
            if resolved.suite.budget.early_stopping is not None:
                tasks = _sort_for_stopping(tasks, judge.spec.seed, dataset)
            by_judge.setdefault(judge.spec.id, []).extend(tasks)
            skipped.setdefault(judge.spec.id, {})[dataset.card.id] = exclusions
            label_criteria.setdefault(judge.spec.id, {})[dataset.card.id] = links
    check_cascades(resolved, label_criteria)
    for judge_id, tasks in by_judge.items():
        if not tasks:
            raise SpecError(
                "the judge has nothing to judge",
                where=f"{resolved.path}:judges.{judge_id}",
                value="; ".join(_why_empty(name, counts) for name, counts in skipped[judge_id].items()),
            )
    affordable, excess = split_by_budget(resolved.suite.budget.judgments, by_judge)
    generations = sum(
        len(dataset.items) * candidate.spec.samples
        for dataset in resolved.datasets
        for candidate in resolved.candidates
    )
    juries = jury_facts(resolved, label_criteria)
    early_stopping = _early_stopping(resolved, by_judge)
    return Plan(affordable, generations, skipped, label_criteria, excess, juries, early_stopping)


def _sort_for_stopping(tasks: list[PlannedTask], seed: int, dataset: Dataset) -> list[PlannedTask]:
    """Return the tasks in the random order of their clusters, so that a budget cuts off the last clusters."""
    places = {item.item_id: cluster_order(seed, dataset.card.id, item.cluster) for item in dataset.items}
    return sorted(tasks, key=lambda task: places[task.item_id])


def _early_stopping(
    resolved: Resolved, by_judge: Mapping[str, Sequence[PlannedTask]]
) -> EarlyStopping | None:
    confidence = resolved.suite.budget.early_stopping
    if confidence is None:
        return None
    seeds = {
        judge.spec.id: judge.spec.seed for judge in resolved.judges if judge.rubric.kind is Kind.PAIRWISE
    }
    pair_counts = {judge: _count_pairs(by_judge[judge]) for judge in seeds}
    return EarlyStopping(confidence=confidence, seeds=seeds, order_sizes=pair_counts)


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
