"""Row 24 and Row 25: one writer of a run, several runs side by side, and readers that never wait.

Row 24: 20 races on one folder have one winner each. Row 25: while runs are written, each reading succeeds and
no count falls. Four runs for a minute: EVALHUB_FULL=1 pytest tests/runner/test_races.py
"""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, coverage, leaderboard
from evalhub.store import Run, RunWriter, all_runs, verify

from ..conftest import PAIR_JUDGE, ROOT
from ..manifests import complete

RACES, RACERS = 20, 4
FULL = bool(os.environ.get("EVALHUB_FULL"))
# An item of a run takes six askings of SECONDS, four of them at a time.
NAMES, ITEMS, SECONDS, READS = ("abcd", 100, 0.6, 1_000) if FULL else ("ab", 16, 0.1, 10)
RACER = """
import sys, time
from pathlib import Path
from evalhub.errors import LockedError
from evalhub.store import RunWriter

run, folder, racer, racers, races = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])

def meet(place):
    (folder / f"{place}-{racer}").touch()
    while len(list(folder.glob(f"{place}-*"))) < racers:
        time.sleep(0.001)

for race in range(races):
    meet(f"start{race}")
    try:
        writer = RunWriter(run)
        print(race, "won", flush=True)
    except LockedError as error:
        writer = None
        print(race, "lost", error, flush=True)
    meet(f"tried{race}")
    if writer:
        writer.close()
    meet(f"ended{race}")
"""


def test_one_of_several_writers_wins_and_the_others_are_told(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "runs", "s", complete({}))
    writer.close()
    (tmp_path / "meetings").mkdir()
    words = [sys.executable, "-c", RACER, str(writer.path), str(tmp_path / "meetings")]
    racers = [
        subprocess.Popen(
            [*words, str(racer), str(RACERS), str(RACES)],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        )
        for racer in range(RACERS)
    ]  # fmt: skip
    lines = [(racer.pid, line) for racer in racers for line in racer.communicate(timeout=120)[0].splitlines()]
    assert [racer.returncode for racer in racers] == [0] * RACERS
    winners = {int(line.split()[0]): pid for pid, line in lines if " won" in line}
    assert Counter(line.split()[1] for _, line in lines) == {"won": RACES, "lost": RACES * (RACERS - 1)}
    assert len(winners) == RACES
    for _, line in lines:
        race, outcome, *_ = line.split()
        assert outcome == "won" or f"pid {winners[int(race)]} on {socket.gethostname()}" in line


@pytest.mark.timeout(900)
def test_readers_of_runs_that_are_written_see_no_error_and_no_count_that_falls(desk: Any) -> None:
    engine = {"type": "scripted", "script": {"seconds": SECONDS, "batch": 4}}
    for name in NAMES:
        desk.dataset(name, items=ITEMS, systems=("k", "m", name))
        desk.suite(suite=name, datasets=[{"id": name}], judges=[{**PAIR_JUDGE, "engine": engine}])
        desk.suite_file.rename(desk.folder / "suites" / f"{name}.yaml")
    processes = [desk.start("run", name, "--json") for name in NAMES]
    counts: dict[str, int] = {}
    reads, rounds, began = 0, 0, time.monotonic()
    while any(process.poll() is None for process in processes):
        for run in all_runs(desk.runs):
            count = _count(run)
            assert count >= counts.get(run.id, 0), run.id
            counts[run.id] = count
            reads += 1
        rounds += 1
        for run in all_runs(desk.runs) if rounds % 40 == 5 else ():
            results = Results(run)
            assert not coverage(results).empty
            leaderboard(results)
        time.sleep(0.01)
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(NAMES), outputs
    assert reads >= READS, (reads, time.monotonic() - began)
    runs = all_runs(desk.runs)
    assert len(runs) == len(NAMES)
    assert {_count(run) for run in runs} == {ITEMS * 3 * 2}
    assert not [finding for run in runs for finding in verify(run) if finding.problem]


def _count(run: Run) -> int:
    return int(Results(run).sql("SELECT count(*) AS n FROM judgments")["n"][0])
