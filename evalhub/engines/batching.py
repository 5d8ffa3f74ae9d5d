"""An engine behind HTTP that asks in batches: requests are collected, submitted together and waited for.

The first request of each shape is sent alone and at once. A server that refuses a parameter refuses it
there, so that no batch of thousands is refused as a whole.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from evalhub.engines.base import Outcome, clean_request
from evalhub.engines.batch_ledger import Ledger, Submission
from evalhub.engines.batch_requests import Again, Batch, Shape, Waiting, count_fitting, shape_of
from evalhub.engines.batch_server import BatchServer, Bodies, End, Result
from evalhub.engines.batch_work import BatchWork, Collected, Crowded, Left
from evalhub.engines.facts import EngineFacts
from evalhub.engines.opening import Opening, RunTies
from evalhub.engines.parameters import CHANGES
from evalhub.engines.remote import Fault, KeyedRequests, RemoteEngine
from evalhub.engines.remote_settings import BatchableSettings, BatchSettings
from evalhub.errors import EngineError, StorageError
from evalhub.records import FailureKind, Request

PROBES = 3
"""Number of single requests of one shape that may fail before no batch is sent."""

FURTHER = 1
"""Number of times that a request is asked again after it expired or the server failed."""

_LONGEST = 500

Form = TypeVar("Form")


class Batching(RemoteEngine, Generic[Form]):
    """What a protocol's engine needs to ask in batches. `begin` comes after its own `__init__`."""

    @property
    @abstractmethod
    def form(self) -> Form:
        """The form in which requests are sent, as far as it is learnt."""

    @abstractmethod
    def settle(
        self, form: Form, request: Request, read: Callable[[], Outcome | Fault], *, ends_run: bool = True
    ) -> tuple[Outcome, Form | None]:
        """Return the outcome of a reply, and another form where a parameter was refused.

        Args:
            form: The form in which the request was sent.
            request: The request.
            read: Returns what the reply says.
            ends_run: Whether a refusal of the key or the model ends the run.
        """

    @abstractmethod
    def learn(self, form: Form, request: Request, outcome: Outcome) -> Outcome:
        """Return an outcome with its unsent parameters. Later requests take the form that worked."""

    @abstractmethod
    def read_reply(self, form: Form, request: Request, reply: Any) -> Outcome:
        """Return the outcome of a reply. It raises what a reply of another form leads to."""

    @abstractmethod
    def body(self, form: Form, request: Request) -> Mapping[str, Any]:
        """Return the body of a request."""

    @abstractmethod
    def form_values(self, form: Form) -> Mapping[str, Any]:
        """Return what a form has learnt, as plain values without secrets."""

    @abstractmethod
    def form_from(self, values: Mapping[str, Any]) -> Form:
        """Return the form of `form_values`."""

    def begin(self, server: BatchServer, settings: BatchSettings, ties: RunTies) -> None:
        """Open the ledger, and the threads that wait for batches.

        Raises:
            StorageError: The ledger cannot be read or written.
        """
        self._server, self._batch_settings, self._ties = server, settings, ties
        try:
            self._ledger = Ledger(ties.ledger, ties.earlier_ledgers)
        except StorageError:
            super().close()
            raise
        self._work = BatchWork(
            server, self._ledger, settings,
            exchange=self.exchange, without_key=self.without_key, where=self.identity.model,
        )  # fmt: skip
        self._carriers = ThreadPoolExecutor(max_workers=settings.at_once)
        self._room = settings.at_once
        self._waiting: list[Waiting[Form]] = []
        self._claimed: dict[str, tuple[Submission, list[tuple[str, Request]]]] = {}
        self._batches: dict[Future[Sequence[Any]], Batch] = {}
        self._probes: dict[Future[Sequence[Any]], Shape] = {}
        self._shapes: set[Shape] = set()
        self._failed_probes: dict[Shape, list[tuple[str, Request, Outcome]]] = {}
        self._further: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self._collected = 0
        self._notes: SimpleQueue[str] = SimpleQueue()

    def facts(self) -> EngineFacts:
        """Return the work done so far, with the number of batches."""
        return replace(super().facts(), batches=self._collected)

    @property
    def intake(self) -> int | None:
        """As many requests as all batches take that are on their way at once."""
        return self._batch_settings.size * self._batch_settings.at_once

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request. Where an earlier session has submitted it, its answer is waited for."""
        if self._draining:
            return
        request = clean_request(request)
        submission = self._ledger.claim(key)
        if submission is None:
            self._waiting.append(Waiting(key, request))
        else:
            self._claimed.setdefault(submission.token, (submission, []))[1].append((key, request))

    def flush(self) -> None:
        """Send what was handed in: first one request of each new shape alone, then batches."""
        while not self._notes.empty():
            self._ties.note(self._notes.get())
        if not self._draining and self._ties.is_over():
            self._ties.note(self.interrupt())
        if self._draining:
            self._waiting.clear()
            self._claimed.clear()
            return
        for submission, keyed_requests in self._claimed.values():
            self._launch(Batch(keyed_requests, self.form_from(submission.form), submission))
        self._claimed.clear()
        if not self._probes:
            self._send_probes()
        if not self._probes:
            self._send_batches()

    def _send_probes(self) -> None:
        for entry in list(self._waiting):
            shape = shape_of(entry.request)
            if shape not in self._shapes and shape not in self._probes.values():
                self._waiting.remove(entry)
                self._probes[self.send(((entry.key, entry.request),))] = shape

    def _send_batches(self) -> None:
        while self._waiting and len(self._batches) < self._room:
            current = self.form
            form = self._waiting[0].form or current
            matching = [entry for entry in self._waiting if (entry.form or current) == form]
            bodies = (self.body(form, entry.request) for entry in matching[: self._batch_settings.size])
            batch = matching[: count_fitting(bodies, self._server.most_bytes)]
            keys = {entry.key for entry in batch}
            self._waiting = [entry for entry in self._waiting if entry.key not in keys]
            self._launch(Batch([(entry.key, entry.request) for entry in batch], form))

    def _launch(self, batch: Batch) -> None:
        future = self._carriers.submit(self._carry_out, batch)
        self._batches[future] = batch
        self._flying[future] = batch.keyed_requests
        future.add_done_callback(self._finished.put)

    def _carry_out(self, batch: Batch) -> Sequence[Any]:
        """Return an outcome, or `Again`, for each request of a batch. Called in a thread."""
        if self._work.leaving.is_set():
            raise Left
        submission, bodies = batch.submission, None
        if submission is None:
            keys = [key for key, _ in batch.keyed_requests]
            submission = self._ledger.intend(keys, self.form_values(batch.form))
            bodies = partial(self._bodies, submission, batch)
            self._notes.put(
                f"a batch is on its way to {self.identity.model}, number of requests: {len(keys):,}"
            )
        else:
            self._ledger.adopt(submission)
            self._notes.put(
                f"a batch of an earlier session is looked for, number of requests: {len(submission.keys):,}"
            )
        collected = self._work.carry_out(submission, bodies)
        ids = submission.custom_ids()
        outcomes = [
            self._outcome(collected, batch.form, request, ids[key], submission)
            for key, request in batch.keyed_requests
        ]
        unanswered = [
            key
            for (key, _), outcome in zip(batch.keyed_requests, outcomes, strict=True)
            if isinstance(outcome, Again) or outcome.failure is not None
        ]
        self._ledger.release(submission, unanswered)
        return outcomes

    def _bodies(self, submission: Submission, batch: Batch) -> Bodies:
        ids = submission.custom_ids()
        return {ids[key]: self.body(batch.form, request) for key, request in batch.keyed_requests}

    def _outcome(
        self, collected: Collected, form: Form, request: Request, custom_id: str, submission: Submission
    ) -> Outcome | Again[Form]:
        """Return the outcome of one request of a batch."""
        if collected.results is None:
            return Again(self.failure("the batch was not submitted"), form)
        name = f"the batch {submission.batch}"
        result = collected.results.get(custom_id) or Result(custom_id, end=collected.end)
        if result.end is End.EXPIRED:
            return Again(self.failure(f"the server let the request expire twice, last in {name}"))
        if result.end is End.CANCELLED:
            return self.failure(
                f"{name} was cancelled, by max_hours or on the server, without an answer to it"
            )
        if result.reply is None and result.fault is None:
            return self.failure(f"the results of {name} lack the request")
        if result.fault is not None and result.fault.may_pass:
            return Again(self.failure(f"the server failed twice, last in {name}: {result.fault.words}"))
        read = partial(self._read, form, request, result)
        outcome, changed = self.settle(form, request, read, ends_run=False)
        if changed is not None:
            return Again(self.redact(outcome), changed)
        return replace(self.redact(self.learn(form, request, outcome)), batch=True)

    def _read(self, form: Form, request: Request, result: Result) -> Outcome | Fault:
        if result.fault is not None:
            return replace(result.fault, words=self.without_key(result.fault.words)[:_LONGEST])
        return self.exchange(partial(self.read_reply, form, request, result.reply))

    @property
    def is_waiting(self) -> bool:
        """Whether something is in flight. When the session ends, batches that were submitted do not count."""
        if not self._work.leaving.is_set():
            return bool(self._flying)
        return bool(self._work.submitting) or any(future not in self._batches for future in self._flying)

    def receive(self, future: Future[Sequence[Any]], keyed_requests: KeyedRequests) -> None:
        """Take the outcome of a single request, or those of a batch: what is answered comes first."""
        if (batch := self._batches.pop(future, None)) is not None:
            self._take_batch(future, batch)
        elif (shape := self._probes.pop(future, None)) is not None:
            ((key, request),) = keyed_requests
            self._take_probe(shape, key, request, future.result()[0])

    def _take_probe(self, shape: Shape, key: str, request: Request, outcome: Outcome) -> None:
        failed = self._failed_probes.setdefault(shape, [])
        if outcome.failure is FailureKind.ENGINE:
            failed.append((key, request, outcome))
            is_last = not any(shape_of(entry.request) == shape for entry in self._waiting)
            if len(failed) == PROBES and not is_last:
                raise EngineError(
                    f"{PROBES} single requests failed, so that no batch was sent ({outcome.detail})",
                    where=self.identity.model,
                    fix="mend the settings under engine, or the server, and give the same command again",
                )
            if not is_last:
                return
        else:
            self._shapes.add(shape)
            failed.append((key, request, outcome))
        for entry in self._failed_probes.pop(shape):
            self.finish(*entry)

    def _take_batch(self, future: Future[Sequence[Any]], batch: Batch) -> None:
        try:
            outcomes = future.result()
        except Left:
            return
        except Crowded as error:
            self._put_back(batch, str(error))
            return
        self._collected += 1
        self._room = self._batch_settings.at_once
        expired = 0
        failed: list[tuple[str, Request, Outcome]] = []
        for (key, request), outcome in zip(batch.keyed_requests, outcomes, strict=True):
            if isinstance(outcome, Again) and self._may_ask(key, outcome):
                self._waiting.append(Waiting(key, request, outcome.form))
                expired += outcome.form is None
            elif isinstance(outcome, Again):
                failed.append((key, request, outcome.outcome))
            elif outcome.failure is not None:
                failed.append((key, request, outcome))
            else:
                self.finish(key, request, outcome)
        for entry in failed:
            self.finish(*entry)
        if expired and not self._draining:
            self._notes.put(f"requests that got no answer in their batch and are asked again: {expired:,}")

    def _may_ask(self, key: str, again: Again[Form]) -> bool:
        """Count that a request is asked again. Return whether it may be."""
        counter, limit = (self._further, FURTHER) if again.form is None else (self._changes, CHANGES)
        counter[key] += 1
        return counter[key] <= limit

    def _put_back(self, batch: Batch, words: str) -> None:
        """Submit a batch once another one has ended."""
        self._room = len(self._batches)
        if not self._room:
            raise EngineError(
                f"the server takes no batch now ({words})",
                where=self.identity.model,
                fix="set a lower `size` under batch, or give the same command again later",
            )
        entries = [Waiting(key, request, batch.form) for key, request in batch.keyed_requests]
        self._waiting = [*entries, *self._waiting]
        self._notes.put("the server takes no further batch until another one has ended")

    def interrupt(self) -> str:
        """Stop waiting at once. What was submitted stays on the server, for a later session."""
        self._draining = True
        self._work.leaving.set()
        return (
            "stopping: what was submitted goes on at the server, and the same command collects it "
            f"(batches: {len(self._batches)})"
        )

    def close(self) -> None:
        """End the threads. Batches go on at the server. A second call does nothing."""
        self._work.leaving.set()
        self._carriers.shutdown(wait=False, cancel_futures=True)
        super().close()
        self._ledger.close()


def settings_and_ties(opening: Opening[Any]) -> tuple[BatchSettings, RunTies]:
    """Return how batches are asked, and what the run gives for them.

    Raises:
        EngineError: The engine is opened outside of a run, so that nothing would know of its batches.
    """
    settings: BatchableSettings = opening.settings
    if settings.batch is None or opening.ties is None:
        raise EngineError(
            "an engine that asks in batches needs a ledger",
            where=opening.identity.model,
            fix="give open_engine `ties=RunTies(PATH)`, or leave out `batch`",
        )
    return settings.batch, opening.ties
