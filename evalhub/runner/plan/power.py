"""The precision and the power of a plan, known before anything is run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.runner.plan.spans import score_span, widest_span
from evalhub.runner.plan.task_groups import Tasks
from evalhub.scales import Kind
from evalhub.stats import ClusterDesign, Planned, planned


def expected_power(plan: Plan, judge: ResolvedJudge, dataset: SuiteDataset) -> Planned | None:
    """Return the precision and power of a judge's estimate of one system on a dataset, in the worst case.

    Pairwise: a win rate (or an accuracy) against one half, without ties. Pointwise: the difference of two
    systems in levels or scores, as if each lay at one end of the scale and the two systems were unrelated.

    Args:
        plan: The suite's plan.
        judge: One of the suite's judges.
        dataset: One of the suite's datasets.

    Returns:
        As `stats.planned`, for the system with the fewest clusters. If the systems are anonymous, all of them
        count as one. None for rewards, whose spread is not known.
    """
    reused = plan.reused.get((judge.spec.id, dataset.id))
    if reused:
        fewest = reused.fewest_clusters
    else:
        clusters = {item.item_id: item.cluster for item in dataset.items}
        tasks = plan.tasks[judge.spec.id].on(dataset.id)
        fewest = fewest_clusters(tasks, clusters, anonymous=dataset.card.anonymous)
    if judge.rubric.kind is Kind.PAIRWISE:
        return planned(fewest)
    if judge.rubric.verdict is Kind.POINTWISE:
        return None
    span = score_span(judge, dataset) or widest_span(dataset)
    return planned(fewest, ClusterDesign(sd=span / 2**0.5), largest=span)


def fewest_clusters(tasks: Tasks, clusters: Mapping[str, str], *, anonymous: bool) -> int:
    """Return the clusters that are judged of the system with the fewest.

    Args:
        tasks: Tasks of one judge on one dataset.
        clusters: The cluster of each item of the dataset.
        anonymous: Whether its systems are anonymous. All of them then count as one.
    """
    by_system: defaultdict[str, set[str]] = defaultdict(set)
    for group in tasks.groups:
        for system in group.systems if not anonymous else ("",):
            by_system[system].add(clusters[group.item_id])
    return min(map(len, by_system.values()), default=0)
