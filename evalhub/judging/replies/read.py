"""What a recorded judge's free text says, read strictly: no repair, no guess.

Our own judges answer in constrained tokens and need none of this. What others' judges wrote is read by
the format that a dataset's card names; what cannot be read is a failure with its reason, which is data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evalhub.judging.replies.labels import fields, letters, verdicts
from evalhub.judging.replies.numbers import bracketed_ratings, scores
from evalhub.judging.replies.text import Claim, Form, Rule, plain
from evalhub.records import FailureKind, split_thinking
from evalhub.scales import Kind, Winner


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: how its claims are found, and the kinds of criteria that it can answer."""

    claims: Callable[[str, Form], list[Claim]]
    kinds: tuple[Kind, ...]
    expects: str


READERS: Mapping[str, Reader] = {
    "score": Reader(scores, (Kind.POINTWISE,), "a score in prose, such as 'Score: 4/5'"),
    "rating-brackets": Reader(bracketed_ratings, (Kind.POINTWISE,), "a rating such as [[5]]"),
    "verdict": Reader(verdicts, (Kind.PAIRWISE,), "a verdict such as [[A]], [[A>>B]] or [[C]]"),
    "letter": Reader(letters, (Kind.POINTWISE, Kind.PAIRWISE), "one label, alone or after 'Answer:'"),
    "json": Reader(fields, (Kind.POINTWISE, Kind.PAIRWISE), "a JSON object with the key of the verdict"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says: exactly one of `value`, `winner` or `failure`.

    Attributes:
        value: The number or the level's value.
        winner: The side as it was shown: `a` is the response that stood first.
        failure: Why there is no verdict.
        reason: The same in one sentence.
        thinking: The think text, taken off before reading.
    """

    value: float | None = None
    winner: Winner | None = None
    failure: FailureKind | None = None
    reason: str = ""
    thinking: str | None = None


_REFUSAL = re.compile(
    r"^(?:\W|\w+,\s){0,3}(?:(?:I\s+apologi[sz]e|I(?:'m|\s+am)\s+sorry|sorry|unfortunately|as\s+an\s+AI)\b[^.!?]{0,120}?)?"
    r"\bI(?:\s+(?:can't|can\s?not|won't|will\s+not|am\s+(?:not\s+able|unable)\s+to|decline\s+to)"
    r"|'m\s+(?:not\s+able|unable)\s+to)\s+(?:rate|score|judge|assess|evaluate|grade|help|assist|comply|answer|determine|"
    r"complete|fulfil|do|(?:provide|give|offer)\s+(?:an?|any|you|this|that))\b",
    re.IGNORECASE,
)


def read(text: str, form: Form) -> Reading:
    """Read one recorded reply.

    Two different verdicts are ambiguous, the same one twice is not; `form.rule` alone may prefer one.

    Args:
        text: The reply as recorded.
        form: The format, with the scale.

    Returns:
        The verdict, or a failure with its reason.

    Raises:
        KeyError: `READERS` has no such format.

    Example:
        >>> read("Clear and complete, earning a score of 4 out of 5.", Form("score", (1, 5))).value
        4.0
        >>> read("Score: 3 or 4.", Form("score", (1, 5))).failure
        <FailureKind.AMBIGUOUS: 'ambiguous'>
        >>> read("It has 4 of the 5 facts.", Form("score", (1, 5))).reason
        "nothing reads as a score in prose, such as 'Score: 4/5'"
    """
    reader = READERS[form.format]
    thought = split_thinking(text, form.think, anywhere=True)
    answer, thinking = thought.answer, thought.reasoning
    if answer is None:
        return Reading(
            failure=FailureKind.TRUNCATED, reason="the reply ends while it still thinks", thinking=thinking
        )
    claims = reader.claims(answer, form)
    if not claims:
        failure, reason = _nothing(answer, reader)
        return Reading(failure=failure, reason=reason, thinking=thinking)
    return _decided(claims, form.rule, thinking)


def _decided(claims: list[Claim], rule: Rule | None, thinking: str | None) -> Reading:
    chosen = claims[-1] if rule is Rule.LAST else claims[0]
    said = list(dict.fromkeys(claim.said for claim in claims))
    if len(said) > 1 and rule is None:
        reason = f"the reply says {said[0]!r} and {said[1]!r}"
        return Reading(failure=FailureKind.AMBIGUOUS, reason=reason, thinking=thinking)
    if chosen.failure is not None:
        return Reading(failure=chosen.failure, reason=chosen.reason, thinking=thinking)
    if isinstance(chosen.verdict, FailureKind):
        reason = f"the reply says {chosen.said!r}, which is not applicable"
        return Reading(failure=chosen.verdict, reason=reason, thinking=thinking)
    if isinstance(chosen.verdict, Winner):
        return Reading(winner=chosen.verdict, thinking=thinking)
    return Reading(value=chosen.verdict, thinking=thinking)


def _nothing(answer: str, reader: Reader) -> tuple[FailureKind, str]:
    if not answer.strip():
        return FailureKind.PARSE, "the reply is empty"
    if _REFUSAL.search(plain(answer)):
        return FailureKind.REFUSED, "the reply declines to judge"
    return FailureKind.PARSE, f"nothing reads as {reader.expects}"
