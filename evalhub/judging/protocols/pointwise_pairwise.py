"""One response rated, or two compared: the verdict that every other protocol ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evalhub.judging.expectation import SIDES, expectation, unsettled
from evalhub.judging.probabilities import hard_winner, preference, softmax
from evalhub.judging.protocols.base import Asking, Part, Steps, blank
from evalhub.judging.protocols.one_token import Answer, Asked, ask
from evalhub.records import FailureKind, Judgment
from evalhub.scales import AnswerForm, Order, Scale, Winner


def pointwise(
    asking: Asking, written: Mapping[str, str] | None = None, completions: tuple[str, ...] = ()
) -> Steps:
    """Rate one response on the levels of the criterion's scale."""
    scale = asking.judge.rubric.scale_for(asking.criterion) or Scale(())
    form = asking.judge.form(asking.criterion)
    choices = scale.answers(form)
    how = "one letter" if form is AnswerForm.LETTERS else "one of"
    question = f"Which level fits best? Answer with {how}: {', '.join(choices)}."
    answer = yield from ask(
        asking, asking.responses, question, choices, written=written, completions=completions
    )
    answer = answer.renamed(dict(zip(choices, scale.labels, strict=True)))
    return (rated(blank(asking, Part(asking.criterion, (0,))), answer, scale),)


def pairwise(
    asking: Asking, written: Mapping[str, str] | None = None, completions: tuple[str, ...] = ()
) -> Steps:
    """Compare two responses, shown in the asking's order, and un-swap the verdict."""
    order = asking.shown or Order.AB
    answer = yield from compare(asking, order, written=written, completions=completions)
    return (compared(blank(asking, Part(asking.criterion, (0, 1), asking.shown)), answer, order),)


def compare(
    asking: Asking,
    order: Order,
    *,
    written: Mapping[str, str] | None = None,
    completions: tuple[str, ...] = (),
    note: str = "",
) -> Asked:
    """Ask which of the two responses is better, in one order.

    Args:
        asking: The judge, the item, the criterion and the pair.
        order: Which response is shown first.
        written: Texts for the slots that the judge filled itself.
        completions: Keys of what it wrote for that.
        note: Stands before what is asked first, be it a rationale or the verdict.
    """
    ties = bool(asking.judge.rubric.ties)
    answers = "A, B, or C if they are equally good" if ties else "A or B"
    question = f"Which response is better, A or B? Answer with one letter: {answers}."
    shown = asking.responses[::-1] if order is Order.BA else asking.responses
    letters = ("A", "B", "C") if ties else ("A", "B")
    return (
        yield from ask(asking, shown, question, letters, written=written, completions=completions, note=note)
    )


def rated(judgment: Judgment, answer: Answer, scale: Scale) -> Judgment:
    """Return the judgment with the most probable level and the expected one.

    The expected level is that of the applicable ones, their probabilities made to sum to 1. Where the most
    probable level is not applicable there is neither. A hard verdict has no expected level, and a verdict is
    hard where levels that the server did not list could move the expected one by more than 1% of the range.
    """
    judgment = answer.fill(judgment)
    if answer.failure:
        return judgment
    label = answer.best
    chosen = next(level for level in scale.levels if level.label == label)
    if not chosen.applicable:
        detail = chosen.meaning
        return replace(judgment, failure=FailureKind.NOT_APPLICABLE, detail=detail, logprobs=answer.logprobs)
    judgment = replace(judgment, value=chosen.value)
    if answer.logprobs is None:
        return judgment
    values = {level.label: level.value for level in scale.levels if level.value is not None}
    return with_expected(judgment, answer, values)


def with_expected(judgment: Judgment, answer: Answer, values: Mapping[str, float]) -> Judgment:
    """Return the judgment with its probabilities and the expected level, or as a hard verdict with why."""
    logprobs = answer.logprobs or {}
    level, bound = expectation(logprobs, values, answer.unlisted)
    reason = unsettled(values, answer.unlisted, bound)
    if reason is not None:
        return replace(judgment, detail=reason)
    return replace(judgment, expected=level, logprobs=dict(logprobs))


def compared(judgment: Judgment, answer: Answer, order: Order) -> Judgment:
    """Return the judgment with the verdict in terms of the systems, whatever the order shown."""
    judgment = answer.fill(judgment)
    if answer.failure:
        return judgment
    if answer.logprobs is None:
        return replace(judgment, winner=Winner(_names(order)[answer.best]))
    names = _names(order)
    unlisted = {names[letter]: letter for letter in answer.unlisted}
    return with_preference(judgment, unswapped(answer.logprobs, order), unlisted)


def with_preference(
    judgment: Judgment, logprobs: Mapping[str, float], unlisted: Mapping[str, str]
) -> Judgment:
    """Return the judgment of a pair with the probability that a wins, or as a hard verdict with why.

    It is hard where outcomes that the server did not list could move that probability by more than 1%. Where
    they cannot, they are left out, so that no bound stands for a probability.

    Args:
        judgment: All but its verdict.
        logprobs: Of "a", "b" and maybe "tie".
        unlisted: The outcomes that the server did not list, with the choices that stand for them.
    """
    judgment = replace(judgment, winner=hard_winner(softmax(logprobs)))
    _, bound = expectation(logprobs, SIDES, unlisted)
    reason = unsettled(SIDES, unlisted.values(), bound, "the probability that a side wins")
    if reason is not None:
        return replace(judgment, detail=reason)
    listed = {name: value for name, value in logprobs.items() if name not in unlisted}
    shares = {"a": 0.0, "b": 0.0, **softmax(listed)}
    return replace(judgment, p_a=preference(shares), logprobs=listed)


def unswapped(logprobs: Mapping[str, float], order: Order) -> dict[str, float]:
    """Return log-probabilities of a, tie and b from those of the letters shown."""
    names = _names(order)
    named = {names[letter]: logprob for letter, logprob in logprobs.items()}
    return {name: named[name] for name in ("a", "tie", "b") if name in named}


def _names(order: Order) -> dict[str, str]:
    """Return what each letter shown means."""
    first, second = ("a", "b") if order is Order.AB else ("b", "a")
    return {"A": first, "B": second, "C": "tie"}
