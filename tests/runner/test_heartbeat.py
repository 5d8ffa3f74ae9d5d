"""A run that is being written says how far it is, and a killed one is not taken for a running one."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from evalhub.store import Heartbeat, Run, all_runs
from evalhub.store.heartbeat import SILENCE_SECONDS, is_alive

SLOW = {"type": "scripted", "script": {"seconds": 0.2, "batch": 2}}


def judging(desk: Any) -> tuple[Any, Run, dict[str, Any]]:
    """Start a run that takes three seconds, and return its process once it says that it judges."""
    desk.dataset(items=16)
    desk.suite(
        judges=[{"id": "pw", "rubric": "pair", "model": "j", "engine": SLOW, "families": ["beta"],
                 "pairs": {"by": "all"}}]
    )  # fmt: skip
    process = desk.start("run", "s")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        for run in all_runs(desk.runs):
            path = run.path / "progress.json"
            values = json.loads(path.read_bytes()) if path.exists() else {}
            if values.get("steps"):
                return process, run, values
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def test_a_run_says_how_far_it_is(desk: Any) -> None:
    process, run, values = judging(desk)
    assert run.state == "running"
    assert (values["stage"], values["total"], values["pid"]) == ("judgments", 32, process.pid)
    assert 0 < values["steps"] < 32
    process.communicate(timeout=30)
    assert process.returncode == 0
    (done,) = all_runs(desk.runs)
    assert done.state == "sealed"
    assert not (done.path / "progress.json").exists()


def test_a_killed_run_is_not_shown_as_running(desk: Any, cli: Any) -> None:
    process, run, _ = judging(desk)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert Run(run.path).manifest.state == "running"
    past = time.time() - SILENCE_SECONDS - 1
    os.utime(run.path / "progress.json", (past, past))
    assert Run(run.path).state == "interrupted"
    (row,) = json.loads(cli("runs", "--json").out)
    assert row["state"] == "interrupted"
    assert json.loads(cli("report", "--json").out)["state"] == "interrupted"
    assert cli("run", "s", "--json").code == 0
    (done,) = all_runs(desk.runs)
    assert (done.id, done.state) == (run.id, "sealed")


def test_a_folder_that_cannot_be_written_costs_the_file_alone(tmp_path: Path) -> None:
    with Heartbeat(tmp_path / "missing") as heartbeat:
        heartbeat.counts.steps += 1
    assert not is_alive(tmp_path / "missing")
