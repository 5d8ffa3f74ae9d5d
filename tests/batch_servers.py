"""Servers of two protocols that take requests in batches, and count what they are paid for."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.chat_server import ChatServer, Row
from tests.messages_server import MessagesServer

Lines = list[Row]


@dataclass
class Stored:
    """A batch on a server.

    Attributes:
        requests: The body of each request by its id.
        polls: How often it was looked at.
        status: A state that stays. None = it ends after some polls.
    """

    id: str
    requests: dict[str, Row]
    facts: Row = field(default_factory=dict)
    polls: int = 0
    status: str | None = None
    created: float = field(default_factory=time.time)


class BatchHost:
    """What servers of both protocols share.

    Attributes:
        batches: The batches that it took, the oldest first.
        paid: How often each request was answered in a batch, by its body.
        wire: The method and the path of all that was sent, in order.
        polls_needed: How often a batch is looked at before it has ended.
        slow: Called with the name of a moment, to wait there.
        edit: Changes the lines of results. It may give bytes.
        refuse_batch: Returns the status and body of a refused submission. None = it is taken.
    """

    def __init__(self) -> None:
        self.batches: list[Stored] = []
        self.paid: Counter[str] = Counter()
        self.wire: list[tuple[str, str]] = []
        self.all_headers: list[dict[str, str]] = []
        self.polls_needed = 1
        self.slow: Callable[[str], None] = lambda _: None
        self.edit: Callable[[Lines], Lines | bytes] = lambda lines: lines
        self.refuse_batch: Callable[[], tuple[int, Any] | None] = lambda: None
        self.batch_lock = threading.Lock()
        super().__init__()

    behave: Callable[[Row], tuple[int, Any]]

    def take(self, requests: dict[str, Row], **facts: Any) -> Stored:
        """Take a batch, for which is paid from now on."""
        with self.batch_lock:
            batch = Stored(f"batch_{len(self.batches)}", requests, facts)
            self.batches.append(batch)
            self.paid.update(json.dumps(body, sort_keys=True) for body in requests.values())
        return batch

    def look(self, name: str) -> Stored | None:
        """Return a batch of the server."""
        return next((batch for batch in self.batches if batch.id == name), None)

    def results(self, batch: Stored) -> Lines:
        """Return the status and the body of the answer to each request, in another order."""
        return [
            {"custom_id": custom_id, "answer": self.behave(body)}
            for custom_id, body in reversed(batch.requests.items())
        ]

    def write(self, lines: Iterable[Row]) -> bytes:
        """Return the file of results as the test wants it."""
        edited = self.edit(list(lines))
        if isinstance(edited, bytes):
            return edited
        return "".join(json.dumps(line) + "\n" for line in edited).encode()

    @property
    def submitted(self) -> int:
        """The number of requests in all batches."""
        return sum(len(batch.requests) for batch in self.batches)


class OpenaiBatchServer(BatchHost, ChatServer):
    """A server of OpenAI's protocol with files and batches."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        super().__init__()

    def respond(self, method: str, path: str, headers: Row, content: bytes) -> tuple[int, Any]:
        """Return the status and the body of an answer to one request."""
        parts = urlsplit(path)
        self.wire.append((method, parts.path))
        self.all_headers.append(headers)
        if parts.path == "/v1/chat/completions":
            return super().respond(method, path, headers, content)
        if parts.path == "/v1/files":
            return self._upload(headers, content)
        if found := re.fullmatch(r"/v1/files/(\w+)/content", parts.path):
            return 200, self.files[found[1]]
        if parts.path == "/v1/batches":
            return self._create(json.loads(content)) if method == "POST" else self._list(parts.query)
        found = re.fullmatch(r"/v1/batches/(\w+)(/cancel)?", parts.path)
        assert found, path
        batch = self.look(found[1])
        if batch is None:
            return 404, self.refuse("No such batch")
        if found[2]:
            batch.status = "cancelled"
        else:
            batch.polls += 1
        return 200, self._show(batch)

    def _upload(self, headers: Row, content: bytes) -> tuple[int, Any]:
        self.slow("upload")
        boundary = headers["content-type"].partition("boundary=")[2].encode()
        parts = [part for part in content.split(b"--" + boundary) if b'name="file"' in part]
        if not parts or not content.rstrip().endswith(boundary + b"--"):
            return 400, self.refuse("a torn upload")
        file = f"file_{len(self.files)}"
        self.files[file] = parts[0].partition(b"\r\n\r\n")[2].rstrip(b"\r\n")
        return 200, {"id": file, "object": "file", "bytes": 1, "created_at": 0, "filename": "f",
                     "purpose": "batch", "status": "processed"}  # fmt: skip

    def _create(self, sent: Row) -> tuple[int, Any]:
        if refusal := self.refuse_batch():
            return refusal
        assert (sent["endpoint"], sent["completion_window"]) == ("/v1/chat/completions", "24h")
        lines = [json.loads(line) for line in self.files[sent["input_file_id"]].splitlines()]
        assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
        self.slow("before")
        batch = self.take(
            {line["custom_id"]: line["body"] for line in lines},
            metadata=sent.get("metadata"), input_file_id=sent["input_file_id"],
        )  # fmt: skip
        assert len(batch.requests) == len(lines)
        self.slow("after")
        return 200, self._show(batch)

    def _list(self, query: str) -> tuple[int, Any]:
        options = parse_qs(query)
        newest_first = self.batches[::-1]
        if after := options.get("after"):
            place = [batch.id for batch in newest_first].index(after[0])
            newest_first = newest_first[place + 1 :]
        limit = min(int(options["limit"][0]), 3)
        page = [self._show(batch) for batch in newest_first[:limit]]
        return 200, {"object": "list", "data": page, "has_more": len(newest_first) > limit}

    def _show(self, batch: Stored) -> Row:
        status = batch.status or ("completed" if batch.polls >= self.polls_needed else "in_progress")
        shown = {
            "id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "created_at": int(batch.created), "status": status, **batch.facts,
        }  # fmt: skip
        if status in ("completed", "expired", "cancelled"):
            good, bad = [], []
            for line in self.results(batch):
                code, body = line["answer"]
                response = {"status_code": code, "request_id": "r", "body": body}
                (good if code < 400 else bad).append(
                    {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None}
                )
            self.files[f"out_{batch.id}"] = self.write(good)
            self.files[f"err_{batch.id}"] = b"".join(json.dumps(line).encode() + b"\n" for line in bad)
            shown["output_file_id"] = f"out_{batch.id}"
            shown["error_file_id"] = f"err_{batch.id}" if bad else None
        return shown


