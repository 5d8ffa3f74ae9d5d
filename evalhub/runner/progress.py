"""How a run reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Shows how far a run is."""

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage of `total` steps, or of an unknown number (None)."""

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Count further steps: how many finished, how many of these failed, how many came from the cache."""

    def note(self, text: str) -> None:
        """Show one sentence to the user."""


class Silent:
    """Shows no progress."""

    def stage(self, name: str, total: int | None) -> None:
        """Ignore the stage."""

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Ignore the step."""

    def note(self, text: str) -> None:
        """Ignore the sentence."""
