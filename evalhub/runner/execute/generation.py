"""Candidates: one response from an item's turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalhub.analysis.run.answers import WARNED_SHARE, cut_answer_sentences
from evalhub.judging import candidate_messages
from evalhub.records import (
    CUT,
    Completion,
    FailureKind,
    Item,
    Request,
    Response,
    Sampling,
    Source,
    ThinkTags,
    digest,
    join_reasoning,
)
from evalhub.runner.plan.datasets import hash_texts
from evalhub.runner.plan.resolve import ResolvedCandidate
from evalhub.store import PartFacts


@dataclass(frozen=True, slots=True)
class Generation:
    """One response to generate."""

    item: Item
    system: str
    families: tuple[str, ...]
    sampling: Sampling
    sample: int
    system_prompt: str | None
    think: tuple[ThinkTags, ...]


def generate(
    generation: Generation,
) -> Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Response, ...]]:
    """Ask the item's turns one after the other, each after the system's own earlier answers."""
    completions: list[Completion] = []
    for _ in generation.item.turns:
        answers = tuple(completion.text or "" for completion in completions)
        messages = candidate_messages(generation.item, answers, generation.system_prompt)
        (completion,) = yield (
            Request(messages, generation.sampling, sample=generation.sample, think=generation.think),
        )
        completions.append(completion)
        if _failure(completion):
            break
    return (_response(generation, completions),)


def _response(generation: Generation, completions: list[Completion]) -> Response:
    last = completions[-1] if completions else None
    failure = FailureKind.ENGINE if last is None else _failure(last)
    text = None if failure or last is None else last.text or ""
    return Response(
        dataset=generation.item.dataset,
        item_id=generation.item.item_id,
        system=generation.system,
        sample=generation.sample,
        text=text,
        turns=tuple(completion.text or "" for completion in completions) if text is not None else (),
        reasoning=join_reasoning(completion.reasoning for completion in completions),
        chars=None if text is None else sum(len(completion.text or "") for completion in completions),
        families=generation.families,
        source=Source.GENERATED,
        finish_reason=_finish_reason(completions),
        prompt_tokens=_total(completion.prompt_tokens for completion in completions),
        completion_tokens=_total(completion.completion_tokens for completion in completions),
        sha256=None if text is None else digest(text),
        completions=tuple(completion.key for completion in completions),
        failure=failure,
        detail=last.detail if failure and last else None,
    )


def response_facts(responses: Sequence[Response], expected: int) -> PartFacts:
    """Return what later steps need to know of a candidate's responses to a dataset."""
    finished = [response for response in responses if response.finish_reason]
    cut = [response for response in finished if response.finish_reason == CUT]
    return PartFacts(
        outputs={"texts": hash_texts(responses)},
        expected=expected,
        records=len(responses),
        valid=sum(response.failure is None for response in responses),
        retriable=sum(response.failure is FailureKind.ENGINE for response in responses),
        cut={
            "ended": len(finished),
            "cut": len(cut),
            "cut_failed": sum(response.failure is not None for response in cut),
        },
    )


def warn_of_cuts(candidate: ResolvedCandidate, parts: Iterable[PartFacts]) -> Iterator[str]:
    """Yield a warning if the token limit cut many of a candidate's answers.

    Args:
        candidate: The candidate.
        parts: The facts of its responses to each dataset.
    """
    counts: Counter[str] = Counter()
    for facts in parts:
        counts.update(facts.cut)
    row = {"system": candidate.spec.id, **counts, "max_tokens": candidate.spec.sampling.max_tokens}
    yield from cut_answer_sentences([row], min_share=WARNED_SHARE)


def _finish_reason(completions: list[Completion]) -> str | None:
    """Return the finish reason of a response. A cut turn makes a cut response."""
    reasons = [completion.finish_reason for completion in completions]
    return CUT if CUT in reasons else reasons[-1] if reasons else None


def _failure(completion: Completion) -> FailureKind | None:
    """Return the failure of a completion. Earlier versions stored cut think text as an empty text."""
    cut = bool(completion.reasoning) and not completion.text and completion.finish_reason == CUT
    return completion.failure or (FailureKind.TRUNCATED if cut else None)


def _total(counts: Generator[int | None, None, None]) -> int | None:
    present = [count for count in counts if count is not None]
    return sum(present) if present else None
