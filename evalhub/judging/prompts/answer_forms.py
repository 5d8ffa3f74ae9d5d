"""How the levels of a scale are answered: by their labels if each is one token, else by letters."""

from __future__ import annotations

from collections.abc import Callable

from evalhub.errors import SpecError
from evalhub.scales import LETTERS, AnswerForm, Scale

MOST_LABELS = 128
"""Most levels whose probabilities an engine gives at once."""

Askable = Callable[[AnswerForm], bool]


def choose_form(scale: Scale, required: AnswerForm | None, askable: Askable, where: str) -> AnswerForm:
    """Return how a judge answers with the levels of a scale.

    Args:
        scale: The levels.
        required: The form that the rubric demands. None leaves the choice to this function.
        askable: Whether each answer of a form is one token of its own at the start of the model's answer.
        where: The rubric, for errors.

    Raises:
        SpecError: The scale can be asked in no form, or not in the required one.

    Example:
        >>> from evalhub.specs import scale_of
        >>> scale = scale_of({n: "…" for n in range(11)})
        >>> choose_form(scale, None, lambda form: form is AnswerForm.LETTERS, "ten.md")
        <AnswerForm.LETTERS: 'letters'>
    """
    if required is not AnswerForm.LETTERS and askable(AnswerForm.NAMES):
        check_number(scale, AnswerForm.NAMES, where)
        return AnswerForm.NAMES
    if required is AnswerForm.NAMES:
        raise SpecError(
            "the labels of the levels are not one token each at the start of this model's answer",
            where=f"{where}:answer",
            value=", ".join(scale.names),
            fix="leave answer out, or write answer: letters",
        )
    check_number(scale, AnswerForm.LETTERS, where)
    if not askable(AnswerForm.LETTERS):
        raise SpecError(
            "neither labels nor letters are one token each at the start of this model's answer",
            where=f"{where}:scale",
            value=", ".join(scale.names),
            fix="choose another model",
        )
    return AnswerForm.LETTERS


def check_number(scale: Scale, form: AnswerForm, where: str) -> None:
    """Refuse more levels than can be asked in a form.

    Raises:
        SpecError: There are too many.
    """
    limit = len(LETTERS) if form is AnswerForm.LETTERS else MOST_LABELS
    if len(scale.levels) > limit:
        raise SpecError(
            f"the scale has more levels than can be asked by {form}",
            where=f"{where}:scale",
            value=f"{len(scale.levels)} levels",
            allowed=f"{limit} levels",
            fix="use wider steps, such as 0, 10, 20, …",
        )


def single_characters(scale: Scale, form: AnswerForm) -> bool:
    """Return whether all answers are single characters: the test if there is no tokenizer."""
    return all(len(answer) == 1 for answer in scale.answers(form))
