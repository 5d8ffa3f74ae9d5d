"""How a run reports its progress."""

from __future__ import annotations

from typing import Protocol

from evalhub.store import Heartbeat, StageCounts


class Progress(Protocol):
    """Shows how far a run is."""

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage of `total` steps, or of an unknown number (None)."""

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Count further steps: how many finished, how many of these failed, how many came from the cache."""

    def note(self, text: str) -> None:
        """Show one sentence to the user."""


class Reported:
    """Shows progress, and keeps the heartbeat of a run up to date.

    Args:
        progress: Shows the progress to the user.
        heartbeat: The run's sign of life.
    """

    def __init__(self, progress: Progress, heartbeat: Heartbeat) -> None:
        self._progress = progress
        self._heartbeat = heartbeat

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage."""
        self._heartbeat.counts = StageCounts(name, total)
        self._progress.stage(name, total)

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Count further steps."""
        counts = self._heartbeat.counts
        counts.steps += steps
        counts.failures += failures
        counts.cache_hits += cache_hits
        self._progress.advance(steps=steps, failures=failures, cache_hits=cache_hits)

    def note(self, text: str) -> None:
        """Show one sentence."""
        self._progress.note(text)


class Silent:
    """Shows no progress."""

    def stage(self, name: str, total: int | None) -> None:
        """Ignore the stage."""

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Ignore the step."""

    def note(self, text: str) -> None:
        """Ignore the sentence."""
