"""A judge of a run behind the real command, and clients that ask it over HTTP."""

import http.client
import json
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from evalhub.analysis import Results, pair_verdicts, rows_of
from tests.conftest import PAIR_JUDGE, Desk, Row

START_SECONDS = 60.0


class Client:
    """One connection to a served judge."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.host, self.port = host, int(port)
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=60)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the JSON of a reply."""
        self._connection.request(method, path, body, headers or {})
        with self._connection.getresponse() as reply:
            data = reply.read()
            assert reply.headers.get_content_type() == "application/json"
            return reply.status, json.loads(data)

    def post(self, path: str, values: Any) -> tuple[int, Any]:
        """Post a JSON body."""
        return self.send("POST", path, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def judge(self, **values: Any) -> tuple[int, Any]:
        """Ask the judge."""
        return self.post("/v1/judge", values)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class Served:
    """The process of `evalhub serve`, ready.

    Attributes:
        facts: What the command printed when it was ready.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate(timeout=START_SECONDS)[1])
        self.facts: Row = json.loads(line)
        self.url: str = self.facts["url"]

    def client(self) -> Client:
        """Return a new connection."""
        return Client(self.url)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End the process by a signal. Return its exit code and what it noted."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def serving(desk: Desk, judge: str, *options: str) -> Iterator[Served]:
    """Serve a judge of the newest run until the block ends."""
    process = desk.start("serve", judge, "--port", "0", "--json", *options)
    try:
        yield Served(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def serve(desk: Desk) -> Callable[..., Any]:
    """Return what serves a judge of the desk's newest run."""
    return lambda judge, *options: serving(desk, judge, *options)


def item_row(number: int) -> Row:
    return {
        "item_id": f"i{number:03}", "prompt": f"What is {number} plus {number}?",
        "refs": [f"It is {2 * number}"], "cluster": f"c{number // 2:03}",
    }  # fmt: skip


def label_pairs(desk: Desk, count: int, *, seed: int = 0, **judge: Any) -> list[Row]:
    """Run a judge on some items that people labelled, and which it is far too sure about.

    The labels are drawn with a probability that is much nearer to one half than the judge's.
    """
    items = [item_row(number) for number in range(count)]
    desk.dataset(items=items)
    desk.suite(judges=[{**PAIR_JUDGE, **judge}])
    pairs = rows_of(pair_verdicts(Results(desk.run())))
    draw = random.Random(seed)
    labels = [
        {
            "item_id": pair["item_id"], "criterion": "overall", "system_a": "k", "system_b": "m",
            "annotator": "ann",
            "winner": "a" if draw.random() < 0.5 + 0.3 * (pair["p_a"] - 0.5) else "b",
        }
        for pair in pairs
    ]  # fmt: skip
    desk.dataset(items=items, labels=labels)
    return items
