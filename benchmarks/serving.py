"""A served judge under load: several clients ask without a pause, and every answer is looked at.

Serves a judge of a run as `evalhub serve` does, or asks one that is served already, with the pairs or the
responses of the run. Prints requests, errors, requests a second and quantiles of the latency. An answer is
an error if its status is not 200, or if its verdict or raw probability is not that of the first answer to
the same texts by more than `--tolerance`: batches of another shape move the numbers of a real model a little.

    python benchmarks/serving.py JUDGE [--run RUN] [--runs FOLDER] [--clients 8] [--seconds 60] [--url URL]
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from evalhub.records import Item, Response
from evalhub.store import Run, find_run, runs_root

MOST_QUESTIONS = 500
QUANTILES = (0.5, 0.9, 0.99, 1.0)


@dataclass
class Load:
    """What the clients have seen, all together.

    Attributes:
        seconds: The latency of each request.
        errors: What was wrong with some answers.
        first: The raw number of the first answer to each question.
    """

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    first: dict[int, float | None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def questions_of(run: Run, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return bodies for `/v1/judge`, made of the items and the responses of a run."""
    items = {(item.dataset, item.item_id): item for item in run.records("items") if isinstance(item, Item)}
    answers: dict[tuple[str, str], list[Response]] = {}
    for response in run.records("responses"):
        if isinstance(response, Response) and response.text is not None and response.sample == 0:
            answers.setdefault((response.dataset, response.item_id), []).append(response)
    criterion = next(iter(facts["criteria"]))
    bodies = []
    for key, responses in answers.items():
        item = items[key]
        body: dict[str, Any] = {"turns": list(item.turns), "criterion": criterion}
        body |= {"context": list(item.context)} if item.context else {}
        body |= {"reference": list(item.references)} if item.references else {}
        texts = [list(response.turns) or response.text for response in responses]
        if facts["judge"]["kind"] == "pointwise":
            bodies.append({**body, "response": texts[0]})
        elif len(texts) > 1:
            bodies.append({**body, "response_a": texts[0], "response_b": texts[1]})
    return bodies[:MOST_QUESTIONS]


def ask(
    address: tuple[str, int],
    bodies: list[dict[str, Any]],
    number: int,
    end_time: float,
    load: Load,
    tolerance: float,
) -> None:
    """Ask without a pause until the time is over."""
    connection = http.client.HTTPConnection(*address, timeout=600)
    place = number * 7
    while time.monotonic() < end_time:
        place = (place + 1) % len(bodies)
        data = json.dumps(bodies[place]).encode()
        start_time = time.monotonic()
        try:
            connection.request("POST", "/v1/judge", data, {"Content-Type": "application/json"})
            with connection.getresponse() as reply:
                status, answer = reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            status, answer = 0, {"error": f"{type(error).__name__}: {error}"}
            connection.close()
        seconds = time.monotonic() - start_time
        with load.lock:
            load.seconds.append(seconds)
            if status != 200:
                load.errors.append(f"{status}: {answer['error']}")
                continue
            numbers = answer.get("probability", answer.get("expected"))
            raw = load.first.setdefault(place, numbers["raw"])
            if (raw is None) != (numbers["raw"] is None) or abs(
                (raw or 0) - (numbers["raw"] or 0)
            ) > tolerance:
                load.errors.append(f"another answer to question {place}: {raw} and {numbers['raw']}")
    connection.close()


def measure(url: str, run: Run, clients: int, seconds: float, tolerance: float) -> int:
    """Print what some clients see. Return the number of errors."""
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request("GET", "/v1/judge")
    facts = json.loads(connection.getresponse().read())
    connection.close()
    bodies = questions_of(run, facts)
    load = Load()
    start_time = time.monotonic()
    threads = [
        threading.Thread(target=ask, args=(address, bodies, number, start_time + seconds, load, tolerance))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.monotonic() - start_time
    ordered = sorted(load.seconds)
    print(
        f"judge {facts['judge']['id']}, {len(bodies)} different questions, {clients} clients, {taken:.0f} s"
    )
    print(f"requests {len(ordered)}, errors {len(load.errors)}, {len(ordered) / taken:.1f} requests a second")
    quantiles = [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in QUANTILES]
    words = ", ".join(
        f"{share:.0%} {value * 1000:.0f} ms" for share, value in zip(QUANTILES, quantiles, strict=True)
    )
    print(f"latency: {words}, mean {statistics.fmean(ordered) * 1000:.0f} ms")
    for error in sorted(set(load.errors))[:10]:
        print(f"  {error}")
    return len(load.errors)


def main() -> None:
    """Measure a judge that is served here, or elsewhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("judge", metavar="JUDGE")
    parser.add_argument("--run")
    parser.add_argument("--runs")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tolerance", type=float, default=0.05)
    parser.add_argument("--url", help="a judge that is served already")
    options = parser.parse_args()
    run = find_run(options.run, runs_root(options.runs))
    if options.url:
        sys.exit(bool(measure(options.url, run, options.clients, options.seconds, options.tolerance)))
    command = [
        sys.executable,
        "-m",
        "evalhub",
        "serve",
        options.judge,
        "--run",
        str(run.path),
        "--port",
        "0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                sys.exit(process.wait())
            url = json.loads(line)["url"]
            errors = measure(url, run, options.clients, options.seconds, options.tolerance)
        finally:
            process.terminate()
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
