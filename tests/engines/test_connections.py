"""Row 27: a request that a server never answers keeps no process from its end."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.engines import open_engine
from evalhub.records import Message, Request
from evalhub.specs import EngineSpec


def question(text: str) -> Request:
    return Request((Message("user", text),))


@pytest.fixture(params=["chat_server", "messages_server"])
def stalled(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A server that answers what holds the word "quick", and nothing else."""
    server: Any = request.getfixturevalue(request.param)
    released = threading.Event()

    def behave(asked: dict[str, Any]) -> tuple[int, Any]:
        if "quick" not in asked["messages"][-1]["content"]:
            released.wait(60)
        return 200, server.reply("fine")

    server.behave = behave
    yield server
    released.set()


@pytest.mark.parametrize("answered", [0, 3])
def test_closing_ends_requests_in_flight(stalled: Any, answered: int) -> None:
    threads = set(threading.enumerate())
    engine = open_engine(EngineSpec(**stalled.engine()), name="m")
    for number in range(12):
        engine.submit(f"k{number}", question("A quick one" if number < answered else f"Question {number}"))
    results = engine.results()
    assert len([next(results) for _ in range(answered)]) == answered
    while len(stalled.asked) < answered + 4:
        time.sleep(0.01)
    workers = [thread for thread in threading.enumerate() if thread not in threads and "Pool" in thread.name]
    assert len(workers) == 4
    began = time.monotonic()
    engine.close()
    for thread in workers:
        thread.join(10)
    assert time.monotonic() - began < 3


def test_a_closed_engine_ends_requests_that_connect_later(stalled: Any) -> None:
    engine = open_engine(EngineSpec(**stalled.engine(concurrency=1)), name="m")
    engine._connections.end()
    began = time.monotonic()
    engine.submit("k", question("Question"))
    engine._closing.set()
    (completion,) = engine.results()
    assert completion.failure is not None
    assert time.monotonic() - began < 3
    engine.close()
