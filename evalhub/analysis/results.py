"""A run's records as pandas frames and by SQL, read with an in-memory DuckDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evalhub.errors import InputError, StorageError
from evalhub.records import KINDS, Label, key_of, kind_of
from evalhub.specs import CardFacts, RecordedJudge, Rubric, Suite
from evalhub.store import (
    AttackFacts,
    JudgeFacts,
    JuryFacts,
    Manifest,
    OpenParts,
    Run,
    SealedFile,
    to_arrow,
    verify,
)

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

# In SQL: judgments without a measurement. That a criterion does not apply is a measurement.
FAILED = "failure <> 'not_applicable'"
NOT_APPLICABLE = "failure = 'not_applicable'"

_ITEM = ["dataset", "item_id"]
# The largest table holds all that engines read and wrote. Few queries need it, so it stays in its files.
_LARGEST = "completions"
# From so many judgments on, the memory of texts counts more than the time.
_MANY = 100_000
_CATALOG = re.compile(r"information_schema|duckdb_|pg_|\bshow\b", re.IGNORECASE)
_VERIFY = "run `evalhub verify` on the run"


def cached_table(table: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Compute a table once per run, because several other tables are made of it. Each caller gets a copy.

    A part of a run takes the rows of its items from the full run's table. So a jury, a weight or a length
    penalty is the same in the part as in the full run. A table that is not about items is computed anew.
    """

    @wraps(table)
    def cached(results: Results, **options: Any) -> pd.DataFrame:
        key = (table.__name__, *sorted(options.items()))
        if key not in results.table_cache:
            full = None if results.full_run is None else cached(results.full_run, **options)
            with results.choose_text_storage():
                results.table_cache[key] = (
                    table(results, **options)
                    if full is None or not {*_ITEM} <= {*full.columns}
                    else full.merge(results.part_items, on=_ITEM)
                )
        return results.table_cache[key].copy(deep=False)

    return cached


