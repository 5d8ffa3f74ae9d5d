"""Executes generators of requests: their completions come from the cache or from one engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from evalhub.engines import Engine, EngineIdentity, completion_key
from evalhub.errors import EngineError
from evalhub.records import Completion, Record, Request, has_failed
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.watch import Watch
from evalhub.runner.progress import Progress
from evalhub.store import RunWriter, all_runs, cached_completions

Job = Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Record, ...]]

CHUNK = 2048
"""Number of jobs that are started together."""


@dataclass(slots=True, eq=False)
class _OpenJob:
    """A job with the requests that it waits for."""

    job: Job
    needs: tuple[tuple[str, Request], ...]


class Driver:
    """Executes jobs on one engine and stores the records that they return.

    The engine is opened at the first request that no run has answered yet.

    Args:
        run: Stores completions and records.
        root: The folder of all runs, which are searched for completions.
        identity: The engine's identity, known without starting it.
        open_engine: Starts the engine.
        watch: Ends the run if every answer fails for the same reason.
    """

    def __init__(
        self,
        *,
        run: RunWriter,
        root: Path,
        identity: EngineIdentity,
        open_engine: Callable[[], Engine],
        watch: Watch | None = None,
    ) -> None:
        self._run = run
        self._earlier_runs = [earlier for earlier in all_runs(root) if earlier.id != run.id]
        self._identity = identity
        self._open = open_engine
        self._watch = watch
        self._waiting: dict[str, list[_OpenJob]] = {}
        self._inflight: set[str] = set()
        self._cache_hits = 0
        self.engine: Engine | None = None

    def execute(self, jobs: Iterable[Job], progress: Progress, stop: Stop) -> None:
        """Execute all jobs. On a stop, finish the open requests and return.

        The jobs are pulled as the engine has room, so that its batch stays full. The method may be called
        again with further jobs.
        """
        source = iter(jobs)
        if self.engine:
            self._end_early(self.engine, progress, stop)
        try:
            self._execute(source, progress, stop)
        finally:
            stop.on_request = None

    def _execute(self, source: Iterator[Job], progress: Progress, stop: Stop) -> None:
        self._refill(source, progress, stop)
        for completion in self.engine.results() if self.engine else ():
            self._inflight.discard(completion.key)
            self._run.append(completion)
            progress.advance()
            self._wake(completion.key, progress, stop)
            self._refill(source, progress, stop)
        if self._inflight and not stop.requested:
            count = len(self._inflight)
            raise EngineError(f"the engine left {count} requests unanswered", where=self._run.id)

    def close(self) -> None:
        """Stop the engine, if one was started."""
        if self.engine:
            self.engine.close()

    def _refill(self, source: Iterator[Job], progress: Progress, stop: Stop) -> None:
        while not stop.requested and len(self._inflight) < CHUNK // 2:
            chunk = list(islice(source, CHUNK))
            if not chunk:
                return
            fresh = [waiting for job in chunk if (waiting := self._advance(job, None, progress))]
            for waiting in self._reuse(fresh, progress):
                if stop.requested:
                    return
                self._submit(waiting, progress, stop)

    def _reuse(self, jobs: list[_OpenJob], progress: Progress) -> list[_OpenJob]:
        """Answer jobs from earlier runs as far as these have completions. Return the remaining jobs."""
        while jobs:
            missing = {key for waiting in jobs for key, _ in waiting.needs if not self._is_stored(key)}
            has_new = False
            for completion in cached_completions(self._earlier_runs, missing):
                has_new = self._run.append(completion) or has_new
                self._cache_hits += 1
            if not has_new:
                return jobs
            advanced = [self._advance_if_ready(waiting, progress) for waiting in jobs]
            jobs = [waiting for waiting in advanced if waiting]
        return jobs

    def _advance_if_ready(self, waiting: _OpenJob, progress: Progress) -> _OpenJob | None:
        if all(self._is_stored(key) for key, _ in waiting.needs):
            return self._advance(waiting.job, self._answers(waiting), progress)
        return waiting

    def _advance(
        self, job: Job, answers: tuple[Completion, ...] | None, progress: Progress
    ) -> _OpenJob | None:
        """Send answers until the job needs a completion that is not stored, or ends."""
        try:
            while True:
                requests = next(job) if answers is None else job.send(answers)
                keys = (completion_key(self._identity, request) for request in requests)
                waiting = _OpenJob(job, tuple(zip(keys, requests, strict=True)))
                if not all(self._is_stored(key) for key, _ in waiting.needs):
                    return waiting
                answers = self._answers(waiting)
        except StopIteration as end:
            self._store(end.value, progress)
            return None

    def _store(self, records: tuple[Record, ...], progress: Progress) -> None:
        for record in records:
            self._run.append(record)
        failures = sum(has_failed(getattr(record, "failure", None)) for record in records)
        progress.advance(steps=len(records), failures=failures, cache_hits=self._cache_hits)
        self._cache_hits = 0
        if self._watch:
            self._watch.count(records)

    def _submit(self, waiting: _OpenJob, progress: Progress, stop: Stop) -> None:
        for key, request in dict(waiting.needs).items():
            if self._is_stored(key):
                continue
            self._waiting.setdefault(key, []).append(waiting)
            if key not in self._inflight:
                self._inflight.add(key)
                self.engine = self.engine or self._start_engine(progress, stop)
                self.engine.submit(key, request)

    def _start_engine(self, progress: Progress, stop: Stop) -> Engine:
        engine = self._open()
        self._end_early(engine, progress, stop)
        return engine

    def _end_early(self, engine: Engine, progress: Progress, stop: Stop) -> None:
        """Make a stop end the engine's work."""

        def end_early() -> None:
            engine.drain()
            progress.note("stopping: finishing what has begun; Ctrl-C again stops at once")

        stop.on_request = end_early
        if stop.requested:
            end_early()

    def _wake(self, key: str, progress: Progress, stop: Stop) -> None:
        for waiting in self._waiting.pop(key, []):
            if all(self._is_stored(needed_key) for needed_key, _ in waiting.needs):
                following = self._advance(waiting.job, self._answers(waiting), progress)
                if following and not stop.requested:
                    self._submit(following, progress, stop)

    def _is_stored(self, key: str) -> bool:
        return self._run.get("completions", (key,)) is not None

    def _answers(self, waiting: _OpenJob) -> tuple[Completion, ...]:
        return tuple(cast(Completion, self._run.get("completions", (key,))) for key, _ in waiting.needs)
