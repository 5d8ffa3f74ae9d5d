"""Stored numbers are finite. evalhub stores no other, so one that is not was written by somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import StorageError

if TYPE_CHECKING:
    import duckdb

_WITH_NUMBERS = ("judgments", "scores", "labels")


def refuse_not_finite(connection: duckdb.DuckDBPyConnection, kind: str, rows: str, where: Path) -> None:
    """Refuse records with a number that is NaN or infinite. A mean without it would hide it.

    Args:
        connection: Reads the records.
        kind: The table that the records belong to.
        rows: The records, as a relation in SQL.
        where: The run, or the part that holds them.

    Raises:
        StorageError: A number is not finite.
    """
    if kind not in _WITH_NUMBERS:
        return
    relation = connection.sql(f"FROM {rows} LIMIT 0")
    columns = zip(relation.columns, map(str, relation.types), strict=True)
    condition = " OR ".join(f"NOT isfinite({name})" for name, form in columns if form == "DOUBLE")
    row = connection.execute(f"SELECT item_id FROM {rows} WHERE {condition} LIMIT 1").fetchone()
    if row:
        raise StorageError(
            f"a number in the {kind} is not finite, so the file was changed after it was written",
            where=str(where),
            value=f"item {row[0]}",
            fix="remove the run, and give its command again",
        )
