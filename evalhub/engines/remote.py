"""What every engine behind HTTP needs: threads, attempts with pauses, and a key that stands nowhere.

A protocol is a subclass of `RemoteEngine`. It says how one request is asked (`answer`), or several at once
(`answer_all`), and what an error of its client library means (`fault_of`). `exchange` sends with further
attempts, `failure` and `refusal` make the outcomes of what went wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from evalhub.engines.base import (
    REMOTE,
    Engine,
    EngineIdentity,
    Outcome,
    clean_request,
    completion,
)
from evalhub.engines.connections import Connections
from evalhub.engines.facts import EngineFacts
from evalhub.engines.remote_settings import ServerSettings
from evalhub.engines.tally import Tally
from evalhub.errors import EngineError
from evalhub.records import Completion, FailureKind, Request
from evalhub.texts import clean

ATTEMPTS = 6
BACKOFF = 0.5
CONNECT_SECONDS = 10.0

UNREADABLE = (ValueError, AttributeError, IndexError, TypeError, RecursionError)
"""The errors of reading a reply that has another form than the protocol says."""

_TURN_SECONDS = 0.2
_LONGEST_PAUSE = 30.0
_LONGEST = 500
_NOT_IMPLEMENTED = 501
_MOST_TOKENS = 10**9
_PASSING = (408, 409, 429)
_UNUSABLE = (401, 403, 404)
_TEXTS = ("text", "reasoning", "detail", "top_token", "answered_by")

# A shorter key, such as EMPTY, guards nothing, and an answer may well have its letters.
_SHORTEST_SECRET = 16
_TOO_LONG = (
    "context length", "context_length", "context limit", "context window", "too long", "longer than",
    "max_model_len", "maximum input", "exceeds the maximum size", "maximum allowed number of bytes",
)  # fmt: skip

# Refusals of a prompt or an answer by a policy, and of an answer that would be cut, which come as errors.
_POLICY = ("content management policy", "content filtering policy", "violating our usage policy")
_CUT = ("output limit was reached",)

Reply = TypeVar("Reply")
KeyedRequests = Sequence[tuple[str, Request]]
"""Requests after their completions' keys."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a server gave no reply that can be read.

    Attributes:
        words: The message of the server, or of the client library.
        status: The HTTP status. None = nothing that can be read came back.
        parameter: The parameter that the server names outside its message.
        pause: Seconds that the server asks to wait.
        unreadable: Whether a reply came that cannot be read. It is not asked for again.
    """

    words: str
    status: int | None = None
    parameter: str | None = None
    pause: float | None = None
    unreadable: bool = False

    @property
    def may_pass(self) -> bool:
        """Whether another attempt may help."""
        if self.status is None:
            return not self.unreadable
        return self.status in _PASSING or (self.status >= 500 and self.status != _NOT_IMPLEMENTED)

    @property
    def is_refusal(self) -> bool:
        """Whether the server has read the request and refuses it."""
        return self.status is not None and not self.may_pass


class RemoteEngine(Engine):
    """A model behind a server, asked from threads.

    Args:
        identity: Address and name.
        settings: The settings of the suite.
        attempts: Number of times that one request is sent at most.
        backoff: Seconds before the second attempt. Each further pause is twice as long.
    """

    def __init__(
        self,
        identity: EngineIdentity,
        settings: ServerSettings,
        *,
        attempts: int = ATTEMPTS,
        backoff: float = BACKOFF,
    ) -> None:
        self._identity = identity
        self._key = os.environ.get(settings.api_key_env, "")
        self._attempts, self._backoff = attempts, backoff
        self._connections = Connections()
        self._pool = ThreadPoolExecutor(max_workers=settings.concurrency)
        self._flying: dict[Future[Sequence[Outcome]], KeyedRequests] = {}
        self._finished: SimpleQueue[Future[Sequence[Outcome]]] = SimpleQueue()
        self._done: deque[Completion] = deque()
        self._tally = Tally({"platform": REMOTE, "device": REMOTE, "max_num_seqs": settings.concurrency})
        self._draining = self._dropped = False
        self._closing = threading.Event()
        self._seconds_busy = 0.0

    @abstractmethod
    def answer(self, request: Request) -> Outcome:
        """Ask the server. Called in several threads at once. The key is taken from what it returns.

        Raises:
            EngineError: The server cannot be used at all, which ends the run.
        """

    def answer_all(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Ask the server what is asked together, and return the outcomes in the order of the requests."""
        return [self.answer(request) for request in requests]

    @abstractmethod
    def fault_of(self, error: Exception) -> Fault | None:
        """Return what an error of the client library means. None for an error that no server makes."""

    @abstractmethod
    def close_client(self) -> None:
        """Close the client library. No request is in flight any more."""

    @property
    def identity(self) -> EngineIdentity:
        """The model and its requested settings."""
        return self._identity

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. After `drain` it is dropped."""
        if not self._draining:
            self.send(((key, clean_request(request)),))

    def send(self, keyed_requests: KeyedRequests) -> Future[Sequence[Outcome]]:
        """Have requests asked together, as soon as a thread is free."""
        future = self._pool.submit(self._ask, [request for _, request in keyed_requests])
        self._flying[future] = keyed_requests
        future.add_done_callback(self._finished.put)
        return future

    def _ask(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        return [self.redact(outcome) for outcome in self.answer_all(requests)]

    def flush(self) -> None:
        """Send what a subclass has held back, before the results are waited for."""

    @property
    def ready(self) -> int:
        """The number of completions that are finished and not taken yet."""
        return len(self._done)

    def results(self) -> Iterator[Completion]:
        """Yield each completion as soon as it is finished, until nothing is in flight.

        Raises:
            EngineError: The server refuses the key, or does not have the model.
        """
        while True:
            while self._done:
                yield self._done.popleft()
            self.flush()
            if not self.is_waiting:
                return
            self._wait(_TURN_SECONDS)

    def take(self, seconds: float) -> list[Completion]:
        """Return what is finished, or finishes within so many seconds. Empty with nothing in flight.

        Raises:
            EngineError: As `results`.
        """
        self.flush()
        if self.is_waiting and not self._done:
            self._wait(seconds)
        completions = list(self._done)
        self._done.clear()
        return completions

    def _wait(self, seconds: float) -> None:
        """Wait for the answers that were asked for together, and drop those that did not begin if told to."""
        if self._draining and not self._dropped:
            self._dropped = True
            for future in list(self._flying):
                future.cancel()
        start_time = time.monotonic()
        with contextlib.suppress(Empty):
            future = self._finished.get(timeout=seconds)
            keyed_requests = self._flying.pop(future)
            if not future.cancelled():
                self.receive(future, keyed_requests)
        self._count_time(start_time)

    @property
    def is_waiting(self) -> bool:
        """Whether `results` waits for something in flight."""
        return bool(self._flying)

    def receive(self, future: Future[Sequence[Outcome]], keyed_requests: KeyedRequests) -> None:
        """Take what a thread has brought."""
        for (key, request), outcome in zip(keyed_requests, future.result(), strict=True):
            self.finish(key, request, outcome)

    def finish(self, key: str, request: Request, outcome: Outcome) -> None:
        """Have `results` yield the completion of a request."""
        self._tally.count(outcome)
        self._done.append(completion(key, self._identity.model, request, outcome))

    def drain(self) -> None:
        """Drop the requests that have not begun and finish the others. Safe in a signal handler."""
        self._draining = True

    def facts(self) -> EngineFacts:
        """Return the work done so far. A server does not report its own settings."""
        return self._tally.facts(self._identity)

    def close(self) -> None:
        """End the threads and the requests in flight. A second call does nothing."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._connections.end()
        working = [future for future in self._flying if not future.cancelled()]
        # Whoever still connects by then uses the client, which is not taken from it.
        if not wait(working, timeout=CONNECT_SECONDS).not_done:
            self.close_client()

    def exchange(self, send: Callable[[], Reply], *, attempts: int | None = None) -> Reply | Fault:
        """Return what `send` returns, after further attempts where they may help, or the fault that stays.

        Args:
            send: Sends the request.
            attempts: Number of times at most, by default those of the engine.
        """
        most_attempts = attempts or self._attempts
        attempt = 0
        while True:
            attempt += 1
            try:
                return send()
            except Exception as error:
                fault = self.fault_of(error)
                if fault is None:
                    raise
            fault = replace(fault, words=self.without_key(fault.words)[:_LONGEST])
            if not fault.may_pass:
                return fault
            pause = fault.pause or self._backoff * 2 ** (attempt - 1)
            if attempt == most_attempts or self._closing.wait(pause):
                status = "" if fault.status is None else f"HTTP {fault.status}: "
                times = "once" if attempt == 1 else f"{attempt} times"
                return replace(fault, words=f"the server failed {times}: {status}{fault.words}")

    def refusal(self, fault: Fault, *, final: bool = True) -> Outcome:
        """Return the outcome of a fault. Some refusals have a kind of failure of their own.

        They are those of a prompt that is too long, by a policy, and of an answer that would be cut.

        Args:
            fault: As `exchange` returns it.
            final: Whether the request is not sent in another form. Some servers answer 403 to a parameter.

        Raises:
            EngineError: The server refuses the key, or does not have the model.
        """
        if fault.unreadable:
            return self.failure(f"the server's reply cannot be read: {fault.words}")
        if not fault.is_refusal:
            return self.failure(fault.words)
        if final and fault.status in _UNUSABLE:
            raise EngineError(
                f"the server refuses the key or does not have the model (HTTP {fault.status}: {fault.words})",
                where=self._identity.model,
            )
        kinds = {FailureKind.TOO_LONG: _TOO_LONG, FailureKind.REFUSED: _POLICY, FailureKind.TRUNCATED: _CUT}
        words = fault.words.lower()
        for kind, signs in kinds.items() if fault.status in (400, 413, 422) else ():
            if any(sign in words for sign in signs):
                return Outcome(failure=kind, detail=fault.words)
        return self.failure(f"HTTP {fault.status}: {fault.words}")

    def failure(self, detail: str) -> Outcome:
        """Return the outcome of a request that the engine could not have answered."""
        return Outcome(failure=FailureKind.ENGINE, detail=self.without_key(detail))

    def without_key(self, text: str) -> str:
        """Return a text without the key: a server may send back what it was sent."""
        stored = clean(text)  # which joins a key that NUL parts
        return stored.replace(self._key, "[key]") if self._key and self._key in stored else text

    def redact(self, outcome: Outcome) -> Outcome:
        """Return an outcome whose texts hold no key."""
        if len(self._key) < _SHORTEST_SECRET:
            return outcome
        texts: dict[str, Any] = {
            name: self.without_key(text) for name in _TEXTS if (text := getattr(outcome, name)) is not None
        }
        return replace(outcome, **texts)

    def _count_time(self, start_time: float) -> None:
        self._seconds_busy += time.monotonic() - start_time
        self._tally.beat({"seconds_busy": self._seconds_busy})


