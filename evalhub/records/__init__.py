"""The records that are kept and the requests that are made."""

from evalhub.records.codec import (
    asked_sha256,
    canonical,
    clean,
    digest,
    from_dict,
    key_of,
    kind_of,
    sort_key,
    to_dict,
)
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
from evalhub.records.text import is_blank, without_blanks

__all__ = [
    "KINDS",
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
    "asked_sha256",
    "canonical",
    "clean",
    "digest",
    "from_dict",
    "has_failed",
    "is_blank",
    "key_of",
    "kind_of",
    "sort_key",
    "to_dict",
    "without_blanks",
]
