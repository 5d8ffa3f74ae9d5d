"""A server of OpenAI's chat protocol."""

import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Row = dict[str, Any]


class ChatServer:
    """A server of OpenAI's chat protocol in a thread of this process.

    Attributes:
        behave: Makes a status and a body of what was sent.
        asked: Everything that was sent, in order.
        headers: The path and the headers of each of them.
    """

    def __init__(self) -> None:
        self.behave: Callable[[Row], tuple[int, Any]] = lambda _: (200, self.reply("fine"))
        self.asked: list[Row] = []
        self.headers: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                content = self.rfile.read(int(headers.get("content-length", 0)))
                status, body = outer.respond(self.command, self.path, headers, content)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, method: str, path: str, headers: dict[str, str], content: bytes) -> tuple[int, Any]:
        """Return the status and the body of an answer to one request."""
        assert method == "POST"
        request = json.loads(content)
        with self.lock:
            self.asked.append(request)
            self.headers.append((path, headers))
        return self.behave(request)

    @property
    def address(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def engine(self, **settings: Any) -> Row:
        """Return the settings of an engine that asks this server."""
        return {"type": "openai", "base_url": f"{self.address}/v1", "concurrency": 4, **settings}

    def reply(
        self, content: str | None, *, top: Iterable[tuple[str, float]] | None = None, finish: str = "stop",
        **message: Any,
    ) -> Row:  # fmt: skip
        """Return the body of an answer.

        Args:
            content: Its text.
            top: The most probable first tokens with their log-probabilities. The first was drawn.
            finish: Why it ended.
            message: Other fields of the message.
        """
        listed = [{"token": token, "logprob": value, "bytes": None} for token, value in top or ()]
        logprobs = {"content": [{**listed[0], "top_logprobs": listed}]} if listed else None
        choice = {
            "index": 0, "finish_reason": finish, "logprobs": logprobs,
            "message": {"role": "assistant", "content": content, **message},
        }  # fmt: skip
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        envelope = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        return {**envelope, "choices": [choice], "usage": usage}

    @staticmethod
    def refuse(message: str, **fields: Any) -> Row:
        """Return the body of a refusal."""
        return {"error": {"message": message, "type": "invalid_request_error", **fields}}

    def close(self) -> None:
        """End the server."""
        self._http.shutdown()
        self._http.server_close()
