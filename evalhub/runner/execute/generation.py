"""Candidates: from an item's turns to one response."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from evalhub.analysis.run.answers import WARNED_SHARE, cut_answer_sentences
from evalhub.judging import candidate_messages
from evalhub.records import (
    CUT,
    Completion,
    FailureKind,
    Item,
    Record,
    Request,
    Response,
    Sampling,
    Source,
    ThinkTags,
    digest,
    join_reasoning,
)
from evalhub.runner.plan.resolve import ResolvedCandidate


@dataclass(frozen=True, slots=True)
class Generation:
    """One response that is to be made."""

    item: Item
    system: str
    families: tuple[str, ...]
    sampling: Sampling
    sample: int
    system_prompt: str | None
    think: tuple[ThinkTags, ...]


def generate(
    wanted: Generation,
) -> Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Response, ...]]:
    """Ask the item's turns one after the other, each on the system's own earlier answers."""
    done: list[Completion] = []
    for _ in wanted.item.turns:
        answers = tuple(one.text or "" for one in done)
        sent = candidate_messages(wanted.item, answers, wanted.system_prompt)
        (completion,) = yield (Request(sent, wanted.sampling, sample=wanted.sample, think=wanted.think),)
        done.append(completion)
        if _failure(completion):
            break
    return (_response(wanted, done),)


def _response(wanted: Generation, done: list[Completion]) -> Response:
    last = done[-1] if done else None
    failure = FailureKind.ENGINE if last is None else _failure(last)
    text = None if failure or last is None else last.text or ""
    return Response(
        dataset=wanted.item.dataset,
        item_id=wanted.item.item_id,
        system=wanted.system,
        sample=wanted.sample,
        text=text,
        turns=tuple(one.text or "" for one in done) if text is not None else (),
        reasoning=join_reasoning(one.reasoning for one in done),
        chars=None if text is None else sum(len(one.text or "") for one in done),
        families=wanted.families,
        source=Source.GENERATED,
        finish_reason=_end(done),
        prompt_tokens=_total(one.prompt_tokens for one in done),
        completion_tokens=_total(one.completion_tokens for one in done),
        sha256=None if text is None else digest(text),
        completions=tuple(one.key for one in done),
        failure=failure,
        detail=last.detail if failure and last else None,
    )


def many_cut(candidates: Iterable[ResolvedCandidate], records: Iterable[Record]) -> Iterator[str]:
    """Yield one sentence for each candidate of which the token limit cut many answers.

    Args:
        candidates: The candidates of a suite.
        records: The responses of its run.
    """
    responses = [record for record in records if isinstance(record, Response)]
    for candidate in candidates:
        spec = candidate.spec
        ended = [record for record in responses if record.system == spec.id and record.finish_reason]
        cut = [response for response in ended if response.finish_reason == CUT]
        counts = {
            "ended": len(ended),
            "cut": len(cut),
            "cut_failed": sum(response.failure is not None for response in cut),
            "max_tokens": spec.sampling.max_tokens,
        }
        yield from cut_answer_sentences([{"system": spec.id, **counts}], min_share=WARNED_SHARE)


def _end(done: list[Completion]) -> str | None:
    """Return why the answer ends: at the token limit where one of its turns does."""
    ends = [one.finish_reason for one in done]
    return CUT if CUT in ends else ends[-1] if ends else None


def _failure(completion: Completion) -> FailureKind | None:
    """Return why a completion is no answer; runs of earlier versions hold cut thoughts as empty texts."""
    cut = bool(completion.reasoning) and not completion.text and completion.finish_reason == CUT
    return completion.failure or (FailureKind.TRUNCATED if cut else None)


def _total(counts: Generator[int | None, None, None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
