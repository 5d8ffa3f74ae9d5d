"""Sums the work of an engine over all its processes."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalhub.engines.base import EngineIdentity, Outcome
from evalhub.engines.facts import EngineFacts

TAIL = 0.05
"""The share of the requests that counts as the tail of a run."""

LEAST_REQUESTS = 100


@dataclass(slots=True)
class Tally:
    """The facts that an engine reports of itself, and the counters of its work, named as in `EngineFacts`."""

    child_facts: dict[str, Any] = field(default_factory=dict)
    seconds_start: float = 0.0
    _ends: array[float] = field(default_factory=lambda: array("d"))
    _counts: Counter[str] = field(default_factory=Counter)
    _current: Mapping[str, float] = field(default_factory=dict)
    _earlier: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Count one finished request. The tokens of a failed one are not counted."""
        self._ends.append(time.monotonic())
        self._counts["requests"] += 1
        if outcome.failure is not None:
            self._counts["failures"] += 1
            return
        for name in ("prompt_tokens", "cached_tokens", "completion_tokens"):
            self._counts[name] += getattr(outcome, name) or 0

    def beat(self, counters: Mapping[str, float]) -> None:
        """Take the counters of the running process. They count from its start."""
        self._current = dict(counters)

    def start_over(self) -> None:
        """Keep the counters of a process that has ended."""
        self._earlier = {name: self._total(name) for name in {*self._earlier, *self._current}}
        self._current = {}
        self._counts["restarts"] += 1

    def facts(self, identity: EngineIdentity) -> EngineFacts:
        """Return the facts and counters so far."""
        return EngineFacts(
            engine=identity.engine,
            model=identity.model,
            version=identity.version,
            **self.child_facts,
            prefix_cache_queries=int(self._total("prefix_cache_queries")),
            prefix_cache_hits=int(self._total("prefix_cache_hits")),
            seconds_busy=self._total("seconds_busy"),
            seconds_start=self.seconds_start,
            seconds_tail=self._seconds_of_tail(),
            **dict[str, Any](self._counts),
        )

    def _seconds_of_tail(self) -> float | None:
        """Return the seconds between the end of the first 95% of the requests and the end of the last."""
        count = len(self._ends)
        if count < LEAST_REQUESTS:
            return None
        return self._ends[-1] - self._ends[-1 - round(TAIL * count)]

    def _total(self, name: str) -> float:
        return self._earlier.get(name, 0) + self._current.get(name, 0)
