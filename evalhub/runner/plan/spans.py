"""How far the scores of a pointwise judge can lie apart."""

from __future__ import annotations

import math

from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.scales import Kind


def score_span(judge: ResolvedJudge, dataset: SuiteDataset) -> float | None:
    """Return the distance of the lowest and the highest score that a pointwise judge can give.

    It is that of the scale's ends, and 1 for a share of criteria that are met. Of criteria that items bring
    along the card's `clip` says it. None = it is not cut off, so that each item has a span of its own, or it
    is a reward, which has no ends.

    Args:
        judge: A judge that rates.
        dataset: One of the suite's datasets.
    """
    if judge.rubric.verdict is Kind.POINTWISE:
        return None
    if judge.rubric.has_item_criteria:
        clip = dataset.card.clip_range
        return None if clip is None else min(1.0, clip[1]) - clip[0]
    scales = filter(None, map(judge.rubric.scale_for, judge.rubric.criteria))
    return float(max((max(scale.values) - min(scale.values) for scale in scales), default=1.0))


def widest_span(dataset: SuiteDataset) -> float:
    """Return the largest distance of two scores of one item by its criteria, where none is cut off."""
    return max(
        (
            math.fsum(map(abs, points)) / math.fsum(value for value in points if value > 0)
            for item in dataset.items
            if (points := [criterion.points for criterion in item.criteria])
        ),
        default=1.0,
    )
