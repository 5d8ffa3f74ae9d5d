"""The sign of life of a run that is being written: `progress.json`, replaced each second.

A killed process writes it no more, so that its run is not taken for a running one.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from evalhub.files import write_file
from evalhub.records import canonical

FILE = "progress.json"
INTERVAL_SECONDS = 1.0
SILENCE_SECONDS = 10.0
"""A run whose file is older than this is not running."""


@dataclass(slots=True)
class StageCounts:
    """How far a stage of a run is.

    Attributes:
        total: Its number of steps. None if it is not known.
        cache_hits: The steps whose completions an earlier run had.
    """

    stage: str = "start"
    total: int | None = None
    steps: int = 0
    failures: int = 0
    cache_hits: int = 0


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What a running run last wrote of itself.

    Attributes:
        counts: How far its stage is.
        age: Seconds since then.
        elapsed: Seconds from the start of the command until then.
    """

    counts: StageCounts
    age: float
    elapsed: float


class Heartbeat:
    """Writes how far a run is, until it is closed. A full disk costs the file and not the run.

    Args:
        folder: The run's folder.

    Attributes:
        counts: How far the run is. Its owner changes it.
    """

    def __init__(self, folder: Path) -> None:
        self.counts = StageCounts()
        self._path = folder / FILE
        self._since = time.time()
        self._end = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def __enter__(self) -> Heartbeat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file. The run's manifest has its state from then on."""
        self._end.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._end.wait(INTERVAL_SECONDS):
            self._write()

    def _write(self) -> None:
        counts = self.counts
        values: dict[str, Any] = {
            "time": time.time(),
            "since": self._since,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "stage": counts.stage,
            "total": counts.total,
            "steps": counts.steps,
            "failures": counts.failures,
            "cache_hits": counts.cache_hits,
        }
        with suppress(OSError):
            write_file(self._path, canonical(values).encode("utf-8"), durable=False)


def read_heartbeat(folder: Path) -> SignOfLife | None:
    """Return the last sign of life of a run's writer. None where there is none."""
    try:
        values = json.loads((folder / FILE).read_bytes())
        counts = StageCounts(*(values[field.name] for field in fields(StageCounts)))
        return SignOfLife(counts, time.time() - values["time"], values["time"] - values["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(folder: Path) -> bool:
    """Return whether a run's writer has shown a sign of life in the last seconds."""
    try:
        return time.time() - (folder / FILE).stat().st_mtime < SILENCE_SECONDS
    except OSError:
        return False
