"""Which files of a part may hold an item, so that a sample of a large run opens few of many files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.analysis.database.facts import judged_folders, stored_facts
from evalhub.analysis.database.sql import text_list
from evalhub.store import Run, check_content, read_part, read_rows

if TYPE_CHECKING:
    import duckdb

_NAME = "item_ranges"


def store_item_ranges(run: Run) -> None:
    """Store the first and the last item of each file of judgments of a finished run, if they are not stored.

    Raises:
        StorageError: The disk is full or refuses, or a part is damaged.
        duckdb.Error: A file of judgments is damaged.
    """
    for folder in judged_folders(run):
        stored_facts(folder, {_NAME: _ranges_query})


def files_of_item(folder: Path, kind: str, item_id: str) -> list[Path]:
    """Return the files of one table of a part of judgments, of the shards that may hold an item.

    Args:
        folder: The part's folder.
        kind: The table: judgments, or completions that they rest on.
        item_id: Id of the item.

    Raises:
        StorageError: The disk is full or refuses, or the part is damaged.
        duckdb.Error: A file of judgments is damaged.
    """
    rows = read_rows(stored_facts(folder, {_NAME: _ranges_query})[_NAME])
    names = {row["name"] for row in rows if row["first"] <= item_id <= row["last"]}
    files = [
        file
        for shard in read_part(folder).shards
        if names & {file.name for file in shard.files}
        for file in shard.files
        if file.kind == kind
    ]
    for file in files:
        check_content(folder / file.name, file.sha256)
    return [folder / file.name for file in files]


def _ranges_query(database: duckdb.DuckDBPyConnection, judgments: list[Path]) -> str:
    del database
    files = text_list(list(map(str, judgments)))
    return f"""SELECT parse_filename(filename) AS name, min(item_id) AS first, max(item_id) AS last
    FROM read_parquet([{files}], filename = true) GROUP BY ALL ORDER BY ALL"""
