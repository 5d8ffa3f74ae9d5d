"""Any server that speaks OpenAI's chat protocol, asked from threads."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from evalhub.engines.base import (
    REMOTE,
    Engine,
    EngineFacts,
    EngineIdentity,
    Outcome,
    clean_request,
    completion,
)
from evalhub.engines.connections import Connections
from evalhub.engines.openai_dialect import (
    CHANGES,
    Dialect,
    first_dialect,
    merge_dialects,
    without_probabilities,
    without_refused,
)
from evalhub.engines.openai_protocol import NoProbabilities, call, read, server_words
from evalhub.engines.openai_settings import OpenaiSettings
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.tally import Tally
from evalhub.errors import EngineError, SpecError
from evalhub.models import ResolvedModel
from evalhub.records import Completion, FailureKind, Request, digest
from evalhub.texts import clean

ATTEMPTS = 6

# The version of the fields that a completion keeps of an answer. It hides older completions.
_KEEPS = 2
_TURN_SECONDS = 0.2
_BACKOFF = 0.5
_CONNECT_SECONDS = 10.0
_LONGEST_PAUSE = 30.0
_LONGEST = 500
_NOT_IMPLEMENTED = 501
_SETTINGS = {"logprobs", "structured", "token_limit", "omit", "answer_tokens", "body", "seed"}
_TEXTS = ("text", "reasoning", "detail", "top_token")

# A shorter key, such as EMPTY, guards nothing, and an answer may well have its letters.
_SHORTEST_SECRET = 16
_UNANSWERED = (FailureKind.ENGINE, FailureKind.TOO_LONG)
_NO_PROBABILITIES = (
    "the server sends no log-probabilities; engine: {logprobs: auto} or {logprobs: none} takes hard verdicts"
)
_TOO_LONG = ("context length", "context_length", "too long", "longer than", "max_model_len", "maximum input")


def identify_openai(settings: OpenaiSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a server's model: its address and name stand for its content."""
    address = urlsplit(settings.base_url or "")
    if address.scheme not in ("http", "https") or not address.netloc:
        raise SpecError(
            "engine openai needs base_url, a server's address with its /v1",
            where=name,
            value=settings.base_url,
        )
    if address.username or address.password or address.query:
        raise SpecError(
            "base_url must hold no key and no password", where=name, fix="name a variable in api_key_env"
        )
    shown = model.id if model else name
    # Default values stand in no key, so that earlier completions are found again.
    changed = settings.model_dump(mode="json", include=_SETTINGS, exclude_defaults=True)
    identifying = {"base_url": settings.base_url, "keeps": _KEEPS, **changed}
    content_hash = digest([settings.base_url, shown])
    return EngineIdentity("openai", shown, content_hash, settings=identifying, device=REMOTE)


def open_openai(opening: Opening[OpenaiSettings]) -> OpenaiEngine:
    """Return a client of the server. No request is sent yet."""
    key = os.environ.get(opening.settings.api_key_env, "")
    return OpenaiEngine(opening.identity, opening.settings, key=key)


