"""Sums the work of an engine over all its processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalhub.engines.base import EngineFacts, EngineIdentity, Outcome


@dataclass(slots=True)
class Tally:
    """The facts that an engine reports of itself, and the counters of its work."""

    child_facts: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds_start: float = 0.0
    _current: dict[str, float] = field(default_factory=dict)
    _earlier: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Count one finished request. The tokens of a failed one are not counted."""
        self.requests += 1
        if outcome.failure is not None:
            self.failures += 1
            return
        self.prompt_tokens += outcome.prompt_tokens or 0
        self.cached_tokens += outcome.cached_tokens or 0
        self.completion_tokens += outcome.completion_tokens or 0

    def beat(self, counters: Mapping[str, float]) -> None:
        """Take the counters of the running process. They count from its start."""
        self._current = dict(counters)

    def start_over(self) -> None:
        """Keep the counters of a process that has ended."""
        for name, value in self._current.items():
            self._earlier[name] = self._earlier.get(name, 0) + value
        self._current = {}
        self.restarts += 1

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
            restarts=self.restarts,
            requests=self.requests,
            failures=self.failures,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
        )

    def _total(self, name: str) -> float:
        return self._earlier.get(name, 0) + self._current.get(name, 0)
