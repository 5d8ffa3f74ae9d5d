"""Judges that write before they judge: a reference of their own, criteria for the item, or both.

Whatever is written is written before any response is seen.

Source: Zeng et al., Evaluating Large Language Models at Evaluating Instruction Following (LLMBar),
ICLR 2024, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace

from evalhub.judging.prompts.slots import slot_texts
from evalhub.judging.protocols.base import Asking, Steps, failed, one_part
from evalhub.judging.protocols.pointwise_pairwise import pairwise, pointwise
from evalhub.records import Completion, FailureKind, Message, Request
from evalhub.scales import Kind
from evalhub.texts import is_blank

PROMPTS: Mapping[str, str] = {
    "reference": "Write the best possible response to the request below, and nothing else.",
    "metrics": (
        "A response to the request below is going to be assessed. Write at most three short questions that "
        "the assessor should ask about it, the most important first. Ask about what this request wants in "
        "particular, not about style. Write the questions and nothing else."
    ),
}


@dataclass(frozen=True, slots=True)
class _Written:
    """Texts by slot, the completions behind them, and why they cannot be used."""

    texts: Mapping[str, str]
    completions: tuple[str, ...]
    failure: FailureKind | None = None
    detail: str | None = None


def writing(*slots: str, unless_given: bool = False) -> Callable[[Asking], Steps]:
    """Return the protocol that fills some slots itself, then rates or compares.

    Args:
        slots: `reference`, `metrics` or both.
        unless_given: Whether an item that brings a reference keeps it.
    """

    def steps(asking: Asking) -> Steps:
        wanted = tuple(
            slot for slot in slots if not (unless_given and slot == "reference" and asking.item.references)
        )
        written = yield from _write(asking, wanted)
        if written.failure:
            parts = one_part(asking.outline)
            return failed(asking, parts, written.failure, written.detail, written.completions)
        base = pairwise if asking.judge.rubric.kind is Kind.PAIRWISE else pointwise
        return (yield from base(asking, written.texts, written.completions))

    return steps


def _write(
    asking: Asking, slots: tuple[str, ...]
) -> Generator[tuple[Request, ...], tuple[Completion, ...], _Written]:
    """Ask for all texts at once; they need nothing from each other."""
    if not slots:
        return _Written({}, ())
    judge = asking.judge
    sampling = replace(judge.sampling, max_tokens=judge.rationale_tokens)
    sample = asking.repeat if sampling.temperature > 0 else 0
    texts = slot_texts(judge.rubric, asking.item, asking.criterion, ())
    apart = asking.item.context and "context" in judge.rubric.inputs
    asked = "\n\n".join([texts["context"], texts["question"]] if apart else [texts["question"]])
    completions = yield tuple(
        Request((Message("user", f"{PROMPTS[slot]}\n\n{asked}"),), sampling, sample=sample) for slot in slots
    )
    said = {slot: one.text or "" for slot, one in zip(slots, completions, strict=True)}
    keys = tuple(completion.key for completion in completions)
    for completion in completions:
        if completion.failure:
            return _Written(said, keys, completion.failure, completion.detail)
    for slot, text in said.items():
        if is_blank(text):
            return _Written(said, keys, FailureKind.PARSE, f"the judge wrote nothing for {slot}")
    return _Written(said, keys)
