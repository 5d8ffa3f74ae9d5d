"""Contamination: whether a model may have seen a dataset, and whether a rubric contains its items."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results

if TYPE_CHECKING:
    import pandas as pd

# The length of a shared run of words that counts as an overlap.
# Source: Brown et al., Language Models are Few-Shot Learners, 2020, appendix C.
OVERLAP_WORDS = 13


def contamination(results: Results) -> pd.DataFrame:
    """Return for each dataset and model of the run whether the model may have seen the dataset in training.

    Columns: dataset, released (YYYY-MM), used_by (a judge or candidate), cutoff (date of its training data,
    or of its release if only that is known), flag (`may have been seen`, `released later`, `unknown`),
    overlap (number of items that share 13 words in a row with the judge's rubric, None for a candidate),
    items.
    """
    import pandas as pd

    columns = ["dataset", "released", "used_by", "cutoff", "flag", "overlap", "items"]
    return pd.DataFrame(list(_rows(results)), columns=columns)


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    items = results.sql(
        "SELECT dataset, item_id, array_to_string("
        "if(len(messages) > 0, list_transform(messages, lambda message: message[2]), turns), ' ') AS asked "
        "FROM items ORDER BY ALL"
    )
    models = results.manifest.resolved.models
    for dataset, card in results.cards.items():
        texts = items[items["dataset"] == dataset]["asked"].tolist()
        count_overlaps = cache(partial(_count_overlaps, texts))
        for name, model in models.items():
            released, cutoff = card.released, model.cutoff
            rubric_text = _rubric_text(results, name)
            overlap = None if rubric_text is None else count_overlaps(rubric_text)
            yield {
                "dataset": dataset, "released": released, "used_by": name, "cutoff": cutoff,
                "flag": _flag(released, cutoff), "overlap": overlap,
                "items": len(texts),
            }  # fmt: skip


def _flag(released: str | None, cutoff: str | None) -> str:
    if not released or not cutoff:
        return "unknown"
    return "may have been seen" if released[:7] <= cutoff[:7] else "released later"


def _rubric_text(results: Results, judge: str) -> str | None:
    """Return all texts of a judge's rubric. None for a candidate."""
    rubric = results.rubric(judge)
    return None if rubric is None else "\n".join([rubric.system, rubric.user, *rubric.criteria.values()])


def _count_overlaps(texts: list[str], rubric_text: str) -> int:
    """Count the items that share a run of words with a rubric."""
    in_rubric = _word_runs(rubric_text)
    return sum(not in_rubric.isdisjoint(_word_runs(text)) for text in texts) if in_rubric else 0


def _word_runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + OVERLAP_WORDS]) for i in range(len(words) - OVERLAP_WORDS + 1)}
