"""One sample in full: its prompt, responses, judgments, labels and scores, and the prompt of a judgment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalhub.analysis.database.item_files import files_of_item
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import StorageError, UnknownNameError
from evalhub.store import PartKind

# All but what no reader looks at. To read the columns of every file takes most of the time.
_OF_JUDGMENTS = """
dataset, judge, criterion, item_id, system, system_a, system_b, sample, shown, "row", repeat, turn,
winner, value, p_a, expected, choice_mass, failure, detail, rationale, rationale_cut, raw_text,
model, rubric, rubric_hash, mode, completions, item_criterion"""
_ORDER = "judge, criterion, system, system_a, system_b, sample, shown, row, repeat, item_criterion"
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
    condition = f"WHERE {_OF_ITEM}{_OF_SYSTEMS if systems else ''}"
    judgments = _judgments(results, condition, sample_key if systems else key, judge)
    return {"item": items[0], **parts, "judgments": judgments}


def _judgments(
    results: Results, condition: str, key: dict[str, Any], judge: str | None
) -> list[dict[str, Any]]:
    """Return judgments of an item, of one judge or of all. Of a large finished run, few files are read."""
    files = None
    if judge is not None:
        condition, key = f"{condition} AND judge = $judge", {**key, "judge": judge}
        files = _files_of_item(results, "judgments", key["dataset"], key["item_id"], judge)
    query = f"SELECT {_OF_JUDGMENTS} FROM {{}} {condition} ORDER BY {_ORDER}"
    if files is not None:
        return rows_of(results.sql_of_files("judgments", files, query.format("records"), key))
    return rows_of(results.sql(query.format("judgments"), key))


def judgment_prompt(results: Results, judgment: dict[str, Any]) -> list[dict[str, str]]:
    """Return the messages as sent for a judgment, in order. Nothing where it was recorded elsewhere.

    Args:
        results: The run.
        judgment: A row of judgments.
    """
    keys = list(judgment["completions"])
    if not keys:
        return []
    key, rows = {"key": keys[-1]}, []
    names = judgment["dataset"], judgment["item_id"], judgment["judge"]
    if files := _files_of_item(results, "completions", *names):
        query = f"SELECT messages FROM records {_OF_KEY}"
        rows = rows_of(results.sql_of_files("completions", files, query, key))
    # A completion that another part made is in the files of that part.
    rows = rows or rows_of(results.sql(f"SELECT messages FROM completions {_OF_KEY}", key))
    return list(json.loads(rows[0]["messages"])) if rows else []


def _files_of_item(results: Results, kind: str, dataset: str, item_id: str, judge: str) -> list[Path] | None:
    """Return the files of a large finished run in which a judge's records of an item are, perhaps none.

    None where the table of the whole run has to be asked: of a small run or one that goes on, of a recorded
    judge, which has no part, and where the ranges of items cannot be made or stored.
    """
    import duckdb

    if not (results.run.finished and results.database.is_large):
        return None
    key = PartKind.JUDGMENTS, dataset, judge
    folders = [
        results.run.part_folder(part)
        for part in results.manifest.parts
        if (part.kind, part.dataset, part.source) == key
    ]
    if folders:
        # Of a damaged file, the reader of the whole table tells.
        with suppress(StorageError, duckdb.Error):
            return [file for folder in folders for file in files_of_item(folder, kind, item_id)]
    return None
