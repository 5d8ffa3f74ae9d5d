"""Several engines side by side against one: on the scripted engine, and on a real model with the same cores.

python benchmarks/replicas.py [--requests 300]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from evalhub.engines import complete, open_engine
from evalhub.models import resolve
from evalhub.records import Message, Request, Sampling
from evalhub.specs import EngineSpec

MODEL = "smollm2-135m-instruct"


def requests(count: int, words: int) -> list[tuple[str, Request]]:
    """Return requests of which two that follow each other share most of their prompt."""
    return [
        (
            f"k{number}",
            Request(
                (
                    Message(
                        "user", f"Story {number // 2}. " + "tell me more " * words + f"Part {number % 2}."
                    ),
                ),
                sampling=Sampling(max_tokens=8),
            ),
        )
        for number in range(count)
    ]


def seconds_of(spec: EngineSpec, keyed: list[tuple[str, Request]], model: object = None) -> float:
    """Return the seconds in which an engine answers all requests, without its start."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(spec, model, name="pseudo", log_folder=Path(folder)) as engine,
    ):
        start_time = time.monotonic()
        answered = sum(completion.failure is None for completion in complete(engine, keyed))
        if answered != len(keyed):
            raise SystemExit(f"{len(keyed) - answered} of {len(keyed)} requests failed")
        return time.monotonic() - start_time


def print_speed(what: str, replicas: int, seconds: float, one: float) -> None:
    """Print the time of several engines, and how many times as fast as one they are."""
    print(f"{what}, {replicas} side by side: {seconds:.2f} s, {one / seconds:.2f}x", flush=True)


def main() -> int:
    """Print the times, and how many times as fast several engines are."""
    parser = argparse.ArgumentParser(description="Time several engines side by side.")
    parser.add_argument("--requests", type=int, default=300, help="For the real model.")
    options = parser.parse_args()
    script = {"seconds": 0.005, "batch": 1}
    one = 0.0
    for replicas in (1, 2, 4):
        spec = EngineSpec(type="scripted", script=script, replicas=replicas)
        seconds = seconds_of(spec, requests(2000, words=1))
        one = one or seconds
        print(
            f"scripted, 5 ms a request, {replicas} side by side: {seconds:.2f} s, {one / seconds:.2f}x",
            flush=True,
        )
    model, one = resolve(MODEL), 0.0
    for replicas in (1, 2):
        spec = EngineSpec(kv_cache_gib=1, replicas=replicas)
        seconds = seconds_of(spec, requests(options.requests, words=60), model)
        one = one or seconds
        print(
            f"{MODEL}, the same cores, {replicas} side by side: {seconds:.2f} s, {one / seconds:.2f}x",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
