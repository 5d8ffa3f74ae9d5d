"""The child process: one model, driven step by step, until its parent is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from evalhub.engines.base import Outcome
from evalhub.engines.wire import Lines, encode, outcome_to_wire, request_from_wire
from evalhub.errors import EvalhubError, ModelError
from evalhub.records import FailureKind, Request

_BEAT_SECONDS = 0.25
_BLOCK = 1 << 16

Numbered = tuple[int, Outcome]


class Backend(Protocol):
    """A model in this process."""

    def facts(self) -> dict[str, Any]:
        """Return the settings in use."""

    def counters(self) -> dict[str, int]:
        """Return the counters so far."""

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:
        """Take a request. An outcome that is returned at once means that it was refused."""

    def step(self) -> list[Numbered]:
        """Work a little, and return the finished requests with their outcomes."""

    def busy(self) -> bool:
        """Return whether there is work."""

    def drop_waiting(self) -> list[int]:
        """Drop the requests that have not begun, and return their numbers."""


def open_backend(opening: Mapping[str, Any]) -> Backend:
    """Return the backend that an opening names, with its model loaded. No other backend is imported."""
    module, _, name = opening["backend"].partition(":")
    backend: Backend = getattr(import_module(module), name)(opening)
    return backend


class Child:
    """Takes messages in, steps the backend, hands outcomes out."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._beat = 0.0
        self._seconds_busy = 0.0
        threading.Thread(target=self._listen, daemon=True).start()

    def run(self) -> None:
        """Open the backend and work for ever. The listener ends the process."""
        opening = self._inbox.get()
        if share := opening.get("share"):
            _keep_to_cores(share["number"], share["of"])
        try:
            backend = open_backend(opening)
        except Exception as error:
            traceback.print_exc()
            self._send({"failed": _describe_error(error)})
            return
        self._send({"ready": backend.facts()})
        while True:
            for message in self._receive(block=not backend.busy()):
                self._handle(backend, message)
            if backend.busy():
                self._step(backend)

    def _receive(self, *, block: bool) -> list[dict[str, Any]]:
        messages = [self._inbox.get()] if block else []
        while True:
            try:
                messages.append(self._inbox.get_nowait())
            except Empty:
                return messages

    def _handle(self, backend: Backend, message: Mapping[str, Any]) -> None:
        if message.get("drain"):
            self._send({"dropped": backend.drop_waiting()})
            return
        number = message["ask"]
        try:
            outcome = backend.add(number, request_from_wire(message["request"]), message["crashes"])
        except ModelError as error:
            self._send({"refused": number, "error": _describe_error(error)})
            return
        except Exception as error:
            traceback.print_exc()
            outcome = Outcome(failure=FailureKind.ENGINE, detail=f"the engine refused it: {error}")
        if outcome is not None:
            self._send({"done": number, "outcome": outcome_to_wire(outcome)})

    def _step(self, backend: Backend) -> None:
        start = time.monotonic()
        outcomes = backend.step()
        end = time.monotonic()
        self._seconds_busy += end - start
        # The counters go out before the last outcome, so that they are complete when it arrives.
        if end - self._beat > _BEAT_SECONDS or not backend.busy():
            self._beat = end
            self._send({"beat": {**backend.counters(), "seconds_busy": self._seconds_busy}})
        if outcomes:
            lines = (
                encode({"done": number, "outcome": outcome_to_wire(outcome)}) for number, outcome in outcomes
            )
            self._write(b"".join(lines))

    def _listen(self) -> None:
        lines = Lines()
        while data := os.read(self._read_fd, _BLOCK):
            for message in lines.feed(data):
                self._inbox.put(message)
        end_group()

    def _send(self, message: Mapping[str, Any]) -> None:
        self._write(encode(message))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._write_fd, view) :]
        except BrokenPipeError:
            end_group()


def _keep_to_cores(number: int, of: int) -> None:
    """Compute on this child's share of the processor cores alone."""
    cores = sorted(os.sched_getaffinity(0))
    share = cores[number * len(cores) // of : (number + 1) * len(cores) // of]
    os.sched_setaffinity(0, share or {cores[number % len(cores)]})


def end_group() -> None:
    """End this process and whatever it started: it leads a process group of its own."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _describe_error(error: Exception) -> dict[str, str]:
    if isinstance(error, EvalhubError):
        kind = "model" if isinstance(error, ModelError) else "engine"
        value = "" if error.value is None else str(error.value)
        return {
            "kind": kind,
            "what": error.problem,
            "where": error.where,
            "value": value,
            "allowed": error.allowed,
            "fix": error.fix,
        }
    return {"kind": "engine", "what": "the engine cannot start", "value": f"{type(error).__name__}: {error}"}


def serve(_: Mapping[str, Any], files: Sequence[int]) -> None:
    """Run the child on the two pipes that it is given: the one that it reads, and the one that it writes."""
    read_fd, write_fd = files
    Child(read_fd, write_fd).run()
