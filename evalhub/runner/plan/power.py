"""What a plan can show, known before anything is spent."""

from __future__ import annotations

from collections import defaultdict

from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.scales import Kind
from evalhub.sources import Dataset
from evalhub.stats import Design, Planned, planned


def foreseen(plan: Plan, judge: ResolvedJudge, dataset: Dataset) -> Planned:
    """Return what a judge's number of one system can show on a dataset, in the worst case.

    Pairwise: a win rate (or an accuracy) against one half, without ties. Pointwise: the difference of two
    systems in levels, as if every rating lay at one end of the scale and the two systems were unrelated.

    Args:
        plan: What it asks.
        judge: One of the suite's judges.
        dataset: One of the suite's datasets.

    Returns:
        As `stats.planned`, for the clusters of the system that has the fewest; of all where the dataset names
        no systems.
    """
    clusters = {item.item_id: item.cluster for item in dataset.items}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for cell in plan.cells[judge.spec.id]:
        if cell.dataset == dataset.card.id:
            for system in cell.systems if not dataset.card.anonymous else ("",):
                found[system].add(clusters[cell.item_id])
    least = min(map(len, found.values()), default=0)
    if judge.rubric.kind is Kind.PAIRWISE:
        return planned(least)
    scales = filter(None, map(judge.rubric.scale_for, judge.rubric.criteria))
    span = float(max(max(scale.values) - min(scale.values) for scale in scales))
    return planned(least, Design(sd=span / 2**0.5), largest=span)
