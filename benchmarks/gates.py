"""Simulated nights with gates, each a whole run of a suite and its baseline with answers that are drawn anew.

Kinds:
    quiet   no change, each night after the one before. Exit 1 in at most half of the error of the gate, and
            how often exit 3.
    loss    a loss of 5 points with 1,000 items and a paired standard deviation of .5, at both errors: how
            often exit 1 (at least 80% at .05).
    judge   the judge moved by 12 points, and the answers are drawn anew.
    system  the system lost 12 points, and the judge's engine changed without an effect.
    both    both at once. For these three: how often each interval of the split holds its truth (93 to 97%),
            and how often the sentence names the cause (at least 95%).

    python benchmarks/gates.py KIND [--nights 500] [--items 600] [--seed 0]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from evalhub.analysis import Results
from evalhub.gates import GateResult, evaluate_gates, exit_code
from evalhub.night import decide_gates
from evalhub.runner import Options, Silent, run
from evalhub.specs.gates import Gate
from evalhub.store import all_runs, set_tags

QUALITY, SHIFT, LOSS, REDRAWN = 0.6, 0.12, 0.05, 0.5
CAUSES = {"judge": "the judge", "system": "the system", "both": "both the judge and the system"}
RUBRIC = """---
id: pass
version: 1
protocol: pointwise
inputs: [question, response]
criteria: {quality: The answer is right.}
scale: {0: wrong, 1: right}
---
## System
You rate one answer.
## User
Question:
{{question}}
Levels:
{{scale}}
Answer:
{{response}}
"""


def judge(word: str) -> dict[str, Any]:
    """Return a judge that calls good what has a word."""
    rules = [{"match": word, "choice": "1"}, {"match": "answer", "choice": "0"}]
    engine = {"type": "scripted", "script": {"rules": rules}}
    return {"id": "judge", "rubric": "pass", "model": "scripted", "families": ["a"], "engine": engine}


class Desk:
    """A folder with a suite, whose dataset is written anew for each night.

    Args:
        folder: The folder.
        items: Number of items.
        gate: The suite's gate.
    """

    def __init__(self, folder: Path, items: int, gate: dict[str, Any]) -> None:
        self.folder, self.items, self.gate = folder, items, gate
        for name in ("judges", "datasets/samples/drawn", "suites"):
            (folder / name).mkdir(parents=True)
        (folder / "judges" / "pass.md").write_text(RUBRIC)

    def night(self, words: list[set[str]], draws: random.Random, use: dict[str, Any]) -> Results:
        """Run one night, apart from its gates.

        Args:
            words: For each item the words of its answer: the judge of a word calls an answer with it good.
            draws: Draws what else stands in an answer.
            use: The judge.
        """
        answers = self.folder / "datasets/samples/drawn/answers.jsonl"
        rows = [
            {
                "item_id": f"i{number:04}", "system": "bot", "family": "b",
                "text": f"answer {draws.random()} {' '.join(sorted(of_item))}",
            }
            for number, of_item in enumerate(words)
        ]  # fmt: skip
        answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
        columns = {"item_id": "VARCHAR", "system": "VARCHAR", "family": "VARCHAR", "text": "VARCHAR"}
        sha256 = hashlib.sha256(answers.read_bytes()).hexdigest()
        file = {"path": "answers.jsonl", "format": "jsonl", "columns": columns, "sha256": sha256}
        card = {
            "id": "drawn", "version": 1, "title": "Drawn", "licence": "none", "source": "drawn",
            "files": {"answers": file},
            "items": "SELECT item_id, 'Question ' || item_id AS prompt, item_id AS cluster FROM answers",
            "responses": "SELECT * EXCLUDE (file, line) FROM answers",
        }  # fmt: skip
        (self.folder / "datasets" / "drawn.yaml").write_text(yaml.safe_dump(card))
        suite = {"suite": "s", "datasets": ["drawn"], "judges": [use], "gates": [self.gate]}
        (self.folder / "suites" / "s.yaml").write_text(yaml.safe_dump(suite))
        return Results(run("s", self.options))

    @property
    def options(self) -> Options:
        """The folder of the runs."""
        return Options(runs=self.folder / "runs")


def draw_words(draws: random.Random, places: list[float], lost: float, moved: float) -> list[set[str]]:
    """Return the words of each item's answer. A place of an item is drawn anew with the chance `REDRAWN`.

    Args:
        draws: The draws.
        places: The place of each item, in [0, 1]. Changed in place.
        lost: The loss of the system, in points.
        moved: How much less the judge of the word `late` calls good, in points.
    """
    for number in range(len(places)):
        if draws.random() < REDRAWN:
            places[number] = draws.random()
    shares = {"early": QUALITY - lost, "late": QUALITY - lost - moved}
    return [{word for word, share in shares.items() if place < share} for place in places]


def simulate(kind: str, desk: Desk, seed: int) -> tuple[Results, list[GateResult]]:
    """Return one night of a kind after a night that is signed off, and its gates."""
    draws = random.Random(f"{kind} {seed}")
    shutil.rmtree(desk.folder / "runs", ignore_errors=True)
    moved = SHIFT if kind in ("judge", "both") else 0.0
    lost = {"system": SHIFT, "both": SHIFT, "loss": LOSS}.get(kind, 0.0)
    places = [draws.random() for _ in range(desk.items)]
    first = desk.night(draw_words(draws, places, 0.0, moved), draws, judge("early"))
    set_tags(first.run, ["baseline"])
    use = judge("late" if kind in CAUSES else "early")
    second = desk.night(draw_words(draws, places, lost, moved), draws, use)
    return second, decide_gates("s", second, desk.options, Silent())


def simulate_quiet(desk: Desk, nights: int, seed: int) -> Iterator[tuple[Results, list[GateResult]]]:
    """Yield nights without a change, each with its gates. The night before is signed off."""
    draws = random.Random(f"quiet {seed}")
    places = [draws.random() for _ in range(desk.items)]
    before = desk.night(draw_words(draws, places, 0.0, 0.0), draws, judge("early"))
    for _ in range(nights):
        set_tags(before.run, ["baseline"])
        night = desk.night(draw_words(draws, places, 0.0, 0.0), draws, judge("early"))
        yield night, decide_gates("s", night, desk.options, Silent())
        shutil.rmtree(before.run.path)
        before = night


def main() -> int:
    """Print what the nights of one kind ended with."""
    parser = argparse.ArgumentParser(description="Simulate nights with gates.")
    parser.add_argument("kind", choices=("quiet", "loss", *CAUSES))
    parser.add_argument("--nights", type=int, default=500)
    parser.add_argument("--items", type=int, default=600, help="losses have 1,000")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    items = 1000 if options.kind == "loss" else options.items
    gate: dict[str, Any] = {"system": "bot", "measure": "mean score", "margin": 0.1, "sd": 0.5}
    if options.kind == "loss":
        gate |= {"margin": LOSS, "error": 0.05}
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        desk = Desk(Path(temporary), items, gate)
        if options.kind == "quiet":
            nights = simulate_quiet(desk, options.nights, options.seed)
        else:
            seeds = range(options.seed, options.seed + options.nights)
            nights = (simulate(options.kind, desk, seed) for seed in seeds)
        for results, gates in nights:
            count(options.kind, results, gates, counts)
    print(options.kind, {name: f"{n} of {options.nights}" for name, n in sorted(counts.items())}, flush=True)
    return 0


def count(kind: str, results: Results, gates: list[GateResult], counts: Counter[str]) -> None:
    """Count what a night ended with."""
    counts[f"exit {exit_code(gates)}"] += 1
    (gate,) = gates
    if kind == "loss":
        baseline = next(run for run in all_runs(results.run.path.parent) if run.id == gate.against)
        strict = Gate(system="bot", measure="mean score", margin=0.05, error=0.005)
        (result,) = evaluate_gates(results, [strict], Results(baseline))
        counts[f"{result.state} at .005"] += 1
    if kind in CAUSES and gate.split is not None:
        counts["names the cause"] += gate.split.cause == CAUSES[kind]
        truths = {"judge": -SHIFT * (kind != "system"), "system": -SHIFT * (kind != "judge")}
        for name, truth in truths.items():
            part = getattr(gate.split, name)
            counts[f"{name} interval holds"] += (part.low or 0) <= truth <= (part.high or 0)


if __name__ == "__main__":
    sys.exit(main())
