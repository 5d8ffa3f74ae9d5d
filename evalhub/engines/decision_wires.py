"""The two wire formats of decision models: typed questions out, a probability for each option in.

`/v1/systemone` is what vLLM, SGLang and others serve, `/v1/decisions` is OpenAI's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evalhub.engines.base import Outcome
from evalhub.engines.remote import token_count
from evalhub.records import FailureKind, Question, QuestionKind, Request

# How far the probabilities of a server may sum from 1, beside what rounding takes from each of them.
_OFF, _LARGEST_OFF = 0.02, 0.1
# JSON cannot tell 1.00 from 1.0. Servers that round write two digits or more.
_LEAST_DIGITS = 2
# The smallest probability that stands for one of which a server says 0.
_SMALLEST = 1e-12
_REFUSAL = "refusal"


class WrongAnswer(ValueError):
    """A server's answer to a question is not of the form that was asked for."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire format.

    Attributes:
        path: Below the server's address.
        body: Returns the body of a request with several questions about one conversation.
        answers: Returns the answer to each question of a reply, in their order, and `mass`, the probability
            of all options together where the server says it.
    """

    path: str
    body: Callable[[str, Sequence[Request]], dict[str, Any]]
    answers: Callable[[Mapping[str, Any], Sequence[Request]], list[tuple[Any, float]]]


def read_reply(wire: Wire, reply: Any, requests: Sequence[Request]) -> list[Outcome]:
    """Return the outcome of each question of a reply.

    The tokens of the request are shared among its questions, so that they sum to what the server counted.

    Raises:
        WrongAnswer: The reply is not of the wire format.
    """
    if not isinstance(reply, Mapping):
        raise WrongAnswer("the reply is no JSON object")
    answers = wire.answers(reply, requests)
    usage = reply.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    version = reply.get("model")
    outcomes = []
    for number, ((answer, mass), request) in enumerate(zip(answers, requests, strict=True)):
        outcomes.append(
            Outcome(
                **_fields(answer, mass, request),
                prompt_tokens=_share(usage.get("input_tokens"), number, len(requests)),
                completion_tokens=_share(usage.get("output_tokens"), number, len(requests)),
                answered_by=version if isinstance(version, str) else None,
            )
        )
    return outcomes


def _share(tokens: Any, number: int, count: int) -> int | None:
    """Return the tokens that one of several questions counts."""
    counted_tokens = token_count(tokens)
    if counted_tokens is None:
        return None
    return counted_tokens // count + (number < counted_tokens % count)


def _fields(answer: Any, mass: float, request: Request) -> dict[str, Any]:
    """Return the fields of an outcome that an answer decides: probabilities, or the failure."""
    question = request.question
    if question is None:
        raise WrongAnswer("the request has no question")
    try:
        if isinstance(answer, Mapping) and answer.get("type") == _REFUSAL:
            return {"failure": FailureKind.REFUSED, "detail": "the model refuses to decide"}
        probabilities = _probabilities(answer, question)
    except WrongAnswer as error:
        return {"failure": FailureKind.PARSE, "detail": str(error)}
    logprobs, unlisted = log_probabilities(probabilities, mass)
    best = max(logprobs, key=lambda name: logprobs[name])
    return {"text": best, "logprobs": logprobs, "finish_reason": "choice", "unlisted": unlisted}


def log_probabilities(
    probabilities: Mapping[str, float], mass: float = 1.0
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return log-probabilities, and the options of which the server says a probability of 0.

    Of such an option the log-probability is an upper bound: half of the last digit that the server writes.

    Args:
        probabilities: That of each option, in [0, 1].
        mass: The probability of all options together, in (0, 1].

    Example:
        >>> logprobs, unlisted = log_probabilities({"A": 1.0, "B": 0.0})
        >>> logprobs["A"], unlisted
        (0.0, ('B',))
    """
    bound = max(_half_digit(list(probabilities.values())), _SMALLEST)
    logprobs = {name: math.log((value or bound) * mass) for name, value in probabilities.items()}
    return logprobs, tuple(name for name, value in probabilities.items() if not value)


def _half_digit(values: Sequence[float]) -> float:
    """Return half of the last digit that a server writes, at most .005."""
    return 0.5 * 10.0 ** -max(_LEAST_DIGITS, *map(_decimals, values))


def _decimals(value: float) -> int:
    """Return the number of digits behind the point.

    >>> _decimals(0.25), _decimals(1e-05), _decimals(1.0)
    (2, 5, 1)
    """
    exponent = Decimal(repr(value)).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _probabilities(answer: Any, question: Question) -> dict[str, float]:
    """Return the probability of each option, by its name, after checking that it is one."""
    if not isinstance(answer, Mapping):
        raise WrongAnswer("the server gives no answer to the question")
    names = [name for name, _ in question.options]
    values = _READERS[question.kind](answer, names)
    if set(values) != set(names):
        listed = ", ".join(map(str, values)) or "none"
        raise WrongAnswer(
            f"the server answers with the options {listed}, and was asked for {', '.join(names)}"
        )
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise WrongAnswer(f"the probability of {name} is {value!r}, and not a number from 0 to 1")
    total = math.fsum(values.values())
    rounded = len(values) * _half_digit([float(value) for value in values.values()])
    if abs(total - 1) > min(max(_OFF, rounded), _LARGEST_OFF) + 1e-9:
        raise WrongAnswer(f"the probabilities of the options sum to {total:.3g}, and not to 1")
    return {name: float(values[name]) for name in names}


