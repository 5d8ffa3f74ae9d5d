"""A large run on the scripted engine: its first night, a night in which nothing changed, and its reports.

Each item has two recorded responses, which every judge compares in both orders. Every command
runs in a process of its own. Its seconds and the peak memory of that process are printed, without those of
the engine. While the first night is judged, another process opens it once.

    python benchmarks/scale.py [--judgments 100000] [--judges 2] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from evalhub.errors import Inconclusive

ORDERS = 2
ROOT = Path(__file__).resolve().parent.parent
GIB = 1 << 30

RUBRIC = """---
id: better
version: 1
protocol: pairwise
inputs: [question, response_a, response_b]
criteria: {overall: The better answer.}
ties: false
---
## User
Question:
{{question}}
First response:
{{response_a}}
Second response:
{{response_b}}
"""

WORDS = ("time", "year", "people", "way", "day", "thing", "woman", "life", "child", "world", "school")

# Prints how the process of a command used memory, when it ends.
WATCHED = """
import atexit, json, os, resource, sys
from pathlib import Path
def tell():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(os.environ["PEAK_FILE"]).write_text(str(peak * 1024))
atexit.register(tell)
from evalhub.cli import main
sys.argv = ["evalhub", *sys.argv[1:]]
main()
"""


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    peak: int

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.peak / GIB:.2f} GiB"


def write_inputs(folder: Path, items: int, judges: int) -> None:
    """Write a dataset of so many items, a rubric and a suite of so many judges."""
    samples = folder / "datasets" / "samples" / "large"
    samples.mkdir(parents=True)
    draw = random.Random(0)
    questions, responses = samples / "items.jsonl", samples / "responses.jsonl"
    with questions.open("w") as asked, responses.open("w") as answered:
        for number in range(items):
            item_id = f"i{number:07}"
            print(json.dumps({"item_id": item_id, "prompt": " ".join(draw.choices(WORDS, k=20))}), file=asked)
            for system in ("long", "short"):
                text = " ".join(draw.choices(WORDS, k=40 if system == "long" else 20))
                print(json.dumps({"item_id": item_id, "system": system, "text": text}), file=answered)
    columns = {
        "items": {"item_id": "VARCHAR", "prompt": "VARCHAR"},
        "responses": {"item_id": "VARCHAR", "system": "VARCHAR", "text": "VARCHAR"},
    }
    card = {
        "id": "large", "version": 1, "title": "Large", "licence": "none", "source": "made here",
        "files": {
            table: {
                "path": f"{table}.jsonl", "format": "jsonl", "columns": columns[table],
                "sha256": hashlib.sha256((samples / f"{table}.jsonl").read_bytes()).hexdigest(),
            }
            for table in columns
        },
        "items": "SELECT item_id, prompt FROM items",
        "responses": "SELECT item_id, system, text, 'alpha' AS family FROM responses",
    }  # fmt: skip
    (folder / "datasets" / "large.yaml").write_text(yaml.safe_dump(card))
    (folder / "judges").mkdir()
    (folder / "judges" / "better.md").write_text(RUBRIC)
    write_suite(folder, judges)


def write_suite(folder: Path, judges: int, gates: Sequence[dict[str, Any]] = ()) -> None:
    """Write the suite."""
    names = [f"judge{number}" for number in range(judges)]
    uses = [
        {"id": name, "rubric": "better", "model": name, "engine": "scripted", "families": [name],
         "pairs": {"by": "all"}}
        for name in names
    ]  # fmt: skip
    suite = {
        "suite": "scale",
        "datasets": ["large"],
        "judges": uses,
        "metrics": ["length"],
        "gates": [*gates],
    }
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "suites" / "scale.yaml").write_text(yaml.safe_dump(suite))


def twelve_gates() -> list[dict[str, Any]]:
    """Return gates on both systems by two judges, on coverage and on the order."""
    judges = ("judge0", "judge1")
    return [
        *(
            {"system": system, "measure": measure, "rater": judge, "margin": 0.05, "family": judge}
            for system in ("long", "short")
            for measure in ("win rate", "win rate (soft)")
            for judge in judges
        ),
        *({"judge": judge, "coverage": 0.9} for judge in judges),
        *({"judge": judge, "flips": 0.9} for judge in judges),
    ]


# Opens the newest run and counts its judgments, while it may be written.
READER = """
import time
start_time = time.perf_counter()
import evalhub
results = evalhub.load()
count = results.sql("SELECT count(*) AS n FROM judgments")["n"][0]
print(f"{count:,} judgments in {time.perf_counter() - start_time:.2f} s")
"""

# Makes the facts of a run whose facts are not stored.
FACTS = """
import atexit, os, resource
from pathlib import Path
import evalhub
from evalhub.analysis.database.facts import store_facts
atexit.register(lambda: Path(os.environ["PEAK_FILE"]).write_text(
    str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)))
