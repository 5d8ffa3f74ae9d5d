"""Executes generators of requests: their completions come from earlier work or from one engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, cast

from evalhub.engines import Engine, EngineIdentity, completion_key
from evalhub.errors import EngineError
from evalhub.records import Completion, Record, Request, has_failed
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.meter import TIME, Meter
from evalhub.runner.execute.watch import Watch
from evalhub.runner.progress import Progress
from evalhub.store import CompletionIndex, ShardWriter

Job = Generator[tuple[Request, ...], tuple[Completion, ...], tuple[Record, ...]]


class ShardJob(NamedTuple):
    """A job, and the shard that stores its completions and the records that it returns.

    Attributes:
        place: The number of the dataset, and the place of the item in it.
    """

    shard: ShardWriter
    job: Job
    place: tuple[int, int] = (0, 0)


CHUNK = 2048
"""Number of jobs that are started together."""


@dataclass(slots=True, eq=False)
class _OpenJob:
    """A job with the requests that it waits for."""

    shard: ShardWriter
    job: Job
    needs: tuple[tuple[str, Request], ...]

    def lacks(self) -> list[str]:
        """Return the keys of the completions that the shard does not have yet."""
        return [key for key, _ in self.needs if not _is_stored(self.shard, key)]

    def answers(self) -> tuple[Completion, ...]:
        """Return the completions that the job waits for."""
        return tuple(cast("Completion", self.shard.get("completions", (key,))) for key, _ in self.needs)


class Driver:
    """Executes jobs on one engine and stores the records that they return.

    The engine is opened at the first request that no run has answered yet.

    Args:
        where: The run's id, for errors.
        identity: The engine's identity, known without starting it.
        open_index: Opens the index of the completions that this engine has given already.
        open_engine: Starts the engine.
        watch: Ends the run if every answer fails for the same reason.
        meter: Counts what the engine computes. Once a limit is reached, no request begins.
    """

    def __init__(
        self,
        *,
        where: str,
        identity: EngineIdentity,
        open_index: Callable[[], CompletionIndex],
        open_engine: Callable[[], Engine],
        watch: Watch | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._where = where
        self._identity = identity
        self._open_index = open_index
        self._open_engine = open_engine
        self._watch = watch
        self._meter = meter
        self._index: CompletionIndex | None = None
        self._shards: list[ShardWriter] = []
        self._unwritten: dict[int, ShardWriter] = {}
        self._waiting: dict[str, list[_OpenJob]] = {}
        self._inflight: set[str] = set()
        self._cache_hits = 0
        self.engine: Engine | None = None

    def execute(self, jobs: Iterable[ShardJob], progress: Progress, stop: Stop) -> None:
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

    def _execute(self, source: Iterator[ShardJob], progress: Progress, stop: Stop) -> None:
        self._refill(source, progress, stop)
        for completion in self.engine.results() if self.engine else ():
            self._inflight.discard(completion.key)
            waiting = self._waiting.pop(completion.key, [])
            for job in waiting:
                self._add(job.shard, completion)
            progress.advance()
            self._count(completion)
            self._wake(waiting, progress, stop)
            if not (self.engine and self.engine.ready):
                self._write()
            self._refill(source, progress, stop)
        if self._inflight:
            self._stop_if_spent(stop)
        if self._inflight and not stop.requested:
            count = len(self._inflight)
            raise EngineError(f"the engine left {count} requests unanswered", where=self._where)

    def _count(self, completion: Completion) -> None:
        """Count a completion. At a limit of the budget the engine only finishes what it has begun."""
        if self._meter:
            self._meter.count(completion)
            if self.engine and self._inflight and self._meter.reached():
                self.engine.drain()

    def _stop_if_spent(self, stop: Stop) -> None:
        """Stop the run if a limit of the budget leaves something undone."""
        if self._meter and (limit := self._meter.reached()):
            stop.spend(limit)

    def close(self) -> None:
        """Stop the engine, if one was started."""
        if self.engine:
            self.engine.close()

    def _refill(self, source: Iterator[ShardJob], progress: Progress, stop: Stop) -> None:
        while not stop.requested and len(self._inflight) < self._intake():
            chunk = list(islice(source, CHUNK))
            if not chunk:
                return
            fresh = [waiting for job in chunk if (waiting := self._start(job, progress))]
            fresh = self._reuse(fresh, progress)
            self._write()
            for waiting in fresh:
                if stop.requested:
                    return
                self._submit(waiting, progress, stop)

    def _intake(self) -> int:
        """Return how many requests are handed in before their answers are waited for."""
        return (self.engine and self.engine.intake) or CHUNK // 2

    def _reuse(self, jobs: list[_OpenJob], progress: Progress) -> list[_OpenJob]:
        """Answer jobs by what is known already. Return those that need an engine."""
        while jobs:
            waiting: dict[str, list[_OpenJob]] = {}
            for job in jobs:
                for key in dict.fromkeys(job.lacks()):
                    waiting.setdefault(key, []).append(job)
            completions = list(self._find_stored(waiting))
            for completion in completions:
                for job in waiting[completion.key]:
                    self._add(job.shard, completion)
            if not completions:
                return jobs
            advanced = [self._go_on(job, progress) if not job.lacks() else job for job in jobs]
            jobs = [job for job in advanced if job]
        return jobs

    def _find_stored(self, keys: Iterable[str]) -> Iterator[Completion]:
        """Yield the completions that another open shard, or a sealed one of any run, has."""
        missing = []
        self._enter_sealed_shards()
        for key in keys:
            for shard in self._shards:
                if (completion := shard.get("completions", (key,))) is not None:
                    yield cast("Completion", completion)
                    break
            else:
                missing.append(key)
        if not missing:
            return
        self._index = self._index or self._open_index()
        for completion in self._index.find(missing):
            self._cache_hits += 1
            yield completion

    def _enter_sealed_shards(self) -> None:
        for shard in [shard for shard in self._shards if shard.sealed]:
            self._shards.remove(shard)
            if self._index:
                self._index.add(shard.part.folder, shard.part.record)

    def _start(self, job: ShardJob, progress: Progress) -> _OpenJob | None:
        if job.shard not in self._shards:
            self._shards.append(job.shard)
        return self._advance(_OpenJob(job.shard, job.job, ()), None, progress)

    def _go_on(self, waiting: _OpenJob, progress: Progress) -> _OpenJob | None:
        return self._advance(waiting, waiting.answers(), progress)

    def _advance(
        self, waiting: _OpenJob, answers: tuple[Completion, ...] | None, progress: Progress
    ) -> _OpenJob | None:
        """Send answers until the job needs a completion that its shard does not have, or ends."""
        job = waiting.job
        try:
            while True:
                requests = next(job) if answers is None else job.send(answers)
                keys = (completion_key(self._identity, request) for request in requests)
                waiting = _OpenJob(waiting.shard, job, tuple(zip(keys, requests, strict=True)))
                if waiting.lacks():
                    return waiting
                answers = waiting.answers()
        except StopIteration as end:
            self._store(waiting.shard, end.value, progress)
            return None

    def _store(self, shard: ShardWriter, records: tuple[Record, ...], progress: Progress) -> None:
        for record in records:
            self._add(shard, record)
        shard.end_job()
        failures = sum(has_failed(getattr(record, "failure", None)) for record in records)
        progress.advance(steps=len(records), failures=failures, cache_hits=self._cache_hits)
        self._cache_hits = 0
        if self._watch:
            self._watch.count(records)

    def _add(self, shard: ShardWriter, record: Record) -> None:
        shard.add(record)
        self._unwritten[id(shard)] = shard

    def _write(self) -> None:
        """Write what has been added: the completions that came together, and the records that follow."""
        for shard in self._unwritten.values():
            shard.write()
        self._unwritten.clear()

    def _submit(self, waiting: _OpenJob, progress: Progress, stop: Stop) -> None:
        requests = dict(waiting.needs)
        for key in dict.fromkeys(waiting.lacks()):
            if key not in self._inflight:
                self._stop_if_spent(stop)
                if stop.requested:
                    return
                self._inflight.add(key)
                self.engine = self.engine or self._start_engine(progress, stop)
                self.engine.submit(key, requests[key])
            self._waiting.setdefault(key, []).append(waiting)

    def _start_engine(self, progress: Progress, stop: Stop) -> Engine:
        engine = self._open_engine()
        self._end_early(engine, progress, stop)
        return engine

    def _end_early(self, engine: Engine, progress: Progress, stop: Stop) -> None:
        """Make a stop end the engine's work."""

        def end_early() -> None:
            # What a spent budget has paid for is waited for. A user is not kept waiting.
            if stop.limit is None or stop.limit == TIME:
                progress.note(engine.interrupt())
            else:
                engine.drain()
                progress.note("stopping: finishing what has begun; Ctrl-C again stops at once")

        stop.on_request = end_early
        if stop.requested:
            end_early()

    def _wake(self, jobs: list[_OpenJob], progress: Progress, stop: Stop) -> None:
        """Go on with jobs one of whose completions has come."""
        ready = [self._go_on(job, progress) for job in jobs if not job.lacks()]
        for following in self._reuse([job for job in ready if job], progress):
            if not stop.requested:
                self._submit(following, progress, stop)


def _is_stored(shard: ShardWriter, key: str) -> bool:
    return shard.get("completions", (key,)) is not None
