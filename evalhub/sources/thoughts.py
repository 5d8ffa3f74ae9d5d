"""What became of the think text of recorded responses, in numbers and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalhub.records import THINK_TAGS, FailureKind, Response, ThinkTags, has_tags
from evalhub.specs import Card

APART, CUT, WITHIN = "thoughts apart", "cut while thinking", "tags within the answer"

# Opening tags that models are known to write, and that a card must name.
_KNOWN = (
    "<reasoning>", "<reason>", "<thought>", "<thoughts>", "<reflection>", "<scratchpad>", "<seed:think>",
    "[THINK]", "<|channel|>analysis", "<|begin_of_thought|>", "<|thinking|>", "◁think▷",
)  # fmt: skip


def think_text(card: Card, responses: Iterable[Response]) -> dict[str, dict[str, int]]:
    """Return how many responses had think text, were cut within it, or have tags in the answer, by system."""
    tags = (*(spec.tags for spec in card.think), *THINK_TAGS) if card.think else ()
    counts: dict[str, Counter[str]] = {}
    for response in responses:
        for what in _marks_of(response, tags):
            counts.setdefault(response.system, Counter())[what] += 1
    return {system: dict(sorted(counted.items())) for system, counted in sorted(counts.items())}


def _marks_of(response: Response, tags: Sequence[ThinkTags]) -> Iterator[str]:
    if response.failure is FailureKind.TRUNCATED:
        yield CUT
    elif response.reasoning is not None:
        yield APART
    if any(has_tags(text, tags) for text in response.turns or (response.text or "",)):
        yield WITHIN


def thinking_warnings(card: Card, responses: Sequence[Response]) -> tuple[str, ...]:
    """Return what is odd about the think text of responses, and what may be said in the card."""
    counts = think_text(card, responses)
    return (*_counted_warnings(counts), *_unopened(counts, responses), *_unnamed(card, responses))


def _counted_warnings(counts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    consequences = {
        CUT: "end while they still think: they are failures (truncated), and nobody judges or scores them",
        WITHIN: "have think tags within the answer, and all of it counts as answer",
    }
    for what, consequence in consequences.items():
        count = sum(counted.get(what, 0) for counted in counts.values())
        if count:
            yield f"{count} responses {consequence}"


def _unopened(counts: Mapping[str, Mapping[str, int]], responses: Sequence[Response]) -> Iterator[str]:
    """Warn of systems that mostly think: an answer without a tag may be thoughts that were cut."""
    answered = Counter(response.system for response in responses if response.text is not None)
    for system, counted in counts.items():
        without = answered[system] - counted.get(APART, 0)
        if 0 < without < counted.get(APART, 0):
            yield (
                f"{without} responses of {system} have no think text, and {counted[APART]} have: "
                "where its prompts opened the tag, they were cut, and the card says `think: {opened: true}`"
            )


def _unnamed(card: Card, responses: Sequence[Response]) -> Iterator[str]:
    if not card.think:
        return
    texts = [response.text.lstrip() for response in responses if response.text]
    for tag in _KNOWN:
        count = sum(text.startswith(tag) for text in texts)
        if count:
            yield (
                f"{count} responses begin with {tag}, and all of it counts as answer: "
                "name the tag in the card's `think`"
            )
