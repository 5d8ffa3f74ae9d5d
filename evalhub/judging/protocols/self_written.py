"""Judges that write before they judge: a reference of their own, questions about the item, or both.

The judge writes before it sees any response.

Source: Zeng et al., Evaluating Large Language Models at Evaluating Instruction Following (LLMBar),
ICLR 2024, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace

from evalhub.judging.prompts.slots import slot_texts
from evalhub.judging.protocols.base import JudgmentGenerator, Task, fail_all, plan_single
from evalhub.judging.protocols.pointwise_pairwise import pairwise, pointwise
from evalhub.records import Completion, FailureKind, Message, Request
from evalhub.scales import Kind
from evalhub.texts import is_blank

REFERENCE = {"reference": "# A possible answer, which may be wrong"}
QUESTIONS = {"questions": "# What to ask of a response"}

PROMPTS: Mapping[str, str] = {
    "reference": "Write the best possible response to the request below, and nothing else.",
    "questions": (
        "A response to the request below is going to be assessed. Write at most three short questions that "
        "the assessor should ask about it, the most important first. Ask about what this request wants in "
        "particular, not about style. Write the questions and nothing else."
    ),
}


@dataclass(frozen=True, slots=True)
class _SelfWritten:
    """Texts by slot, the completions behind them, and the failure if a text cannot be used."""

    texts: Mapping[str, str]
    completions: tuple[str, ...]
    failure: FailureKind | None = None
    detail: str | None = None


def write_first(*slots: str, keep_references: bool = False) -> Callable[[Task], JudgmentGenerator]:
    """Return the generator that lets the judge fill some slots itself, then rates or compares.

    Args:
        slots: Names in `PROMPTS`.
        keep_references: Whether an item's own reference is used where it has one.
    """

    def ask(task: Task) -> JudgmentGenerator:
        missing = tuple(
            slot for slot in slots if not (keep_references and slot == "reference" and task.item.references)
        )
        self_written = yield from _write(task, missing)
        if self_written.failure:
            return fail_all(
                task,
                plan_single(task.outline),
                self_written.failure,
                self_written.detail,
                self_written.completions,
            )
        base = pairwise if task.judge.rubric.kind is Kind.PAIRWISE else pointwise
        return (yield from base(task, self_written.texts, self_written.completions))

    return ask


def _write(
    task: Task, slots: tuple[str, ...]
) -> Generator[tuple[Request, ...], tuple[Completion, ...], _SelfWritten]:
    """Ask for all texts at once, since none depends on another."""
    if not slots:
        return _SelfWritten({}, ())
    judge = task.judge
    sampling = replace(judge.sampling, max_tokens=judge.rationale_tokens)
    sample = task.repeat if sampling.temperature > 0 else 0
    shown = slot_texts(judge.rubric, task.item, task.criterion, ())
    has_context = task.item.context and "context" in judge.rubric.inputs
    question = "\n\n".join([shown["context"], shown["question"]] if has_context else [shown["question"]])
    completions = yield tuple(
        Request((Message("user", f"{PROMPTS[slot]}\n\n{question}"),), sampling, sample=sample)
        for slot in slots
    )
    texts = {slot: completion.text or "" for slot, completion in zip(slots, completions, strict=True)}
    keys = tuple(completion.key for completion in completions)
    for completion in completions:
        if completion.failure:
            return _SelfWritten(texts, keys, completion.failure, completion.detail)
    for slot, text in texts.items():
        if is_blank(text):
            return _SelfWritten(texts, keys, FailureKind.PARSE, f"the judge wrote nothing for {slot}")
    return _SelfWritten(texts, keys)
