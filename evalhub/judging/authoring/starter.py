"""A first rubric and its first gold cases, to be written over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalhub.judging.protocols.table import protocol_named

_HEADINGS = {
    "question": "# Request",
    "context": "# Source",
    "reference": "# A possible answer, which may be wrong",
    "metrics": "# What to ask of a response",
    "criterion": "# What counts",
    "scale": "# Levels",
    "response": "# Response",
    "response_a": "# Response A",
    "response_b": "# Response B",
    "responses": "",
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a rubric says, by what it shows."""

    title: str
    system: str
    answers: str
    criterion: str


_RATE = _Shape(
    "How good is the response?",
    "You rate one response to a request, and nothing else.",
    "response",
    "The response is correct and does what was asked.",
)
_PAIR = _Shape(
    "Which response is better?",
    "You compare two responses to a request and select the better one.",
    "pair",
    "The response that is correct and does what was asked.",
)
_LIST = _Shape(
    "Which responses are best?",
    "You rank responses to a request, the best first.",
    "list",
    "The response that is correct and does what was asked.",
)
_SHAPES: Mapping[tuple[str, ...], _Shape] = {
    ("response",): _RATE,
    ("response_a", "response_b"): _PAIR,
    ("responses",): _LIST,
}
_SCALE = "scale: {1: wrong or beside the request, 2: partly right, 3: right and complete}\n"
_CHECKS = (
    "criteria:\n"
    "  answers: The response does what the request asks for, all of it.\n"
    "  correct: Nothing in the response is wrong.\n"
    "weights: {correct: 2}\n"
)

_RIGHT, _WRONG = "Jupiter.", "Mars, I think."
_CITY = "The capital of France is Paris."
_MISSED = "France has many cities, and all of them are worth a visit."


def starter(name: str, protocol: str) -> tuple[str, str]:
    """Return the text of a first rubric, and of the gold cases beside it.

    Args:
        name: The rubric's id.
        protocol: One of the protocols; one that rates or compares compares.

    Raises:
        UnknownNameError: There is no such protocol.

    Example:
        >>> starter("mine", "pairwise")[0].splitlines()[1]
        'id: mine'
    """
    found = protocol_named(protocol, where="--protocol")
    shown = found.inputs[-1]
    shape = _SHAPES[shown]
    inputs = ("question", *found.writes, *shown)
    if found.total:
        rules = _CHECKS
    else:
        levels = {"response": _SCALE, "pair": "ties: false\n"}.get(shape.answers, "")
        rules = f"{levels}criteria:\n  quality: {shape.criterion}\n"
    slots = ["question", *found.writes, "criterion", *shown]
    if shape.answers == "response" and not found.total:
        slots.insert(slots.index("criterion") + 1, "scale")
    if found.total:  # its criteria take turns, so that what stays the same comes first
        slots = ["question", *shown, "criterion"]
    body = "\n\n".join(f"{_HEADINGS[slot]}\n{{{{{slot}}}}}".strip() for slot in slots)
    rubric = (
        f"---\nid: {name}\nversion: 1  # raise it with each change, once a run has used it\n"
        f"title: {shape.title}\nprotocol: {protocol}\ninputs: [{', '.join(inputs)}]\n{rules}---\n"
        f"## System\n{shape.system}\n## User\n{body}\n"
    )
    return rubric, _cases(name, shape, total=bool(found.total))


def _cases(name: str, shape: _Shape, *, total: bool) -> str:
    head = (
        "# Gold cases: what a judge must get right before it is asked anything harder. They are run by\n"
        f"# evalhub judges test {name} --model MODEL\ncases:\n"
    )
    planet, capital = "Which planet is the largest of the solar system?", "What is the capital of France?"
    best, worst = ("{at_least: 1}", "{at_most: 0.5}") if total else ("{expect: 3}", "{expect: 1}")
    if shape.answers == "pair":
        answers = (
            f"    response_a: {_RIGHT}\n    response_b: {_WRONG}\n    expect: a\n",
            f"    response_a: {_MISSED}\n    response_b: {_CITY}\n    expect: b\n",
        )
    elif shape.answers == "list":
        answers = (
            f"    responses: {{right: {_RIGHT}, wrong: '{_WRONG}'}}\n    expect: [right, wrong]\n",
            f"    responses: {{beside: '{_MISSED}', right: {_CITY}}}\n    expect: [right, beside]\n",
        )
    else:
        answers = (
            f"    response: {_RIGHT}\n    {best.strip('{}')}\n",
            f"    response: {_MISSED}\n    {worst.strip('{}')}\n",
        )
    ids = (("right-or-wrong", planet), ("beside-the-request", capital))
    told = (
        f"  - id: {case}\n    prompt: {prompt}\n{answer}"
        for (case, prompt), answer in zip(ids, answers, strict=True)
    )
    return head + "".join(told)
