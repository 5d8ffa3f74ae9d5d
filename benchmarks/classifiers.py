"""A classifier of two tokens beside the direct judge of the same model: are their log-odds equal?

vLLM's pooling runner takes the difference of two rows of the output matrix as a classifier. The direct judge
reads the probabilities of the same two tokens. Both see the same 200 prompts: 100 pairs in both orders.

    python benchmarks/classifiers.py [--model qwen2.5-coder-0.5b-instruct] [--items 34]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from evalhub import runner
from evalhub.analysis import Results, rows_of

PROMPTS = 200
TWO_TOKENS = {"type": "pooling", "classifier_from_token": ["B", "A"]}


def main() -> None:
    """Run both judges, and print how far they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--items", type=int, default=34)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = judge(Path(folder), arguments.model, arguments.items)
        direct, two_tokens = (log_odds(results, name) for name in ("direct", "two-tokens"))
        keys = sorted(direct)[:PROMPTS]
        first, second = (np.array([odds[key] for key in keys]) for odds in (direct, two_tokens))
        difference = np.abs(first - second)
        print(f"{arguments.model}: {len(keys)} prompts, log-odds from {first.min():.2f} to {first.max():.2f}")
        print(f"difference: mean {difference.mean():.4f}, largest {difference.max():.4f}")
        print(f"correlation {np.corrcoef(first, second)[0, 1]:.6f}")
        print(f"the same side in {np.mean((first > 0) == (second > 0)):.3f} of prompts")
        for engine in results.manifest.engines:
            seconds = engine["seconds_busy"]
            print(f"{engine['engine']}: {engine['prompt_tokens']} tokens in {seconds:.0f} s")


def judge(folder: Path, model: str, items: int) -> Results:
    """Run a suite of the direct judge and the classifier."""
    common: dict[str, Any] = {
        "rubric": "helpfulness", "model": model, "pairs": {"by": "all"},
        "label_criteria": {"helpfulness": "overall"},
    }  # fmt: skip
    suite = {
        "suite": "classifiers",
        "datasets": [{"id": "quickstart", "limit": items}],
        "judges": [
            {"id": "direct", **common},
            {
                "id": "two-tokens",
                "engine": TWO_TOKENS,
                **common,
            },
        ],
        "controls": {"cross_family": "allow", "min_choice_mass": 0},
    }
    path = folder / "classifiers.yaml"
    path.write_text(yaml.safe_dump(suite))
    return Results(runner.run(str(path), runner.Options(runs=folder / "runs")))


def log_odds(results: Results, judge_id: str) -> dict[tuple[Any, ...], float]:
    """Return the log-odds of each judgment that a is better."""
    query = (
        "SELECT item_id, system_a, system_b, shown, logprobs['a'] - logprobs['b'] AS odds "
        f"FROM judgments WHERE judge = '{judge_id}' AND failure IS NULL"
    )
    return {
        (row["item_id"], row["system_a"], row["system_b"], row["shown"]): float(row["odds"])
        for row in rows_of(results.sql(query))
    }


if __name__ == "__main__":
    main()
