"""The criteria of labels that a judge's criteria are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.resolve import ResolvedJudge
from evalhub.scales import Kind
from evalhub.specs import ITEM_CRITERIA, CardFacts


def label_criteria(judge: ResolvedJudge, dataset: SuiteDataset) -> dict[str, str]:
    """Return the labels' criterion of each criterion of a judge, where there is one.

    The criteria of items have labels of their own: those that name a criterion of their item.
    """
    rubric, card = judge.rubric, dataset.card
    pooled = (ITEM_CRITERIA,) if rubric.has_item_criteria else ()
    labels = {
        criterion: label_criterion(
            card, criterion, rubric.kind, judge.spec.label_criteria, of_item=criterion in pooled
        )
        for criterion in (*judge.criteria, *pooled)
    }
    return {criterion: label for criterion, label in labels.items() if label is not None}


def label_criterion(
    card: CardFacts, criterion: str, kind: Kind, label_criteria: Mapping[str, str], *, of_item: bool = False
) -> str | None:
    """Return the criterion of the labels that a rubric's criterion is compared with.

    It is the criterion that the suite names, else the criterion of the same name, else the only criterion of
    the same kind. None if several remain, or if the dataset has no such labels. A judge sees a whole
    response, so labels of one turn do not count.

    Args:
        card: What the dataset's card says.
        criterion: The rubric's criterion.
        kind: Whether the rubric rates or compares.
        label_criteria: The suite's choice, by criterion of the rubric.
        of_item: Whether the criterion stands for the criteria of items. Only labels of these count then, and
            else they do not.
    """
    fitting = [
        name
        for name, spec in card.criteria.items()
        if spec.kind is kind and spec.turn is None and spec.of_item is of_item
    ]
    name = label_criteria.get(criterion, criterion)
    if name in fitting:
        return name
    return fitting[0] if len(fitting) == 1 and criterion not in label_criteria else None
