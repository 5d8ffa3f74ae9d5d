"""A real server of decision models as a judge: is every probability the server's own, and what does it lose?

The model has two megabytes and judges badly. What is measured is the wire: pairs in both orders, ratings on
five levels and checklists of the sample dataset, each probability held against the model in this process.
"""

from __future__ import annotations

import math
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from evalhub import runner
from evalhub.analysis import Results, biases, rows_of

ENGINE = "systemone"
LEVELS = """---
id: five-levels
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: How good the response is.}
scale: {1: useless, 2: poor, 3: fair, 4: good, 5: excellent}
---
## User
{{question}}
{{response}}
{{scale}}
"""


def main() -> None:
    """Serve the model, run the suite, and compare."""
    from sparrow_decider import Decider

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    command = [sys.executable, "-m", "sparrow_decider.cli", "serve", "--port", str(port)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/")
            start = time.monotonic()
            results = judge(Path(folder), f"http://127.0.0.1:{port}/v1")
            seconds = time.monotonic() - start
        finally:
            server.terminate()
        report(results, Decider.load(), seconds)


def wait_for(address: str) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(address)


def judge(folder: Path, address: str) -> Results:
    """Run a suite of three judges that ask the server."""
    (folder / "five-levels.md").write_text(LEVELS)
    common = {"model": "nano", "families": ["none"], "engine": {"type": ENGINE, "base_url": address}}
    suite = {
        "suite": "deciders",
        "datasets": ["quickstart"],
        "judges": [
            {
                "id": "pairs", "rubric": "helpfulness", "pairs": {"by": "all"},
                "label_criteria": {"helpfulness": "overall"}, **common,
            },
            {"id": "ratings", "rubric": str(folder / "five-levels.md"), **common},
            {"id": "checks", "rubric": "response-checklist", **common},
        ],
        "controls": {"cross_family": "allow"},
    }  # fmt: skip
    path = folder / "deciders.yaml"
    path.write_text(yaml.safe_dump(suite))
    return Results(runner.run(str(path), runner.Options(runs=folder / "runs")))


def report(results: Results, model: Any, seconds: float) -> None:
    """Print what was lost, and the largest difference of a stored probability from the model's own."""
    judgments = results.sql(
        "SELECT judge, count(*) AS n, count(failure) AS failed FROM judgments GROUP BY ALL"
    )
    for row in rows_of(judgments):
        print(f"{row['judge']}: {row['n']} judgments, {row['failed']} failed")
    completions = results.sql("SELECT DISTINCT messages, question, logprobs FROM completions")
    differences = [
        abs(math.exp(logprob) - own)
        for row in rows_of(completions)
        for logprob, own in zip(dict(row["logprobs"]).values(), own_probabilities(model, row), strict=True)
    ]
    print(f"{len(completions)} questions: the largest difference of a probability is {max(differences):.1e}")
    for row in rows_of(biases(results)):
        if row["bias"] in ("flips", "position") and row["statistic"] == "rate" and row["reading"] == "hard":
            print(f"pairs: {row['bias']} {row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]")
    print(f"{seconds:.1f} s")


def own_probabilities(model: Any, row: dict[str, Any]) -> list[float]:
    """Return what the model in this process says to the same question, rounded as its server rounds."""
    import json

    from evalhub.engines.decision_wires import SYSTEMONE
    from evalhub.records import Message, Question, QuestionKind, Request, RequestKind

    values = json.loads(row["question"])
    options = tuple((name, text) for name, text in values["options"])
    question = Question(QuestionKind(values["kind"]), values["text"], options)
    messages = tuple(Message(**message) for message in json.loads(row["messages"]))
    body = SYSTEMONE.body("nano", [Request(messages, kind=RequestKind.DECIDE, question=question)])
    answer = model.ask(body["state"], body["questions"])["0"]
    if "noul" in answer:
        return [answer["noul"], round(1 - answer["noul"], 12)]
    return list(answer["probabilities"].values())


if __name__ == "__main__":
    main()
