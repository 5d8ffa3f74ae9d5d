"""How the levels of a judge are answered by its model, decided before the model is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from evalhub.engines import Prompt, Prompts, folder_prompts
from evalhub.errors import ModelError
from evalhub.judging import LIST_LETTERS, choose_form, preview, single_characters
from evalhub.models import ResolvedModel
from evalhub.records import Item, ItemCriterion, Message, Response
from evalhub.scales import AnswerForm, Shape
from evalhub.specs import Mode, Rubric

Forms = Mapping[str, AnswerForm]

# The content of a prompt does not matter here, only how the prompt ends.
_TEXT = "…"
_ITEM = Item(
    "preview",
    "preview",
    turns=(_TEXT,),
    refs=((_TEXT,),),
    context=(_TEXT,),
    criteria=(ItemCriterion("c1", _TEXT, 1.0),),
)
_RESPONSES = tuple(Response("preview", "preview", letter, text=_TEXT) for letter in LIST_LETTERS)


def answer_forms(rubric: Rubric, mode: Mode, model: ResolvedModel | None, where: str) -> Forms:
    """Return how the levels of each criterion are answered. Empty for a rubric without a scale.

    Labels are used if every label is one token of the model, else letters. If there is no tokenizer to read,
    as for a server's model, a label of one character counts as one token.

    Args:
        rubric: The rubric, already checked against its protocol.
        mode: How the judge answers.
        model: The judge's model. None for a server's model.
        where: The rubric's name, for errors.

    Raises:
        SpecError: The scale cannot be asked, or not in the form that the rubric demands.
        ModelError: Other answers, such as A and B, are not one token each of this model.
    """
    prompts = folder_prompts(model.path) if model else None
    scales = {name: scale for name in rubric.criteria if (scale := rubric.scale_for(name))}
    if prompts is not None and not scales:
        for prompt, choices in _questions(prompts, rubric, mode, {}):
            prompts.choice_tokens(prompt, choices)
    return {
        name: choose_form(
            scale,
            rubric.answer,
            partial(_askable, prompts, rubric, mode, name) if prompts else partial(single_characters, scale),
            where,
        )
        for name, scale in scales.items()
    }


def _askable(prompts: Prompts, rubric: Rubric, mode: Mode, criterion: str, form: AnswerForm) -> bool:
    for prompt, choices in _questions(prompts, rubric, mode, {criterion: form}):
        try:
            prompts.choice_tokens(prompt, choices)
        except ModelError:
            return False
    return True


def forms_text(rubric: Rubric, forms: Forms) -> str | None:
    """Return in words how each criterion's levels are answered. None for a rubric without a scale.

    >>> from evalhub.specs import load_rubric
    >>> rubric = load_rubric("summary-quality")
    >>> forms_text(rubric, dict.fromkeys(rubric.criteria, AnswerForm.LETTERS))
    'letters A to E'
    """
    texts = {name: _form_text(rubric, name, form) for name, form in forms.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{name}: {text}" for name, text in texts.items()) or None


def _form_text(rubric: Rubric, criterion: str, form: AnswerForm) -> str:
    scale = rubric.scale_for(criterion)
    last = scale.answers(form)[-1] if scale else ""
    return f"letters A to {last}" if form is AnswerForm.LETTERS else "names"


def opens_thinking(model: ResolvedModel | None) -> bool:
    """Return whether the model's chat template begins each answer with a think tag."""
    prompts = folder_prompts(model.path) if model else None
    return prompts is not None and _render(prompts, (Message("user", _TEXT),)).opened


def _questions(
    prompts: Prompts, rubric: Rubric, mode: Mode, forms: Forms
) -> Iterator[tuple[Prompt, tuple[str, ...]]]:
    """Yield each prompt that one token answers, as the model will see it, with the allowed answers.

    Raises:
        ModelError: The chat template refuses the conversation.
    """
    responses = _RESPONSES[: {Shape.RESPONSE: 1, Shape.PAIR: 2, Shape.LIST: len(LIST_LETTERS)}[rubric.shape]]
    criterion = next(iter(forms), next(iter(rubric.criteria)))
    for request in preview(rubric, _ITEM, criterion, responses, mode=mode, forms=forms):
        if request.choices:
            yield _render(prompts, request.messages, for_choices=True), request.choices


def _render(prompts: Prompts, messages: tuple[Message, ...], *, for_choices: bool = False) -> Prompt:
    try:
        return prompts.render(messages, for_choices=for_choices)
    except ValueError as error:
        raise ModelError("the model's chat template cannot be applied", value=error) from error
