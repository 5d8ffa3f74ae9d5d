"""The server's side of `/v1/systemone`: typed questions about one state, as clients of decision models ask.

The state is a JSON object with the texts, or a text that is such an object. A judge of pairs answers a
`choice` between A and B, and C for a tie where its rubric has ties. A judge that rates answers a `score`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from pydantic import Field

from evalhub.errors import EvalhubError, SpecError, UnknownNameError
from evalhub.serving.bodies import parse_body
from evalhub.serving.evidence import Row, ServedJudge
from evalhub.serving.questions import Question, read_question
from evalhub.serving.refusal import Refusal, unmeasured
from evalhub.specs.base import Spec, validate

MOST_QUESTIONS = 32
_SIDES = {"A": "a", "B": "b", "C": "tie"}


class TypedQuestion(Spec):
    """One question of the wire.

    Attributes:
        instructions: The question in words: a criterion of the judge, by its name or in its own words.
        criteria: The options of a choice, or the levels of a score, the first level first.
    """

    type: Literal["choice", "noul", "score"]
    instructions: str = ""
    criteria: dict[str, str | None] | tuple[str, ...] | None = None


class SystemoneBody(Spec):
    """The body of a request. `model` is the judge's id or its model's name."""

    model: str
    state: str | dict[str, Any]
    questions: dict[str, TypedQuestion] = Field(min_length=1, max_length=MOST_QUESTIONS)


@dataclass(frozen=True, slots=True)
class WireQuestion:
    """A question of the wire, read.

    Attributes:
        judge: The judge. Where the question is one of the client's own, it has that as a criterion.
        options: The options or the levels, in the order of the client.
    """

    name: str
    judge: ServedJudge
    question: Question
    options: tuple[str, ...]


def read_systemone(judge: ServedJudge, values: dict[str, Any]) -> list[WireQuestion]:
    """Return the questions of a request.

    Raises:
        Refusal: 422. A key or a type is wrong, or the run did not measure what is asked. 404 for another
            model.
    """
    try:
        body = validate(SystemoneBody, values, "body")
        names = (judge.id, judge.judge.runs.identity.model)
        if body.model not in names:
            raise Refusal(
                HTTPStatus.NOT_FOUND, UnknownNameError("model", body.model, names, where="body:model")
            )
        state = _state(body.state)
        return [_read(judge, state, name, typed) for name, typed in body.questions.items()]
    except EvalhubError as error:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error) from error


def _state(state: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(state, str):
        problem = "the state is a JSON object with the texts, or a text that is such an object"
        try:
            state = parse_body(state.encode("utf-8"))
        except Refusal as error:
            raise SpecError(problem, where="body:state", value=state) from error
    if "criterion" in state:
        raise SpecError("the criterion stands in the question's instructions", where="body:state.criterion")
    return state


def _read(judge: ServedJudge, state: Mapping[str, Any], name: str, typed: TypedQuestion) -> WireQuestion:
    where = f"body:questions.{name}"
    options = _options(judge, typed, where)
    criterion, reason = _criterion(judge, typed.instructions), None
    if criterion is None:
        reason = f"{where}.instructions: the judge was measured on {_named(judge)}, and on no other question"
        if not judge.allow_unmeasured:
            raise unmeasured(reason)
        judge, criterion = _with_question(judge, typed.instructions, where), _OWN
    question = read_question(judge, {**state, "criterion": criterion}, "body:state", reason=reason)
    return WireQuestion(name, judge, question, options)


_OWN = "question"


def _named(judge: ServedJudge) -> str:
    return ", ".join(judge.judge.criteria)


def _criterion(judge: ServedJudge, instructions: str) -> str | None:
    """Return the criterion of the rubric that a question's words name. None for other words."""
    words = _plain(instructions)
    criteria, rubric = judge.judge.criteria, judge.judge.rubric
    if not words and len(criteria) == 1:
        return criteria[0]
    openings = ("", "which response is better? ", "which level fits the response? ")
    for name in dict.fromkeys((*criteria, *rubric.criteria)):
        text = rubric.criteria.get(name, name)
        forms = (name, text, f"{name}: {text}")
        if words in {_plain(f"{opening}{form}") for opening in openings for form in forms}:
            return name
    return None


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".?! ")


