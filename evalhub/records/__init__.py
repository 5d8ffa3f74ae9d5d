"""The records of a run, and the requests to an engine."""

from evalhub.records.codec import (
    SHORT_DIGITS,
    canonical,
    digest,
    from_columns,
    from_dict,
    key_of,
    kind_of,
    prompt_sha256,
    sort_key,
    to_dict,
)
from evalhub.records.criteria import read_criteria
from evalhub.records.endings import CUT, end_of
from evalhub.records.lines import open_line, seal_line
from evalhub.records.requests import Message, Question, QuestionKind, Request, RequestKind, Sampling
from evalhub.records.tables import (
    KINDS,
    AnnotatorKind,
    Completion,
    FailureKind,
    Item,
    ItemCriterion,
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
    join_reasoning,
    split_thinking,
)

__all__ = [
    "CUT", "KINDS", "SHORT_DIGITS", "THINK_TAGS", "AnnotatorKind", "Completion", "FailureKind", "Item",
    "ItemCriterion", "Judgment", "Label", "Message", "Question", "QuestionKind", "Record", "Request",
    "RequestKind", "Response", "Sampling", "Score", "Source", "ThinkTags", "canonical", "closing_tag",
    "digest", "end_of", "from_columns", "from_dict", "has_failed", "has_tags", "join_reasoning", "key_of",
    "kind_of", "open_line", "prompt_sha256", "read_criteria", "seal_line", "sort_key", "split_thinking",
    "to_dict",
]  # fmt: skip
