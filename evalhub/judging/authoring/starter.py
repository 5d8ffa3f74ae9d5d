"""A first rubric and its first gold cases, as a start for an author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalhub.judging.protocols.table import find_protocol
from evalhub.scales import Shape

_HEADINGS = {
    "question": "# Request",
    "criterion": "# What counts",
    "scale": "# Levels",
    "response": "# Response",
    "response_a": "# Response A",
    "response_b": "# Response B",
    "responses": "",
}


@dataclass(frozen=True, slots=True)
class _Wording:
    """The sentences of a first rubric of one shape."""

    shape: Shape
    title: str
    system: str
    criterion: str


_RATE = _Wording(
    Shape.RESPONSE,
    "How good is the response?",
    "You rate one response to a request, and nothing else.",
    "The response is correct and does what was asked.",
)
_PAIR = _Wording(
    Shape.PAIR,
    "Which response is better?",
    "You compare two responses to a request and select the better one.",
    "The response that is correct and does what was asked.",
)
_LIST = _Wording(
    Shape.LIST,
    "Which responses are best?",
    "You rank responses to a request, the best first.",
    "The response that is correct and does what was asked.",
)
_WORDINGS: Mapping[tuple[str, ...], _Wording] = {
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

_CONVERSATION = """---
id: {name}
version: 1  # raise it with each change, once a run has used it
title: Which response has the higher reward?
protocol: {protocol}
verdict: pairwise  # pointwise: the verdict is the reward of one response
inputs: [question, response]
criteria:
  quality: The response that the reward model prefers.
---
## User
{{{{question}}}}
## Assistant
{{{{response}}}}
"""

_RIGHT, _WRONG = "Jupiter.", "Mars, I think."
_CITY = "The capital of France is Paris."
_EVASION = "France has many cities, and all of them are worth a visit."


def starter(name: str, protocol: str) -> tuple[str, str]:
    """Return the text of a first rubric, and of the gold cases beside it.

    Args:
        name: The rubric's id.
        protocol: Name of a protocol. If it can rate and compare, the rubric compares.

    Raises:
        UnknownNameError: There is no such protocol.

    Example:
        >>> starter("mine", "pairwise")[0].splitlines()[1]
        'id: mine'
    """
    entry = find_protocol(protocol, where="--protocol")
    if entry.reads_alone:
        return _CONVERSATION.format(name=name, protocol=protocol), _gold_cases(name, Shape.PAIR, total=False)
    shown = entry.inputs[-1]
    wording = _WORDINGS[shown]
    inputs = ("question", *entry.writes, *shown)
    if entry.total:
        rules = _CHECKS
    else:
        levels = {Shape.RESPONSE: _SCALE, Shape.PAIR: "ties: false\n"}.get(wording.shape, "")
        rules = f"{levels}criteria:\n  quality: {wording.criterion}\n"
    slots = ["question", *entry.writes, "criterion", *shown]
    if wording.shape is Shape.RESPONSE and not entry.total:
        slots.insert(slots.index("criterion") + 1, "scale")
    if entry.total:  # its criteria take turns, so the texts that do not change come first
        slots = ["question", *shown, "criterion"]
    headings = {**_HEADINGS, **entry.writes}
    body = "\n\n".join(f"{headings[slot]}\n{{{{{slot}}}}}".strip() for slot in slots)
    rubric = (
        f"---\nid: {name}\nversion: 1  # raise it with each change, once a run has used it\n"
        f"title: {wording.title}\nprotocol: {protocol}\ninputs: [{', '.join(inputs)}]\n{rules}---\n"
        f"## System\n{wording.system}\n## User\n{body}\n"
    )
    return rubric, _gold_cases(name, wording.shape, total=bool(entry.total))


def _gold_cases(name: str, shape: Shape, *, total: bool) -> str:
    head = (
        "# Gold cases: what a judge must get right before it is asked anything harder. They are run by\n"
        f"# evalhub judges test {name} --model MODEL\ncases:\n"
    )
    planet, capital = "Which planet is the largest of the solar system?", "What is the capital of France?"
    best, worst = ("{at_least: 1}", "{at_most: 0.5}") if total else ("{expect: 3}", "{expect: 1}")
    if shape is Shape.PAIR:
        answers = (
            f"    response_a: {_RIGHT}\n    response_b: {_WRONG}\n    expect: a\n",
            f"    response_a: {_EVASION}\n    response_b: {_CITY}\n    expect: b\n",
        )
    elif shape is Shape.LIST:
        answers = (
            f"    responses: {{right: {_RIGHT}, wrong: '{_WRONG}'}}\n    expect: [right, wrong]\n",
            f"    responses: {{beside: '{_EVASION}', right: {_CITY}}}\n    expect: [right, beside]\n",
        )
    else:
        answers = (
            f"    response: {_RIGHT}\n    {best.strip('{}')}\n",
            f"    response: {_EVASION}\n    {worst.strip('{}')}\n",
        )
    ids = (("right-or-wrong", planet), ("beside-the-request", capital))
    cases = (
        f"  - id: {case}\n    prompt: {prompt}\n{answer}"
        for (case, prompt), answer in zip(ids, answers, strict=True)
    )
    return head + "".join(cases)
