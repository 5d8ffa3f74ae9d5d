"""One sample in full: its prompt, responses, judgments, labels and scores, and the prompt of a judgment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalhub.analysis.database.sql import parquet_files
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import UnknownNameError
from evalhub.store import PartKind

# All but what no reader looks at. To read the columns of every file takes most of the time.
_OF_JUDGMENTS = """
dataset, judge, criterion, item_id, system, system_a, system_b, sample, shown, "row", repeat, turn,
winner, value, p_a, expected, choice_mass, failure, detail, rationale, rationale_cut, raw_text,
model, rubric, rubric_hash, mode, completions"""
_OF_KEY = "WHERE key = $key"
_OF_ITEM = "dataset = $dataset AND item_id = $item_id"
_OF_SYSTEMS = """ AND sample = $sample
AND [name FOR name IN [system, system_a, system_b] IF name IS NOT NULL] = $systems::VARCHAR[]"""


def sample_details(
    results: Results,
    dataset: str,
    item_id: str,
    systems: Sequence[str] = (),
    sample: int = 0,
    *,
    judge: str | None = None,
) -> dict[str, Any]:
    """Return every record of one sample: of an item, and of the systems whose responses are judged.

    Args:
        results: The run.
        dataset: Id of the dataset.
        item_id: Id of the item.
        systems: One system, or both systems of a pair. None = everything about the item.
        sample: Number of the responses' sample.
        judge: The judge whose judgments are returned, which is quicker in a large run. None = of all judges.

    Returns:
        `item`, `responses` (of all systems), `judgments`, `labels` and `scores`, as plain values. The prompt
        of a judgment is read alone, by `judgment_prompt`.

    Raises:
        UnknownNameError: The run has no such item.
    """
    key: dict[str, Any] = {"dataset": dataset, "item_id": item_id}
    sample_key = {**key, "systems": list(systems), "sample": sample}
    parts = {}
    for kind in ("items", "responses", "labels", "scores"):
        is_narrow = bool(systems) and kind == "labels"
        query = f"SELECT * FROM {kind} WHERE {_OF_ITEM}{_OF_SYSTEMS if is_narrow else ''}"
        parts[kind] = rows_of(results.sql(query, sample_key if is_narrow else key))
    items = parts.pop("items")
    if not items:
        names = results.items(columns=["item_id"])["item_id"]
        raise UnknownNameError("item", item_id, names.head(1000))
    query = f"SELECT {_OF_JUDGMENTS} FROM {_judgments(results, dataset, judge)} WHERE {_OF_ITEM}"
    if systems:
        query, key = query + _OF_SYSTEMS, sample_key
    if judge is not None:
        query, key = f"{query} AND judge = $judge", {**key, "judge": judge}
    query += " ORDER BY judge, criterion, system, system_a, system_b, sample, shown, row, repeat"
    return {"item": items[0], **parts, "judgments": rows_of(results.sql(query, key))}


def _judgments(results: Results, dataset: str, judge: str | None) -> str:
    """Return the relation with a judge's judgments: of a large finished run, the files of one part."""
    files = []
    if judge is not None and results.run.finished and results.database.is_large:
        files = _files_of_judge(results, "judgments", dataset, judge)
    return f"{parquet_files(files)} AS judgments" if files else "judgments"


def judgment_prompt(results: Results, judgment: dict[str, Any]) -> list[dict[str, str]]:
    """Return the messages as sent for a judgment, in order. Nothing where it was recorded elsewhere.

    Args:
        results: The run.
        judgment: A row of judgments.
    """
    keys = list(judgment["completions"])
    if not keys:
        return []
    key = {"key": keys[-1]}
    files, rows = [], []
    if results.database.is_large:
        files = _files_of_judge(results, "completions", judgment["dataset"], judgment["judge"])
    if files:
        rows = rows_of(
            results.sql(f"SELECT messages FROM {parquet_files(files)} AS completions {_OF_KEY}", key)
        )
    # A completion that another part made is in the files of that part.
    rows = rows or rows_of(results.sql(f"SELECT messages FROM completions {_OF_KEY}", key))
    return list(json.loads(rows[0]["messages"])) if rows else []


def _files_of_judge(results: Results, kind: str, dataset: str, judge: str) -> list[Path]:
    """Return the files of the part in which a judge judged a dataset. A recorded judge has no such part."""
    key = PartKind.JUDGMENTS, dataset, judge
    folders = {
        part.folder for part in results.manifest.parts if (part.kind, part.dataset, part.source) == key
    }
    return [file.path for file in results.run.files(kind) if file.path.parent.name in folders]
