"""Ctrl-C: once drains and seals, twice stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Stop:
    """Remembers that the user, or the system, asked the run to stop.

    Inside the `with` block SIGINT and SIGTERM set `asked` and call `on_ask`; a second one raises
    KeyboardInterrupt. Whoever works sets `on_ask` to what ends its work early.
    """

    def __init__(self) -> None:
        self.asked = False
        self.on_ask: Callable[[], None] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if self.on_ask:
            self.on_ask()
