"""The records that are kept and the requests that are made."""

from evalhub.records.codec import (
    asked_sha256,
    canonical,
    digest,
    from_dict,
    key_of,
    kind_of,
    sort_key,
    to_dict,
)
from evalhub.records.endings import CUT, end_of
from evalhub.records.requests import Message, Request, Sampling
from evalhub.records.tables import (
    KINDS,
    AnnotatorKind,
    Completion,
    FailureKind,
    Item,
    Judgment,
    Label,
    Record,
    Response,
    Score,
    Source,
    has_failed,
)
from evalhub.records.thinking import (
    THINK_TAGS,
    ThinkTags,
    closing_tag,
    has_tags,
    joined_reasoning,
    split_thinking,
)
from evalhub.texts import clean, is_blank, without_blanks

__all__ = [
    "CUT",
    "KINDS",
    "THINK_TAGS",
    "AnnotatorKind",
    "Completion",
    "FailureKind",
    "Item",
    "Judgment",
    "Label",
    "Message",
    "Record",
    "Request",
    "Response",
    "Sampling",
    "Score",
    "Source",
    "ThinkTags",
    "asked_sha256",
    "canonical",
    "clean",
    "closing_tag",
    "digest",
    "end_of",
    "from_dict",
    "has_failed",
    "has_tags",
    "is_blank",
    "joined_reasoning",
    "key_of",
    "kind_of",
    "sort_key",
    "split_thinking",
    "to_dict",
    "without_blanks",
]
