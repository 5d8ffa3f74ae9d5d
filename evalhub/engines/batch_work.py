"""The life of one batch, in a thread: submitted, waited for, collected. Each step may follow a kill."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from evalhub.engines.batch_ledger import Ledger, Submission
from evalhub.engines.batch_server import BatchServer, BatchState, Bodies, End, Result
from evalhub.engines.remote import Fault
from evalhub.engines.remote_settings import BatchSettings
from evalhub.errors import EngineError

COLLECTIONS = 3
"""Number of times that the results of a batch are fetched while some are missing."""

CANCEL_HOURS = 1.0
"""Hours that a server has to end a batch that was cancelled."""

KEPT_DAYS = 28
"""Days for which servers keep the results of a batch."""

AGAIN = "give the same command again: what was submitted is found again and not paid twice"

_SUBMISSIONS = 4
_HOUR = 3600.0
_DAY = 24 * _HOUR
_ID = re.compile(r"[\w.:/+=-]{1,256}")
_GONE = 404
_LARGE = 413
_BUSY = 429

Reply = TypeVar("Reply")


class Left(Exception):
    """The session ends. The batch stays on the server and in the ledger."""


class Crowded(Exception):
    """The server takes the batch only when others have ended. Nothing of it is paid."""


class _Gone(EngineError):
    """The server does not have a batch, or its results."""


class Exchange(Protocol):
    """`RemoteEngine.exchange`."""

    def __call__(self, send: Callable[[], Reply], *, attempts: int | None = None) -> Reply | Fault:
        """Return what `send` returns, or the fault that stays."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a batch has brought.

    Attributes:
        end: How the batch ended.
        results: The result of each request by its id on the server. None = it was never submitted.
    """

    end: End
    results: Mapping[str, Result] | None


class BatchWork:
    """Carries batches to their end. Safe in threads.

    Args:
        server: The server's batches.
        ledger: Where they are entered.
        settings: How long they are waited for.
        exchange: Sends, with further attempts where they help.
        without_key: Returns a text without the key of the server.
        where: The model's id, for errors.

    Attributes:
        leaving: Set where the session ends and batches are left for a later one.
        submitting: The tokens of the batches that are being submitted.
    """

    def __init__(
        self,
        server: BatchServer,
        ledger: Ledger,
        settings: BatchSettings,
        *,
        exchange: Exchange,
        without_key: Callable[[str], str],
        where: str,
    ) -> None:
        self.leaving = threading.Event()
        self.submitting: set[str] = set()
        self._server, self._ledger, self._settings = server, ledger, settings
        self._exchange, self._without_key, self._where = exchange, without_key, where

    def carry_out(self, submission: Submission, make_bodies: Callable[[], Bodies] | None) -> Collected:
        """Carry a batch to its end.

        Args:
            submission: The batch.
            make_bodies: Returns its requests, which take much memory and are not kept. None = an earlier
                session has submitted them, or was about to.

        Raises:
            Left: The session ends before the batch does.
            Crowded: The server takes it only when others have ended.
            EngineError: The server refuses the batch, or cannot be asked for it.
        """
        if submission.batch is None:
            batch = (
                self._search(submission) if make_bodies is None else self._submit(submission, make_bodies())
            )
            if batch is None:
                self._ledger.release(submission, submission.open_keys.copy())
                return Collected(End.ANSWERED, None)
            self._ledger.enter_batch(submission, batch)
        try:
            state = self._wait(submission)
            if not state.refused:
                return Collected(state.end, self._collect(submission, state))
        except _Gone:
            if time.time() - submission.time < KEPT_DAYS * _DAY:
                raise
            self._ledger.release(submission, submission.open_keys.copy())
            return Collected(End.ANSWERED, None)
        self._ledger.release(submission, submission.open_keys.copy())
        words = self._without_key(state.refused)
        if state.is_crowded:
            raise Crowded(words)
        raise self._error(f"the server refuses the batch {submission.batch} ({words})")

    def _submit(self, submission: Submission, bodies: Bodies) -> str:
        """Submit a batch and return its id. A submission without a reply may have reached the server."""
        self.submitting.add(submission.token)
        try:
            return self._submit_until_taken(submission, bodies)
        finally:
            self.submitting.discard(submission.token)

    def _submit_until_taken(self, submission: Submission, bodies: Bodies) -> str:
        enter_file = partial(self._enter_file, submission)
        fault = Fault("")
        for attempt in range(_SUBMISSIONS):
            if attempt and (batch := self._search(submission, turns=1)) is not None:
                return batch
            reply = self._exchange(partial(self._server.submit, submission, bodies, enter_file), attempts=1)
            if not isinstance(reply, Fault):
                return self._checked(reply)
            fault = reply
            if fault.is_refusal:
                break
            if self.leaving.wait(fault.pause or self._settings.poll_seconds):
                raise Left
        if not fault.is_refusal and fault.status != _BUSY:
            raise self._error(f"it is not known whether the server took a batch ({fault.words})", fix=AGAIN)
        self._ledger.release(submission, submission.keys)
        if fault.status == _BUSY:
            raise Crowded(fault.words)
        fix = "set a lower `size` under batch" if fault.status == _LARGE else ""
        raise self._error(f"the server takes no batch (HTTP {fault.status}: {fault.words})", fix=fix)

    def _enter_file(self, submission: Submission, file: str) -> None:
        self._ledger.enter_file(submission, self._checked(file))

    def _checked(self, server_id: str) -> str:
        """Return an id of the server, which is written to the disk."""
        if not _ID.fullmatch(server_id) or self._without_key(server_id) != server_id:
            raise self._error("the server gives an id that cannot be used", fix=AGAIN)
        return server_id

    def _search(self, submission: Submission, *, turns: int = 2) -> str | None:
        """Return the id of a batch whose submission was interrupted. None where the server has no such batch.

        What was on its way when a process was killed may reach the server a moment later. So the server is
        asked twice.
        """
        for turn in range(turns):
            if turn and self.leaving.wait(self._settings.poll_seconds):
                raise Left
            candidates = self._exchange(partial(self._server.find, submission))
            if isinstance(candidates, Fault):
                raise self._error(
                    f"it is not known whether the server took a batch, because it lists none "
                    f"({candidates.words})",
                    fix=f"{AGAIN}; to ask anew all the same, remove {self._ledger.path}",
                )
            for batch in candidates:
                if batch not in self._ledger.batch_ids and self._is_of(batch, submission):
                    return self._checked(batch)
        return None

    def _is_of(self, batch: str, submission: Submission) -> bool:
        """Whether a batch is the one of a submission. Its results say so where nothing else does."""
        if self._server.finds_exactly:
            return True
        end = time.monotonic() + self._settings.max_hours * _HOUR
        while (state := self._poll(batch)) is None or not state.ended:
            if time.monotonic() > end:
                raise self._error(f"the batch {batch} may be of this run and has not ended", fix=AGAIN)
            if self.leaving.wait(self._settings.poll_seconds):
                raise Left
        results = self._exchange(partial(self._server.collect, batch))
        if isinstance(results, Fault):
            raise self._error(f"the results of the batch {batch} cannot be read ({results.words})", fix=AGAIN)
        return any(result.custom_id.startswith(f"{submission.token}-") for result in results)

    def _wait(self, submission: Submission) -> BatchState:
        """Return the state of a batch that has ended."""
        batch = submission.batch or ""
        cancel_time: float | None = None
        while True:
            if self.leaving.is_set():
                raise Left
            state = self._poll(batch)
            if state is not None and state.ended:
                return state
            if cancel_time is None and time.time() - submission.time > self._settings.max_hours * _HOUR:
                # A fault matters little: the batch may just have ended.
                self._exchange(partial(self._server.cancel, batch))
                cancel_time = time.monotonic()
            elif cancel_time is not None and time.monotonic() - cancel_time > CANCEL_HOURS * _HOUR:
                raise self._error(f"the server does not end the batch {batch}", fix=AGAIN)
            self.leaving.wait(self._settings.poll_seconds)

    def _poll(self, batch: str) -> BatchState | None:
        """Return the state of a batch. None where it is not known for now.

        Raises:
            EngineError: The server refuses the key, or does not have the batch.
        """
        state = self._exchange(partial(self._server.poll, batch))
        if not isinstance(state, Fault):
            return state
        if not state.is_refusal:
            return None
        raise self._refusal(f"the server does not show the batch {batch}", state)

    def _collect(self, submission: Submission, state: BatchState) -> Mapping[str, Result]:
        """Return the results by the ids of the requests. A file that is cut is fetched again."""
        batch = submission.batch or ""
        ids = set(submission.custom_ids().values())
        by_id: Mapping[str, Result] = {}
        for attempt in range(COLLECTIONS):
            if attempt and self.leaving.wait(self._settings.poll_seconds):
                raise Left
            results = self._exchange(partial(self._server.collect, batch))
            if isinstance(results, Fault):
                raise self._refusal(f"the results of the batch {batch} cannot be fetched", results)
            by_id = _by_id(results)
            if state.end is not End.ANSWERED or ids <= set(by_id):
                break
        return by_id

    def _refusal(self, problem: str, fault: Fault) -> EngineError:
        """Return the error of a batch that the server has taken and does not give back."""
        if fault.status != _GONE:
            return self._error(f"{problem} ({fault.words})", fix=AGAIN)
        # With another key, the server shows other batches. To ask anew would be paid twice.
        fix = "give the same command with the key that submitted it"
        return _Gone(
            self._without_key(f"{problem} (HTTP {fault.status}: {fault.words})"),
            where=self._where,
            fix=f"{fix}; to ask and pay anew all the same, remove {self._ledger.path}",
        )

    def _error(self, problem: str, *, fix: str = "") -> EngineError:
        return EngineError(self._without_key(problem), where=self._where, fix=fix)


def _by_id(results: Any) -> Mapping[str, Result]:
    """Return results by their ids. Two different results of one id are a fault: neither can be trusted."""
    by_id: dict[str, Result] = {}
    for result in results:
        if by_id.setdefault(result.custom_id, result) != result:
            fault = Fault("the batch has two different results for one request", unreadable=True)
            by_id[result.custom_id] = Result(result.custom_id, fault=fault)
    return by_id
