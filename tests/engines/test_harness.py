"""The child process: what it does for every request, whatever happens to it.

Row 27: one request of 256 that kills the child fails alone, and a child that hangs is replaced.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalhub.engines import complete, harness, open_engine
from evalhub.errors import EngineError
from evalhub.records import FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec


@pytest.fixture
def opened(tmp_path):
    engines = []

    def make(hang_seconds=60.0, max_num_seqs=256, **script):
        spec = EngineSpec(
            type="scripted", script=script, max_num_seqs=max_num_seqs, hang_seconds=hang_seconds
        )
        engine = open_engine(spec, name="pseudo", log_folder=tmp_path / "logs")
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
    assert not list(tmp_path.glob("logs/*")), "logs are removed when the engine ends well"


def asking(text, **options):
    return Request((Message("user", text),), **options)


def keyed(count):
    return [(f"k{index}", asking(f"item {index}.")) for index in range(count)]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_time_of_the_last_requests_is_told(opened):
    even = opened(batch=1, seconds=0.002)
    list(complete(even, keyed(200)))
    slow = opened(batch=1, seconds=0.002, rules=[{"match": "item 19[0-9]", "seconds": 0.05}])
    list(complete(slow, keyed(200)))
    few = opened()
    list(complete(few, keyed(99)))
    assert 0.02 <= even.facts().seconds_tail < 0.3
    assert slow.facts().seconds_tail > max(0.45, slow.facts().seconds_busy / 3)
    assert few.facts().seconds_tail is None


def test_every_request_is_answered_once(opened):
    engine = opened()
    completions = list(complete(engine, keyed(1000)))
    assert sorted(completion.key for completion in completions) == sorted(key for key, _ in keyed(1000))
    facts = engine.facts()
    assert (facts.requests, facts.failures, facts.restarts) == (1000, 0, 0)
    assert facts.prompt_tokens == 2000
    assert facts.seconds_start > 0
    assert facts.seconds_busy > 0


def test_answers_repeat_whatever_the_batch(opened):
    first = {completion.key: completion for completion in complete(opened(batch=8), keyed(50))}
    second = {completion.key: completion for completion in complete(opened(batch=1), reversed(keyed(50)))}
    assert first == second


def test_follow_ups_join_while_results_stream(opened):
    engine = opened(seconds=0.01)
    for key, request in keyed(20):
        engine.submit(key, request)
    keys = []
    for completion in engine.results():
        keys.append(completion.key)
        if not completion.key.endswith("+"):
            engine.submit(completion.key + "+", asking(f"and {completion.key}?"))
    assert len(keys) == len(set(keys)) == 40
    assert keys.index("k0+") < keys.index("k19+")


def test_a_request_that_kills_the_child_fails_alone(opened):
    engine = opened(rules=[{"match": r"item 77\.", "crash": True}])
    completions = {completion.key: completion for completion in complete(engine, keyed(256))}
    assert len(completions) == 256
    failed = [completion for completion in completions.values() if completion.failure]
    assert [completion.key for completion in failed] == ["k77"]
    assert failed[0].failure is FailureKind.ENGINE
    assert "died 2 times on this request: signal SIGKILL" in failed[0].detail
    assert engine.facts().restarts <= 3
    undisturbed = {completion.key: completion for completion in complete(opened(), keyed(256))}
    assert all(completions[key] == undisturbed[key] for key in completions if key != "k77")


def test_a_child_that_dies_once_loses_nothing(opened):
    engine = opened(rules=[{"match": r"item 3\.", "crash": 1}])
    completions = list(complete(engine, keyed(64)))
    assert len({completion.key for completion in completions}) == len(completions) == 64
    assert not any(completion.failure for completion in completions)
    assert engine.facts().restarts == 1


def test_several_poisonous_requests(opened):
    engine = opened(rules=[{"match": r"item (3|4|30)\.", "crash": True}])
    completions = {completion.key: completion for completion in complete(engine, keyed(40))}
    assert {key for key, completion in completions.items() if completion.failure} == {"k3", "k4", "k30"}
    assert len(completions) == 40


def test_a_child_that_always_dies_ends_in_one_error(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "_BACKOFF", (0.0,))
    engine = opened(rules=[{"crash": True}])
    keys = []
    with pytest.raises(EngineError, match="died 6 times in a row"):
        keys.extend(complete(engine, keyed(40)))
    for log in tmp_path.glob("logs/*"):
        log.unlink()


def test_a_hang_is_noticed(opened):
    engine = opened(hang_seconds=1.0, rules=[{"match": r"item 5\.", "hang": True}])
    began = time.monotonic()
    completions = {completion.key: completion for completion in complete(engine, keyed(20))}
    assert len(completions) == 20
    assert [completion.key for completion in completions.values() if completion.failure] == ["k5"]
    assert "no sign of life for 1 s" in completions["k5"].detail
    assert time.monotonic() - began < 15


def test_a_slow_reader_is_not_taken_for_a_hang(opened):
    engine = opened(hang_seconds=0.5, seconds=0.01)
    completions = []
    for completion in complete(engine, keyed(40)):
        completions.append(completion)
        if len(completions) in (1, 9):
            time.sleep(0.8)
    assert len(completions) == 40
    assert engine.facts().restarts == 0


def test_engines_share_the_process_that_starts_them_and_outlive_it(opened):
    engines = [opened(seconds=0.1), opened(seconds=0.1)]
    servers = {parent_of(parent_of(engine.pid)) for engine in engines}
    assert len(servers) == 1
    for engine in engines:
        for key, request in keyed(40):
            engine.submit(key, request)
    results = [engine.results() for engine in engines]
    completions = [[next(result)] for result in results]
    os.kill(*servers, signal.SIGKILL)
    for answered, result in zip(completions, results, strict=True):
        answered.extend(result)
        assert len({completion.key for completion in answered}) == len(answered) == 40
        assert not any(completion.failure for completion in answered)
    assert [engine.facts().restarts for engine in engines] == [1, 1]


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_frozen_child_is_replaced(opened):
    engine = opened(hang_seconds=1.0, seconds=0.01)
    for key, request in keyed(100):
        engine.submit(key, request)
    results = engine.results()
    completions = [next(results)]
    os.kill(engine.pid, signal.SIGSTOP)
    completions.extend(results)
    assert len({completion.key for completion in completions}) == 100
    assert not any(completion.failure for completion in completions)


def test_a_prompt_that_is_too_long_does_not_hurt_the_others(opened):
    engine = opened(max_length=8)
    completions = {
        completion.key: completion
        for completion in complete(engine, [*keyed(10), ("long", asking("word " * 8))])
    }
    assert completions["long"].failure is FailureKind.TOO_LONG
    assert "8 tokens" in completions["long"].detail
    assert sum(completion.failure is None for completion in completions.values()) == 10


def test_drain_drops_what_has_not_begun(opened):
    engine = opened(seconds=0.05, batch=4)
    for key, request in keyed(400):
        engine.submit(key, request)
    completions = []
    began = time.monotonic()
    for completion in engine.results():
        completions.append(completion)
        if len(completions) == 10:
            engine.drain()
            engine.submit("late", asking("too late"))
    assert 10 <= len(completions) < 60
    assert "late" not in {completion.key for completion in completions}
    assert time.monotonic() - began < 5
    assert engine.facts().requests == len(completions)


def test_ctrl_c_does_not_reach_the_child(opened):
    engine = opened(seconds=0.01)
    os.kill(engine.pid, signal.SIGINT)
    assert len(list(complete(engine, keyed(20)))) == 20
    assert engine.facts().restarts == 0
    assert os.getsid(engine.pid) != os.getsid(0)
    assert os.getpgid(engine.pid) == engine.pid


def test_results_can_be_taken_up_again(opened):
    engine = opened(seconds=0.01)
    for key, request in keyed(30):
        engine.submit(key, request)
    first = [next(engine.results()).key for _ in range(5)]
    others_completions = [completion.key for completion in engine.results()]
    assert len({*first, *others_completions}) == 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lone \ud800 surrogate",
        "nul \x00 byte",
        "line\u2028sep\r\n\t\x1b[0m",
        "漢字 🎉 עברית",
        "x" * 1_000_000,
    ],
    ids=["empty", "surrogate", "nul", "separators", "scripts", "megabyte"],
)
def test_hostile_texts_go_round(opened, text):
    engine = opened(rules=[{"match": "echo", "text": text}])
    request = Request((Message("system", text), Message("user", "echo")), Sampling(max_tokens=10**7))
    (completion,) = complete(engine, [("k", request)])
    expected = text.replace("\ud800", "\ufffd").replace("\x00", "")
    assert completion.text == expected
    assert json.loads(completion.messages)[0]["content"] == expected
    completion.messages.encode("utf-8")


def test_close_ends_the_child_and_can_be_repeated(opened):
    engine = opened()
    pid = engine.pid
    engine.close()
    engine.close()
    assert not alive(pid)
    engine.submit("k", asking("late"))
    with pytest.raises(EngineError, match="closed"):
        list(engine.results())


_PARENT = """
import sys
from pathlib import Path
from evalhub.engines import open_engine
from evalhub.records import Message, Request
from evalhub.specs import EngineSpec

spec = EngineSpec(type="scripted", script={"seconds": 0.005})
engine = open_engine(spec, name="pseudo", log_folder=Path(sys.argv[1]))
for index in range(1000):
    engine.submit(f"k{index}", Request((Message("user", f"item {index}."),)))
print(engine.pid, flush=True)
for one in engine.results():
    print(one.key, flush=True)
"""


@pytest.mark.parametrize("round_", range(10))
def test_no_child_outlives_its_parent(tmp_path, round_):
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    child = int(parent.stdout.readline())
    for _ in range(1 + 17 * round_):
        parent.stdout.readline()
    assert alive(child)
    parent.kill()
    killed = time.monotonic()
    while alive(child):
        assert time.monotonic() - killed < 2.0
        time.sleep(0.01)
    parent.wait()
    parent.stdout.close()
