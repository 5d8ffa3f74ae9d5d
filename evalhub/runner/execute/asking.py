"""Jobs that come one by one, answered by one open engine. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evalhub.engines import Engine, completion_key
from evalhub.records import Completion, Record, Request
from evalhub.runner.execute.driver import Job

Deliver = Callable[[tuple[Record, ...] | Exception], None]
"""Takes the records that a job returns, or the error that it raised."""


@dataclass(slots=True, eq=False)
class _OpenJob:
    """A job with the keys of the completions that it waits for, and those that have come."""

    job: Job
    deliver: Deliver
    keys: tuple[str, ...]
    completions: dict[str, Completion]

    def lacks(self) -> list[str]:
        return [key for key in dict.fromkeys(self.keys) if key not in self.completions]


class Asker:
    """Drives jobs on an engine, all of them in its one batch.

    A job is the generator of a run. What two jobs ask alike at the same time is asked once. All methods are
    called from the thread that opened the engine.

    Args:
        engine: An open engine. It stays the caller's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[str, list[_OpenJob]] = {}
        self._open: dict[int, _OpenJob] = {}

    @property
    def open_jobs(self) -> int:
        """The number of jobs that wait for a completion."""
        return len(self._open)

    def start(self, job: Job, deliver: Deliver) -> None:
        """Begin a job. Its records are delivered at once, or by a later `advance`.

        Args:
            job: The generator, not started yet.
            deliver: Called once. It must not raise.
        """
        self._go_on(_OpenJob(job, deliver, (), {}), None)

    def advance(self, seconds: float) -> None:
        """Take what the engine finishes within about so many seconds, and go on with the jobs.

        Raises:
            ModelError: A request cannot be asked of this model at all.
            EngineError: The engine died too often.
        """
        for completion in self._engine.take(seconds):
            for job in self._waiting.pop(completion.key, ()):
                job.completions[completion.key] = completion
                if not job.lacks():
                    self._go_on(job, tuple(job.completions[key] for key in job.keys))

    def abandon(self, error: Exception) -> None:
        """Deliver an error to all jobs that are open."""
        jobs, self._open = list(self._open.values()), {}
        self._waiting.clear()
        for job in jobs:
            job.job.close()
            job.deliver(error)

    def _go_on(self, job: _OpenJob, answers: tuple[Completion, ...] | None) -> None:
        """Send a job its answers until it waits for a further completion, or ends."""
        try:
            requests = next(job.job) if answers is None else job.job.send(answers)
            while not requests:
                requests = job.job.send(())
        except StopIteration as end:
            self._end(job, end.value)
        except Exception as error:  # of the job's own code: the other jobs go on
            self._end(job, error)
        else:
            self._ask(job, requests)

    def _ask(self, job: _OpenJob, requests: tuple[Request, ...]) -> None:
        job.keys = tuple(completion_key(self._engine.identity, request) for request in requests)
        job.completions = {}
        self._open[id(job)] = job
        for key, request in dict(zip(job.keys, requests, strict=True)).items():
            if key not in self._waiting:
                self._engine.submit(key, request)
            self._waiting.setdefault(key, []).append(job)

    def _end(self, job: _OpenJob, outcome: tuple[Record, ...] | Exception) -> None:
        self._open.pop(id(job), None)
        job.deliver(outcome)
