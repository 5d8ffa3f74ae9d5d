"""A run's records as pandas frames and by SQL, read with an in-memory DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evalhub.analysis.database.connection import ITEM, Database
from evalhub.analysis.database.queries import TABLES
from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.records import KINDS, Label, key_of
from evalhub.specs import CardFacts, RecordedJudge, Rubric, Suite
from evalhub.store import (
    AttackFacts,
    JudgeFacts,
    JuryFacts,
    Manifest,
    Run,
    arrow_schema,
    labels_folder,
    read_labels,
    verify,
)
from evalhub.texts import clean

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

_TEXTS = """
SELECT dataset, item_id, system, sample, left(sha256(coalesce(text, '')), 16) AS texts FROM responses
WHERE list_contains($names::VARCHAR[], item_id)
"""
_ITEM = list(ITEM)
_VERIFY = "run `evalhub verify` on the run"


def cached_table(table: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Compute a table once per run, because several other tables are made of it. Each caller gets a copy.

    A part of a run takes the rows of its items from the full run's table. So a jury, a weight or a length
    penalty is the same in the part as in the full run.
    """

    @wraps(table)
    def cached(results: Results, **options: Any) -> pd.DataFrame:
        key = (table.__name__, *sorted(options.items()))
        if key not in results.table_cache:
            full = None if results.full_run is None else cached(results.full_run, **options)
            with results.choose_text_storage():
                results.table_cache[key] = (
                    table(results, **options) if full is None else _rows_of_part(results, full)
                )
        return results.table_cache[key].copy(deep=False)

    return cached


def cached_statistics(table: Callable[[Results], pd.DataFrame]) -> Callable[[Results], pd.DataFrame]:
    """Compute a table that is not about items once per run or part of a run. Each caller gets a copy."""

    @wraps(table)
    def cached(results: Results) -> pd.DataFrame:
        if (key := (table.__name__,)) not in results.table_cache:
            results.table_cache[key] = table(results)
        return results.table_cache[key].copy(deep=False)

    return cached