store_facts(evalhub.load().run)
"""


def start_python(folder: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program in Python in a folder."""
    environment = {**os.environ, "PEAK_FILE": str(folder / "peak"), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(folder: Path, process: subprocess.Popen[str], start_time: float, code: int = 0) -> Cost:
    """Wait for a program that ends with a code, and return what it took."""
    _, errors = process.communicate()
    seconds = time.perf_counter() - start_time
    if process.returncode != code:
        raise SystemExit(f"{process.args}: {errors[-2000:]}")
    return Cost(seconds, int((folder / "peak").read_text()))


def run_command(folder: Path, *arguments: str, code: int = 0) -> Cost:
    """Run a command in a folder, and return what it took. It ends with a code."""
    start_time = time.perf_counter()
    return finish(folder, start_python(folder, WATCHED, *arguments), start_time, code)


def run_first_night(folder: Path, judgments: int) -> Cost:
    """Run the suite, and print how fast it judges and what memory that takes."""
    start_time = time.perf_counter()
    process = start_python(folder, WATCHED, "run", "scale")
    times: list[tuple[float, int]] = []
    peak, reader = 0, None
    while process.poll() is None:
        time.sleep(0.2)
        counts = read_progress(folder)
        if counts.get("stage") == "judgments":
            times.append((time.perf_counter(), counts["steps"]))
            peak = max(peak, memory_of(process.pid))
            if reader is None and counts["steps"] >= judgments // 4:
                reader = start_python(folder, READER)
    cost = finish(folder, process, start_time)
    tenth = judgments // 10
    begin, end = times[0][0], times[-1][0]
    first, last = (next(at for at, steps in times if steps >= count) for count in (tenth, judgments - tenth))
    print(f"  before judging   {begin - start_time:.1f} s")
    print(f"  judging          {judgments / (end - begin):,.0f} judgments/s, {peak / GIB:.2f} GiB")
    print(f"    first tenth    {tenth / (first - begin):,.0f} judgments/s")
    print(f"    last tenth     {tenth / (end - last):,.0f} judgments/s")
    if reader is not None:
        print(f"  opened meanwhile {reader.communicate()[0].strip()}")
    return cost


def read_progress(folder: Path) -> dict[str, Any]:
    """Return how far the newest run is, if it is being written."""
    for path in sorted(folder.glob("runs/*/progress.json"))[-1:]:
        with suppress(OSError, ValueError):
            return dict(json.loads(path.read_text()))
    return {}


def memory_of(process: int) -> int:
    """Return the resident memory of a process in bytes. 0 where the system does not say."""
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def make_tables_again(folder: Path) -> None:
    """Print what facts and tables take, each made anew."""
    for path in [*folder.glob("runs/*/parts/*/facts"), *folder.glob("runs/*/tables")]:
        shutil.rmtree(path)
    start_time = time.perf_counter()
    print(f"  facts            {finish(folder, start_python(folder, FACTS), start_time)}", flush=True)
    print(f"  all tables       {run_command(folder, 'index')}", flush=True)


def disk_bytes(folder: Path) -> int:
    """Return the bytes of all files of a folder. A file of several names counts once."""
    files = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(files.values())


def main() -> int:
    """Print what each command takes."""
    parser = argparse.ArgumentParser(description="Time a large run on the scripted engine.")
    parser.add_argument("--judgments", type=int, default=100_000)
    parser.add_argument("--judges", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="Folder for the inputs and the runs, which stay there.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        if not (folder / "suites").exists():
            write_inputs(folder, options.judgments // (ORDERS * options.judges), options.judges)
        print(f"{options.judgments:,} judgments of {options.judges} judges")
        print(f"  first night      {run_first_night(folder, options.judgments)}", flush=True)
        size = disk_bytes(folder / "runs")
        print(f"  on the disk      {size / 1e6:,.1f} MB", flush=True)
        print(f"  unchanged night  {run_command(folder, 'run', 'scale')}", flush=True)
        growth = disk_bytes(folder / "runs") - size
        print(f"  and on the disk  {growth / 1e6:,.2f} MB more", flush=True)
        write_suite(folder, options.judges, twelve_gates())
        run_command(folder, "run", "scale", code=Inconclusive.exit_code)
        run_command(folder, "baseline", "set", "scale")
        print(f"  with 12 gates    {run_command(folder, 'run', 'scale')}", flush=True)
        make_tables_again(folder)
        for command in ("report", "report", "plan", "leaderboard", "meta"):
            arguments = ("scale",) if command == "plan" else ()
            print(f"  {command:<16} {run_command(folder, command, *arguments)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
