"""Adds up what an engine did, over all its processes, into its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalhub.engines.base import EngineFacts, EngineIdentity, Outcome


@dataclass(slots=True)
class Tally:
    """What an engine told of itself, and what was counted."""

    told: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds_start: float = 0.0
    _now: dict[str, float] = field(default_factory=dict)
    _past: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Count one finished request. A failed one has no tokens worth counting."""
        self.requests += 1
        if outcome.failure is not None:
            self.failures += 1
            return
        self.prompt_tokens += outcome.prompt_tokens or 0
        self.cached_tokens += outcome.cached_tokens or 0
        self.completion_tokens += outcome.completion_tokens or 0

    def beat(self, counters: Mapping[str, float]) -> None:
        """Take the counters of the process that runs now. They count from its start."""
        self._now = dict(counters)

    def restarted(self) -> None:
        """Keep the counters of a process that is gone."""
        for name, value in self._now.items():
            self._past[name] = self._past.get(name, 0) + value
        self._now = {}
        self.restarts += 1

    def facts(self, identity: EngineIdentity) -> EngineFacts:
        """Return all of it."""
        return EngineFacts(
            engine=identity.engine,
            model=identity.model,
            version=identity.version,
            **self.told,
            prefix_cache_queries=int(self._counted("prefix_cache_queries")),
            prefix_cache_hits=int(self._counted("prefix_cache_hits")),
            seconds_busy=self._counted("seconds_busy"),
            seconds_start=self.seconds_start,
            restarts=self.restarts,
            requests=self.requests,
            failures=self.failures,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
        )

    def _counted(self, name: str) -> float:
        return self._past.get(name, 0) + self._now.get(name, 0)
