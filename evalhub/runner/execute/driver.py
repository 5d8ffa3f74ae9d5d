"""Drives generators of requests through one engine: from the cache where it can, live where it must."""

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


@dataclass(slots=True, eq=False)
class _Waiting:
    """A job with the requests that it waits for."""

    steps: Job
    needs: tuple[tuple[str, Request], ...]


class Driver:
    """Runs jobs against one engine identity and keeps what they return.

    The engine is opened at the first request that no run has answered yet.

    Args:
        run: Where completions and records are kept.
        root: The folder of all runs, searched for completions.
        identity: What the engine will be, known without starting it.
        open_engine: Starts the engine.
        watch: Ends the run where nothing but one failure comes back.
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
        self._others = [other for other in all_runs(root) if other.id != run.id]
        self._identity = identity
        self._open = open_engine
        self._watch = watch
        self._waiting: dict[str, list[_Waiting]] = {}
        self._inflight: set[str] = set()
        self._cached = 0
        self.engine: Engine | None = None

    def drive(self, jobs: Iterable[Job], progress: Progress, stop: Stop) -> None:
        """Run all jobs; on a stop finish what has begun and return. May be called again with more.

        The jobs are pulled as the engine has room, so that its batch stays full.
        """
        source = iter(jobs)
        if self.engine:
            self._end_early(self.engine, progress, stop)
        try:
            self._drive(source, progress, stop)
        finally:
            stop.on_ask = None

    def _drive(self, source: Iterator[Job], progress: Progress, stop: Stop) -> None:
        self._refill(source, progress, stop)
        for completion in self.engine.results() if self.engine else ():
            self._inflight.discard(completion.key)
            self._run.append(completion)
            progress.advance()
            self._wake(completion.key, progress, stop)
            self._refill(source, progress, stop)
        if self._inflight and not stop.asked:
            left = len(self._inflight)
            raise EngineError(f"the engine left {left} requests unanswered", where=self._run.id)

    def close(self) -> None:
        """Stop the engine, if one was started."""
        if self.engine:
            self.engine.close()

    def _refill(self, source: Iterator[Job], progress: Progress, stop: Stop) -> None:
        while not stop.asked and len(self._inflight) < CHUNK // 2:
            chunk = list(islice(source, CHUNK))
            if not chunk:
                return
            fresh = [job for steps in chunk if (job := self._advance(steps, None, progress))]
            for job in self._from_other_runs(fresh, progress):
                if stop.asked:
                    return
                self._submit(job, progress, stop)

    def _from_other_runs(self, jobs: list[_Waiting], progress: Progress) -> list[_Waiting]:
        """Answer jobs from other runs as long as any is answered; return those that are left."""
        while jobs:
            missing = {key for job in jobs for key, _ in job.needs if not self._known(key)}
            found = False
            for completion in cached_completions(self._others, missing):
                found = self._run.append(completion) or found
                self._cached += 1
            if not found:
                return jobs
            advanced = [self._advance_if_ready(job, progress) for job in jobs]
            jobs = [job for job in advanced if job]
        return jobs

    def _advance_if_ready(self, job: _Waiting, progress: Progress) -> _Waiting | None:
        if all(self._known(key) for key, _ in job.needs):
            return self._advance(job.steps, self._answers(job), progress)
        return job

    def _advance(
        self, steps: Job, answers: tuple[Completion, ...] | None, progress: Progress
    ) -> _Waiting | None:
        """Send answers until the job needs something unknown, or is done."""
        try:
            while True:
                requests = next(steps) if answers is None else steps.send(answers)
                job = _Waiting(steps, tuple((completion_key(self._identity, one), one) for one in requests))
                if not all(self._known(key) for key, _ in job.needs):
                    return job
                answers = self._answers(job)
        except StopIteration as done:
            self._keep(done.value, progress)
            return None

    def _keep(self, records: tuple[Record, ...], progress: Progress) -> None:
        for record in records:
            self._run.append(record)
        failed = sum(has_failed(getattr(record, "failure", None)) for record in records)
        progress.advance(done=len(records), failed=failed, cached=self._cached)
        self._cached = 0
        if self._watch:
            self._watch.count(records)

    def _submit(self, job: _Waiting, progress: Progress, stop: Stop) -> None:
        for key, request in dict(job.needs).items():
            if self._known(key):
                continue
            self._waiting.setdefault(key, []).append(job)
            if key not in self._inflight:
                self._inflight.add(key)
                self.engine = self.engine or self._opened(progress, stop)
                self.engine.submit(key, request)

    def _opened(self, progress: Progress, stop: Stop) -> Engine:
        engine = self._open()
        self._end_early(engine, progress, stop)
        return engine

    def _end_early(self, engine: Engine, progress: Progress, stop: Stop) -> None:
        """Let a stop end the engine's work."""

        def end_early() -> None:
            engine.drain()
            progress.note("stopping: finishing what has begun; Ctrl-C again stops at once")

        stop.on_ask = end_early
        if stop.asked:
            end_early()

    def _wake(self, key: str, progress: Progress, stop: Stop) -> None:
        for job in self._waiting.pop(key, []):
            if all(self._known(one) for one, _ in job.needs):
                following = self._advance(job.steps, self._answers(job), progress)
                if following and not stop.asked:
                    self._submit(following, progress, stop)

    def _known(self, key: str) -> bool:
        return self._run.get("completions", (key,)) is not None

    def _answers(self, job: _Waiting) -> tuple[Completion, ...]:
        return tuple(cast(Completion, self._run.get("completions", (key,))) for key, _ in job.needs)
