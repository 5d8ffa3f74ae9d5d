"""Row 27: a request that a server never answers keeps no process from its end."""

import threading
import time
from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.engines import open_engine
from evalhub.records import Message, Request
from evalhub.specs import EngineSpec


def request(text: str) -> Request:
    return Request((Message("user", text),))


@pytest.mark.parametrize("answered", [0, 3])
def test_closing_ends_requests_in_flight(chat_server: Any, answered: int) -> None:
    released = threading.Event()

    def behave(_: Any) -> tuple[int, Any]:
        if len(chat_server.asked) > answered:
            released.wait(60)
        return 200, chat_server.reply("fine")

    chat_server.behave = behave
    threads = set(threading.enumerate())
    engine = open_engine(EngineSpec(**chat_server.engine()), name="m")
    for number in range(12):
        engine.submit(f"k{number}", request(f"Question {number}"))
    results = engine.results()
    assert len([next(results) for _ in range(answered)]) == answered
    while len(chat_server.asked) < answered + 4:
        time.sleep(0.01)
    workers = [thread for thread in threading.enumerate() if thread not in threads and "Pool" in thread.name]
    assert len(workers) == 4
    began = time.monotonic()
    engine.close()
    for thread in workers:
        thread.join(10)
    assert time.monotonic() - began < 3
    released.set()


def test_a_closed_engine_ends_requests_that_connect_later(chat_server: Any) -> None:
    chat_server.behave = lambda _: (time.sleep(60), (200, {}))[1]
    engine = open_engine(EngineSpec(**chat_server.engine(concurrency=1)), name="m")
    engine._connections.end()
    engine.submit("k", request("Question"))
    engine._closing.set()
    (completion,) = engine.results()
    assert completion.failure is not None
    engine.close()