def _choice(answer: Mapping[str, Any], _: Sequence[str]) -> dict[str, Any]:
    probabilities = answer.get("probabilities")
    return dict(probabilities) if isinstance(probabilities, Mapping) else _listed(probabilities, "value")


def _score(answer: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the probability of each level. A level is known by its place, the first of which is 0."""
    probabilities = answer.get("probabilities")
    if isinstance(probabilities, Mapping):
        places = {str(place): name for place, name in enumerate(names)}
        return {places.get(str(place), str(place)): value for place, value in probabilities.items()}
    return _listed(probabilities, "label")


def _predicate(answer: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the probability that a statement is true, and its complement."""
    probability = answer.get("noul", answer.get("probability"))
    is_number = isinstance(probability, int | float) and not isinstance(probability, bool)
    true, false = names
    # What is left of a rounded probability has no more digits than it.
    left = round(1 - probability, 12) if is_number and isinstance(probability, int | float) else None
    return {true: probability, false: left}


def _listed(probabilities: Any, name_key: str) -> dict[str, Any]:
    """Return the probabilities of a list of options, each an object with a name and a probability."""
    if not isinstance(probabilities, list):
        raise WrongAnswer("the answer has no probabilities")
    values: dict[str, Any] = {}
    for entry in probabilities:
        name = entry.get(name_key) if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or name in values:
            raise WrongAnswer(f"the answer has an option without a name of its own: {str(entry)[:100]}")
        values[name] = entry.get("probability")
    return values


_READERS: Mapping[QuestionKind, Callable[[Mapping[str, Any], Sequence[str]], dict[str, Any]]] = {
    QuestionKind.CHOICE: _choice,
    QuestionKind.SCORE: _score,
    QuestionKind.PREDICATE: _predicate,
}


def _questions(requests: Sequence[Request]) -> list[Question]:
    return [request.question for request in requests if request.question]


def _systemone_body(model: str, requests: Sequence[Request]) -> dict[str, Any]:
    """Return the body of `/v1/systemone`. The state is one text, which all servers take."""
    state = "\n\n".join(message.content for message in requests[0].messages)
    questions = {str(number): _systemone(question) for number, question in enumerate(_questions(requests))}
    return {"model": model, "state": state, "questions": questions}


def _systemone(question: Question) -> dict[str, Any]:
    if question.kind is QuestionKind.PREDICATE:
        return {"type": "noul", "instructions": question.text}
    criteria: Any = {name: description or None for name, description in question.options}
    if question.kind is QuestionKind.SCORE:
        criteria = [": ".join(filter(None, option)) for option in question.options]
    return {"type": question.kind.value, "instructions": question.text, "criteria": criteria}


def _systemone_answers(reply: Mapping[str, Any], requests: Sequence[Request]) -> list[tuple[Any, float]]:
    answers, diagnostics = reply.get("answers"), reply.get("diagnostics")
    if not isinstance(answers, Mapping):
        raise WrongAnswer("the reply has no answers")
    diagnostics = diagnostics if isinstance(diagnostics, Mapping) else {}
    return [
        (answers.get(str(number)), _mass(diagnostics.get(str(number)))) for number in range(len(requests))
    ]


def _mass(diagnostics: Any) -> float:
    """Return the probability of all options together, before they were scaled to sum to 1."""
    mass = diagnostics.get("label_mass") if isinstance(diagnostics, Mapping) else None
    is_share = isinstance(mass, int | float) and not isinstance(mass, bool) and 0 <= mass <= 1
    return max(float(mass), _SMALLEST) if is_share and mass is not None else 1.0


def _decisions_body(model: str, requests: Sequence[Request]) -> dict[str, Any]:
    """Return the body of OpenAI's `/v1/decisions`."""
    turns = [{"role": turn.role, "content": turn.content} for turn in requests[0].messages]
    questions = [
        {"name": str(number), **_decision(question)} for number, question in enumerate(_questions(requests))
    ]
    return {"model": model, "input": turns, "questions": questions}


def _decision(question: Question) -> dict[str, Any]:
    base = {"type": question.kind.value, "instructions": question.text}
    if question.kind is QuestionKind.PREDICATE:
        return base
    key, name_key = ("levels", "label") if question.kind is QuestionKind.SCORE else ("choices", "value")
    options = [
        {name_key: name, **({"description": description} if description else {})}
        for name, description in question.options
    ]
    return {**base, key: options}


def _decisions_answers(reply: Mapping[str, Any], requests: Sequence[Request]) -> list[tuple[Any, float]]:
    answers = reply.get("answers")
    if not isinstance(answers, list) or len(answers) != len(requests):
        raise WrongAnswer(f"the reply has not the {len(requests)} answers that were asked for")
    # A server may answer in another order, as each answer bears its question's name.
    by_name = {
        answer["name"]: answer
        for answer in answers
        if isinstance(answer, Mapping) and isinstance(answer.get("name"), str)
    }
    names = [str(number) for number in range(len(requests))]
    if set(by_name) == set(names):
        answers = [by_name[name] for name in names]
    return [(answer, 1.0) for answer in answers]


SYSTEMONE = Wire("/systemone", _systemone_body, _systemone_answers)
DECISIONS = Wire("/decisions", _decisions_body, _decisions_answers)
