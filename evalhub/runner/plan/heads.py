"""Judges whose model is a head that was trained on the prompt of a rubric."""

from __future__ import annotations

from collections.abc import Collection

from evalhub.errors import SpecError
from evalhub.judging import ANTISYMMETRIC, ORDINAL, Protocol
from evalhub.models import JudgeTraining, ResolvedModel
from evalhub.specs import JudgeUse, Positions, Rubric

HEAD = "head"


def head_training(model: ResolvedModel | None) -> JudgeTraining | None:
    """Return how a model was trained, if it is a trained head."""
    training = model.training if model else None
    return training if training and training.method == HEAD else None


def head_protocol(protocol: Protocol, training: JudgeTraining | None) -> Protocol:
    """Return how a judge's task is turned into judgments, where its model may be a trained head.

    Args:
        protocol: The protocol of the rubric.
        training: How the head was trained. None for other models.
    """
    if training is None:
        return protocol
    if training.cut_points:
        return ORDINAL
    return ANTISYMMETRIC if protocol.decides else protocol


def other_training_rubric(model: ResolvedModel | None, rubric: Rubric) -> str | None:
    """Return the rubric that a model learned the prompt of, if it is another text than the one at hand.

    An adapter may be asked another rubric, which a head may not.
    """
    training = model.training if model else None
    return training.rubric if training and training.rubric_hash != rubric.hash else None


def check_head(
    training: JudgeTraining, use: JudgeUse, rubric: Rubric, criteria: Collection[str], where: str
) -> None:
    """Refuse a trained head under a rubric whose prompt it never read.

    Raises:
        SpecError: The rubric, or a criterion of it, is another one, or the head's cut points do not part the
            rubric's levels.
    """
    if training.rubric_hash != rubric.hash:
        raise SpecError(
            f"the head was trained on the prompt of the rubric {training.rubric}, which is another text",
            where=f"{where}.rubric",
            value=rubric.id,
            fix=f"name the rubric {training.rubric} as it was, or train a head on this one",
        )
    if use.positions is not Positions.BOTH:
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
    scale = rubric.scale_for(training.criterion)
    cut_points = len(scale.values) - 1 if scale else 0
    if len(training.cut_points) != cut_points:
        raise SpecError(
            "the head does not have one cut point between two levels of the rubric",
            where=f"{where}.model",
            value=f"{len(training.cut_points)} cut points",
            allowed=str(cut_points),
            fix="train the head again",
        )
