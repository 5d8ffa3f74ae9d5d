"""Live progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from evalhub.cli.output import notes
from evalhub.texts import make_printable

PLAIN_EVERY = 10.0


class Bar:
    """Shows steps, steps per second, failures and the remaining time on a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>8}"),
            TextColumn("{task.fields[failed]} failed"),
            TextColumn("{task.fields[cached]} reused"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=notes(),
        )
        self._task: TaskID | None = None
        self._started = 0.0
        self._counts = _Counts()

    def stage(self, name: str, total: int | None) -> None:
        """Begin a new bar."""
        self._bars.start()
        self._started, self._counts = time.monotonic(), _Counts()
        self._task = self._bars.add_task(name, total=total, rate="", failed=0, cached=0)

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Count further steps and move the bar."""
        self._counts.add(steps, failures, cache_hits)
        if self._task is None:
            return
        rate = self._counts.steps / max(time.monotonic() - self._started, 1e-9)
        self._bars.update(
            self._task,
            completed=self._counts.steps,
            rate=f"{rate:.1f}/s",
            failed=self._counts.failures,
            cached=self._counts.cache_hits,
        )

    def note(self, text: str) -> None:
        """Print a sentence above the bars."""
        self._bars.console.print(make_printable(text, multiline=True), markup=False)

    def stop(self) -> None:
        """Leave the bars as they are."""
        self._bars.stop()


class Lines:
    """Prints one plain line every ten seconds, for logs."""

    def __init__(self) -> None:
        self._name = ""
        self._total: int | None = None
        self._started = self._printed = 0.0
        self._counts = _Counts()

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage."""
        self.stop()
        self._name, self._total, self._counts = name, total, _Counts()
        self._started = self._printed = time.monotonic()

    def advance(self, *, steps: int = 0, failures: int = 0, cache_hits: int = 0) -> None:
        """Count further steps, and print a line every ten seconds."""
        self._counts.add(steps, failures, cache_hits)
        if time.monotonic() - self._printed > PLAIN_EVERY:
            self._print()

    def note(self, text: str) -> None:
        """Print a sentence."""
        sys.stderr.write(make_printable(text, multiline=True) + "\n")

    def stop(self) -> None:
        """Print the last line of the stage."""
        if self._name:
            self._print()
            self._name = ""

    def _print(self) -> None:
        self._printed = time.monotonic()
        seconds = max(self._printed - self._started, 1e-9)
        counts, rate = self._counts, self._counts.steps / seconds
        left = f", {(self._total - counts.steps) / rate:.0f} s left" if self._total and rate else ""
        total = f"/{self._total}" if self._total else ""
        sys.stderr.write(
            f"{self._name}: {counts.steps}{total}, {rate:.1f}/s, {counts.failures} failed, "
            f"{counts.cache_hits} reused{left}\n"
        )
        sys.stderr.flush()


class _Counts:
    def __init__(self) -> None:
        self.steps = self.failures = self.cache_hits = 0

    def add(self, steps: int, failures: int, cache_hits: int) -> None:
        self.steps += steps
        self.failures += failures
        self.cache_hits += cache_hits


def choose_progress() -> Bar | Lines:
    """Return a bar on a terminal, plain lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
