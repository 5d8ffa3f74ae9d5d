"""The connections of an HTTP client, so that its requests can be ended from another thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class Connections:
    """The sockets that a client has opened.

    A thread that reads from a socket which another thread closes may wait for ever, or read from a file that
    has the socket's number by then. A connection that is shut down ends the read at once.
    """

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()
        self._ended = False

    def watch(self, request: Any) -> None:
        """Note the connections that a request opens. It is a hook for the requests of an httpx client."""
        request.extensions = {**request.extensions, "trace": self._note}

    def end(self) -> None:
        """End all requests in flight, and those that come later."""
        with self._lock:
            self._ended = True
            sockets = list(self._sockets)
        for opened in sockets:
            _shut_down(opened)

    def _note(self, event: str, facts: Mapping[str, Any]) -> None:
        if not event.endswith(_OPENED):
            return
        opened = facts["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets.add(opened)
            ended = self._ended
        if ended:
            _shut_down(opened)


def _shut_down(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not the method of an SSL socket, which takes the encryption from the thread that reads.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
