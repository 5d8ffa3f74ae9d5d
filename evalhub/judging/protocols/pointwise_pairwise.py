"""One response rated, or two compared: the verdict that every other protocol ends in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.judging.expectation import SIDES, expectation, why_hard
from evalhub.judging.probabilities import hard_winner, preference, softmax
from evalhub.judging.protocols.base import JudgmentGenerator, Task, new_judgment
from evalhub.judging.protocols.one_token import AnswerGenerator, TokenAnswer, ask_token
from evalhub.records import FailureKind, Judgment, Question, QuestionKind, RequestKind
from evalhub.scales import AnswerForm, Order, Scale, Winner

_OUTCOMES = {
    "A": "Response A is better.",
    "B": "Response B is better.",
    "C": "The two responses are equally good.",
}


def pointwise(
    task: Task, self_written: Mapping[str, str] | None = None, completions: tuple[str, ...] = ()
) -> JudgmentGenerator:
    """Rate one response on the levels of the criterion's scale."""
    scale = task.judge.rubric.scale_for(task.criterion) or Scale(())
    form = task.judge.form_of(task.criterion)
    choices = scale.answers(form)
    answer = yield from ask_token(
        task,
        task.responses,
        rating_question(scale, form),
        choices,
        self_written=self_written,
        completions=completions,
        typed=_typed_rating(task, scale),
    )
    answer = answer.rename_choices(dict(zip(choices, scale.names, strict=True)))
    return (rate(new_judgment(task), answer, scale),)


def rating_question(scale: Scale, form: AnswerForm) -> str:
    """Return the question for the level of a response."""
    request = "one letter" if form is AnswerForm.LETTERS else "one of"
    return f"Which level fits best? Answer with {request}: {', '.join(scale.answers(form))}."


def pairwise(
    task: Task, self_written: Mapping[str, str] | None = None, completions: tuple[str, ...] = ()
) -> JudgmentGenerator:
    """Compare two responses, shown in the task's order, and un-swap the verdict."""
    order = task.shown or Order.AB
    answer = yield from ask_better(task, order, self_written=self_written, completions=completions)
    return (compare(new_judgment(task), answer, order),)


def ask_better(
    task: Task,
    order: Order,
    *,
    self_written: Mapping[str, str] | None = None,
    completions: tuple[str, ...] = (),
    note: str = "",
) -> AnswerGenerator:
    """Ask which of the two responses is better, in one order.

    Args:
        task: The judge, the item, the criterion and the pair.
        order: Which response is shown first.
        self_written: Texts for the slots that the judge filled itself.
        completions: Keys of the completions behind those texts.
        note: Stands before the first question, which asks for a rationale or for the verdict.
    """
    ties = bool(task.judge.rubric.ties)
    answers = "A, B, or C if they are equally good" if ties else "A or B"
    question = f"Which response is better, A or B? Answer with one letter: {answers}."
    shown = task.responses[::-1] if order is Order.BA else task.responses
    letters = ("A", "B", "C") if ties else ("A", "B")
    return (
        yield from ask_token(
            task,
            shown,
            question,
            letters,
            self_written=self_written,
            completions=completions,
            note=note,
            typed=_typed_comparison(task, letters),
        )
    )


def _typed_rating(task: Task, scale: Scale) -> Question | None:
    """Return the question for a level. Levels are ordered, unless the criterion may not apply."""
    if task.judge.asks is not RequestKind.DECIDE:
        return None
    is_ordered = all(level.applicable for level in scale.levels)
    return Question(
        QuestionKind.SCORE if is_ordered else QuestionKind.CHOICE,
        f"Which level fits the response? {_sentence(task)}",
        tuple((level.name, level.meaning) for level in scale.levels),
    )


def _typed_comparison(task: Task, letters: tuple[str, ...]) -> Question | None:
    """Return the question for the better of two responses, in the letters shown."""
    if task.judge.asks is not RequestKind.DECIDE:
        return None
    text = f"Which response is better? {_sentence(task)}"
    return Question(QuestionKind.CHOICE, text, tuple((letter, _OUTCOMES[letter]) for letter in letters))


