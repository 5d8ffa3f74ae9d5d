"""A session of work on a run: the jobs of each model are executed in turn, each on its engine."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, zip_longest
from operator import itemgetter
from typing import Any

from evalhub.engines import Engine, RunTies, open_engine
from evalhub.errors import EvalhubError
from evalhub.runner.execute.driver import Driver, ShardJob
from evalhub.runner.execute.interrupts import Stop
from evalhub.runner.execute.jobs import EngineWork
from evalhub.runner.execute.meter import TIME, Meter
from evalhub.runner.execute.parts import Parts
from evalhub.runner.execute.watch import Watch
from evalhub.runner.plan.resolve import Resolved
from evalhub.runner.progress import Progress
from evalhub.store import RunWriter

LEAD_ITEMS = 32
"""How many items the work with longer answers is ahead of the next on the same engine."""

SESSIONS_BETWEEN_COLLECTIONS = 8
_SESSIONS = count(1)

RESUME = "give the same command again to go on; what was finished is kept"


@dataclass(frozen=True, slots=True)
class Session:
    """One session of work on a run.

    Attributes:
        parts: The parts of the run.
        resolved: The suite.
        progress: Shows how far the run is.
        stop: Whether the user asked the run to stop.
        watch: Ends the run if every answer fails for the same reason.
        meter: Counts what the run spends. None where its budget has no limit that is metered.
    """

    parts: Parts
    resolved: Resolved
    progress: Progress
    stop: Stop
    watch: Watch
    meter: Meter | None = None

    @property
    def writer(self) -> RunWriter:
        """The run."""
        return self.parts.writer

    def execute(
        self, works: Iterable[EngineWork], further: Callable[[], Iterable[EngineWork]] = tuple
    ) -> None:
        """Execute the jobs of each model in turn. Those of the same engine share it.

        Args:
            works: The jobs.
            further: Called when an engine's jobs are done, for more jobs on the same engine.
        """
        with _collecting_less():
            self._execute(works, further)

    def _execute(self, works: Iterable[EngineWork], further: Callable[[], Iterable[EngineWork]]) -> None:
        for work in _group_by_engine(works):
            if self.stop.requested:
                return
            driver = Driver(
                where=self.writer.id,
                identity=work.runs.identity,
                open_index=lambda work=work: self.parts.open_index(work.runs.identity),  # type: ignore[misc]
                open_engine=lambda work=work: self._start_engine(work),  # type: ignore[misc]
                watch=self.watch,
                meter=self.meter,
            )
            try:
                later_rounds = chain.from_iterable(extra.rounds for extra in further())
                for jobs in chain(work.rounds, later_rounds):
                    driver.execute(jobs, self.progress, self.stop)
                    if self.stop.requested:
                        break
            finally:
                if driver.engine:
                    facts = _engine_facts(driver.engine, work)
                    driver.close()
                    with suppress(EvalhubError):
                        self.writer.update(engines=(*self.writer.manifest.engines, facts))

    def _start_engine(self, work: EngineWork) -> Engine:
        identity = work.runs.identity
        self.progress.note(f"starting {identity.engine} with {identity.model} for {', '.join(work.ids)}")
        ledger, earlier_ledgers = self.parts.ledgers(identity)
        meter = self.meter
        ties = RunTies(
            ledger,
            earlier_ledgers,
            note=self.progress.note,
            is_over=lambda: meter is not None and meter.reached() == TIME,
        )
        return open_engine(work.spec, work.runs.model, name=identity.model, ties=ties)


@contextmanager
def _collecting_less() -> Iterator[None]:
    """Keep the garbage collector from looking at the plan, which lives until the end of the work.

    It collects after some sessions, which takes a second, so that a process that runs one night after
    another does not grow. A process that has frozen what it holds keeps it so.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if next(_SESSIONS) % SESSIONS_BETWEEN_COLLECTIONS == 0:
            gc.collect()


def _group_by_engine(works: Iterable[EngineWork]) -> list[EngineWork]:
    """Return one work for each engine. Its rounds go side by side."""
    groups: dict[str, list[EngineWork]] = {}
    for work in works:
        groups.setdefault(repr(work.runs.identity), []).append(work)
    return [
        replace(
            group[0],
            ids=tuple(chain.from_iterable(work.ids for work in group)),
            rounds=_side_by_side(sorted(group, key=lambda work: -work.tokens)),
        )
        for group in groups.values()
    ]


def _side_by_side(works: Iterable[EngineWork]) -> Iterator[Iterable[ShardJob]]:
    """Yield the first rounds of all works together, then their second rounds, and so on.

    In a round the works go through the items together, so that prompts with the same beginning follow each
    other. Each work is a few items ahead of the next, so that the longest answers are not the last.

    Args:
        works: Those with the longest answers first.
    """
    for rounds in zip_longest(*(work.rounds for work in works), fillvalue=()):
        streams = [_with_turns(jobs, rank * LEAD_ITEMS) for rank, jobs in enumerate(rounds)]
        yield (job for _, job in heapq.merge(*streams, key=itemgetter(0)))


def _with_turns(jobs: Iterable[ShardJob], lead: int) -> Iterator[tuple[tuple[int, int], ShardJob]]:
    """Yield jobs, each with its turn among those of all works. No turn is earlier than the one before."""
    turn = (0, 0)
    for job in jobs:
        dataset, item = job.place
        turn = max(turn, (dataset, item + lead))
        yield turn, job


def _engine_facts(engine: Engine, work: EngineWork) -> dict[str, Any]:
    facts = engine.facts()
    return {
        **asdict(facts),
        "model": work.runs.identity.model,
        "serves": list(work.ids),
        "hit_rate": facts.prefix_cache_hit_rate,
    }
