"""A large run on the scripted engine: its first night, a night in which nothing changed, and its reports.

Each item has two recorded responses, which every judge compares in both orders. Every command
runs in a process of its own. Its seconds and the peak memory of that process are printed, without those of
the engine.

    python benchmarks/scale.py [--judgments 100000] [--judges 2] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

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


def write_suite(folder: Path, judges: int) -> None:
    """Write the suite."""
    names = [f"judge{number}" for number in range(judges)]
    uses = [
        {"id": name, "rubric": "better", "model": name, "engine": "scripted", "families": [name],
         "pairs": {"by": "all"}}
        for name in names
    ]  # fmt: skip
    suite = {"suite": "scale", "datasets": ["large"], "judges": uses, "metrics": ["length"]}
    (folder / "suites").mkdir(exist_ok=True)
    (folder / "suites" / "scale.yaml").write_text(yaml.safe_dump(suite))


def run_command(folder: Path, *arguments: str) -> Cost:
    """Run a command in a folder, and return what it took."""
    peak = folder / "peak"
    environment = {**os.environ, "PEAK_FILE": str(peak), "PYTHONPATH": str(ROOT)}
    start_time = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start_time
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {process.stderr[-2000:]}")
    return Cost(seconds, int(peak.read_text()))


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
        first = run_command(folder, "run", "scale")
        print(f"  first night      {first}, {options.judgments / first.seconds:,.0f} judgments/s", flush=True)
        size = disk_bytes(folder / "runs")
        print(f"  on the disk      {size / 1e6:,.1f} MB", flush=True)
        print(f"  unchanged night  {run_command(folder, 'run', 'scale')}", flush=True)
        growth = disk_bytes(folder / "runs") - size
        print(f"  and on the disk  {growth / 1e6:,.2f} MB more", flush=True)
        for command in ("plan", "report", "leaderboard", "meta"):
            arguments = ("scale",) if command == "plan" else ()
            print(f"  {command:<16} {run_command(folder, command, *arguments)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
