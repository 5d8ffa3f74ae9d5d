"""Several children of one model: who gets which request, and what becomes of them when one dies."""

import os
import signal
import threading
import time
from typing import Any

import pytest

from evalhub.engines import complete, open_engine
from evalhub.engines.replicas import Replicas, share_variables
from evalhub.errors import EngineError, SpecError
from evalhub.records import FailureKind, Message, Request
from evalhub.specs import EngineSpec


@pytest.fixture
def opened(tmp_path):
    engines = []

    def make(replicas=2, max_num_seqs=256, **script):
        spec = EngineSpec(type="scripted", script=script, replicas=replicas, max_num_seqs=max_num_seqs)
        engine = open_engine(spec, name="pseudo", log_folder=tmp_path / "logs")
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
    assert not list(tmp_path.glob("logs/*")), "logs are removed when the engine ends well"


def keyed(count: int) -> list[tuple[str, Request]]:
    return [(f"k{number}", Request((Message("user", f"item {number}."),))) for number in range(count)]


def pids(engine: Replicas) -> list[int]:
    return [child.pid for child in engine._children]


def test_every_request_is_answered_once_by_all_of_them_together(opened):
    engine = opened(replicas=3, max_num_seqs=8)
    completions = list(complete(engine, keyed(1000)))
    assert sorted(completion.key for completion in completions) == sorted(key for key, _ in keyed(1000))
    facts = engine.facts()
    assert (facts.replicas, facts.requests, facts.failures, facts.restarts) == (3, 1000, 0, 0)
    by_child = [child.facts().requests for child in engine._children]
    assert sum(by_child) == 1000
    assert min(by_child) > 100


def test_answers_and_keys_are_those_of_one_child(opened):
    engines = [opened(replicas=number) for number in (1, 2)]
    answers = [{done.key: done.text for done in complete(engine, keyed(100))} for engine in engines]
    assert answers[0] == answers[1]
    assert engines[0].identity == engines[1].identity


def test_requests_may_follow_while_others_are_answered(opened):
    engine, keys = opened(), []
    engine.submit(*keyed(1)[0])
    for completion in engine.results():
        keys.append(completion.key)
        if len(keys) < 50:
            engine.submit(*keyed(50)[len(keys)])
    assert keys == [key for key, _ in keyed(50)]


def test_a_child_that_dies_loses_nothing(opened):
    engine = opened(seconds=0.02, batch=1, max_num_seqs=4)
    threading.Timer(0.3, lambda: os.kill(pids(engine)[0], signal.SIGKILL)).start()
    completions = list(complete(engine, keyed(100)))
    assert sorted(completion.key for completion in completions) == sorted(key for key, _ in keyed(100))
    assert not any(completion.failure for completion in completions)
    assert engine.facts().restarts == 1


def test_a_request_that_kills_fails_alone(opened):
    engine = opened(rules=[{"match": "item 7", "crash": True}])
    failures = {done.key: done.failure for done in complete(engine, keyed(10)) if done.failure}
    assert failures == {"k7": FailureKind.ENGINE}


def test_drain_finishes_what_has_begun(opened):
    engine = opened(seconds=0.01, max_num_seqs=2)
    for key, request in keyed(500):
        engine.submit(key, request)
    done = []
    for completion in engine.results():
        done.append(completion.key)
        engine.drain()
    assert 0 < len(done) < 50


def test_one_that_cannot_start_ends_the_others(opened):
    children = []

    def open_child(share):
        if share["number"] == 1:
            raise EngineError("no room")
        children.append(opened(replicas=1))
        return children[0]

    with pytest.raises(EngineError, match="no room"):
        Replicas(open_child, 2)
    assert children[0].pid is None


def test_a_closed_one_answers_nothing(opened):
    engine = opened()
    pairs = pids(engine)
    engine.close()
    engine.close()
    engine.submit(*keyed(1)[0])
    with pytest.raises(EngineError, match="closed"):
        list(engine.results())
    assert pids(engine) == [None, None] != pairs


@pytest.mark.parametrize("replicas", [0, -1])
def test_their_number_is_at_least_one(opened, replicas):
    with pytest.raises(SpecError):
        opened(replicas=replicas)


def test_each_has_cores_of_its_own(opened):
    cores = os.sched_getaffinity(0)
    engine = opened(replicas=2)
    shares = [os.sched_getaffinity(pid) for pid in pids(engine)]
    assert set().union(*shares) <= cores
    if len(cores) >= 2:
        assert not shares[0] & shares[1]
        assert shares[0] | shares[1] == cores


def test_more_of_them_than_cores_share_these(opened):
    cores = os.sched_getaffinity(0)
    shares = [os.sched_getaffinity(pid) for pid in pids(opened(replicas=len(cores) + 1))]
    assert all(share and share <= cores for share in shares)


@pytest.mark.parametrize(
    ("number", "visible", "devices", "expected"),
    [
        (0, None, 1, "0"),
        (3, None, 1, "3"),
        (1, None, 4, "4,5,6,7"),
        (1, "5,2", 1, "2"),
        (0, "GPU-a,GPU-b", 1, "GPU-a"),
    ],
)  # fmt: skip
def test_each_sees_its_own_gpus(number: int, visible: Any, devices: int, expected: str) -> None:
    of = len(visible.split(",")) if visible else 4
    variables = share_variables({"number": number, "of": of}, visible, devices)
    assert variables == {"CUDA_VISIBLE_DEVICES": expected}


@pytest.mark.parametrize(("visible", "devices"), [("", 1), ("0", 1), ("0,1,2", 2)])
def test_too_few_gpus_are_refused(visible: str, devices: int) -> None:
    with pytest.raises(EngineError, match="too few GPUs"):
        share_variables({"number": 0, "of": 2}, visible, devices)


def test_a_request_that_follows_an_answer_waits_for_nothing(opened):
    engine = opened()
    engine.submit(*keyed(1)[0])
    start_time = time.monotonic()
    for count, _ in enumerate(engine.results(), start=1):
        if count < 40:
            engine.submit(*keyed(40)[count])
    assert time.monotonic() - start_time < 2


def test_two_take_half_the_time(opened):
    def seconds(replicas: int) -> float:
        engine = opened(replicas=replicas, seconds=0.005, batch=1)
        start_time = time.monotonic()
        assert len(list(complete(engine, keyed(600)))) == 600
        return time.monotonic() - start_time

    # Other work on the same cores can slow either of them, so the ratio is measured up to three times.
    assert any(seconds(1) > 1.6 * seconds(2) for _ in range(3))
