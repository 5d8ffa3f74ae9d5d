"""What a protocol says of its batches: how one is submitted, polled, collected, cancelled and found again."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from evalhub.engines.batch_ledger import Submission
from evalhub.engines.remote import Fault

CLOCK_SECONDS = 3600.0
"""How far the clocks of a server and of this machine may differ."""

_MOST_PAGES = 1000

Bodies = Mapping[str, Mapping[str, Any]]
"""The body of each request by its id on the server."""


class End(StrEnum):
    """How a request of a batch ended, or a batch as a whole."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BatchState:
    """The state of a batch.

    Attributes:
        ended: Whether nothing more will be answered.
        end: How it ended.
        refused: Why the server refuses the batch as a whole, so that nothing is paid. Empty = it does not.
        is_crowded: Whether it is refused only because of other batches on their way.
    """

    ended: bool
    end: End = End.ANSWERED
    refused: str = ""
    is_crowded: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one request of a batch.

    Attributes:
        custom_id: The request's id.
        reply: The reply in the form of the client library.
        fault: Why there is no reply.
        end: Whether the request expired or was cancelled.
    """

    custom_id: str
    reply: Any = None
    fault: Fault | None = None
    end: End = End.ANSWERED


class BatchServer(ABC):
    """The batches of one server. Every method sends requests, and raises what the client library raises.

    Attributes:
        most_bytes: Bytes of one batch at most.
        finds_exactly: Whether `find` returns the batch that was looked for alone, and not others like it.
    """

    most_bytes: ClassVar[int]
    finds_exactly: ClassVar[bool]

    @abstractmethod
    def submit(self, submission: Submission, bodies: Bodies, enter_file: Callable[[str], None]) -> str:
        """Submit a batch and return its id.

        Args:
            submission: The batch, whose token goes to the server with it.
            bodies: Its requests.
            enter_file: Called with the id of the file of requests, before the batch is made of it.
        """

    @abstractmethod
    def find(self, submission: Submission) -> Sequence[str]:
        """Return the ids of the server's batches that may be one whose id never came."""

    @abstractmethod
    def poll(self, batch: str) -> BatchState:
        """Return the state of a batch."""

    @abstractmethod
    def collect(self, batch: str) -> Sequence[Result]:
        """Return the results of a batch that has ended, in any order. What cannot be read is left out."""

    @abstractmethod
    def cancel(self, batch: str) -> None:
        """Cancel a batch. What it has answered by then can be collected."""


def read_lines(content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a file of results that have an id. Other lines are passed over.

    >>> list(read_lines(b'{"custom_id": "a"}\\nno JSON\\n[]\\n{"custom_id": 7}\\n{"custom_id": "b"'))
    [{'custom_id': 'a'}]
    """
    for line in content.splitlines():
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict) and isinstance(values.get("custom_id"), str):
            yield values


def recent(page: Any, is_old: Callable[[Any], bool]) -> Iterator[Any]:
    """Yield the batches of a server, page by page, until all of a page are old.

    Args:
        page: The first page. Newer batches come first.
        is_old: Whether a batch is older than what is looked for.

    Raises:
        TypeError: The server sends no list, or one without an end. What it has is then not known.
    """
    for _ in range(_MOST_PAGES):
        yield from page.data
        if all(map(is_old, page.data)) or not page.has_next_page():
            return
        page = page.get_next_page()
    raise TypeError("the list of batches has no end")


def as_map(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one in place of another value."""
    return value if isinstance(value, dict) else {}


def body_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that the client library makes of the arguments of one call.

    >>> body_of({"model": "m", "extra_body": {"top_k": 5}})
    {'model': 'm', 'top_k': 5}
    """
    body = {name: value for name, value in arguments.items() if name != "extra_body"}
    return {**body, **arguments.get("extra_body", {})}
