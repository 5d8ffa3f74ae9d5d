"""A run's records as pandas frames and as SQL: an in-memory DuckDB over its segments and live journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from evalhub.errors import InputError, StorageError
from evalhub.records import KINDS, Label, key_of, kind_of
from evalhub.specs import CriterionSpec, Rubric
from evalhub.store import Run, to_arrow, verify

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

# In SQL: of askings that were not measured. That a criterion does not apply is a measurement.
FAILED = "failure <> 'not_applicable'"
NOT_APPLICABLE = "failure = 'not_applicable'"

_NEEDED = ("against", "cards", "engines", "expected", "judges", "resolved", "rubrics", "skipped")
_ITEM = ["dataset", "item_id"]
Valid = TypeVar("Valid", CriterionSpec, Rubric)
# All that engines read and wrote: the largest table, which few queries ask for, stays in its files.
_LARGEST = "completions"
_VERIFY = "run `evalhub verify` on the run"


def remembered(table: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Let a table of a run be made once: several others are made of it. Each caller gets a copy.

    A part of a run takes the rows of its items from the whole run's table, so that what was combined,
    weighted or penalised over the whole run stays the same. A table that is not about items is made anew.
    """

    @wraps(table)
    def made(results: Results, **options: Any) -> pd.DataFrame:
        key = (table.__name__, *sorted(options.items()))
        if key not in results.made:
            whole = None if results.whole is None else made(results.whole, **options)
            results.made[key] = (
                table(results, **options)
                if whole is None or not {*_ITEM} <= {*whole.columns}
                else whole.merge(results.own_items, on=_ITEM)
            )
        return results.made[key].copy()

    return made


