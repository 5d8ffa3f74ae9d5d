"""The criteria of labels that a judge's criteria are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.scales import Kind
from evalhub.specs import CardFacts


def label_criteria(judge: ResolvedJudge, dataset: SuiteDataset) -> dict[str, str]:
    """Return the labels' criterion of each criterion of a judge, where there is one."""
    return {
        criterion: label
        for criterion in judge.criteria
        if (label := label_criterion(dataset.card, criterion, judge.rubric.kind, judge.spec.label_criteria))
        is not None
    }


def label_criterion(
    card: CardFacts, criterion: str, kind: Kind, label_criteria: Mapping[str, str]
) -> str | None:
    """Return the criterion of the labels that a rubric's criterion is compared with.

    It is the criterion that the suite names, else the criterion of the same name, else the only criterion of
    the same kind. None if several remain, or if the dataset has no such labels. A judge sees a whole
    response, so labels of one turn do not count.
    """
    fitting = [name for name, spec in card.criteria.items() if spec.kind is kind and spec.turn is None]
    name = label_criteria.get(criterion, criterion)
    if name in fitting:
        return name
    return fitting[0] if len(fitting) == 1 and criterion not in label_criteria else None