def _sentence(task: Task) -> str:
    return f"{task.criterion}: {task.judge.rubric.criteria[task.criterion]}"


def rate(judgment: Judgment, answer: TokenAnswer, scale: Scale) -> Judgment:
    """Return the judgment with the most probable level and the expected level.

    The expected level is the mean over the applicable levels, with their probabilities scaled to sum to 1. A
    judgment whose most probable level is not applicable has neither. A hard verdict has no expected level. A
    verdict is also hard where levels that the server did not list could move the expected level by more than
    1% of the range.
    """
    return answer.fill(judgment) if answer.failure else answer.fill(judgment, **_rating(answer, scale))


def _rating(answer: TokenAnswer, scale: Scale) -> dict[str, Any]:
    label = answer.best
    best = next(level for level in scale.levels if level.name == label)
    if not best.applicable:
        failure = FailureKind.NOT_APPLICABLE
        return {"failure": failure, "detail": best.meaning, "logprobs": answer.logprobs}
    values = {level.name: level.value for level in scale.levels if level.value is not None}
    return {"value": best.value, **expected_level(answer, values)}


def expected_level(answer: TokenAnswer, values: Mapping[str, float]) -> dict[str, Any]:
    """Return a judgment's probabilities and expected level, or the reason why it is hard, by field."""
    if answer.logprobs is None:
        return {}
    level, shift = expectation(answer.logprobs, values, answer.unlisted)
    reason = why_hard(values, answer.unlisted, shift)
    return {"detail": reason} if reason else {"expected": level, "logprobs": dict(answer.logprobs)}


def compare(judgment: Judgment, answer: TokenAnswer, order: Order) -> Judgment:
    """Return the judgment with the verdict in terms of the systems, whatever the order shown."""
    if answer.failure:
        return answer.fill(judgment)
    sides = _sides(order)
    if answer.logprobs is None:
        return answer.fill(judgment, winner=Winner(sides[answer.best]))
    unlisted = {sides[letter]: letter for letter in answer.unlisted}
    return answer.fill(judgment, **pair_preference(unswap(answer.logprobs, order), unlisted))


def pair_preference(logprobs: Mapping[str, float], unlisted: Mapping[str, str]) -> dict[str, Any]:
    """Return a pair's verdict with the probability that a wins, or the reason why it is hard, by field.

    It is hard where outcomes that the server did not list could move that probability by more than 1%. Where
    they cannot, they are left out, so that no upper bound stands for a probability.

    Args:
        logprobs: Natural-log probability of "a", "b" and, with ties, "tie".
        unlisted: The outcomes that the server did not list, with the choices that stand for them.
    """
    shares = softmax(logprobs)
    winner = hard_winner(shares)
    listed = dict(logprobs)
    if unlisted:
        _, shift = expectation(logprobs, SIDES, unlisted)
        reason = why_hard(SIDES, unlisted.values(), shift, "the probability that a side wins")
        if reason is not None:
            return {"winner": winner, "detail": reason}
        listed = {name: value for name, value in logprobs.items() if name not in unlisted}
        shares = softmax(listed)
    return {"winner": winner, "p_a": preference({"a": 0.0, "b": 0.0, **shares}), "logprobs": listed}


def unswap(logprobs: Mapping[str, float], order: Order) -> dict[str, float]:
    """Return log-probabilities of a, tie and b from those of the letters shown."""
    sides = _sides(order)
    by_side = {sides[letter]: logprob for letter, logprob in logprobs.items()}
    return {name: by_side[name] for name in ("a", "tie", "b") if name in by_side}


def _sides(order: Order) -> dict[str, str]:
    """Return the outcome that each letter shown stands for."""
    first, second = ("a", "b") if order is Order.AB else ("b", "a")
    return {"A": first, "B": second, "C": "tie"}
