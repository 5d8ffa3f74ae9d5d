"""A run that is killed at any moment and started again ends as if nothing had happened.

Row 22: 6 kills at random moments, and 50 with EVALHUB_FULL=1.
"""

import hashlib
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from evalhub.files import file_sha256
from evalhub.records import KINDS, Completion
from evalhub.store import Run, all_runs, verify, write_records

ENGINE = {"type": "scripted", "script": {"seconds": 0.03, "batch": 8}}
CANDIDATE = {"model": "toy-bot", "engine": ENGINE, "families": ["alpha"], "sampling": {"max_tokens": 20}}
JUDGE = {"model": "toy-judge", "engine": ENGINE, "families": ["beta"]}
KILLS = 50 if os.environ.get("EVALHUB_FULL") else 6
ITEMS = 6 * KILLS
COMPLETIONS = 17 * ITEMS


def suite(desk: Any) -> None:
    """Ask for 2 responses, 3 ratings and 3 x 2 askings of 2 steps for each item: 17 completions."""
    desk.dataset(items=ITEMS, systems=("k",))
    desk.suite(
        candidates=[
            {"id": "greedy", **CANDIDATE},
            {"id": "warm", **CANDIDATE, "sampling": {"temperature": 1.0, "max_tokens": 20}},
        ],
        judges=[
            {"id": "pt", "rubric": "rate", **JUDGE},
            {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "mode": "explain", **JUDGE},
        ],
        metrics=["length", {"rouge": {"variants": [1, "L"]}}],
    )


def children(marker: str) -> list[int]:
    """Return the engine processes that inherited this test's environment.

    The process that starts engines for this one, its own child, lives as long as this one does.
    """
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"evalhub.engines.child" in command and marker.encode() in environment and parent != os.getpid():
            processes.append(int(folder.name))
    return processes


def lines(run: Run) -> dict[str, Completion]:
    """Return the finished completions by key."""
    return {record.key: record for record in run.records("completions") if isinstance(record, Completion)}


def tables(run: Run, folder: Path) -> dict[str, str]:
    """Return the sha256 of each table, written whole, sorted, in one file."""
    written = {}
    for kind in KINDS:
        rows = list(run.records(kind))
        path = folder / f"{kind}.parquet"
        write_records(path, kind, rows)
        written[kind] = f"{len(rows)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return written


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs /proc to find the engine's process"
)
def test_kills_lose_nothing_and_double_nothing(desk: Any, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = f"evalhub-test-{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv("EVALHUB_TEST_MARKER", marker)
    suite(desk)
    rng = random.Random(20)
    seen: dict[str, Completion] = {}
    kills = 0
    while kills < KILLS:
        process = desk.start("run", "s")
        _wait_for_work(desk, process, len(seen))
        time.sleep(rng.uniform(0, 0.22))
        os.kill(process.pid, signal.SIGKILL)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, (kills, err)
        kills += 1
        (run,) = all_runs(desk.runs)
        seen |= lines(run)
    (run,) = all_runs(desk.runs)
    assert not run.finished
    assert 10 * KILLS < len(seen) < COMPLETIONS
    said = cli("run", "s", "--json")
    assert said.code == 0, said
    _no_child_survives(marker)

    (done,) = all_runs(desk.runs)
    assert done.finished
    assert all(finding.problem is None for finding in verify(done))
    kept = [one for one in done.records("completions") if isinstance(one, Completion)]
    assert len(kept) == len({one.key for one in kept})
    assert seen.items() <= {one.key: one for one in kept}.items()

    desk.runs = desk.folder / "undisturbed"
    calm = desk.run()
    assert len(kept) == COMPLETIONS
    assert tables(done, desk.folder) == tables(calm, desk.folder)
    by_name = [
        {
            file.path.relative_to(run.path): file_sha256(file.path)
            for kind in KINDS
            for file in run.files(kind)
        }
        for run in (done, calm)
    ]
    assert by_name[0] == by_name[1]


def _wait_for_work(desk: Any, process: "subprocess.Popen[str]", before: int) -> None:
    """Wait until this sitting has finished something of its own."""
    deadline = time.monotonic() + 30
    size = 0
    while time.monotonic() < deadline and process.poll() is None:
        earlier, size = (
            size,
            sum(path.stat().st_size for path in desk.runs.glob("*/parts/*/0*") if path.exists()),
        )
        # To read a run takes long, so it is read only when it has grown.
        if size != earlier and any(len(lines(run)) > before for run in all_runs(desk.runs)):
            return
        time.sleep(0.02)
    raise AssertionError(process.communicate())


def _size(folder: Path) -> int:
    """Return the bytes of all records in a folder of runs. A file may be renamed meanwhile."""
    size = 0
    for path in folder.glob("*/parts/*/0*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def _no_child_survives(marker: str) -> None:
    deadline = time.monotonic() + 10
    while children(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children(marker) == []
