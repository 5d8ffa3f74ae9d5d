"""The tables of a run in an in-memory DuckDB, each read when a query first needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.cells import cells_query
from evalhub.analysis.database.facts import FACTS, store_facts
from evalhub.analysis.database.finite import refuse_not_finite
from evalhub.analysis.database.item_files import store_item_ranges
from evalhub.analysis.database.queries import check_query, tables_of
from evalhub.analysis.database.rules import rules_of
from evalhub.analysis.database.sql import parquet_files, quoted
from evalhub.errors import StorageError
from evalhub.records import KINDS, Record, kind_of
from evalhub.store import OpenParts, Run, SealedFile, to_arrow

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

ITEM = ("dataset", "item_id")

# From so many judgments on, the memory of records counts more than the time to read them again.
MANY = 100_000
# From so many judgments on, their facts are stored. Those of fewer are made in a few hundredths of a second.
STORED = 10_000
# The largest table holds all that engines read and wrote. Few queries need it, so it stays in its files.
_LARGEST = "completions"


class Database:
    """The records of a run, and its facts, as tables. A run that is being written is read as it is now.

    Args:
        run: The run.
        items: The items of the part that is read, each by its dataset and item_id. None = the full run.
        added_labels: Returns the labels that are stored outside of the run.
    """

    def __init__(
        self,
        run: Run,
        items: Iterable[tuple[str, str]] | None = None,
        added_labels: Callable[[], Sequence[Record]] = tuple,
    ) -> None:
        self._run = run
        self._items = items
        self._added_labels = added_labels
        self._tables: set[str] = set()
        self._lock = RLock()

    @cached_property
    def is_large(self) -> bool:
        """Whether the run has so many judgments that its records stay in their files."""
        return self._judgments >= MANY

    @cached_property
    def _judgments(self) -> int:
        """The number of judgments that are in files."""
        _, open_parts = self._snapshot
        return sum(file.rows for file in self._run.files("judgments", open_parts))

    @cached_property
    def _snapshot(self) -> tuple[dict[str, list[Record]], OpenParts]:
        """The records that are in no file yet, by table, and the parts that are not complete."""
        records, open_parts = self._run.snapshot()
        live: dict[str, list[Record]] = {kind: [] for kind in KINDS}
        for record in records:
            live[kind_of(record)].append(record)
        return live, open_parts

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """It cannot reach files outside the run's folder."""
        import duckdb
        import pyarrow as pa

        connection = duckdb.connect(":memory:")
        connection.execute("SET threads = 1")
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        if self._items is not None:
            keys = [dict(zip(ITEM, item, strict=True)) for item in self._items]
            schema = pa.schema([(name, pa.string()) for name in ITEM])
            connection.register("chosen", pa.Table.from_pylist(keys, schema))
            connection.execute("CREATE TABLE part AS FROM chosen")
            connection.unregister("chosen")
        connection.execute(f"SET allowed_directories = ['{quoted(self._run.path.resolve())}']")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection

    def read_tables(self, names: Iterable[str] = tuple(KINDS)) -> None:
        """Read tables now, and not when a query first needs them. StorageError where a file is damaged."""
        with self._lock:
            connection = self._connection
            for name in names:
                if name not in self._tables:
                    self._create(connection, name)

    def store_facts(self) -> None:
        """Store what makes a large finished run quick to read. Without room, nothing is stored."""
        import duckdb

        if self._run.finished and self.is_large:
            with suppress(StorageError, duckdb.Error):  # of a damaged file, the reader of its table tells
                store_facts(self._run)
                store_item_ranges(self._run)

    def add_table(self, name: str, rows: Callable[[], pa.Table]) -> None:
        """Add a table that queries may name, made of rows at its first use. Later calls change nothing."""
        with self._lock:
            if name not in self._tables:
                table = rows()
                self._connection.register("added", table)
                self._connection.execute(f"CREATE TABLE {name} AS FROM added")
                self._connection.unregister("added")
                self._tables.add(name)

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run a query that reads, and return its result.

        Raises:
            InputError: The query would write.
            duckdb.Error: DuckDB refuses it, or a file is damaged.
        """
        return self._cursor(query, parameters or {}).execute(query, parameters or {})

    def query_files(
        self, kind: str, files: Iterable[Path], query: str, parameters: dict[str, Any]
    ) -> duckdb.DuckDBPyConnection:
        """Run a query over the table `records` of some files of the run, and return its result.

        Args:
            kind: The table whose records the files hold. `records` has its columns, also those that old files
                lack.
            files: Sealed files.
            query: One SELECT.
            parameters: Values by name.

        Raises:
            duckdb.Error: DuckDB refuses it, or a file is damaged.
        """
        self.add_table(f"no_{kind}", lambda: to_arrow(kind, []))
        records = f"FROM no_{kind}"
        if paths := list(files):
            records = f"{records} UNION ALL BY NAME FROM {parquet_files(paths)}"
        return self._connection.cursor().execute(f"WITH records AS ({records}) {query}", parameters)

    def relation(self, query: str, parameters: dict[str, Any] | None = None) -> duckdb.DuckDBPyRelation:
        """Return a query whose rows are computed as they are read. The errors are those of `query`.

        With parameters, its rows are computed at once.
        """
        return self._cursor(query, parameters or {}).sql(query, params=parameters or None)

    def _cursor(self, query: str, parameters: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        self.read_tables(tables_of(query))
        cursor = self._connection.cursor()
        check_query(cursor, query, parameters)
        return cursor

    def _create(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        import duckdb

        try:
            if name in FACTS:
                self._create_facts(connection, name)
            elif name == "cells":
                self.read_tables(["items", *FACTS])
                connection.execute(f"CREATE VIEW cells AS {cells_query()}")
            else:
                self._create_records(connection, name)
        except duckdb.Error as error:
            raise StorageError(
                f"the {name.replace('_', ' ')} of the run cannot be read",
                where=str(self._run.path),
                value=str(error).split("\n")[0],
                fix="`evalhub verify` names the damaged files",
            ) from error
        self._tables.add(name)

    def _create_records(self, connection: duckdb.DuckDBPyConnection, kind: str) -> None:
        """Create a table of records: those of its files, and those that are in none yet."""
        live, open_parts = self._snapshot
        in_files = kind == _LARGEST or self.is_large
        # Live records come first, also if there are none: they name columns that old files lack.
        added = self._added_labels() if kind == "labels" else ()
        connection.register("live", to_arrow(kind, [*live[kind], *added]))
        if in_files:
            connection.execute(f"CREATE OR REPLACE TABLE live_{kind} AS FROM live")
        sealed_files = self._run.files(kind, open_parts)
        for file in sealed_files:
            file.check()
        rows = " UNION ALL BY NAME ".join(
            [f"FROM live_{kind}" if in_files else "FROM live", *_selects(sealed_files)]
        )
        key = ", ".join(KINDS[kind].KEY)
        if kind == _LARGEST and _has_doubles(connection, rows):
            # Parts share no key, except that two may need the same completion. The earliest counts, so that
            # the choice is the same in every run of the same parts.
            origin = f"coalesce(computed_in, '{self._run.manifest.run}')"
            rows = f"SELECT DISTINCT ON ({key}) * FROM ({rows}) ORDER BY {key}, {origin}"
        rows = self._of_part(rows, KINDS[kind].KEY)
        rows = rows if in_files else f"{rows} ORDER BY {key}"
        connection.execute(f"CREATE {'VIEW' if in_files else 'TABLE'} {kind} AS {rows}")
        connection.unregister("live")
        if not self.is_large:
            refuse_not_finite(connection, kind, kind, self._run.path)

    def _create_facts(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Create a table of facts: those that are stored, or those of the judgments as they are now."""
        if self._run.finished and (files := self._stored_facts(name)):
            rows = self._of_part(f"FROM {parquet_files(files)}", ITEM)
            connection.execute(f"CREATE {'VIEW' if self.is_large else 'TABLE'} {name} AS {rows}")
            return
        self.read_tables(["judgments"])
        query = FACTS[name](connection, "judgments", rules_of(self._run.manifest))
        connection.execute(f"CREATE TABLE {name} AS {query}")

    def _stored_facts(self, name: str) -> list[Any]:
        import duckdb

        if self._judgments < STORED and not self.is_large:
            return []
        try:
            return store_facts(self._run)[name]
        except (StorageError, duckdb.Error):  # without room, or of a damaged file, which the caller reports
            return []

    def _of_part(self, rows: str, key: Iterable[str]) -> str:
        """Return a query for the rows of the part's items, if only a part is read."""
        if self._items is None or not {*ITEM} <= {*key}:
            return f"SELECT * FROM ({rows})"
        return f"SELECT * FROM ({rows}) SEMI JOIN part USING ({', '.join(ITEM)})"


def _has_doubles(connection: duckdb.DuckDBPyConnection, completions: str) -> bool:
    """Return whether a completion is in two parts. To look takes less than to sort all in every query."""
    (count,) = connection.execute(f"SELECT count(*) - count(DISTINCT key) FROM ({completions})").fetchall()[0]
    return bool(count)


def _selects(files: Iterable[SealedFile]) -> Iterator[str]:
    """Yield a SELECT for the files of each run. Completions say which run computed them."""
    by_run: dict[str | None, list[SealedFile]] = {}
    for file in files:
        by_run.setdefault(file.computed_in if file.kind == _LARGEST else None, []).append(file)
    for run, of_run in by_run.items():
        origin = "" if run is None else f" REPLACE (coalesce(computed_in, '{run}') AS computed_in)"
        yield f"SELECT *{origin} FROM {parquet_files(file.path for file in of_run)}"
