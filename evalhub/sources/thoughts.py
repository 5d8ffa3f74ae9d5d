"""Counts and warnings about the think text of recorded responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalhub.records import THINK_TAGS, FailureKind, Response, ThinkTags, has_tags
from evalhub.specs import Card

APART, CUT, WITHIN = "thoughts apart", "cut while thinking", "tags within the answer"

# Opening tags that some models write, and that a card must name.
_OPENING_TAGS = (
    "<reasoning>", "<reason>", "<thought>", "<thoughts>", "<reflection>", "<scratchpad>", "<seed:think>",
    "[THINK]", "<|channel|>analysis", "<|begin_of_thought|>", "<|thinking|>", "◁think▷",
)  # fmt: skip


def think_text(card: Card, responses: Iterable[Response]) -> dict[str, dict[str, int]]:
    """Return each system's number of responses with think text, cut within it, or with tags in the answer."""
    tags = (*(spec.tags for spec in card.think), *THINK_TAGS) if card.think else ()
    counts: dict[str, Counter[str]] = {}
    for response in responses:
        for mark in _marks_of(response, tags):
            counts.setdefault(response.system, Counter())[mark] += 1
    return {system: dict(sorted(marks.items())) for system, marks in sorted(counts.items())}


def _marks_of(response: Response, tags: Sequence[ThinkTags]) -> Iterator[str]:
    if response.failure is FailureKind.TRUNCATED:
        yield CUT
    elif response.reasoning is not None:
        yield APART
    if any(has_tags(text, tags) for text in response.turns or (response.text or "",)):
        yield WITHIN


def warn_of_thinking(card: Card, responses: Sequence[Response]) -> tuple[str, ...]:
    """Return warnings about the think text of responses, with the key to add to the card."""
    counts = think_text(card, responses)
    return (
        *_warn_of_marks(counts),
        *_warn_of_unopened(counts, responses),
        *_warn_of_unknown_tags(card, responses),
    )


def _warn_of_marks(counts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    consequences = {
        CUT: "end while they still think: they are failures (truncated), and nobody judges or scores them",
        WITHIN: "have think tags within the answer, and all of it counts as answer",
    }
    for mark, consequence in consequences.items():
        count = sum(marks.get(mark, 0) for marks in counts.values())
        if count:
            yield f"{count} responses {consequence}"


def _warn_of_unopened(
    counts: Mapping[str, Mapping[str, int]], responses: Sequence[Response]
) -> Iterator[str]:
    """Warn of systems whose responses mostly have think text: one without a tag may be cut think text."""
    answers = Counter(response.system for response in responses if response.text is not None)
    for system, marks in counts.items():
        without = answers[system] - marks.get(APART, 0)
        if 0 < without < marks.get(APART, 0):
            yield (
                f"{without} responses of {system} have no think text, and {marks[APART]} have: "
                "where its prompts opened the tag, they were cut, and the card says `think: {opened: true}`"
            )


def _warn_of_unknown_tags(card: Card, responses: Sequence[Response]) -> Iterator[str]:
    if not card.think:
        return
    texts = [response.text.lstrip() for response in responses if response.text]
    for tag in _OPENING_TAGS:
        count = sum(text.startswith(tag) for text in texts)
        if count:
            yield (
                f"{count} responses begin with {tag}, and all of it counts as answer: "
                "name the tag in the card's `think`"
            )
