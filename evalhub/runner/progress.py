"""What a run tells while it works."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Whoever shows how far a run is."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins; `total` things are to be done, None where that is not known."""

    def advance(self, *, done: int = 0, failed: int = 0, cached: int = 0) -> None:
        """Some more things are done; how many of them failed, how many came from the cache."""

    def note(self, text: str) -> None:
        """One sentence that the user should read."""


class Silent:
    """Shows nothing."""

    def stage(self, name: str, total: int | None) -> None:
        """Ignore the stage."""

    def advance(self, *, done: int = 0, failed: int = 0, cached: int = 0) -> None:
        """Ignore the step."""

    def note(self, text: str) -> None:
        """Ignore the sentence."""
