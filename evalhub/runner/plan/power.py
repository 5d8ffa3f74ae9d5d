"""The precision and the power of a plan, known before anything is run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.runner.plan.tasks import PlannedTask
from evalhub.scales import Kind
from evalhub.stats import ClusterDesign, Planned, planned


def expected_power(plan: Plan, judge: ResolvedJudge, dataset: SuiteDataset) -> Planned:
    """Return the precision and power of a judge's estimate of one system on a dataset, in the worst case.

    Pairwise: a win rate (or an accuracy) against one half, without ties. Pointwise: the difference of two
    systems in levels, as if every rating lay at one end of the scale and the two systems were unrelated.

    Args:
        plan: The suite's plan.
        judge: One of the suite's judges.
        dataset: One of the suite's datasets.

    Returns:
        As `stats.planned`, for the system with the fewest clusters. If the systems are anonymous, all of them
        count as one.
    """
    reused = plan.reused.get((judge.spec.id, dataset.id))
    fewest = reused.fewest_clusters if reused else fewest_clusters(plan.tasks[judge.spec.id], dataset)
    if judge.rubric.kind is Kind.PAIRWISE:
        return planned(fewest)
    scales = filter(None, map(judge.rubric.scale_for, judge.rubric.criteria))
    span = float(max(max(scale.values) - min(scale.values) for scale in scales))
    return planned(fewest, ClusterDesign(sd=span / 2**0.5), largest=span)


def fewest_clusters(tasks: Iterable[PlannedTask], dataset: SuiteDataset) -> int:
    """Return the clusters that are judged of the system with the fewest.

    Args:
        tasks: Tasks of one judge. Those on other datasets do not count.
        dataset: The dataset. If its systems are anonymous, all of them count as one.
    """
    clusters = {item.item_id: item.cluster for item in dataset.items}
    by_system: defaultdict[str, set[str]] = defaultdict(set)
    for task in tasks:
        if task.dataset == dataset.id:
            for system in task.systems if not dataset.card.anonymous else ("",):
                by_system[system].add(clusters[task.item_id])
    return min(map(len, by_system.values()), default=0)
