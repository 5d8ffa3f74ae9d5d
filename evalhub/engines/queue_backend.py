"""A backend that answers its requests in the order in which they arrive."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from evalhub.engines.base import Outcome
from evalhub.records import Request


class QueuedRequest(NamedTuple):
    """A request that waits: its number, and how often it killed a child process before."""

    number: int
    request: Request
    crashes: int


class QueueBackend:
    """The base of backends that need no batching of their own. A subclass overrides `answer`.

    Args:
        opening: Holds `settings`, `model` (id and path, or None) and `device`.
    """

    batch_size = 1

    def __init__(self, opening: Mapping[str, Any]) -> None:
        self.settings: Mapping[str, Any] = opening["settings"]
        self._queue: deque[QueuedRequest] = deque()

    def answer(self, request: Request) -> Outcome:
        """Return the outcome of one request."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Return that no device is used."""
        return {"platform": "none", "device": "none"}

    def counters(self) -> dict[str, int]:
        """Return nothing: there is no cache."""
        return {}

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:
        """Queue a request."""
        self._queue.append(QueuedRequest(number, request, crashes))
        return None

    def step(self) -> list[tuple[int, Outcome]]:
        """Answer one batch."""
        return [(queued.number, self.answer(queued.request)) for queued in self.next_batch()]

    def next_batch(self) -> list[QueuedRequest]:
        """Take the oldest requests off the queue, at most `batch_size`."""
        return [self._queue.popleft() for _ in range(min(len(self._queue), self.batch_size))]

    def busy(self) -> bool:
        """Return whether a request is queued."""
        return bool(self._queue)

    def drop_waiting(self) -> list[int]:
        """Drop all queued requests, and return their numbers."""
        dropped = [queued.number for queued in self._queue]
        self._queue.clear()
        return dropped
