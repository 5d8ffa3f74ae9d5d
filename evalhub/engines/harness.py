"""Keeps a child process busy, and completes every request although the child may die.

A dead child is started again. The requests that it held are then sent one at a time. A request
that kills the child twice becomes a failure of its own, and the others go on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalhub.engines.base import (
    HANG_SECONDS,
    Engine,
    EngineIdentity,
    Outcome,
    clean_request,
    completion,
)
from evalhub.engines.facts import EngineFacts
from evalhub.engines.opening import ChildSettings, EngineSettings, Opening
from evalhub.engines.process import Process, last_words, new_log
from evalhub.engines.tally import Tally
from evalhub.engines.wire import outcome_from_wire, request_to_wire
from evalhub.errors import EngineError, EvalhubError, ModelError
from evalhub.records import Completion, FailureKind, Request

START_SECONDS = 3600.0
MOST_CRASHES = 2
MOST_DEATHS = 6

_BACKOFF = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
_TURN_SECONDS = 0.2
_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Start:
    """How a child is started.

    Attributes:
        opening: The first message: the backend, its settings and the model's folder.
        environment: Variables besides this process's own.
        preload: What the child has already imported, as `package.module:function`. None = nothing.
        max_num_seqs: Requests in one batch. None = what the child says of itself.
        log_folder: Takes its log, which is removed when it ends well.
        hang_seconds: A child that has work and gives no sign of life for so long is killed.
    """

    opening: Mapping[str, Any]
    log_folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    preload: str | None = None
    max_num_seqs: int | None = 256
    hang_seconds: float = HANG_SECONDS


@dataclass(slots=True)
class Flight:
    """One request on its way."""

    number: int
    key: str
    request: Request
    crashes: int = 0


def open_child(
    opening: Opening[Any],
    backend: str,
    *,
    environment: Mapping[str, str] | None = None,
    preload: str | None = None,
    max_num_seqs: int | None = 256,
) -> ChildEngine:
    """Return an engine in a child process of its own, with its model loaded.

    The arguments are those of `start_child`.

    Raises:
        ModelError: The model cannot be loaded.
        EngineError: The child cannot start.
    """
    child = start_child(opening, backend, environment=environment, preload=preload, max_num_seqs=max_num_seqs)
    return child.wait_until_ready()


def start_child(
    opening: Opening[Any],
    backend: str,
    *,
    environment: Mapping[str, str] | None = None,
    preload: str | None = None,
    max_num_seqs: int | None = 256,
    share: Mapping[str, int] | None = None,
) -> ChildEngine:
    """Return an engine in a child process of its own, which begins to load its model.

    Args:
        opening: The settings, the identity and the model.
        backend: Module and class of the backend in the child, as `package.module:Class`.
        environment: Variables of the child besides this process's own.
        preload: What all such children import, as `package.module:function`. It is then imported once, and
            a further engine starts sooner. The function may start no thread and touch no GPU.
        max_num_seqs: Requests in one batch. The child holds two batches, so that it never waits for this
            process. None = what the child says of itself.
        share: The number of this child, from 0, and of how many. None = it has the machine for itself.

    Raises:
        EngineError: The child cannot start.
    """
    message = {
        "backend": backend,
        "device": opening.identity.device,
        "model": opening.model_files,
        "settings": dict(opening.identity.settings),
        "share": share,
    }
    start = Start(
        opening=message,
        environment=environment or {},
        preload=preload,
        max_num_seqs=max_num_seqs,
        log_folder=opening.log_folder,
        hang_seconds=_hang_seconds(opening.settings),
    )
    return ChildEngine(opening.identity, start)


def _hang_seconds(settings: EngineSettings) -> float:
    """Return after how long a silent child is killed. An engine of others may have no such setting."""
    return settings.hang_seconds if isinstance(settings, ChildSettings) else HANG_SECONDS


class ChildEngine(Engine):
    """An engine in a child process. It starts at once, and takes requests after `wait_until_ready`.

    Args:
        identity: The model and its requested settings.
        start: How the child is started.

    Raises:
        EngineError: The child cannot start.
    """

    def __init__(self, identity: EngineIdentity, start: Start) -> None:
        self._identity = identity
        self._start = start
        self._queue: deque[Flight] = deque()
        self._suspects: deque[Flight] = deque()
        self._flying: dict[int, Flight] = {}
        self._done: deque[Completion] = deque()
        self._tally = Tally()
        self._numbers = 0
        self._deaths = 0
        self._silent = 0.0
        self._draining = self._drain_sent = self._closed = False
        self._process: Process | None = self._spawn()

    def wait_until_ready(self) -> ChildEngine:
        """Wait until the child has loaded its model. Several children load at once if all start first.

        Raises:
            ModelError: The model cannot be loaded, or there is no room for it.
            EngineError: The child cannot start.
        """
        process = self._process
        if process is None:
            raise EngineError("the engine is closed", where=self._identity.model)
        try:
            self._tally.child_facts = self._ready(process)
        except BaseException:
            self._process = None
            process.kill()
            process.end()
            raise
        batch = self._start.max_num_seqs or self._tally.child_facts["max_num_seqs"]
        self._window = _BATCHES * int(batch)
        self._tally.seconds_start += time.monotonic() - self._spawned
        return self

    @property
    def identity(self) -> EngineIdentity:
        """The model and its requested settings."""
        return self._identity

    @property
    def pid(self) -> int | None:
        """The child's process id. None while there is none."""
        return None if self._process is None else self._process.pid

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. After `drain` it is dropped."""
        if not self._draining:
            self._numbers += 1
            self._queue.append(Flight(self._numbers, key, clean_request(request)))

    def results(self) -> Iterator[Completion]:
        """Yield each completion as soon as it is finished, until nothing is in flight.

        Raises:
            ModelError: A request cannot be asked of this model at all.
            EngineError: The child died too often, or the engine is closed.
        """
        while True:
            yield from self.take_done()
            if not self.pending:
                return
            self.advance(_TURN_SECONDS)

    def take(self, seconds: float) -> list[Completion]:
        """Return what is finished, or finishes within so many seconds. The errors are those of `results`."""
        if self.pending and not self._done:
            self.advance(seconds)
        return list(self.take_done())

    def take_done(self) -> Iterator[Completion]:
        """Yield the completions that are finished by now."""
        while self._done:
            yield self._done.popleft()

    @property
    def pending(self) -> int:
        """The number of requests that are still to finish. After `drain` those that have begun."""
        waiting = 0 if self._draining else len(self._queue) + len(self._suspects)
        return waiting + len(self._flying)

    @property
    def ready(self) -> int:
        """The number of completions that are finished and not taken yet."""
        return len(self._done)

    @property
    def window(self) -> int:
        """The number of requests that the child holds at most: two batches."""
        return self._window

    @property
    def process(self) -> Process | None:
        """The child's process. None while there is none."""
        return self._process

    def drain(self) -> None:
        """Drop the requests that have not begun and finish the others. Safe in a signal handler."""
        self._draining = True

    def facts(self) -> EngineFacts:
        """Return the settings in use and the work done so far."""
        return self._tally.facts(self._identity)

    def close(self) -> None:
        """End the child and remove its log. A second call does nothing."""
        self._closed = True
        if self._process is not None:
            process, self._process = self._process, None
            process.end()
            process.log.unlink(missing_ok=True)

    def advance(self, seconds: float, *, waited: float = 0.0) -> None:
        """Send requests, take messages, and handle a child that died or hangs.

        Args:
            seconds: How long to wait for a message.
            waited: How long the caller waited for one.
        """
        if self._closed:
            raise EngineError("the engine is closed", where=self._identity.model)
        process = self._process or self._restart_process()
        self._pump(process)
        start_time = time.monotonic()
        try:
            messages = process.exchange(seconds)
            for message in messages:
                self._handle_message(message)
        except (KeyError, TypeError, ValueError) as error:
            process.kill()
            self._handle_death(process, f"it sent no message that can be read ({type(error).__name__})")
            return
        waited += time.monotonic() - start_time
        self._silent = 0.0 if messages or not self._flying else self._silent + waited
        if process.closed:
            self._handle_death(process, "")
        elif self._silent > self._start.hang_seconds:
            process.kill()
            self._handle_death(process, f"no sign of life for {self._start.hang_seconds:g} s")

    def _pump(self, process: Process) -> None:
        """Send requests into the child's window. Suspects go alone."""
        if self._draining:
            if not self._drain_sent:
                process.send({"drain": True})
                self._drain_sent = True
            return
        if self._suspects or any(flight.crashes for flight in list(self._flying.values())[:1]):
            waiting, room = self._suspects, 1 - len(self._flying)
        else:
            waiting, room = self._queue, self._window - len(self._flying)
        for _ in range(min(room, len(waiting))):
            flight = waiting.popleft()
            self._flying[flight.number] = flight
            process.send(
                {
                    "ask": flight.number,
                    "request": request_to_wire(flight.request),
                    "crashes": flight.crashes,
                }
            )

    def _handle_message(self, message: Mapping[str, Any]) -> None:
        if "beat" in message:
            self._tally.beat(message["beat"])
        elif "done" in message:
            self._deaths = 0
            outcome = outcome_from_wire(message["outcome"])
            self._finish(self._flying.pop(message["done"]), outcome)
        elif "dropped" in message:
            for number in message["dropped"]:
                self._flying.pop(number, None)
        elif "refused" in message:
            self._flying.pop(message["refused"])
            raise _error_from_child(message["error"], self._identity.model)

    def _finish(self, flight: Flight, outcome: Outcome) -> None:
        self._done.append(completion(flight.key, self._identity.model, flight.request, outcome))
        self._tally.count(outcome)

    def _handle_death(self, process: Process, cause: str) -> None:
        """Turn the requests of the dead child into suspects."""
        self._process = None
        ending = process.end()
        self._deaths += 1
        for flight in self._flying.values():
            flight.crashes += 1
            if flight.crashes >= MOST_CRASHES:
                detail = f"the engine died {flight.crashes} times on this request: {cause or ending}"
                self._finish(flight, Outcome(failure=FailureKind.ENGINE, detail=detail))
            else:
                self._suspects.append(flight)
        self._flying.clear()
        if self._deaths >= MOST_DEATHS:
            raise EngineError(
                f"the engine died {self._deaths} times in a row",
                where=self._identity.model,
                value=f"{cause or ending}: {last_words(process)}",
                fix=f"read {process.log}",
            )
        process.log.unlink(missing_ok=True)

    def _restart_process(self) -> Process:
        time.sleep(_BACKOFF[min(self._deaths, len(_BACKOFF)) - 1])
        self._tally.start_over()
        self._drain_sent = False
        self._silent = 0.0
        process = self._process = self._spawn()
        self.wait_until_ready()
        return process

    def _spawn(self) -> Process:
        """Start a child, which then loads its model."""
        self._spawned = time.monotonic()
        log = new_log(self._start.log_folder, self._identity.model)
        process = Process(log, self._start.environment, self._start.preload)
        process.send(self._start.opening)
        return process

    def _ready(self, process: Process) -> dict[str, Any]:
        """Wait for the child's first message, and return its facts."""
        start_time = time.monotonic()
        while not process.closed and time.monotonic() - start_time < START_SECONDS:
            for message in process.exchange(_TURN_SECONDS):
                if "failed" in message:
                    raise _error_from_child(message["failed"], self._identity.model, log=process.log)
                return dict(message["ready"])
        process.kill()
        raise EngineError(
            "the engine cannot start",
            where=self._identity.model,
            value=f"{process.end()}: {last_words(process)}",
            fix=f"read {process.log}",
        )


def _error_from_child(report: Mapping[str, str], model: str, *, log: Path | None = None) -> EvalhubError:
    """Return the error that a child reports."""
    kind = ModelError if report["kind"] == "model" else EngineError
    return kind(
        report["what"],
        where=report.get("where") or model,
        value=report.get("value") or None,
        allowed=report.get("allowed", ""),
        fix=report.get("fix") or (f"read {log}" if log else ""),
    )
