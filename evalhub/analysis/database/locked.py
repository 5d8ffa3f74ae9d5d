"""The tables of a run for queries of any origin: they reach the files of these tables and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.connection import Database
from evalhub.analysis.database.facts import find_facts
from evalhub.analysis.database.sql import text_list
from evalhub.records import KINDS, Record
from evalhub.sandbox.child import connect, lock
from evalhub.store import Run

if TYPE_CHECKING:
    import duckdb


class LockedDatabase(Database):
    """A database that writes nothing, loads no extension, and opens the Parquet files of its run alone.

    Args:
        run: The run.
        added_labels: As in `Database`.
        memory: Memory that the process may take, in bytes. DuckDB gets three quarters of it.
    """

    def __init__(self, run: Run, added_labels: Callable[[], Sequence[Record]], *, memory: int) -> None:
        super().__init__(run, added_labels=added_labels)
        self._memory = memory

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """Files are allowed by name: a query cannot read the manifest, a journal or a link of the folder."""
        connection: duckdb.DuckDBPyConnection = connect(self._memory * 3 // 2)  # of which it takes half
        connection.execute(f"SET allowed_paths = [{text_list(set(self._files()))}]")
        lock(connection)
        return connection

    def _files(self) -> Iterator[str]:
        """Yield the files of the tables. A link that leads out of the run's folder is none of them."""
        _, open_parts = self._snapshot
        paths = [file.path for kind in KINDS for file in self._run.files(kind, open_parts)]
        paths += [path for files in self._facts.values() for path in files]
        folder = self._run.path.resolve()
        for path in (path.resolve() for path in paths):
            if path.is_relative_to(folder):
                yield str(path)

    @cached_property
    def _facts(self) -> dict[str, list[Path]]:
        return find_facts(self._run) if self._run.finished else {}

    def _stored_facts(self, name: str) -> list[Any]:
        """Return the stored facts. Where they are not stored, this database makes them, and stores none."""
        return self._facts[name]
