"""The server that forks a confined process for each card: it outlives jobs, and no job outlives its end."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.forks import ForkServer
from evalhub.sources import Limits, load, query
from evalhub.specs import load_card

ENDLESS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
    "SELECT max(n) AS item_id, 'x' AS prompt FROM r"
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    server = ForkServer("evalhub.sandbox.child:do_job", ["duckdb"])
    monkeypatch.setattr(query, "_SERVER", server)
    yield server
    server.stop()


def process_of(server: ForkServer) -> int:
    assert server._process
    return server._process.pid


def is_running(process: int) -> bool:
    """Tell whether a process is neither gone nor only waiting to be reaped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(processes: Callable[[], list[int]]) -> bool:
    """Wait until no process is left, but at most ten seconds."""
    limit = time.monotonic() + 10
    while processes():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def children_of(process: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_jobs_share_a_server_and_each_has_its_own_limits(server: ForkServer, mini: Any) -> None:
    mini.load()
    first = process_of(server)
    with pytest.raises(SpecError, match="beyond its 64 MiB of memory"):
        load(*load_card(str(mini.path)), limits=Limits(memory=64 << 20))
    mini.load()
    assert process_of(server) == first
    assert ends(lambda: children_of(first))


def test_a_job_that_takes_too_long_is_ended_and_the_next_is_done(server: ForkServer, mini: Any) -> None:
    mini.load()
    first = process_of(server)
    card = load_card(str(mini.write(items=ENDLESS, responses=None)))
    with pytest.raises(SpecError, match=r"the SELECTs take too long.*1 seconds in all"):
        load(*card, limits=Limits(seconds=1))
    assert ends(lambda: children_of(first))
    mini.load()
    assert process_of(server) == first


def test_a_server_killed_between_jobs_is_started_again(server: ForkServer, mini: Any) -> None:
    mini.load()
    first = process_of(server)
    os.kill(first, signal.SIGKILL)
    assert ends(lambda: [process for process in [first] if is_running(process)])
    assert len(mini.load().items) == 2


def test_a_server_killed_in_a_job_is_one_sentence_and_the_next_job_starts_another(
    server: ForkServer, mini: Any
) -> None:
    mini.load()
    first = process_of(server)
    children: list[int] = []

    def kill() -> None:
        children.extend(children_of(first))
        children.extend(child for watcher in children_of(first) for child in children_of(watcher))
        os.kill(first, signal.SIGKILL)

    threading.Timer(1.5, kill).start()
    card = load_card(str(mini.write(items=ENDLESS, responses=None)))
    with pytest.raises(SpecError, match="the process that reads the card ended early"):
        load(*card, limits=Limits(seconds=30))
    assert len(children) == 2, "the process that watches the job, and the job"
    assert ends(lambda: [process for process in [first, *children] if is_running(process)])
    assert len(mini.load().items) == 2


def test_an_interrupted_job_leaves_no_reply_for_the_next(server: ForkServer, mini: Any) -> None:
    mini.load()
    first = process_of(server)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test's process may ignore it
    threading.Timer(1.5, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    card = load_card(str(mini.write(items=ENDLESS, responses=None)))
    with pytest.raises(KeyboardInterrupt):
        load(*card, limits=Limits(seconds=30))
    signal.signal(signal.SIGINT, before)
    assert ends(lambda: children_of(first))
    mini.load()
    assert process_of(server) == first


def test_threads_take_turns(server: ForkServer, mini: Any) -> None:
    card = load_card(str(mini.write()))
    sizes: list[int] = []
    threads = [threading.Thread(target=lambda: sizes.append(len(load(*card).items))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [sizes[0]] * 4


def test_the_server_ends_with_the_process_that_started_it(mini: Any) -> None:
    program = f"""
        import os
        from evalhub.sources import load, query
        from evalhub.specs import load_card
        load(*load_card({str(mini.write())!r}))
        fork = os.fork()
        if not fork:
            load(*load_card({str(mini.path)!r}))
            print(query._SERVER._process.pid, flush=True)
            os._exit(0)
        os.waitpid(fork, 0)
        print(query._SERVER._process.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    servers = [int(line) for line in done.stdout.split()]
    assert len(set(servers)) == 2
    assert ends(lambda: [process for process in servers if is_running(process)])
