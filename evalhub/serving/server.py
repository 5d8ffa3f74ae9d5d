"""HTTP: one thread for each connection, which reads a request, waits for the service and writes the reply.

It is the standard library's server. The engine works in a batch in one other thread, so a handler only waits,
and evalhub declares no web framework that would do more.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import Any, ClassVar

from evalhub.errors import InputError
from evalhub.serving.bodies import MOST_BYTES, encode_body
from evalhub.serving.refusal import Refusal
from evalhub.serving.service import Service
from evalhub.texts import make_printable

MOST_CONNECTIONS = 256
"""Connections at once. A further one is told to come back."""

IDLE_SECONDS = 30.0
"""How long a connection may be silent."""

BODY_SECONDS = 30.0
"""How long the body of a request may take to arrive."""

_DRAIN_BYTES = 16 * MOST_BYTES
_DRAIN_SECONDS = 5.0
_BLOCK = 1 << 16
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_JSON = "application/json"
_FULL = encode_body({"error": f"more than {MOST_CONNECTIONS} connections are open; ask again later."})


class JudgeServer(ThreadingHTTPServer):
    """Listens on one address. The service is given once the engine is ready: until then connections wait.

    Args:
        host: A name or an address of this machine.
        port: The port. 0 = any that is free.

    Raises:
        InputError: The address cannot be had.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        self.service: Service | None = None
        self.ending = threading.Event()
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._busy = 0
        self._quiet = threading.Condition()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.only_local = is_loopback(host)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise InputError(
                f"the address cannot be listened on ({error.strerror or error})",
                where="--port",
                value=f"{host}:{port}",
                fix="choose another port, or 0 for any that is free",
            ) from error

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    @property
    def url(self) -> str:
        """The address for clients."""
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or refuse it where there are too many."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {_JSON}\r\nRetry-After: 1\r\n"
        lengths = f"Content-Length: {len(_FULL)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):
            request.settimeout(1.0)
            request.sendall(f"{head}{lengths}".encode("ascii") + _FULL)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say in one line that a connection broke by a fault of this program. Clients may go as they like."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"evalhub: a connection ended by {type(error).__name__}: {error}", file=sys.stderr)

    @contextlib.contextmanager
    def answering(self) -> Any:
        """Mark a request as being answered."""
        with self._quiet:
            self._busy += 1
        try:
            yield
        finally:
            with self._quiet:
                self._busy -= 1
                self._quiet.notify_all()

    def wait_until_quiet(self, seconds: float) -> None:
        """Wait until no request is being answered, but no longer than some seconds."""
        with self._quiet:
            self._quiet.wait_for(lambda: not self._busy, timeout=seconds)


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    # A reply leaves in one piece: in two, the second would wait for the first to be confirmed.
    wbufsize = -1

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: JudgeServer
    has_body: ClassVar[tuple[str, ...]] = ("POST",)

    def do_GET(self) -> None:
        self._respond()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def _respond(self) -> None:
        with self.server.answering():
            try:
                status, row = self._answer()
            except Refusal as error:
                status, row = error.status, {"error": error.sentence}
            except Exception as error:
                self.close_connection = True
                name = type(error).__name__
                print(f"evalhub: a request ended by {name}: {error}", file=sys.stderr)
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                row = {"error": f"the server failed on this request ({name})."}
            self._write(status, encode_body(row))

    def _answer(self) -> tuple[HTTPStatus, Any]:
        if self.server.ending.is_set() or self.server.service is None:
            self.close_connection = True
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the server ends; ask again when it is back.")
        self._check_host()
        service = self.server.service
        path = self.path.partition("?")[0]
        body = b""
        if self.command == "POST" and "POST" in service.methods(path):
            body = self._read_body()
        elif self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that is not read is no further request
        return service.respond(self.command, path, body)

    def _check_host(self) -> None:
        """Refuse a page of a browser that reached this address by a name of its own."""
        host = self.headers.get("Host")
        if self.server.only_local and host is not None:
            name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
            local_address = str(self.server.server_address[0])
            if name.lower() not in (*_LOCAL_NAMES, local_address, f"[{local_address}]"):
                self.close_connection = True
                raise Refusal(
                    HTTPStatus.FORBIDDEN, f"the judge is served on this machine alone, and not as {name}."
                )

    def _read_body(self) -> bytes:
        """Return the body of a request.

        Raises:
            Refusal: It is no JSON by its own word, has no length, is too large, or does not arrive.
        """
        length = self._body_length()
        if length > MOST_BYTES:
            self._drain(length)
            self.close_connection = True
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"body: {length} bytes are too many; allowed: {MOST_BYTES}.",
            )
        body = self._read(length, BODY_SECONDS)
        # A page of another site may send texts and forms without asking. JSON it may not.
        if self.headers.get_content_type() != _JSON:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"body: the Content-Type must be {_JSON}.")
        if len(body) < length:
            self.close_connection = True
            raise Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                f"body: {len(body)} of {length} bytes came within {BODY_SECONDS:g} seconds.",
            )
        return body

    def _body_length(self) -> int:
        text = self.headers.get("Content-Length")
        if "Transfer-Encoding" in self.headers or text is None:
            self.close_connection = True
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "body: the request must have a Content-Length.")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            self.close_connection = True
            raise Refusal(HTTPStatus.BAD_REQUEST, "body: the Content-Length is no length.")
        return int(text)

    def _read(self, length: int, seconds: float) -> bytes:
        """Return so many bytes, or those that came in time."""
        deadline = time.monotonic() + seconds
        blocks: list[bytes] = []
        missing = length
        with contextlib.suppress(OSError):
            while missing and (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                block = self.rfile.read1(min(missing, _BLOCK))
                if not block:
                    break
                blocks.append(block)
                missing -= len(block)
        self.connection.settimeout(self.timeout)
        return b"".join(blocks)

    def _drain(self, length: int) -> None:
        """Take some of a body that is too large, since a client that still sends reads no reply."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        missing = min(length, _DRAIN_BYTES)
        while missing > 0 and (left := deadline - time.monotonic()) > 0:
            count = len(self._read(min(missing, _BLOCK), left))
            if not count:
                return
            missing -= count

    def _write(self, status: HTTPStatus, body: bytes) -> None:
        """Write a reply in one piece. A client that is gone gets nothing."""
        self.send_response(status)
        self.send_header("Content-Type", f"{_JSON}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if status is HTTPStatus.METHOD_NOT_ALLOWED and self.server.service:
            self.send_header("Allow", ", ".join(self.server.service.methods(self.path.partition("?")[0])))
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "5")
        if self.close_connection:
            self.send_header("Connection", "close")
        try:
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Write the reply to a request that is no HTTP."""
        self.close_connection = True
        status = HTTPStatus(code)
        self.command = getattr(self, "command", None) or ""
        self.request_version = self.protocol_version
        problem = make_printable(message or status.phrase)
        self._write(status, encode_body({"error": f"the request cannot be read: {problem[:200]}."}))

    def finish(self) -> None:
        """End the connection. What a client that is gone did not take is dropped."""
        with contextlib.suppress(OSError):
            super().finish()

    def version_string(self) -> str:
        """Return the server's name, without versions."""
        return "evalhub"

    def log_message(self, *_: Any) -> None:
        """Log nothing: requests have texts that are not this program's to show."""
