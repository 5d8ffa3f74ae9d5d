"""Judges whose model is a head that was trained on the prompt of a rubric."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeGuard

from evalhub.errors import SpecError
from evalhub.models import ResolvedModel
from evalhub.specs import JudgeUse, Rubric

HEAD = "head"


def is_head(model: ResolvedModel | None) -> TypeGuard[ResolvedModel]:
    """Return whether a model is a trained head."""
    return model is not None and model.training is not None and model.training.method == HEAD


def check_head(
    model: ResolvedModel, use: JudgeUse, rubric: Rubric, criteria: Collection[str], where: str
) -> None:
    """Refuse a trained head under a rubric whose prompt it never read.

    Raises:
        SpecError: The rubric, or a criterion of it, is another one.
    """
    training = model.training
    if training is None:
        return
    if training.rubric_hash != rubric.hash:
        raise SpecError(
            f"the head was trained on the prompt of the rubric {training.rubric}, which is another text",
            where=f"{where}.rubric",
            value=rubric.id,
            fix=f"name the rubric {training.rubric} as it was, or train a head on this one",
        )
    if "positions" in use.model_fields_set:
        raise SpecError(
            "a trained head reads both orders for one verdict, so positions would change nothing",
            where=f"{where}.positions",
            fix="leave it out",
        )
    if set(criteria) != {training.criterion}:
        raise SpecError(
            "the head was trained on one criterion",
            where=f"{where}.criteria",
            value=", ".join(criteria),
            allowed=training.criterion,
            fix=f"write criteria: [{training.criterion}]",
        )
