"""Facts are made once for each part of a run that holds judgments, and stored in the part's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.analysis.database.finite import refuse_not_finite
from evalhub.analysis.database.pairs import create_pairs
from evalhub.analysis.database.ratings import create_criterion_ratings, create_ratings
from evalhub.analysis.database.rules import Rules, rules_of
from evalhub.analysis.database.sql import parquet_files, quoted
from evalhub.errors import StorageError
from evalhub.records import digest
from evalhub.store import FACTS_FOLDER, Run, StoredFile, check_content, find_frame, new_frame, read_part

if TYPE_CHECKING:
    import duckdb

CODE = 1
"""The version of the code that makes facts. A change of what a column holds raises it."""

Facts = Callable[["duckdb.DuckDBPyConnection", str, Rules], str]
Query = Callable[["duckdb.DuckDBPyConnection", list[Path]], str]
FACTS: Mapping[str, Facts] = {
    "pair_facts": create_pairs,
    "rating_facts": create_ratings,
    "criterion_facts": create_criterion_ratings,
}
"""The tables of facts, each with the function that returns its query."""


def store_facts(run: Run) -> dict[str, list[Path]]:
    """Return the files of each table of facts of a finished run. What is missing is made and stored.

    Raises:
        StorageError: The disk is full or refuses, or a part is damaged.
        duckdb.Error: A file of judgments is damaged.
    """
    rules = rules_of(run.manifest)
    queries = {name: partial(_query, facts, rules) for name, facts in FACTS.items()}
    by_folder = [stored_facts(folder, queries) for folder in judged_folders(run)]
    return {name: [paths[name] for paths in by_folder] for name in FACTS}


def _query(facts: Facts, rules: Rules, database: duckdb.DuckDBPyConnection, judgments: list[Path]) -> str:
    return facts(database, parquet_files(judgments), rules)


def stored_facts(folder: Path, queries: Mapping[str, Query]) -> dict[str, Path]:
    """Return the files of what is made of the judgments of a part. What is missing is made and stored.

    Args:
        folder: The part's folder.
        queries: By the name of what is made, the function that returns its query, from a database and the
            part's files of judgments.

    Raises:
        StorageError: The disk is full or refuses, or the part is damaged.
        duckdb.Error: A file of judgments is damaged.
    """
    frames = {name: _frame_name(folder, name) for name in queries}
    paths = _find(folder, frames)
    if missing := {frame: queries[name] for name, frame in frames.items() if name not in paths}:
        _make(folder, missing)
        paths |= _find(folder, {name: frame for name, frame in frames.items() if name not in paths})
    if len(paths) < len(queries):
        raise StorageError("the facts cannot be read", where=str(folder / FACTS_FOLDER))
    return paths


def _find(folder: Path, frames: Mapping[str, str]) -> dict[str, Path]:
    paths = {name: find_frame(folder / FACTS_FOLDER, frame) for name, frame in frames.items()}
    return {name: path for name, path in paths.items() if path}


def _make(folder: Path, queries: Mapping[str, Query]) -> None:
    """Store the rows of queries over the judgments of a part, each by the name of its file."""
    import duckdb

    judgments = []
    for file in _judgment_files(folder):
        check_content(folder / file.name, file.sha256)
        judgments.append(folder / file.name)
    with duckdb.connect() as database:
        refuse_not_finite(database, "judgments", parquet_files(judgments), folder)
        for name, query_of in queries.items():
            with new_frame(folder / FACTS_FOLDER, name) as frame:
                query = query_of(database, judgments)
                database.execute(f"COPY ({query}) TO '{quoted(frame)}' (FORMAT parquet, COMPRESSION zstd)")


def find_facts(run: Run) -> dict[str, list[Path]]:
    """Return the files of each table of facts that are stored. Nothing of a table that some part lacks."""
    tables = {}
    for name in FACTS:
        files = [
            find_frame(folder / FACTS_FOLDER, _frame_name(folder, name)) for folder in judged_folders(run)
        ]
        tables[name] = [file for file in files if file] if all(files) else []
    return tables


def judged_folders(run: Run) -> list[Path]:
    """Return the folders of the parts of a run that hold judgments.

    Raises:
        StorageError: The record of a part is damaged.
    """
    parts = [part for part in run.manifest.parts if part.rows.get("judgments")]
    for part in parts:
        run.part_record(part)
    return [run.part_folder(part) for part in parts]


def _frame_name(folder: Path, name: str) -> str:
    """Return the name of the facts of a part. It has the hash of what they are made of."""
    source = digest([file.sha256 for file in _judgment_files(folder)])[:16]
    return f"{name}-{CODE}-{source}"


def _judgment_files(folder: Path) -> list[StoredFile]:
    shards = read_part(folder).shards
    return [file for shard in shards for file in shard.files if file.kind == "judgments"]
