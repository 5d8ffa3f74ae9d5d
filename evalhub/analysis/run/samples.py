"""One item in full: its prompt, responses, judgments with the prompts that judges saw, labels and scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


def item_list(results: Results) -> pd.DataFrame:
    """Return the items with their first words: dataset, item_id, tags, lang, prompt."""
    return results.sql(
        "SELECT dataset, item_id, list_aggregate(tags, 'string_agg', ', ') AS tags, lang, "
        "left(turns[1], 120) AS prompt FROM items ORDER BY dataset, item_id"
    )


def item_details(results: Results, dataset: str, item_id: str) -> dict[str, Any]:
    """Return every record of one item.

    Args:
        results: The run.
        dataset: Id of the dataset.
        item_id: Id of the item.

    Returns:
        `item`, `responses`, `judgments` (each with `prompt`: the messages as sent, in order),
        `labels` and `scores`, as plain values.

    Raises:
        UnknownNameError: The run has no such item.
    """
    key = {"dataset": dataset, "item_id": item_id}
    parts = {
        kind: rows_of(
            results.sql(f"SELECT * FROM {kind} WHERE dataset = $dataset AND item_id = $item_id", key)
        )
        for kind in ("items", "responses", "judgments", "labels", "scores")
    }
    items = parts.pop("items")
    if not items:
        raise UnknownNameError("item", item_id, item_list(results)["item_id"])
    prompts = _prompts(results, [key for judgment in parts["judgments"] for key in judgment["completions"]])
    for judgment in parts["judgments"]:
        keys = list(judgment["completions"])
        judgment["prompt"] = prompts.get(keys[-1], []) if keys else []
    return {"item": items[0], **parts}


def _prompts(results: Results, keys: list[str]) -> dict[str, list[dict[str, str]]]:
    frame = results.sql(
        "SELECT key, messages FROM completions WHERE list_contains($keys::VARCHAR[], key)", {"keys": keys}
    )
    return {key: json.loads(text) for key, text in zip(frame["key"], frame["messages"], strict=True)}