def import_client(package: str, model: str) -> Any:
    """Return a client library, which is installed with the extra of its name.

    Raises:
        EngineError: It is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise EngineError(
            f"the package {package} is not installed",
            where=model,
            fix=f"pip install 'evalhub-laaj[{package}]'",
        ) from error


def requested_pause(headers: Mapping[str, str]) -> float | None:
    """Return the pause in seconds that a server asks for in the headers of a reply, within reason."""
    with contextlib.suppress(KeyError, ValueError):
        return min(float(headers["retry-after"]), _LONGEST_PAUSE)
    return None


def server_words(body: Any) -> str:
    """Return the message in the body of an error, in one line.

    >>> server_words({"message": "no such model", "code": 404})
    'no such model'
    >>> server_words({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]})
    '[{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]'
    """
    words = body
    while isinstance(words, Mapping):
        inner = next((words[name] for name in ("message", "error", "detail") if words.get(name)), None)
        words = json.dumps(words, default=str) if inner is None else inner
    text = words if isinstance(words, str) else json.dumps(words, default=str)
    return " ".join(text.split()) or "no message"


def token_count(value: Any) -> int | None:
    """Return a number of tokens as a server gives it. None for what is no such number.

    >>> token_count(7), token_count("7"), token_count(-1), token_count(True)
    (7, None, None, None)
    """
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None
