"""The thread that owns the engine: it takes the jobs of all clients, and works on them together."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Empty, SimpleQueue

from evalhub.engines import Engine
from evalhub.records import Judgment, Record
from evalhub.runner import Asker
from evalhub.runner.execute.driver import Job
from evalhub.runner.execute.interrupts import Stop
from evalhub.serving.refusal import Refusal

TURN_SECONDS = 0.02
"""How long a request waits at most to join the batch while the engine works."""

_IDLE_SECONDS = 0.2
"""How long an idle worker waits before it looks again. A signal that another thread is given wakes nobody."""

STOP_SECONDS = 30.0
"""How long requests that have begun may take to end when the server is told to end."""

Outcome = Future[tuple[Judgment, ...]]


@dataclass(slots=True, eq=False)
class _Order:
    """The jobs of a request, and what they have returned so far, in their order."""

    jobs: Sequence[Job]
    outcome: Outcome
    records: dict[int, tuple[Record, ...]] = field(default_factory=dict)

    def deliver(self, number: int, records: tuple[Record, ...] | Exception) -> None:
        """Take what a job returns. The first error is that of the request."""
        if self.outcome.done():
            return
        if isinstance(records, Exception):
            self.outcome.set_exception(records)
            return
        self.records[number] = records
        if len(self.records) == len(self.jobs):
            judgments = (record for place in range(len(self.jobs)) for record in self.records[place])
            self.outcome.set_result(tuple(record for record in judgments if isinstance(record, Judgment)))


class Worker:
    """Works on the requests of all clients with one engine.

    Args:
        stop: Whether the server is to end.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        stop.on_request = self.wake

    def wake(self) -> None:
        """Have the worker look at whether it is to end. Safe in a signal handler."""
        self._orders.put(None)

    def ask(self, jobs: Sequence[Job]) -> Outcome:
        """Hand in the jobs of one request. Called in any thread.

        Raises:
            Refusal: 503. The server ends.
        """
        order = _Order(jobs, Future())
        with self._lock:
            if self._closed or self._stop.requested:
                raise ending()
            self._orders.put(order)
        return order.outcome

    def work(self, engine: Engine) -> None:
        """Work until the server is told to end, and then on what has begun, for a while.

        Called in the thread that opened the engine.

        Raises:
            EngineError: The engine died too often. Whoever waits is told so.
            ModelError: A request cannot be asked of the model at all.
        """
        asker = Asker(engine)
        deadline = float("inf")
        try:
            while True:
                self._begin(asker, block=not asker.open_jobs and not self._stop.requested)
                if self._stop.requested:
                    deadline = min(deadline, time.monotonic() + STOP_SECONDS)
                    if not asker.open_jobs or time.monotonic() > deadline:
                        return
                if asker.open_jobs:
                    asker.advance(TURN_SECONDS)
        finally:
            self._close(asker)

    def _begin(self, asker: Asker, *, block: bool) -> None:
        """Begin the jobs that wait. With `block`, wait a little for some, or for a signal."""
        try:
            order = self._orders.get(block=block, timeout=_IDLE_SECONDS)
            while True:
                if order is not None:
                    self._start(asker, order)
                order = self._orders.get_nowait()
        except Empty:
            return

    def _start(self, asker: Asker, order: _Order) -> None:
        for number, job in enumerate(order.jobs):
            asker.start(job, lambda records, number=number: order.deliver(number, records))  # type: ignore[misc]

    def _close(self, asker: Asker) -> None:
        """Refuse whatever has not ended."""
        with self._lock:
            self._closed = True
        asker.abandon(ending())
        while not self._orders.empty():
            if order := self._orders.get():
                order.deliver(0, ending())


def ending() -> Refusal:
    """Return the refusal of a server that ends."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the server ends; ask again when it is back.")
