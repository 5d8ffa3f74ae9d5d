"""A run's tables in one database file, for use by other programs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from evalhub.analysis.results import Results
from evalhub.errors import InputError, StorageError
from evalhub.records import KINDS


def export(results: Results, path: Path) -> None:
    """Write a run's tables into a new DuckDB file.

    Raises:
        InputError: The file exists already.
        StorageError: The file cannot be written. No partial file is left.
    """
    import duckdb

    if path.exists():
        raise InputError("the file exists already", where=str(path), fix="name another one, or remove it")
    results.read_tables()  # damaged files are named before anything is written
    try:
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
            draft = Path(folder, path.name)
            with duckdb.connect(str(draft)) as target:
                for kind in KINDS:
                    target.register("incoming", results.stream(kind))
                    target.execute(f"CREATE TABLE {kind} AS SELECT * FROM incoming")
                    target.unregister("incoming")
            draft.rename(path)
    except (duckdb.Error, OSError) as error:
        reason = str(error).split("\n")[0]
        raise StorageError("the export cannot be written", where=str(path), value=reason) from error
