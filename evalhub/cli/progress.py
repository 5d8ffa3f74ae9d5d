"""Live progress: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from evalhub.cli.output import notes

PLAIN_EVERY = 10.0


class Bar:
    """Shows done/total, things per second, failures and the time left on a terminal."""

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

    def advance(self, *, done: int = 0, failed: int = 0, cached: int = 0) -> None:
        """Move the bar."""
        self._counts.add(done, failed, cached)
        if self._task is None:
            return
        rate = self._counts.done / max(time.monotonic() - self._started, 1e-9)
        self._bars.update(
            self._task,
            completed=self._counts.done,
            rate=f"{rate:.1f}/s",
            failed=self._counts.failed,
            cached=self._counts.cached,
        )

    def note(self, text: str) -> None:
        """Print a sentence above the bars."""
        self._bars.console.print(text, markup=False)

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

    def advance(self, *, done: int = 0, failed: int = 0, cached: int = 0) -> None:
        """Count, and print when it is time."""
        self._counts.add(done, failed, cached)
        if time.monotonic() - self._printed > PLAIN_EVERY:
            self._print()

    def note(self, text: str) -> None:
        """Print a sentence."""
        sys.stderr.write(text + "\n")

    def stop(self) -> None:
        """Print the last line of the stage."""
        if self._name:
            self._print()
            self._name = ""

    def _print(self) -> None:
        self._printed = time.monotonic()
        seconds = max(self._printed - self._started, 1e-9)
        counts, rate = self._counts, self._counts.done / seconds
        left = f", {(self._total - counts.done) / rate:.0f} s left" if self._total and rate else ""
        total = f"/{self._total}" if self._total else ""
        sys.stderr.write(
            f"{self._name}: {counts.done}{total}, {rate:.1f}/s, {counts.failed} failed, "
            f"{counts.cached} reused{left}\n"
        )
        sys.stderr.flush()


class _Counts:
    def __init__(self) -> None:
        self.done = self.failed = self.cached = 0

    def add(self, done: int, failed: int, cached: int) -> None:
        self.done += done
        self.failed += failed
        self.cached += cached


def chosen() -> Bar | Lines:
    """Return the bar on a terminal, the lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
