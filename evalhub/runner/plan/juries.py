"""The criteria and the quorum of each jury, decided before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.errors import SpecError, UnknownNameError
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.scales import Kind
from evalhub.specs import Combine, Jury
from evalhub.store import JuryFacts


def jury_facts(
    resolved: Resolved, label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> list[JuryFacts]:
    """Return each jury with its quorum, and the members' criteria for each of its criteria.

    Members whose criteria share names decide on those. Members with one criterion each decide on the first
    member's criterion.

    Args:
        resolved: The suite.
        label_criteria: The labels' criterion by judge, dataset and rubric criterion.

    Raises:
        UnknownNameError: A member is no judge of the suite.
        SpecError: The members have no common criterion or scale, or no labels can weigh them.
    """
    judges = {judge.spec.id: judge for judge in resolved.judges}
    facts = []
    for jury in resolved.suite.juries:
        where = f"{resolved.path}:juries.{jury.id}"
        for name in jury.members:
            if name not in judges:
                raise UnknownNameError("judge of the suite", name, judges, where=f"{where}.members")
        members = [judges[name] for name in jury.members]
        criteria = _criteria(members, where)
        _check_scales(members, criteria, where)
        if jury.combine is Combine.WEIGHTED:
            _check_labels(jury, label_criteria, where)
        quorum = jury.quorum or len(jury.members) // 2 + 1
        facts.append(
            JuryFacts(
                id=jury.id, members=jury.members, combine=jury.combine, quorum=quorum, criteria=criteria
            )
        )
    return facts


def with_juries(
    label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]], juries: list[JuryFacts]
) -> dict[str, Any]:
    """Return the labels' criteria of all judges and juries. A jury has those of its first member."""
    return {**label_criteria, **{jury.id: label_criteria[jury.members[0]] for jury in juries}}


def _criteria(members: list[ResolvedJudge], where: str) -> dict[str, dict[str, str]]:
    if len({judge.rubric.kind for judge in members}) > 1:
        kinds = {judge.spec.id: judge.rubric.kind.value for judge in members}
        raise SpecError("members of a jury rate, or compare, but not both", where=where, value=kinds)
    if all(len(judge.criteria) == 1 for judge in members):
        return {members[0].criteria[0]: {judge.spec.id: judge.criteria[0] for judge in members}}
    shared = [name for name in members[0].criteria if all(name in judge.criteria for judge in members)]
    if not shared:
        raise SpecError(
            "the members of the jury share no criterion",
            where=where,
            value={judge.spec.id: list(judge.criteria) for judge in members},
            fix="choose criteria: for each judge, one each or of the same names",
        )
    return {name: {judge.spec.id: name for judge in members} for name in shared}


def _check_scales(members: list[ResolvedJudge], criteria: dict[str, dict[str, str]], where: str) -> None:
    for by_member in criteria.values():
        unbounded = [judge.spec.id for judge in members if judge.rubric.verdict is Kind.POINTWISE]
        if unbounded and len(unbounded) < len(members):
            raise SpecError(
                "a reward has no levels, so that it has no mean with a rating",
                where=where,
                value=unbounded[0],
                allowed="members that all give rewards, or pairwise rubrics",
            )
        models = {judge.spec.id: judge.spec.model for judge in members}
        if unbounded and len(set(models.values())) > 1:
            raise SpecError(
                "rewards of different models have no common unit, so that they have no mean",
                where=where,
                value=models,
                allowed="rewards of one model, or `rubric: reward`, whose pairs have probabilities",
            )
        scales = {judge.spec.id: judge.rubric.scale_for(by_member[judge.spec.id]) for judge in members}
        values = {name: scale.values if scale else () for name, scale in scales.items()}
        if len(set(values.values())) > 1:
            raise SpecError(
                "the members of the jury rate on different scales",
                where=where,
                value={
                    name: f"{levels[0]:g} (worst) to {levels[-1]:g}" if levels else "0 to 1"
                    for name, levels in values.items()
                },
                allowed="members of one scale, worst first",
            )


def _check_labels(
    jury: Jury, label_criteria: Mapping[str, Mapping[str, Mapping[str, str]]], where: str
) -> None:
    if not any(links for name in jury.members for links in label_criteria[name].values()):
        raise SpecError(
            "no labels of the suite's datasets can weigh the members",
            where=f"{where}.combine",
            value=jury.combine.value,
            allowed="mean, vote",
        )
