"""Protocols: pure generators from one asking to its judgments.

A protocol yields requests, is sent their completions, and returns judgments. It calls no
model and touches no disk, so that resuming is replaying completions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

from evalhub.judging.combine import hard_winner, preference, softmax
from evalhub.judging.escape import defuse
from evalhub.judging.prompt import messages
from evalhub.records import Completion, FailureKind, Item, Judgment, Message, Request, Response, Sampling
from evalhub.scales import Kind, Order, Scale
from evalhub.specs import Mode, Rubric

Steps = Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Judgment, ...]]

EXPLAIN = "First explain your assessment in at most three sentences. Do not give the verdict yet."


@dataclass(frozen=True, slots=True)
class Judge:
    """A rubric on a model, with its mode.

    Attributes:
        sampling: Of the rationale; the verdict itself is read from probabilities.
    """

    id: str
    rubric: Rubric
    model: str
    mode: Mode = Mode.DIRECT
    sampling: Sampling = field(default_factory=Sampling)
    rationale_tokens: int = 256


@dataclass(frozen=True, slots=True)
class Asking:
    """One question to one judge: responses in terms of the systems, and the order shown."""

    judge: Judge
    item: Item
    criterion: str
    responses: tuple[Response, ...]
    shown: Order | None = None
    repeat: int = 0
    same_family: bool | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one asking is done.

    Attributes:
        kind: Whether one response is rated or two are compared.
        inputs: The slots that a rubric of this protocol must have.
        ask: The generator.
    """

    kind: Kind
    inputs: tuple[str, ...]
    ask: Callable[[Asking], Steps]


def pointwise(asking: Asking) -> Steps:
    """Rate one response on the levels of the criterion's scale."""
    scale = asking.judge.rubric.scale_for(asking.criterion) or Scale(())
    question = f"Which level fits best? Answer with one of: {', '.join(scale.labels)}."
    completion, judgment = yield from _one_token(asking, question, scale.labels)
    if judgment.failure or completion.logprobs is None:
        return (judgment,)
    shares = softmax(completion.logprobs)
    label = max(scale.labels, key=lambda name: shares[name])
    expected = sum(shares[level.label] * level.value for level in scale.levels)
    return (replace(judgment, value=scale.value_of(label), expected=expected, logprobs=completion.logprobs),)


def pairwise(asking: Asking) -> Steps:
    """Compare two responses, shown in the asking's order, and un-swap the verdict."""
    ties = bool(asking.judge.rubric.ties)
    letters = ("A", "B", "C") if ties else ("A", "B")
    answers = "A, B, or C if they are equally good" if ties else "A or B"
    question = f"Which response is better, A or B? Answer with one letter: {answers}."
    completion, judgment = yield from _one_token(asking, question, letters)
    if judgment.failure or completion.logprobs is None:
        return (judgment,)
    logprobs = _unswapped(completion.logprobs, asking.shown or Order.AB)
    shares = softmax(logprobs)
    return (replace(judgment, winner=hard_winner(shares), p_a=preference(shares), logprobs=logprobs),)


PROTOCOLS: Mapping[str, Protocol] = {
    "pointwise": Protocol(Kind.POINTWISE, ("response",), pointwise),
    "pairwise": Protocol(Kind.PAIRWISE, ("response_a", "response_b"), pairwise),
}


def _one_token(
    asking: Asking, question: str, choices: tuple[str, ...]
) -> Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Completion, Judgment]]:
    """Ask the one-token question, in mode explain after a rationale on the same prefix."""
    judge = asking.judge
    shown = asking.responses[::-1] if asking.shown is Order.BA else asking.responses
    explains = judge.mode is Mode.EXPLAIN
    sent = messages(
        judge.rubric, asking.item, asking.criterion, shown, closing=EXPLAIN if explains else question
    )
    judgment = _blank(asking)
    if explains:
        sampling = replace(judge.sampling, max_tokens=judge.rationale_tokens)
        (rationale,) = yield (Request(sent, sampling, sample=asking.repeat),)
        judgment = replace(
            judgment,
            rationale=rationale.text,
            rationale_cut=rationale.finish_reason == "length",
            completions=(rationale.key,),
        )
        if rationale.failure:
            return rationale, _failed(judgment, rationale)
        sent = (*sent, Message("assistant", defuse(rationale.text or "")), Message("user", question))
    verdict = Sampling(temperature=0.0, max_tokens=1, seed=judge.sampling.seed)
    (completion,) = yield (Request(sent, verdict, choices),)
    judgment = replace(
        judgment, raw_text=completion.text, completions=(*judgment.completions, completion.key)
    )
    if completion.failure:
        return completion, _failed(judgment, completion)
    if not completion.logprobs or set(completion.logprobs) != set(choices):
        return completion, replace(
            judgment, failure=FailureKind.PARSE, detail="no probability for every verdict token"
        )
    mass = math.fsum(math.exp(value) for value in completion.logprobs.values())
    return completion, replace(judgment, label_mass=min(mass, 1.0))


def _blank(asking: Asking) -> Judgment:
    judge, systems = asking.judge, tuple(response.system for response in asking.responses)
    single = len(systems) == 1
    return Judgment(
        dataset=asking.item.dataset,
        judge=judge.id,
        criterion=asking.criterion,
        item_id=asking.item.item_id,
        system=systems[0] if single else None,
        system_a=None if single else systems[0],
        system_b=None if single else systems[1],
        sample=asking.responses[0].sample,
        shown=asking.shown,
        repeat=asking.repeat,
        rubric=judge.rubric.id,
        rubric_hash=judge.rubric.hash,
        model=judge.model,
        mode=judge.mode.value,
        response_hashes=tuple(response.sha256 or "" for response in asking.responses),
        same_family=asking.same_family,
    )


def _failed(judgment: Judgment, completion: Completion) -> Judgment:
    return replace(judgment, failure=completion.failure, detail=completion.detail)


def _unswapped(logprobs: Mapping[str, float], shown: Order) -> dict[str, float]:
    first, second = ("a", "b") if shown is Order.AB else ("b", "a")
    named = {first: logprobs["A"], second: logprobs["B"]}
    if "C" in logprobs:
        named["tie"] = logprobs["C"]
    return {name: named[name] for name in ("a", "tie", "b") if name in named}