def _with_question(judge: ServedJudge, instructions: str, where: str) -> ServedJudge:
    """Return a judge that has a client's question as a criterion.

    Raises:
        SpecError: The rubric has no place for it.
    """
    measured = judge.measured.with_criterion(_OWN, instructions)
    if measured is None:
        raise SpecError(
            "the judge's rubric has no place for a question of another kind",
            where=f"{where}.instructions",
            allowed=_named(judge),
        )
    return ServedJudge(measured, judge.evidence, judge.allow_unmeasured)


def _options(judge: ServedJudge, typed: TypedQuestion, where: str) -> tuple[str, ...]:
    """Return the options that a question offers, if they are those of the judge.

    Raises:
        SpecError: The judge answers no such question.
    """
    rubric = judge.judge.rubric
    names = tuple(typed.criteria or ())
    if judge.is_pairwise:
        letters = ("A", "B", "C") if rubric.ties else ("A", "B")
        if typed.type == "choice" and sorted(names) == sorted(letters):
            return names
        raise SpecError(
            "the judge compares two responses",
            where=where,
            value=f"{typed.type} of {', '.join(names) or 'nothing'}",
            allowed=f"a choice of {', '.join(letters)}",
        )
    scale = rubric.scale_for(judge.judge.criteria[0]) if rubric.scale else None
    if scale is None or typed.type != "score" or not _are_levels(names, scale.names):
        raise SpecError(
            "the judge rates one response",
            where=where,
            value=f"{typed.type} of {', '.join(names) or 'nothing'}",
            allowed=f"a score of the levels {', '.join(scale.names)}" if scale else "questions to /v1/judge",
        )
    return scale.names


def _are_levels(texts: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether the texts of a score begin with the names of the levels, in their order."""
    return len(texts) == len(names) and all(
        text == name or text.startswith(f"{name}: ") for text, name in zip(texts, names, strict=True)
    )


def systemone_reply(judge: ServedJudge, entries: Sequence[WireQuestion], answers: Sequence[Row]) -> Row:
    """Return the body of a reply: the wire's own answers, and under `evalhub` those of `/v1/judge`.

    Args:
        judge: The judge.
        entries: The questions.
        answers: The answer to each of them, as `answer_question` returns it.
    """
    by_name = dict(zip((entry.name for entry in entries), answers, strict=True))
    wire = {entry.name: _wire_answer(entry, by_name[entry.name]) for entry in entries}
    return {
        "model": judge.judge.runs.identity.model,
        "answers": {name: answer for name, (answer, _) in wire.items()},
        "diagnostics": {
            name: {"label_mass": answer["choice_mass"]}
            for name, answer in by_name.items()
            if answer["choice_mass"] is not None
        },
        "evalhub": {name: {**answer, "probabilities_are": wire[name][1]} for name, answer in by_name.items()},
    }


def _wire_answer(entry: WireQuestion, answer: Row) -> tuple[Row, str | None]:
    """Return the wire's answer, and whether its probabilities are raw or calibrated."""
    if entry.judge.is_pairwise:
        return _choice(entry, answer)
    shares = answer["judgments"][0]["probabilities"] if len(answer["judgments"]) == 1 else None
    if answer["level"] is None or shares is None:
        return _refusal(answer), None
    return {
        "type": "score",
        "score": answer["expected"]["raw"],
        "probabilities": {str(place): shares.get(name, 0.0) for place, name in enumerate(entry.options)},
    }, "raw"


def _choice(entry: WireQuestion, answer: Row) -> tuple[Row, str | None]:
    chances, calibrated = answer["probabilities"], answer["probability"]["calibrated"]
    if chances is None:
        return _refusal(answer), None
    kind = "raw"
    # A calibrated probability counts a tie as half of a win, so it says nothing of a tie by itself.
    if calibrated is not None and "C" not in entry.options:
        chances, kind = {"a": calibrated, "b": 1 - calibrated}, "calibrated"
    return {
        "type": "choice",
        "choice": max(entry.options, key=lambda letter: chances.get(_SIDES[letter], 0.0)),
        "probabilities": {letter: chances.get(_SIDES[letter], 0.0) for letter in entry.options},
    }, kind


def _refusal(answer: Row) -> Row:
    """Return the wire's word for a question without probabilities, with the reason."""
    numbers = answer["probability"] if "probability" in answer else answer["expected"]
    reason = answer["detail"] or numbers["reason"]
    return {"type": "refusal", "reason": reason}
