"""Requests that come at any time: an engine hands out what is finished, and takes more meanwhile."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import Engine, open_engine
from evalhub.records import Completion, Message, Request, Sampling
from evalhub.specs import EngineSpec
from tests.chat_server import ChatServer
from tests.conftest import scripted

SLOW = {"match": "slow", "seconds": 1.0}


def request(text: str) -> Request:
    return Request((Message("user", text),), Sampling(max_tokens=8))


@pytest.fixture(params=["one child", "replicas", "a server"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, chat_server: ChatServer) -> Iterator[Engine]:
    if request.param == "a server":
        pytest.importorskip("openai")

        def behave(body: dict[str, Any]) -> tuple[int, Any]:
            time.sleep(1.0 if "slow" in body["messages"][-1]["content"] else 0)
            return 200, chat_server.reply("fine")

        chat_server.behave = behave
        settings = chat_server.engine()
    else:
        replicas = {"replicas": 2} if request.param == "replicas" else {}
        settings = {**scripted(SLOW, batch=1), **replicas}
    with open_engine(EngineSpec(**settings), name="m", log_folder=tmp_path) as opened:
        yield opened


def test_nothing_in_flight_is_nothing_to_wait_for(engine: Engine) -> None:
    start_time = time.monotonic()
    assert engine.take(5.0) == []
    assert time.monotonic() - start_time < 2.5


def test_a_call_returns_after_its_time_and_later_requests_join(engine: Engine) -> None:
    engine.submit("slow", request("slow"))
    start_time = time.monotonic()
    while time.monotonic() - start_time < 0.2:
        assert engine.take(0.02) == []
    for number in range(6):
        engine.submit(str(number), request(f"number {number}"))
    taken: list[Completion] = []
    while len(taken) < 7 and time.monotonic() - start_time < 20:
        taken += engine.take(0.02)
    assert sorted(completion.key for completion in taken) == ["0", "1", "2", "3", "4", "5", "slow"]
    assert [completion.failure for completion in taken] == [None] * 7
    assert engine.take(0.02) == []


def test_both_ways_of_taking_can_follow_each_other(engine: Engine) -> None:
    for number in range(4):
        engine.submit(str(number), request(f"number {number}"))
    taken = []
    while not taken:
        taken = engine.take(0.02)
    rest = list(engine.results())
    assert {completion.key for completion in (*taken, *rest)} == {"0", "1", "2", "3"}
    assert len(taken) + len(rest) == 4


def test_an_engine_without_a_method_of_its_own_waits_for_the_first() -> None:
    class Plain(Engine):
        def __init__(self) -> None:
            self.queue = ["a", "b"]

        def results(self) -> Iterator[Completion]:
            while self.queue:
                yield Completion(self.queue.pop(0), "m", "")

    plain = Plain()
    assert [[completion.key for completion in plain.take(0.0)] for _ in range(3)] == [["a"], ["b"], []]
