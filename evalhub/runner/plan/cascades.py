"""The cascades of a suite, checked against its judges and labels before anything is run."""

from __future__ import annotations

from collections.abc import Mapping

from evalhub.errors import SpecError, UnknownNameError
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.scales import Kind
from evalhub.specs import CascadeUse


def check_cascades(resolved: Resolved, label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    """Refuse a cascade that cannot be evaluated.

    Args:
        resolved: The suite.
        label_criteria: The labels' criterion by judge, dataset and rubric criterion.

    Raises:
        UnknownNameError: A stage is no judge of the suite, or no dataset has the criterion.
        SpecError: A stage does not compare, or several of its criteria have the same criterion of labels.
    """
    judges = {judge.spec.id: judge for judge in resolved.judges}
    for cascade in resolved.suite.cascades:
        where = f"{resolved.path}:cascades.{cascade.id}"
        for name in cascade.stages:
            if name not in judges:
                raise UnknownNameError("judge of the suite", name, judges, where=f"{where}.stages")
            _check_stage(judges[name], label_criteria[name], f"{where}.stages")
        _check_criterion(resolved, cascade, f"{where}.criterion")


def _check_stage(judge: ResolvedJudge, links: Mapping[str, Mapping[str, str]], where: str) -> None:
    if judge.rubric.kind is not Kind.PAIRWISE:
        raise SpecError(
            "a stage of a cascade compares two responses, and this judge rates one",
            where=where,
            value=judge.spec.id,
            fix="name a judge with a pairwise rubric",
        )
    for by_criterion in links.values():
        if len(set(by_criterion.values())) < len(by_criterion):
            raise SpecError(
                "several criteria of the judge are held against one criterion of the labels",
                where=where,
                value=judge.spec.id,
                fix="choose one of them with the judge's key `criteria`",
            )


def _check_criterion(resolved: Resolved, cascade: CascadeUse, where: str) -> None:
    criteria = {
        name
        for dataset in resolved.datasets
        for name, spec in dataset.card.criteria.items()
        if spec.kind is Kind.PAIRWISE and spec.turn is None
    }
    if cascade.criterion is not None and cascade.criterion not in criteria:
        raise UnknownNameError("pairwise criterion of the labels", cascade.criterion, criteria, where=where)
