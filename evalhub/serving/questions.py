"""From the body of `/v1/judge` to an item, its responses and a criterion of the judge."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from evalhub.errors import EvalhubError, SpecError, UnknownNameError
from evalhub.records import Item, Response, digest, prompt_sha256
from evalhub.runner import has_inputs
from evalhub.serving.evidence import ServedJudge
from evalhub.serving.refusal import Refusal, unmeasured
from evalhub.specs.base import Spec, validate
from evalhub.texts import is_blank, without_blanks

WHERE = "body"
_NAME = "request"
_KEYS = {"question": "prompt", "context": "context", "reference": "reference"}

Texts = str | tuple[str, ...]


class JudgeBody(Spec):
    """The body of a request to judge one response, or two.

    Attributes:
        prompt: The user's words.
        turns: The user's words in each turn of a conversation, in place of `prompt`.
        context: What the responses are to be based on: one text or several.
        reference: A right answer, or several alternatives.
        response: The response to rate. A list has an answer to each turn.
        response_a, response_b: The responses to compare.
        criterion: One of the judge's criteria. It may be left out where there is one.
    """

    prompt: str | None = None
    turns: tuple[str, ...] | None = None
    context: Texts = ()
    reference: Texts = ()
    response: Texts | None = None
    response_a: Texts | None = None
    response_b: Texts | None = None
    criterion: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the judge is asked.

    Attributes:
        responses: One, or two in the order a, b.
        unmeasured: Why the run says nothing of the answer, a sentence each.
    """

    item: Item
    responses: tuple[Response, ...]
    criterion: str
    unmeasured: tuple[str, ...] = ()


def read_question(
    judge: ServedJudge, values: dict[str, Any], where: str = WHERE, *, reason: str | None = None
) -> Question:
    """Return what a request asks.

    Args:
        judge: The judge that is asked.
        values: The body.
        where: What holds the values, for errors.
        reason: Why the run did not measure the criterion, if it is the client's own.

    Raises:
        Refusal: 422. A key or a type is wrong, or the run did not measure what is asked.
    """
    try:
        body = validate(JudgeBody, values, where)
        criterion = choose_criterion(judge, body.criterion, f"{where}:criterion")
        return _question(judge, body, criterion, where, reason)
    except EvalhubError as error:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error) from error


def choose_criterion(judge: ServedJudge, name: str | None, where: str) -> str:
    """Return the criterion of a name. Without a name it is the only one.

    Raises:
        UnknownNameError: The judge has no such criterion.
        SpecError: No name is given, and there are several criteria.
    """
    criteria = judge.judge.criteria
    if name is None:
        if len(criteria) > 1:
            raise SpecError("the judge has several criteria", where=where, allowed=criteria, fix="name one")
        return criteria[0]
    total = judge.judge.protocol.total
    names = [total] if total else list(judge.judge.rubric.criteria)
    if name not in names:
        raise UnknownNameError("criterion of the judge", name, names, where=where)
    return name


def _question(
    judge: ServedJudge, body: JudgeBody, criterion: str, where: str, reason: str | None
) -> Question:
    turns = _turns(body, where)
    references = _texts(body.reference)
    item = Item(
        dataset=_NAME,
        item_id=_NAME,
        turns=turns,
        refs=(*((),) * (len(turns) - 1), references) if references else (),
        context=_texts(body.context),
        cluster=_NAME,
    )
    responses = _responses(judge, body, item, where)
    reasons = [*judge.measured.changes]
    if reason is None and criterion not in judge.judge.criteria:
        reason = f"{where}:criterion: the run did not ask this judge for {criterion}"
    if reason is not None:
        reasons.append(reason)
        _refuse(judge, reason)
    model = judge.judge.runs.model
    if model is not None and prompt_sha256(item) in model.trained_on:
        reasons.append(f"{where}:prompt: the judge was trained on this prompt, so no run judges it")
        _refuse(judge, reasons[-1])
    inputs = (name for name in judge.judge.rubric.inputs if name not in judge.judge.protocol.writes)
    for name in inputs:
        if not has_inputs(item, (name,)):
            reasons.append(
                f"{where}:{_KEYS[name]}: the judge was measured with a {_KEYS[name]}, and it is missing"
            )
            _refuse(judge, reasons[-1])
    return Question(item, responses, criterion, tuple(reasons))


def _refuse(judge: ServedJudge, reason: str) -> None:
    if not judge.allow_unmeasured:
        raise unmeasured(reason)


def _turns(body: JudgeBody, where: str) -> tuple[str, ...]:
    if body.prompt is not None and body.turns is not None:
        raise SpecError("prompt and turns are two ways to say the same", where=f"{where}:turns")
    turns = body.turns or (() if body.prompt is None else (body.prompt,))
    if all(map(is_blank, turns)):
        return ()
    if any(map(is_blank, turns)):
        raise SpecError("a turn is blank beside others that are not", where=f"{where}:turns")
    return turns


def _texts(value: Texts) -> tuple[str, ...]:
    return without_blanks((value,) if isinstance(value, str) else value)


def _responses(judge: ServedJudge, body: JudgeBody, item: Item, where: str) -> tuple[Response, ...]:
    keys = ("response_a", "response_b") if judge.is_pairwise else ("response",)
    for key in ("response", "response_a", "response_b"):
        value = getattr(body, key)
        if (value is None) is (key in keys):
            verb = "compares two responses" if judge.is_pairwise else "rates one response"
            raise SpecError(f"the judge {verb}", where=f"{where}:{key}", allowed=keys)
    # The names of systems are in no prompt. Their order is that of a run.
    systems = ("a", "b") if judge.is_pairwise else ("response",)
    return tuple(
        _response(system, getattr(body, key), item, f"{where}:{key}")
        for system, key in zip(systems, keys, strict=True)
    )


def _response(system: str, value: Texts, item: Item, where: str) -> Response:
    """Return a response. An empty text is an answer."""
    answers = (value,) if isinstance(value, str) else value
    if not answers or len(answers) > max(1, len(item.turns)):
        raise SpecError(
            "a response is a text, or a list with an answer to each turn",
            where=where,
            value=f"{len(answers)} answers",
            allowed=f"1 to {max(1, len(item.turns))}",
        )
    return Response(
        dataset=_NAME,
        item_id=_NAME,
        system=system,
        text=answers[-1],
        turns=answers if len(answers) > 1 else (),
        chars=sum(map(len, answers)),
        sha256=digest(answers[-1]),
    )
