"""The requests of batches: those that wait, those in flight, and those that may be asked again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from evalhub.engines.base import Outcome
from evalhub.engines.batch_ledger import Submission
from evalhub.engines.remote import KeyedRequests
from evalhub.records import Request

_ENVELOPE_BYTES = 200

Form = TypeVar("Form")
Shape = tuple[bool, bool, bool, bool]
"""What of a request decides which parameters it is sent with."""


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Form]):
    """A request that is to be submitted.

    Attributes:
        form: The form that its last refusal led to. None = the form of all.
    """

    key: str
    request: Request
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Again(Generic[Form]):
    """A request of a batch that may be asked again.

    Attributes:
        outcome: Its outcome where it is not.
        form: The form to ask it in. None = the server did not come to it.
    """

    outcome: Outcome
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch in flight.

    Attributes:
        submission: Its entry in the ledger, by an earlier session. None = it is not submitted yet.
    """

    keyed_requests: KeyedRequests
    form: Any
    submission: Submission | None = None


def shape_of(request: Request) -> Shape:
    """Return what of a request decides which parameters it is sent with."""
    sampling = request.sampling
    is_begun = request.messages[-1].role == "assistant"
    return bool(request.choices), is_begun, bool(sampling.top_k), bool(sampling.stop)


def count_fitting(bodies: Iterable[Mapping[str, Any]], most_bytes: int) -> int:
    """Return how many of the first bodies fit into one batch, at least one.

    >>> count_fitting([{"n": 1}, {"n": 2}, {"n": 3}], 500)
    2
    """
    count = length = 0
    for body in bodies:
        length += len(json.dumps(body)) + _ENVELOPE_BYTES
        if count and length > most_bytes:
            break
        count += 1
    return count