def _rows_of_part(results: Results, full: pd.DataFrame) -> pd.DataFrame:
    items = results.part_items
    for name in items:
        if hasattr(full[name], "cat"):
            items[name] = items[name].astype("category").cat.set_categories(full[name].cat.categories)
    return full.merge(items, on=_ITEM)


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
        self.database = Database(run, self._items if full_run else None, lambda: self.added_labels)

    def select(self, items: Iterable[tuple[str, str]]) -> Results:
        """Return the part of the run that is about some items, each given by its dataset and item_id."""
        return Results(self.run, full_run=self.full_run or self, items=items)

    def where(self, condition: str) -> Results:
        """Return the part of the run that is about the items that meet a condition.

        Args:
            condition: SQL on the columns of items, such as `lang = 'de'` or `list_contains(tags, 'maths')`.

        Raises:
            InputError: No item meets it, or DuckDB refuses it.
        """
        if not condition.strip() or condition != clean(condition):
            raise InputError(
                "this is no condition", where=self.run.id, value=clean(condition), allowed="SQL on items"
            )
        items = self.items(columns=ITEM, where=condition)
        if items.empty:
            raise InputError(
                "no item of the run meets the condition",
                where=self.run.id,
                value=condition,
                allowed=list(arrow_schema("items").names),
            )
        return self.select(set(items.itertuples(index=False, name=None)))

    @property
    def part_items(self) -> pd.DataFrame:
        """The dataset and item_id of each item of the part."""
        import pandas as pd

        return pd.DataFrame(self._items, columns=_ITEM)

    def cache(self, table: Callable[..., pd.DataFrame], frame: pd.DataFrame) -> None:
        """Have a function that `cached_statistics` decorates return a frame that it made earlier."""
        self.table_cache[table.__name__,] = frame

    def choose_text_storage(self) -> AbstractContextManager[None]:
        """Hold texts of new frames as Python's in a small run, which is a fifth faster, and else in Arrow."""
        import pandas as pd

        storage = "pyarrow" if self.database.is_large else "python"
        return pd.option_context("mode.string_storage", storage)

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

    def read_tables(self, names: Iterable[str] = tuple(KINDS)) -> None:
        """Read tables now, and not when a query first needs them. StorageError where a file is damaged."""
        self.database.read_tables(names)

    def sql(self, query: str, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
        """Run a query over the tables items, responses, judgments, labels, scores and completions.

        The facts of verdicts are in the tables pair_facts and rating_facts. Their counts and sums by system,
        tag and cluster are in the table cells.

        Args:
            query: One SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW in DuckDB's SQL. It may read but not write.
                `$name` stands for a parameter.
            parameters: Values by name.

        Raises:
            InputError: DuckDB refuses the query, or it would write.
            StorageError: A file of the run is corrupt.
        """
        with self._translated_errors():
            result = self.database.query(query, parameters)
            with self.choose_text_storage():
                return result.df()

    def sql_of_files(
        self, kind: str, files: Iterable[Path], query: str, parameters: dict[str, Any]
    ) -> pd.DataFrame:
        """Run a query as `sql` does, over the table `records` of some sealed files of one kind."""
        with self._translated_errors():
            result = self.database.query_files(kind, files, query, parameters)
            with self.choose_text_storage():
                return result.df()

    def arrow_of(self, query: str, parameters: dict[str, Any] | None = None) -> pa.Table:
        """Run a query as `sql` does, and return its rows in Arrow's format, with lists and absent values."""
        with self._translated_errors():
            return self.database.relation(query, parameters).to_arrow_table()

    def coded_sql(self, query: str) -> pd.DataFrame:
        """Run a query as `sql` does, and return columns of texts as categories in the order of the texts."""
        with self._translated_errors():
            rows = self.database.relation(query).to_arrow_table()
        frame: pd.DataFrame = rows.to_pandas(strings_to_categorical=True)
        for name in frame.select_dtypes("category"):
            frame[name] = frame[name].cat.reorder_categories(frame[name].cat.categories.sort_values())
        return frame

    def items(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the items. See `read`."""
        return self.read("items", columns=columns, where=where)

    def responses(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the responses, generated and recorded. See `read`."""
        return self.read("responses", columns=columns, where=where)

    def completions(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the engines' answers to requests. See `read`."""
        return self.read("completions", columns=columns, where=where)

    def judgments(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the judgments: one row per judge, criterion, order and sample. See `read`."""
        return self.read("judgments", columns=columns, where=where)

    def labels(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the labels, one row per annotator. See `read`."""
        return self.read("labels", columns=columns, where=where)

    def scores(self, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return the metrics' scores. See `read`."""
        return self.read("scores", columns=columns, where=where)

    def read(self, table: str, *, columns: Sequence[str] = (), where: str = "") -> pd.DataFrame:
        """Return a table of the run, sorted by key.

        Args:
            table: Its name, as in `sql`.
            columns: The columns to read. By default all.
            where: A condition in SQL that each row meets, such as `judge = 'strict'`.

        Raises:
            InputError: There is no such table or column, or DuckDB refuses the condition.
            StorageError: A file of the run is corrupt.
        """
        return self.sql(_select(table, columns, where))

    def stream(self, table: str, *, columns: Sequence[str] = (), where: str = "") -> pa.RecordBatchReader:
        """Return a table of the run as a stream of Arrow batches, for a table that does not fit into memory.

        The arguments and errors are those of `read`. A damaged row group shows when its batch is read.
        """
        import pyarrow as pa

        with self._translated_errors():
            reader = self.database.relation(_select(table, columns, where)).to_arrow_reader()
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader))

    def _batches(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        with self._translated_errors():
            yield from reader

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
        """Return the labels as records: those of the datasets, and those that people added."""
        records = {key_of(record): record for record in self.run.records("labels")}
        labels = [record for record in records.values() if isinstance(record, Label)]
        if self.full_run is not None:
            items = set(self._items)
            labels = [label for label in labels if (label.dataset, label.item_id) in items]
        return [*labels, *self.added_labels]

    @cached_property
    def added_labels(self) -> tuple[Label, ...]:
        """The labels that people gave outside of the run, of responses that the run has.

        A label whose response has another text now does not count, nor one that its criterion does not allow.
        A label of a dataset's own annotator on the same response or pair counts instead.
        """
        entries = read_labels(labels_folder(self.run.path.parent), self.cards)
        if not entries:
            return ()
        responses = self.sql(_TEXTS, {"names": sorted({entry.item_id for entry in entries})})
        texts = {tuple(key): text for *key, text in responses.itertuples(index=False, name=None)}
        in_run = {key_of(record) for record in self.run.records("labels")}
        labels = []
        for entry in entries:
            systems = [name for name in (entry.system, entry.system_a, entry.system_b) if name is not None]
            keys = [(entry.dataset, entry.item_id, system, entry.sample) for system in systems]
            is_of_run = all(key in texts for key in keys)
            has_texts = is_of_run and entry.texts in ("", "-".join(texts[key] for key in keys))
            label = entry.as_label()
            if has_texts and label and key_of(label) not in in_run and self._allows(label):
                labels.append(label)
        return tuple(labels)

    def _allows(self, label: Label) -> bool:
        """Return whether a label is one that its criterion allows. A criterion of no card allows all."""
        spec = self.cards[label.dataset].criteria.get(label.criterion)
        return spec is None or spec.allows(label.winner, label.value)

    def arrow(self, table: str) -> pa.Table:
        """Return one of the tables in Arrow's format, for use by another program."""
        with self._translated_errors():
            return self.database.relation(_select(table, (), "")).to_arrow_table()

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


def _select(table: str, columns: Sequence[str], where: str) -> str:
    if table not in TABLES:
        raise UnknownNameError("table", table, TABLES)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns) or "*"
    condition = f" WHERE ({where}\n)" if where else ""
    return f"SELECT {names} FROM {table}{condition} ORDER BY {', '.join(TABLES[table])}"