class AnthropicBatchServer(BatchHost, MessagesServer):
    """A server of Anthropic's protocol with message batches."""

    def respond(self, method: str, path: str, headers: Row, content: bytes) -> tuple[int, Any]:
        """Return the status and the body of an answer to one request."""
        parts = urlsplit(path)
        self.wire.append((method, parts.path))
        self.all_headers.append(headers)
        if parts.path == "/v1/messages":
            return super().respond(method, path, headers, content)
        if parts.path == "/v1/messages/batches":
            return self._create(json.loads(content)) if method == "POST" else self._list(parts.query)
        found = re.fullmatch(r"/v1/messages/batches/(\w+)(/cancel|/results)?", parts.path)
        assert found, path
        batch = self.look(found[1])
        if batch is None:
            return 404, self.refuse("No such batch", type="not_found_error")
        if found[2] == "/results":
            return 200, self.write(map(self._line, self.results(batch)))
        if found[2]:
            batch.status = "canceled"
        else:
            batch.polls += 1
        return 200, self._show(batch)

    def _create(self, sent: Row) -> tuple[int, Any]:
        if refusal := self.refuse_batch():
            return refusal
        requests = {entry["custom_id"]: entry["params"] for entry in sent["requests"]}
        assert len(requests) == len(sent["requests"])
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id) for custom_id in requests)
        self.slow("before")
        batch = self.take(requests)
        self.slow("after")
        return 200, self._show(batch)

    def _list(self, query: str) -> tuple[int, Any]:
        options = parse_qs(query)
        newest_first = self.batches[::-1]
        if after := options.get("after_id"):
            place = [batch.id for batch in newest_first].index(after[0])
            newest_first = newest_first[place + 1 :]
        page = [self._show(batch) for batch in newest_first[:3]]
        ids = [batch["id"] for batch in page] or [None]
        return 200, {"data": page, "has_more": len(newest_first) > 3, "first_id": ids[0], "last_id": ids[-1]}

    def _line(self, line: Row) -> Row:
        if "result" in line:
            return line
        code, body = line["answer"]
        kind = {"type": "succeeded", "message": body} if code == 200 else {"type": "errored", "error": body}
        return {"custom_id": line["custom_id"], "result": kind}

    def _show(self, batch: Stored) -> Row:
        ended = batch.status is not None or batch.polls >= self.polls_needed
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if ended else "processing"] = len(batch.requests)
        created = datetime.fromtimestamp(batch.created, UTC).isoformat()
        return {
            "id": batch.id, "type": "message_batch", "created_at": created, "expires_at": created,
            "processing_status": "ended" if ended else "in_progress", "request_counts": counts,
            "results_url": f"https://elsewhere.invalid/{batch.id}" if ended else None,
        }  # fmt: skip