class Results:
    """The records of a run. Each table is a pandas frame with one row per record.

    Args:
        run: The run to read. Of a run that is still being written, the records so far are read.
        full_run: The full run, where only a part of it is read.
        items: The dataset and item_id of each item of the part.
    """

    def __init__(
        self, run: Run, *, full_run: Results | None = None, items: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.run = run
        self.full_run = full_run
        self.table_cache: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._items = sorted(items)
        self._tables: set[str] = set()
        self._open_parts: OpenParts = {}
        self._lock = RLock()

    def select(self, items: Iterable[tuple[str, str]]) -> Results:
        """Return the part of the run that is about some items, each given by its dataset and item_id."""
        return Results(self.run, full_run=self.full_run or self, items=items)

    @cached_property
    def part_items(self) -> pd.DataFrame:
        """The dataset and item_id of each item of the part."""
        import pandas as pd

        return pd.DataFrame(self._items, columns=_ITEM)

    def choose_text_storage(self) -> AbstractContextManager[None]:
        """Hold texts of new frames as Python's in a small run, which is a fifth faster, and else in Arrow."""
        import pandas as pd

        judgments = self.run.count("judgments")
        return pd.option_context("mode.string_storage", "python" if judgments < _MANY else "pyarrow")

    @property
    def manifest(self) -> Manifest:
        """The run's manifest: the resolved suite, and the models, engines and versions that were used."""
        return self.run.manifest

    @property
    def cards(self) -> dict[str, CardFacts]:
        """What the card of each dataset of the run says, by the dataset's id."""
        return self.manifest.cards

    @property
    def suite(self) -> Suite:
        """The resolved suite of the run."""
        return self.manifest.resolved.suite

    @property
    def judges(self) -> dict[str, JudgeFacts]:
        """The facts of each judge that the run executed, by the judge's id. Recorded judges are not here."""
        return self.manifest.judges

    @property
    def juries(self) -> tuple[JuryFacts, ...]:
        """The facts of each jury of the run."""
        return self.manifest.juries

    @property
    def length_penalty(self) -> float:
        """The strength of the suite's length penalty. 0 = no penalty."""
        return self.suite.controls.length_penalty

    @property
    def is_attack(self) -> bool:
        """Whether the run attacks judges. The systems of such a run are made up and are not ranked."""
        return self.manifest.attack is not None

    @property
    def attack(self) -> AttackFacts:
        """The attacks of a run of attacks. There are none in any other run."""
        return self.manifest.attack or AttackFacts(criterion="")

    @property
    def ranked_datasets(self) -> list[str]:
        """The datasets whose systems can be ranked: not anonymous, and none in a run of attacks."""
        if self.is_attack:
            return []
        return [dataset for dataset, card in self.cards.items() if not card.anonymous]

    def recorded_judge(self, dataset: str, judge: str) -> RecordedJudge:
        """Return what a dataset's card says of a recorded judge. The defaults where it says nothing."""
        card = self.cards.get(dataset)
        return (card.judges.get(judge) if card else None) or RecordedJudge()

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB with the tables that queries needed so far. A run being written is read whole.

        It cannot reach files outside the run's folder.
        """
        import duckdb

        database = duckdb.connect(":memory:")
        database.execute("SET threads = 1")
        database.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        database.execute("CREATE TABLE part (dataset VARCHAR, item_id VARCHAR)")
        if self._items:
            database.executemany("INSERT INTO part VALUES (?, ?)", self._items)
        live: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        records, self._open_parts = self.run.snapshot()
        for record in records:
            live[kind_of(record)].append(record)
        if any(live.values()):
            for kind in KINDS:
                self._read_table(database, kind, live[kind])
        database.execute(f"SET allowed_directories = ['{_quoted(self.run.path.resolve())}']")
        database.execute("SET enable_external_access = false; SET lock_configuration = true")
        return database

    def read_tables(self, kinds: Iterable[str] = tuple(KINDS)) -> None:
        """Read tables now, and not when a query first needs them. StorageError where a file is damaged."""
        with self._lock:
            database = self._database
            for kind in kinds:
                if kind not in self._tables:
                    self._read_table(database, kind, [])

    def _read_table(self, database: duckdb.DuckDBPyConnection, kind: str, live: list[Any]) -> None:
        """Read one table: its files, and the records that are in none yet."""
        import duckdb

        cls = KINDS[kind]
        of_part = self.full_run is not None and {*_ITEM} <= {*cls.KEY}
        # Live records come first, also if there are none: they name columns that old files lack.
        database.register("live", to_arrow(kind, live))
        if kind == _LARGEST:
            database.execute(f"CREATE TABLE live_{kind} AS FROM live")
        live_table = f"live_{kind}" if kind == _LARGEST else "live"
        sealed_files = self.run.files(kind, self._open_parts)
        key = ", ".join(cls.KEY)
        # Parts share no key, except that two may need the same completion. The one computed here comes first.
        distinct = f"DISTINCT ON ({key}) " if kind == _LARGEST and len(sealed_files) + bool(live) > 1 else ""
        order = f"{key}, computed_in NULLS FIRST" if kind == _LARGEST else key
        try:
            database.execute(
                f"CREATE {'VIEW' if kind == _LARGEST else 'TABLE'} {kind} AS SELECT {distinct}* "
                f"FROM ({' UNION ALL BY NAME '.join([f'FROM {live_table}', *_selects(sealed_files)])}) "
                f"{'SEMI JOIN part USING (dataset, item_id) ' if of_part else ''}ORDER BY {order}"
            )
        except duckdb.Error as error:
            raise StorageError(
                f"the {kind} of the run cannot be read",
                where=str(self.run.path),
                value=str(error).split("\n")[0],
                fix="`evalhub verify` names the damaged files",
            ) from error
        database.unregister("live")
        self._tables.add(kind)

    def sql(self, query: str, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
        """Run a query over the tables items, responses, judgments, labels, scores and completions.

        Args:
            query: One SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW in DuckDB's SQL. It may read but not write.
                `$name` stands for a parameter.
            parameters: Values by name.

        Raises:
            InputError: DuckDB refuses the query, or it would write.
            StorageError: A file of the run is corrupt.
        """
        import duckdb

        with self._translated_errors():
            self.read_tables(_tables_of(query))
            cursor = self._database.cursor()
            statements = cursor.extract_statements(query)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise _not_a_query(", ".join(statement.type.name for statement in statements) or "nothing")
            try:
                # Only a WITH can hide a COPY or an INSERT, which DuckDB refuses inside a subquery. Other
                # queries are not planned twice, because that takes as long as their answer.
                if "WITH" in query.upper():
                    plan = f"EXPLAIN SELECT * FROM ({_without_semicolon(query)}\n)"
                    cursor.execute(plan, parameters or {})
            except duckdb.BinderException as error:
                if "must be at the top level" in str(error):
                    raise _not_a_query("a WITH that writes") from error
                raise
            with self.choose_text_storage():
                return cursor.execute(query, parameters or {}).df()

    def items(self) -> pd.DataFrame:
        """Return the items."""
        return self._table("items")

    def responses(self) -> pd.DataFrame:
        """Return the responses, generated and recorded."""
        return self._table("responses")

    def completions(self) -> pd.DataFrame:
        """Return the engines' answers to requests."""
        return self._table("completions")

    def judgments(self) -> pd.DataFrame:
        """Return the judgments: one row per judge, criterion, order and sample."""
        return self._table("judgments")

    def labels(self) -> pd.DataFrame:
        """Return the labels, one row per annotator."""
        return self._table("labels")

    def scores(self) -> pd.DataFrame:
        """Return the metrics' scores."""
        return self._table("scores")

    def rubric(self, judge: str) -> Rubric | None:
        """Return the rubric that a judge of the run used. None for a recorded judge."""
        fields = self.manifest.rubrics.get(judge)
        try:
            return None if fields is None else Rubric.model_validate(fields)
        except ValidationError as error:
            raise StorageError(
                f"the rubric of {judge} in this run is not one that this version reads",
                where=self.run.id,
                fix="run the suite again with the rubric mended",
            ) from error

    def label_records(self) -> list[Label]:
        """Return the labels as records."""
        records = {key_of(record): record for record in self.run.records("labels")}
        labels = [record for record in records.values() if isinstance(record, Label)]
        if self.full_run is None:
            return labels
        items = set(self._items)
        return [label for label in labels if (label.dataset, label.item_id) in items]

    def arrow(self, kind: str) -> pa.Table:
        """Return one of the tables in Arrow's format, for use by another program."""
        with self._translated_errors():
            self.read_tables([kind])
            return self._database.sql(f"SELECT * FROM {kind}").to_arrow_table()

    def _table(self, kind: str) -> pd.DataFrame:
        return self.sql(f"SELECT * FROM {kind}")

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn DuckDB's errors into StorageError for a corrupt file, and InputError for a bad query."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            for finding in verify(self.run):
                if finding.problem:
                    where = str(self.run.path / finding.path)
                    raise StorageError("the file is corrupt", where=where, fix=_VERIFY) from error
            raise InputError("the query fails", value=str(error).split("\n")[0]) from error


def export(results: Results, path: Path) -> None:
    """Write a run's tables into a new DuckDB file.

    Raises:
        InputError: The file exists already.
        StorageError: The file cannot be written. No partial file is left.
    """
    import duckdb

    if path.exists():
        raise InputError("the file exists already", where=str(path), fix="name another one, or remove it")
    tables = {kind: results.arrow(kind) for kind in KINDS}
    try:
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
            draft = Path(folder, path.name)
            with duckdb.connect(str(draft)) as target:
                for kind, table in tables.items():
                    target.register("incoming", table)
                    target.execute(f"CREATE TABLE {kind} AS SELECT * FROM incoming")
                    target.unregister("incoming")
            draft.rename(path)
    except (duckdb.Error, OSError) as error:
        reason = str(error).split("\n")[0]
        raise StorageError("the export cannot be written", where=str(path), value=reason) from error


def _selects(files: Iterable[SealedFile]) -> Iterator[str]:
    """Yield a SELECT for the files of each run. Completions say which run computed them."""
    by_run: dict[str | None, list[SealedFile]] = {}
    for file in files:
        by_run.setdefault(file.computed_in if file.kind == _LARGEST else None, []).append(file)
    for run, of_run in by_run.items():
        paths = ", ".join(f"'{_quoted(file.path.resolve())}'" for file in of_run)
        origin = "" if run is None else f" REPLACE (coalesce(computed_in, '{run}') AS computed_in)"
        yield f"SELECT *{origin} FROM read_parquet([{paths}], union_by_name = true)"


def _tables_of(query: str) -> Iterable[str]:
    """Return the tables that a query may need: those that it names, or all where it asks for the catalog."""
    names = [kind for kind in KINDS if re.search(rf"\b{kind}\b", query, re.IGNORECASE)]
    return names if names and not _CATALOG.search(query) else KINDS


def _not_a_query(value: str) -> InputError:
    return InputError(
        "a query reads and never writes", value=value, allowed="one SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW"
    )


def _without_semicolon(query: str) -> str:
    """Return one statement up to the semicolon that ends it."""
    import duckdb

    encoded = query.encode()
    ends = (offset for offset, _ in duckdb.tokenize(query) if encoded[offset : offset + 1] == b";")
    return encoded[: next(ends, len(encoded))].decode()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
