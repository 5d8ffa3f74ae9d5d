"""A format of recorded replies that end in "Thumbs up" or "Thumbs down"."""

import re

from evalhub.judging import ReplyFormat, ReplySpec, VerdictCandidate
from evalhub.scales import Kind

_THUMB = re.compile(r"\bthumbs (?P<direction>up|down)\b", re.IGNORECASE)


def find(reply: str, spec: ReplySpec) -> list[VerdictCandidate]:
    """Return every thumb. Two that differ make the reply ambiguous."""
    low, high = spec.limits or (0.0, 1.0)
    return [
        VerdictCandidate(
            thumb.start(),
            thumb["direction"].lower(),
            high if thumb["direction"].lower() == "up" else low,
        )
        for thumb in _THUMB.finditer(reply)
    ]


REPLY_FORMAT = ReplyFormat(find, (Kind.POINTWISE,), "a thumb, such as 'Thumbs up'")
