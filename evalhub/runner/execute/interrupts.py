"""Ctrl-C: the first one finishes open requests and seals the run, the second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Stop:
    """Whether the user, the system or a budget asked the run to stop.

    Inside the `with` block SIGINT and SIGTERM set `requested` and call `on_request`. A second signal raises
    KeyboardInterrupt. Native code may turn it into an error of its own, so the end of the block raises it
    again. Code that runs an engine sets `on_request` to a function that ends its work early.

    Attributes:
        requested: Whether the run is to stop.
        limit: The limit of the budget that is reached. None where a signal came first.
        on_request: Ends the work of the open engine early.
    """

    def __init__(self) -> None:
        self.requested = False
        self.limit: str | None = None
        self.on_request: Callable[[], None] | None = None
        self._at_once = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._at_once and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.requested:
            self._at_once = True
            raise KeyboardInterrupt
        self._request()

    def spend(self, limit: str) -> None:
        """Stop because a limit of the budget is reached.

        Args:
            limit: The key of the budget.
        """
        if not self.requested:
            self.limit = limit
            self._request()

    def _request(self) -> None:
        self.requested = True
        if self.on_request:
            self.on_request()
