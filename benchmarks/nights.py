"""Many nights of one suite in one folder: what `runs`, `plan` and `compare` take, and the disk of a night.

python benchmarks/nights.py [--nights 365] [--judgments 400]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

from scale import disk_bytes, run_command, write_inputs

from evalhub.cli import app


def main() -> int:
    """Print the seconds of each command after the last night."""
    parser = argparse.ArgumentParser(description="Time commands over the runs of many nights.")
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--judgments", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, options.judgments // 4, 2)
        os.chdir(folder)
        run_command(folder, "run", "scale")
        size, start_time = disk_bytes(folder / "runs"), time.perf_counter()
        for _ in range(options.nights - 1):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                app(["run", "scale"], standalone_mode=False)
        seconds = (time.perf_counter() - start_time) / (options.nights - 1)
        growth = (disk_bytes(folder / "runs") - size) / (options.nights - 1)
        print(
            f"{options.nights} nights of {options.judgments} judgments, of which all but the first are equal"
        )
        print(f"  a night  {seconds:.2f} s, {growth / 1e3:.0f} kB")
        newest = sorted(path.name for path in (folder / "runs").iterdir())
        commands = {
            "runs": ("runs",), "plan": ("plan", "scale"), "compare": ("compare", newest[0], newest[-1]),
            "report": ("report",), "verify": ("verify",), "gc": ("gc", "--keep", "30", "--dry-run"),
        }  # fmt: skip
        for name, arguments in commands.items():
            print(f"  {name:<8} {run_command(folder, *arguments)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
