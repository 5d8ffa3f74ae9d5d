"""Times evalhub's ROUGE against rouge-score, pair by pair on one core, and shows that the values are equal.

Both start with their libraries loaded and no text seen. The second part finds the stems of the first.

Usage: python benchmarks/rouge.py
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rouge_score.rouge_scorer import RougeScorer

from evalhub.metrics import RougeSignature, Variant, score_many

ROWS, ALTERNATIVES, SEED = 800, 11, 7


class Rows(NamedTuple):
    """Candidates and, for each, its alternatives."""

    candidates: list[str]
    references: list[list[str]]


def read_rows() -> Rows:
    """Return the rows of SummEval, or synthetic ones of the same shape where no mirror is named."""
    mirror = os.environ.get("EVALHUB_MIRROR")
    files = sorted(Path(mirror, "summeval", "model_output_annotations").glob("*.jsonl")) if mirror else []
    if not files:
        print("EVALHUB_MIRROR names no folder with SummEval, so the texts are synthetic.")
        return synthetic_rows(random.Random(SEED))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return Rows([row["decoded"] for row in rows], [row["references"] for row in rows])


def synthetic_rows(draw: random.Random) -> Rows:
    """Return rows of made-up words, some with suffixes for the stemmer. Each reference serves eight rows."""
    syllables = [c + v for c in "bdfgklmnprst" for v in "aeiou"]
    vocabulary = [
        "".join(draw.choices(syllables, k=draw.randint(1, 3)))
        + draw.choice(["", "", "ing", "ed", "s", "ation"])
        for _ in range(3000)
    ]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]

    def text() -> str:
        sentences = (" ".join(draw.choices(vocabulary, weights, k=draw.randint(8, 24))) for _ in range(3))
        return " . ".join(sentences) + " ."

    items = [[text() for _ in range(ALTERNATIVES)] for _ in range(ROWS // 8)]
    return Rows([text() for _ in range(ROWS)], [items[row % len(items)] for row in range(ROWS)])


def split_lines(rows: Rows) -> Rows:
    """Return the same rows with each sentence on a line of its own."""
    return Rows(
        [text.replace(". ", ".\n") for text in rows.candidates],
        [[text.replace(". ", ".\n") for text in texts] for texts in rows.references],
    )


def time_peer(rows: Rows, variants: Sequence[Variant]) -> tuple[float, list[list[float]]]:
    """Return the seconds that rouge-score takes for every pair, and F per variant and pair."""
    names = [f"rouge{variant}" for variant in variants]
    scorer = RougeScorer(names, use_stemmer=True)
    start = time.perf_counter()
    scored = [
        scorer.score(text, candidate)
        for candidate, texts in zip(rows.candidates, rows.references, strict=True)
        for text in texts
    ]
    seconds = time.perf_counter() - start
    return seconds, [[scores[name].fmeasure for scores in scored] for name in names]


def time_ours(rows: Rows, variants: Sequence[Variant]) -> tuple[float, list[list[float | None]]]:
    """Return the seconds that evalhub takes for each row's mean, and F per pair, untimed."""
    signatures = [RougeSignature(variant) for variant in variants]
    start = time.perf_counter()
    score_many(rows.candidates, rows.references, signatures)
    seconds = time.perf_counter() - start
    pairs = list(zip(rows.candidates, rows.references, strict=True))
    candidates = [candidate for candidate, texts in pairs for _ in texts]
    columns = score_many(candidates, [[text] for _, texts in pairs for text in texts], signatures)
    return seconds, [list(column.values) for column in columns]


def compare(title: str, rows: Rows, variants: Sequence[Variant]) -> None:
    """Print both times, their ratio and the largest difference of any pair."""
    own_seconds, values = time_ours(rows, variants)
    peer, expected = time_peer(rows, variants)
    worst = max(
        abs(a - b) if a is not None else float("inf")
        for column, references in zip(values, expected, strict=True)
        for a, b in zip(column, references, strict=True)
    )
    print(
        f"{title}: {len(rows.candidates)} rows, {len(expected[0])} pairs; "
        f"rouge-score {peer:.2f} s, evalhub {own_seconds:.2f} s, {peer / own_seconds:.1f} times as fast; "
        f"largest difference of {len(expected) * len(expected[0])} values {worst:g}"
    )


def main() -> None:
    score_many(["loading"], [["libraries"]], [RougeSignature(Variant.ROUGE_L)])
    rows = read_rows()
    compare("ROUGE-1, -2, -L", rows, [Variant.ROUGE_1, Variant.ROUGE_2, Variant.ROUGE_L])
    compare("ROUGE-Lsum, a sentence per line", split_lines(rows), [Variant.ROUGE_LSUM])


if __name__ == "__main__":
    main()