class Results:
    """What a run holds; each table is a pandas frame, a row per record.

    Args:
        run: The run that is read; a run that is being written is read as far as it is.
        whole: All of the run, where only a part of it is read.
        items: The dataset and item_id of each item of the part.
    """

    def __init__(
        self, run: Run, *, whole: Results | None = None, items: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.run = run
        self.whole = whole
        self.made: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._items = sorted(items)

    def part(self, items: Iterable[tuple[str, str]]) -> Results:
        """Return what the run holds of some items alone, each by its dataset and item_id."""
        return Results(self.run, whole=self.whole or self, items=items)

    @cached_property
    def own_items(self) -> pd.DataFrame:
        """The dataset and item_id of each item of the part."""
        import pandas as pd

        return pd.DataFrame(self._items, columns=_ITEM)

    @property
    def manifest(self) -> dict[str, Any]:
        """What was asked and what was really used.

        Raises:
            StorageError: It lacks a key.
        """
        found = self.run.manifest
        if missing := [key for key in _NEEDED if key not in found]:
            raise StorageError(
                "the manifest lacks what a run has",
                where=str(self.run.path / "manifest.json"),
                value=", ".join(missing),
                fix="run the suite again, or read the run with the evalhub that wrote it",
            )
        if self._falling:
            raise StorageError(
                "the run is older than the rule that levels are listed worst first, and lists falling ones: "
                "which end is the better one is not known",
                where=str(self.run.path / "manifest.json"),
                value=self._falling,
                fix="run the suite again with the levels listed worst first",
            )
        return found

    @cached_property
    def _falling(self) -> str:
        """What a run from before levels were read worst first lists best first, maybe; "" = nothing.

        Of such a run a higher level was the better one, whatever the order. Since the rule a run records its
        cards' `metrics`.
        """
        manifest = self.run.manifest
        if all("metrics" in card for card in manifest["cards"].values()):
            return ""
        scales = {
            f"{fields['id']}: {name}": rubric.scale_for(name)
            for fields in manifest["rubrics"].values()
            if (rubric := _valid(Rubric, fields))
            for name in rubric.criteria
        }
        scales |= {
            f"{dataset}: {name}": criterion.scale
            for dataset, card in manifest["cards"].items()
            for name, fields in card.get("criteria", {}).items()
            if (criterion := _valid(CriterionSpec, fields))
        }
        falling = [
            f"{name} ({', '.join(scale.labels)})"
            for name, scale in scales.items()
            if scale and not scale.higher_is_better
        ]
        return falling[0] if falling else ""

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB that holds each table; it reaches no file outside the run's folder."""
        import duckdb

        connection = duckdb.connect(":memory:")
        connection.execute("SET threads = 1")
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        live: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        for record in self.run.unsealed_records():
            live[kind_of(record)].append(record)
        connection.execute("CREATE TABLE part (dataset VARCHAR, item_id VARCHAR)")
        if self._items:
            connection.executemany("INSERT INTO part VALUES (?, ?)", self._items)
        for kind, cls in KINDS.items():
            of_part = self.whole is not None and {*_ITEM} <= {*cls.KEY}
            # Live records stand first, even where there are none: they name columns that old segments lack.
            connection.register("live", to_arrow(kind, live[kind]))
            if kind == _LARGEST:
                connection.execute(f"CREATE TABLE live_{kind} AS FROM live")
            sources = [f"FROM live_{kind}" if kind == _LARGEST else "FROM live"]
            sources += [
                f"SELECT * FROM read_parquet('{_quoted(path.resolve())}')" for path in self.run.segments(kind)
            ]
            key = ", ".join(cls.KEY)
            try:
                form = "VIEW" if kind == _LARGEST else "TABLE"
                connection.execute(
                    f"CREATE {form} {kind} AS SELECT DISTINCT ON ({key}) * "
                    f"FROM ({' UNION ALL BY NAME '.join(sources)}) "
                    f"{'SEMI JOIN part USING (dataset, item_id) ' if of_part else ''}ORDER BY {key}"
                )
            except duckdb.Error as error:
                raise StorageError(
                    f"the {kind} of the run cannot be read",
                    where=str(self.run.path),
                    value=str(error).split("\n")[0],
                    fix="`evalhub verify` names the damaged files",
                ) from error
        connection.unregister("live")
        connection.execute(f"SET allowed_directories = ['{_quoted(self.run.path.resolve())}']")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection

    def sql(self, query: str, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the answer to a query over the tables items, responses, judgments, labels, scores
        and completions.

        Args:
            query: One SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW in DuckDB's SQL, which reads and never
                writes; `$name` stands for a parameter.
            parameters: Values by name.

        Raises:
            InputError: DuckDB refuses the query, or it would write.
            StorageError: A segment of the run is corrupt.
        """
        import duckdb

        with self._told():
            cursor = self.connection.cursor()
            statements = cursor.extract_statements(query)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise _not_a_read(", ".join(one.type.name for one in statements) or "nothing")
            try:
                # A WITH may hide a COPY or an INSERT, which DuckDB takes at the top level alone. Nothing else
                # may, and to plan each query twice takes as long as its answer.
                if "WITH" in query.upper():
                    cursor.execute(f"EXPLAIN SELECT * FROM ({_unended(query)}\n)", parameters or {})
            except duckdb.BinderException as error:
                if "must be at the top level" in str(error):
                    raise _not_a_read("a WITH that writes") from error
                raise
            return cursor.execute(query, parameters or {}).df()

    def items(self) -> pd.DataFrame:
        """Return the items."""
        return self._table("items")

    def responses(self) -> pd.DataFrame:
        """Return the responses, generated and recorded."""
        return self._table("responses")

    def completions(self) -> pd.DataFrame:
        """Return what the engines answered."""
        return self._table("completions")

    def judgments(self) -> pd.DataFrame:
        """Return the judgments, one row per asking."""
        return self._table("judgments")

    def labels(self) -> pd.DataFrame:
        """Return the labels, one row per annotator."""
        return self._table("labels")

    def scores(self) -> pd.DataFrame:
        """Return the metrics' scores."""
        return self._table("scores")

    def rubric(self, judge: str) -> Rubric | None:
        """Return the rubric that a judge of the run used; None for a recorded judge."""
        said = self.manifest["rubrics"].get(judge)
        try:
            return None if said is None else Rubric.model_validate(said)
        except ValidationError as error:
            raise StorageError(
                f"the rubric of {judge} in this run is not one that this version reads",
                where=self.run.id,
                fix="run the suite again with the rubric mended",
            ) from error

    def label_records(self) -> list[Label]:
        """Return the labels as records."""
        found = {key_of(record): record for record in self.run.records("labels")}
        labels = [record for record in found.values() if isinstance(record, Label)]
        if self.whole is None:
            return labels
        items = set(self._items)
        return [label for label in labels if (label.dataset, label.item_id) in items]

    def arrow(self, kind: str) -> pa.Table:
        """Return one of the tables for another program."""
        with self._told():
            return self.connection.sql(f"SELECT * FROM {kind}").to_arrow_table()

    def _table(self, kind: str) -> pd.DataFrame:
        return self.sql(f"SELECT * FROM {kind}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn DuckDB's errors into ours: the fault is a corrupt segment's, else the query's."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            for finding in verify(self.run):
                if finding.problem:
                    where = str(self.run.path / finding.path)
                    raise StorageError("the segment is corrupt", where=where, fix=_VERIFY) from error
            raise InputError("the query fails", value=str(error).split("\n")[0]) from error


def export(results: Results, path: Path) -> None:
    """Write a run's tables into a new DuckDB file.

    Raises:
        InputError: The file exists already.
        StorageError: It cannot be written; nothing is left of it.
    """
    import duckdb

    if path.exists():
        raise InputError("the file exists already", where=str(path), fix="name another one, or remove it")
    tables = {kind: results.arrow(kind) for kind in KINDS}
    try:
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as beside:
            made = Path(beside, path.name)
            with duckdb.connect(str(made)) as target:
                for kind, table in tables.items():
                    target.register("incoming", table)
                    target.execute(f"CREATE TABLE {kind} AS SELECT * FROM incoming")
                    target.unregister("incoming")
            made.rename(path)
    except (duckdb.Error, OSError) as error:
        why = str(error).split("\n")[0]
        raise StorageError("the export cannot be written", where=str(path), value=why) from error


def _not_a_read(value: str) -> InputError:
    return InputError(
        "a query reads and never writes", value=value, allowed="one SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW"
    )


def _unended(query: str) -> str:
    """Return one statement without the semicolon that ends it, and what stands behind that."""
    import duckdb

    spelled = query.encode()
    ends = (at for at, _ in duckdb.tokenize(query) if spelled[at : at + 1] == b";")
    return spelled[: next(ends, len(spelled))].decode()


def _valid(spec: type[Valid], fields: object) -> Valid | None:
    """Return what a manifest says of a rubric or criterion; None where it is read no more."""
    try:
        return spec.model_validate(fields)
    except ValidationError:
        return None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
