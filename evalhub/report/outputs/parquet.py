"""A run as a folder of Parquet files: its records, every table that a report has, its findings and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evalhub.analysis import Results
from evalhub.analysis.findings.finding import Finding, Question, Verdict
from evalhub.errors import InputError, StorageError
from evalhub.gates import GateResult, kept_gates
from evalhub.records import KINDS
from evalhub.report.data import report_findings
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import read_table
from evalhub.stats import Estimate, GateState

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("limit", "confidence", "estimate", "low", "high")
_COUNTS = ("n", "clusters")


def export_parquet(results: Results, folder: Path) -> list[str]:
    """Write a run as Parquet files into a new folder.

    The records are those of the DuckDB export (`judgments.parquet`). The tables are those of `report.json`
    and of `meta` (`leaderboard.parquet`). `findings.parquet` and `gates.parquet` are there also where they
    have no row, with the same columns.

    Args:
        results: The run.
        folder: The folder. It may not exist yet.

    Returns:
        The names of the tables.

    Raises:
        InputError: The folder exists already.
        StorageError: The files cannot be written. No partial folder is left.
    """
    import pyarrow as pa

    if folder.exists():
        raise InputError("the folder exists already", where=str(folder), fix="name another one, or remove it")
    results.read_tables()  # damaged files are named before anything is written
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as draft_folder:
            draft = Path(draft_folder, folder.name)
            draft.mkdir()
            for kind in KINDS:
                _write_stream(draft / f"{kind}.parquet", results.stream(kind))
            for table in TABLES:
                frame = pa.Table.from_pandas(read_table(results, table), preserve_index=False)
                _write(draft / f"{table.name}.parquet", frame)
            _write(draft / "findings.parquet", _table_of("findings", report_findings(results)))
            _write(draft / "gates.parquet", _table_of("gates", kept_gates(results.run)))
            names = sorted(path.stem for path in draft.iterdir())
            draft.rename(folder)
    except OSError as error:
        reason = str(error.strerror or error)
        raise StorageError("the export cannot be written", where=str(folder), value=reason) from error
    return names


def _write_stream(path: Path, reader: pa.RecordBatchReader) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")


def _table_of(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return findings or gates with the types of their columns, also where there is no row."""
    import pyarrow as pa

    columns = _BLANK[name]
    schema = pa.schema([(column, _type_of(column)) for column in columns])
    return pa.Table.from_pylist(
        [{column: row.get(column) for column in columns} for row in rows], schema=schema
    )


def _type_of(column: str) -> pa.DataType:
    """Return the type of a column of findings or gates. The numbers of parts end as those of the whole."""
    import pyarrow as pa

    if column == "numbers":
        return pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
    if column == "is_regression":
        return pa.bool_()
    if column in _COUNTS:
        return pa.int64()
    return pa.float64() if column.rpartition("_")[2] in _NUMBERS else pa.string()


_GATE = GateResult(
    id="", kind="", state=GateState.PASS, sentence="", estimate=Estimate.none("no run"), limit=0.0
)
_FINDING = Finding(question=Question.GATES, verdict=Verdict.GOOD, sentence="")
_BLANK = {"gates": tuple(_GATE.as_row()), "findings": tuple(_FINDING.as_row())}
"""The columns of findings and gates."""
