r"""Parsing a recorded judge's free text, strictly: no repair, no guess.

evalhub's own judges answer in constrained tokens and need none of this. The replies of other judges are
parsed in the format that a dataset's card names. A reply that cannot be parsed is a failure with its reason,
which is data.

A format is a function that finds the verdicts of a reply, and the kinds of criteria that it answers. A
complete format, for replies that end in "Thumbs up" or "Thumbs down":

>>> def find_thumbs(reply, spec):
...     words = re.search(r"thumbs (up|down)\W*$", reply, re.IGNORECASE)
...     if words is None:
...         return []
...     low, high = spec.limits
...     return [VerdictCandidate(words.start(), words[1], high if words[1].lower() == "up" else low)]
>>> THUMBS = ReplyFormat(find_thumbs, (Kind.POINTWISE,), "a thumb at the end")
>>> THUMBS.find("Short and clear. Thumbs up!", ReplySpec("thumbs", limits=(0, 1)))[0].verdict
1

A format becomes known by one line in `REPLY_FORMATS`, or by an entry point of the group
`evalhub.reply_formats` in another package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evalhub.judging.replies.labels import find_fields, find_letters, find_verdicts
from evalhub.judging.replies.numbers import find_ratings, find_scores
from evalhub.judging.replies.text import ReplySpec, VerdictCandidate, VerdictRule, plain_text
from evalhub.records import FailureKind, split_thinking
from evalhub.scales import Kind, Winner
from evalhub.specs import find_entry


@dataclass(frozen=True, slots=True)
class ReplyFormat:
    """A format of recorded replies.

    Attributes:
        find: Returns every candidate for the verdict in a reply without think text, in the order of the text.
        kinds: The kinds of criteria that the format can answer.
        expects: What the format looks for, for the reason of a reply without any candidate.
        takes_letters: Whether a card may say what each letter of a reply stands for.
    """

    find: Callable[[str, ReplySpec], list[VerdictCandidate]]
    kinds: tuple[Kind, ...]
    expects: str
    takes_letters: bool = False


REPLY_FORMATS: Mapping[str, ReplyFormat] = {
    "score": ReplyFormat(find_scores, (Kind.POINTWISE,), "a score in prose, such as 'Score: 4/5'"),
    "rating-brackets": ReplyFormat(find_ratings, (Kind.POINTWISE,), "a rating such as [[5]]"),
    "verdict": ReplyFormat(find_verdicts, (Kind.PAIRWISE,), "a verdict such as [[A]], [[A>>B]] or [[C]]"),
    "letter": ReplyFormat(
        find_letters,
        (Kind.POINTWISE, Kind.PAIRWISE),
        "one label, alone or after 'Answer:'",
        takes_letters=True,
    ),
    "json": ReplyFormat(
        find_fields, (Kind.POINTWISE, Kind.PAIRWISE), "a JSON object with the key of the verdict"
    ),
}


def find_reply_format(name: str, *, where: str = "") -> ReplyFormat:
    """Return a format from `REPLY_FORMATS`, or from another package's entry point in `evalhub.reply_formats`.

    Args:
        name: The card's value of `reply_format: {name: …}`.
        where: File and key of that value, for errors.

    Raises:
        UnknownNameError: No format has this name. The error names the nearest one.
        SpecError: Another package's format cannot be loaded.
    """
    return find_entry(
        "reply format", name, REPLY_FORMATS, fits=lambda entry: isinstance(entry, ReplyFormat), where=where
    )


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """The result of parsing a reply: exactly one of `value`, `winner` or `failure`.

    Attributes:
        value: The number or the level's value.
        winner: The side as it was shown. `a` is the response that stood first.
        failure: The kind of failure if there is no verdict.
        reason: The failure's reason in one sentence.
        thinking: The think text, which is not parsed.
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


def parse_reply(text: str, spec: ReplySpec) -> ParsedReply:
    """Parse one recorded reply.

    Two different verdicts are ambiguous, unless `spec.rule` prefers one. The same verdict twice is one
    verdict.

    Args:
        text: The reply as recorded.
        spec: The format, with the scale.

    Returns:
        The verdict, or a failure with its reason.

    Raises:
        UnknownNameError: No format has the name `spec.format`.

    Example:
        >>> parse_reply("Clear, earning a score of 4 out of 5.", ReplySpec("score", (1, 5))).value
        4.0
        >>> parse_reply("Score: 3 or 4.", ReplySpec("score", (1, 5))).failure
        <FailureKind.AMBIGUOUS: 'ambiguous'>
        >>> parse_reply("It has 4 of the 5 facts.", ReplySpec("score", (1, 5))).reason
        "nothing reads as a score in prose, such as 'Score: 4/5'"
    """
    reply_format = find_reply_format(spec.format)
    parts = split_thinking(text, spec.think, anywhere=True)
    answer, thinking = parts.answer, parts.reasoning
    if answer is None:
        return ParsedReply(
            failure=FailureKind.TRUNCATED, reason="the reply ends while it still thinks", thinking=thinking
        )
    candidates = reply_format.find(answer, spec)
    if not candidates:
        failure, reason = _no_verdict(answer, reply_format)
        return ParsedReply(failure=failure, reason=reason, thinking=thinking)
    return _decide(candidates, spec.rule, thinking)


def _decide(
    candidates: list[VerdictCandidate], rule: VerdictRule | None, thinking: str | None
) -> ParsedReply:
    candidate = candidates[-1] if rule is VerdictRule.LAST else candidates[0]
    texts = list(dict.fromkeys(candidate.text for candidate in candidates))
    if len(texts) > 1 and rule is None:
        reason = f"the reply says {texts[0]!r} and {texts[1]!r}"
        return ParsedReply(failure=FailureKind.AMBIGUOUS, reason=reason, thinking=thinking)
    if candidate.failure is not None:
        return ParsedReply(failure=candidate.failure, reason=candidate.reason, thinking=thinking)
    if isinstance(candidate.verdict, FailureKind):
        reason = f"the reply says {candidate.text!r}, which is not applicable"
        return ParsedReply(failure=candidate.verdict, reason=reason, thinking=thinking)
    if isinstance(candidate.verdict, Winner):
        return ParsedReply(winner=candidate.verdict, thinking=thinking)
    return ParsedReply(value=candidate.verdict, thinking=thinking)


def _no_verdict(answer: str, reply_format: ReplyFormat) -> tuple[FailureKind, str]:
    if not answer.strip():
        return FailureKind.PARSE, "the reply is empty"
    if _REFUSAL.search(plain_text(answer)):
        return FailureKind.REFUSED, "the reply declines to judge"
    return FailureKind.PARSE, f"nothing reads as {reply_format.expects}"
