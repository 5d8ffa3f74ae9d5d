"""Forked children: what they get from this process, how they end, and what they leave behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evalhub.forks import ForkServer

HOME = "evalhub_test_target"
TARGET = """
import os, sys, time

def write(job, files):
    text = f"{os.environ.get('EVALHUB_TEST')} {sys.path[1]} {len(os.environ.get('LONG', ''))}"
    os.write(files[0], text.encode())
    print(job["word"])

def fail(job, files):
    raise ValueError("no way")

def sleep(job, files):
    if not os.fork():
        time.sleep(60)
    os.write(files[0], b"ready")
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / f"{HOME}.py").write_text(TARGET, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for descriptor in ends:
        os.close(descriptor)


def test_a_child_has_the_variables_path_and_files_of_the_moment(
    folder: Path, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ForkServer(f"{HOME}:write")
    for value in ("1", "2"):
        monkeypatch.setenv("EVALHUB_TEST", value)
        monkeypatch.setenv("LONG", "x" * 100_000)
        with closing(server.start({"word": f"word {value}"}, folder / "log", [pipe[1]])) as fork:
            assert fork.wait(20) == 0
        assert os.read(pipe[0], 1000).decode() == f"{value} {folder} 100000"
    assert (folder / "log").read_text() == "word 1\nword 2\n"
    server.stop()


def test_a_failure_is_an_exit_code_and_a_traceback_in_the_log(folder: Path) -> None:
    server = ForkServer(f"{HOME}:fail", ["no.such.module", f"{HOME}:no_such_function"])
    with closing(server.start({}, folder / "log")) as fork:
        assert fork.wait(20) == 1
    assert "ValueError: no way" in (folder / "log").read_text()
    server.stop()


def test_a_closed_child_ends_with_all_that_it_started(folder: Path, pipe: tuple[int, int]) -> None:
    server = ForkServer(f"{HOME}:sleep")
    with closing(server.start({}, folder / "log", [pipe[1]])) as fork:
        assert os.read(pipe[0], 1000) == b"ready"
        with pytest.raises(TimeoutError):
            fork.wait(0.05)
    limit = time.monotonic() + 10
    while group_is_running(fork.pid):
        assert time.monotonic() < limit
        time.sleep(0.02)
    server.stop()


def group_is_running(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_is_killed_says_by_which_signal(folder: Path, pipe: tuple[int, int]) -> None:
    server = ForkServer(f"{HOME}:sleep")
    with closing(server.start({}, folder / "log", [pipe[1]])) as fork:
        assert os.read(pipe[0], 1000) == b"ready"
        os.kill(fork.pid, signal.SIGTERM)
        assert fork.wait(20) == fork.wait() == -signal.SIGTERM
    server.stop()


def test_a_server_that_cannot_start_is_an_error_with_its_last_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ForkServer(f"{HOME}:write", environment={"PYTHONHOME": "/nowhere"})
    with pytest.raises(ChildProcessError, match="no Python frame"):
        server.start({}, folder / "log")
    server.stop()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(FileNotFoundError):
        ForkServer(f"{HOME}:write").start({}, folder / "log")