class OpenaiEngine(Engine):
    """A model behind a server.

    Args:
        identity: Address and name.
        settings: The settings of the suite.
        key: The server's key, or an empty text. It stands in no record, error or log.

    Raises:
        EngineError: The package `openai` is not installed.
    """

    def __init__(self, identity: EngineIdentity, settings: OpenaiSettings, *, key: str) -> None:
        try:
            import openai
        except ImportError as error:
            raise EngineError(
                "the package openai is not installed",
                where=identity.model,
                fix="pip install 'evalhub-laaj[openai]'",
            ) from error
        self._identity = identity
        self._key = key
        self._connections = Connections()
        self._client = openai.OpenAI(
            base_url=identity.settings["base_url"],
            api_key=key or "none",
            max_retries=0,
            timeout=openai.Timeout(settings.timeout, connect=min(settings.timeout, _CONNECT_SECONDS)),
            http_client=openai.DefaultHttpxClient(event_hooks={"request": [self._connections.watch]}),
        )
        self._settings = settings
        self._dialect = first_dialect(settings)
        self._learning = threading.Lock()
        self._sends_probabilities = False
        self._verdicts = False
        self._pool = ThreadPoolExecutor(max_workers=settings.concurrency)
        self._flying: dict[Future[Outcome], tuple[str, Request]] = {}
        self._finished: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._tally = Tally({"platform": REMOTE, "device": REMOTE, "max_num_seqs": settings.concurrency})
        self._draining = False
        self._closing = threading.Event()
        self._seconds_busy = 0.0

    @property
    def identity(self) -> EngineIdentity:
        """The model and its requested settings."""
        return self._identity

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. After `drain` it is dropped."""
        if self._draining:
            return
        request = clean_request(request)
        future = self._pool.submit(self._ask, request)
        self._flying[future] = (key, request)
        future.add_done_callback(self._finished.put)

    def results(self) -> Iterator[Completion]:
        """Yield each completion as soon as it is finished, until nothing is in flight.

        Raises:
            EngineError: The server refuses the key, or does not have the model.
        """
        dropped = False
        while self._flying:
            if self._draining and not dropped:
                dropped = True
                for future in list(self._flying):
                    future.cancel()
            start_time = time.monotonic()
            with contextlib.suppress(Empty):
                future = self._finished.get(timeout=_TURN_SECONDS)
                key, request = self._flying.pop(future)
                if not future.cancelled():
                    outcome = future.result()
                    self._tally.count(outcome)
                    self._count_time(start_time)
                    yield completion(key, self._identity.model, request, outcome)
                    continue
            self._count_time(start_time)

    def drain(self) -> None:
        """Drop the requests that have not begun and finish the others. Safe in a signal handler."""
        self._draining = True

    def facts(self) -> EngineFacts:
        """Return the work done so far and the parameters sent. A server does not report its own settings."""
        dialect = self._dialect
        hard = self._verdicts and not dialect.logprobs
        return replace(
            self._tally.facts(self._identity),
            logprobs=dialect.logprobs if self._verdicts else None,
            structured="json_schema" if hard and dialect.structured else None,
            token_limit=dialect.token_limit,
            unsent=", ".join(dialect.omitted) or None,
        )

    def close(self) -> None:
        """End the threads and the requests in flight. A second call does nothing."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._connections.end()
        working = [future for future in self._flying if not future.cancelled()]
        # Whoever still connects by then uses the client, which is not taken from it.
        if not wait(working, timeout=_CONNECT_SECONDS).not_done:
            self._client.close()

    def _count_time(self, start_time: float) -> None:
        self._seconds_busy += time.monotonic() - start_time
        self._tally.beat({"seconds_busy": self._seconds_busy})

    def _ask(self, request: Request) -> Outcome:
        """Ask the server, with another dialect where it refuses a parameter that may change."""
        dialect = self._dialect
        for _ in range(CHANGES):
            outcome, changed = self._ask_in(dialect, request)
            if changed is None:
                break
            dialect = changed
        return self._learn(dialect, request, self._redact(outcome))

    def _redact(self, outcome: Outcome) -> Outcome:
        """Return an outcome without the key in its texts: a server may send back what it was sent."""
        if len(self._key) < _SHORTEST_SECRET:
            return outcome
        texts: dict[str, Any] = {
            name: self._without_key(text) for name in _TEXTS if (text := getattr(outcome, name)) is not None
        }
        return replace(outcome, **texts)

    def _learn(self, dialect: Dialect, request: Request, outcome: Outcome) -> Outcome:
        """Return an outcome with its unsent parameters. Later requests take the dialect that worked."""
        if outcome.failure in _UNANSWERED:
            return outcome
        with self._learning:
            self._verdicts |= bool(request.choices)
            self._sends_probabilities |= outcome.logprobs is not None
            # One odd reply does not turn the verdicts of a whole run into hard ones.
            if not (dialect.hard(request) and self._sends_probabilities):
                self._dialect = merge_dialects(self._dialect, dialect)
        if dialect.hard(request) and outcome.failure is None:
            outcome = replace(outcome, detail=f"hard verdict: {dialect.why_hard}")
        return replace(outcome, unsent=dialect.unsent(request))

    def _ask_in(self, dialect: Dialect, request: Request) -> tuple[Outcome, Dialect | None]:
        """Ask the server, and again after a pause where another attempt may help.

        Returns:
            The outcome, and another dialect where a parameter was refused.
        """
        import openai

        for attempt in range(1, ATTEMPTS + 1):
            try:
                arguments = call(self._identity.model, request, dialect)
                return read(self._client.chat.completions.create(**arguments), request, dialect), None
            except NoProbabilities:
                return self._failure_outcome(_NO_PROBABILITIES), without_probabilities(
                    dialect, self._settings
                )
            except openai.APIStatusError as error:
                if error.status_code == _NOT_IMPLEMENTED or (
                    error.status_code not in (408, 409, 429) and error.status_code < 500
                ):
                    words = self._words(error)
                    change = without_refused(dialect, self._settings, request, words, error.param)
                    outcome = self._refusal_outcome(error, final=change is None)
                    return outcome, None if outcome.failure is FailureKind.TOO_LONG else change
                failure, pause = f"HTTP {error.status_code}: {self._words(error)}", _requested_pause(error)
            except openai.APIConnectionError as error:
                failure, pause = str(error), None
            except (openai.OpenAIError, ValueError, AttributeError, IndexError, TypeError) as error:
                return self._failure_outcome(f"the server's reply cannot be read: {error}"), None
            if attempt < ATTEMPTS and self._closing.wait(pause or _BACKOFF * 2 ** (attempt - 1)):
                break
        return self._failure_outcome(f"the server failed {attempt} times: {failure}"), None

    def _refusal_outcome(self, error: Any, *, final: bool) -> Outcome:
        """Return the outcome of a refusal, which may be a prompt that is too long.

        Some servers answer 403 to a parameter. Then the refusal is not `final`: the parameter is left out.
        """
        words = self._words(error)
        if final and error.status_code in (401, 403, 404):
            raise EngineError(
                f"the server refuses the key or does not have the model (HTTP {error.status_code}: {words})",
                where=self._identity.model,
            ) from None  # the server's own words may hold the key
        if error.status_code in (400, 413, 422) and any(sign in words.lower() for sign in _TOO_LONG):
            return Outcome(failure=FailureKind.TOO_LONG, detail=words)
        return self._failure_outcome(f"HTTP {error.status_code}: {words}")

    def _failure_outcome(self, detail: str) -> Outcome:
        return Outcome(failure=FailureKind.ENGINE, detail=self._without_key(detail))

    def _words(self, error: Any) -> str:
        """Return the server's message without the key."""
        return self._without_key(server_words(error.body))[:_LONGEST]

    def _without_key(self, text: str) -> str:
        stored = clean(text)  # which joins a key that NUL parts
        return stored.replace(self._key, "[key]") if self._key and self._key in stored else text


def _requested_pause(error: Any) -> float | None:
    """Return the pause in seconds that a server asks for, within reason."""
    with contextlib.suppress(KeyError, ValueError):
        return min(float(error.response.headers["retry-after"]), _LONGEST_PAUSE)
    return None


OPENAI = EngineKind(OpenaiSettings, identify_openai, open_openai)
