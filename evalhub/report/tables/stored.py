"""The tables of a sealed run: each is computed once and stored beside its records.

A table's folder is named after the key of everything that decides its numbers. A run that shares all its
parts with an earlier one, and its settings, takes that run's tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from evalhub.analysis import Results, rows_of
from evalhub.errors import InputError, StorageError
from evalhub.files import link_file
from evalhub.records import digest
from evalhub.report.tables.places import Table
from evalhub.report.tables.registry import TABLES
from evalhub.specs.plugins import extensions
from evalhub.specs.suite import LIMITS
from evalhub.store import TABLES_FOLDER, find_frame, labels_hash, read_frame, read_rows, write_frame

if TYPE_CHECKING:
    import pandas as pd

CODE = 9
"""The version of the code that makes the tables. A change of what one shows raises it."""

# What a manifest says of one night, and not of its records.
_KEYS_OF_THE_NIGHT = {
    "run", "created", "state", "sealed", "suite_hash", "suite_file", "title", "environment", "engines",
    "parts", "seconds", "stopped_by",
}  # fmt: skip
_OF_THE_NIGHT: Mapping[str, Any] = {
    **dict.fromkeys(_KEYS_OF_THE_NIGHT, True),
    "resolved": {
        "suite": {"title": True, "gates": True, "calibration": True, "budget": dict.fromkeys(LIMITS, True)}
    },
}

_records_keys: WeakKeyDictionary[Results, str] = WeakKeyDictionary()
"""The hash of what all tables of a sealed run are made of. Each table asks for it several times."""


def read_table(results: Results, table: Table) -> pd.DataFrame:
    """Return a table of a run.

    A table of a sealed run is read if any run has it, and else computed and stored. A part of a run, and a
    run that is still going on, have no stored tables.
    """
    path = _stored(results, table)
    return _compute(results, table) if path is None else read_frame(path)


def table_rows(results: Results, table: Table) -> list[dict[str, Any]]:
    """Return the rows of `read_table` as plain values."""
    path = _stored(results, table)
    return rows_of(_compute(results, table)) if path is None else read_rows(path)


def stored_rows(results: Results, table: Table) -> list[dict[str, Any]] | None:
    """Return the rows of a table as plain values if it is stored, without computing anything.

    Where labels were added since, the table without them is returned if only that is stored.
    """
    path = _stored(results, table)
    if path is None and results.run.finished and results.full_run is None:
        path = find_frame(_folder(results, table, with_labels=False), table.name)
    return None if path is None else read_rows(path)


def rows_of_the_night(results: Results, table: Table) -> list[dict[str, Any]] | None:
    """Return the rows of a table as they are stored, also by another version of evalhub. None = not stored.

    Choose it for what a run said on its night. A later version may compute other numbers, or have other
    columns.
    """
    rows = stored_rows(results, table)
    folders = (results.run.path / TABLES_FOLDER).glob("*")
    for folder in () if rows is not None else sorted(folders, key=_changed_at, reverse=True):
        if path := find_frame(folder, table.name):
            return read_rows(path)
    return rows


def _changed_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def is_stored(results: Results, table: Table) -> bool:
    """Return whether a table is stored as it is now, with all labels."""
    return _stored(results, table) is not None


def _stored(results: Results, table: Table) -> Path | None:
    """Return the file of a table, if any run has it."""
    if not results.run.finished or results.full_run is not None:
        return None
    folder = _folder(results, table)
    return find_frame(folder, table.name) or _take_from_sibling(folder, table.name)


def _folder(results: Results, table: Table, *, with_labels: bool = True) -> Path:
    return results.run.path / TABLES_FOLDER / table_key(results, table, with_labels=with_labels)


def _compute(results: Results, table: Table) -> pd.DataFrame:
    """Compute a table, and store that of a sealed run."""
    if not results.run.finished or results.full_run is not None:
        return table.function(results)
    for earlier_table in TABLES:
        if earlier_table.name in table.starts_from:
            results.cache(earlier_table.function, read_table(results, earlier_table))
    frame = table.function(results)
    with suppress(StorageError):  # without room it is computed again the next time
        write_frame(_folder(results, table), table.name, frame)
    return frame


def index_run(results: Results) -> None:
    """Compute and store the tables that a sealed run lacks, so that every later command reads them.

    Raises:
        InputError: The run is still going on.
    """
    if not results.run.finished:
        raise InputError(
            "only a finished run has tables",
            where=results.run.id,
            value=results.manifest.state.value,
            fix="give the command that began it again",
        )
    results.database.store_facts()
    for table in TABLES:
        # What is decided of the run after this starts from some of them.
        results.cache(table.function, read_table(results, table))


def table_key(results: Results, table: Table, *, with_labels: bool = True) -> str:
    """Return the first digits of the hash of everything that decides a table of a run.

    Labels that people add later change the key of the tables that are made of labels, and of no other.
    """
    values: dict[str, Any] = {"records": records_key(results)}
    if with_labels and table.uses_labels and results.added_labels:
        values["labels"] = labels_hash(results.added_labels)
    if table.of_the_night:
        values["engines"] = list(results.manifest.engines)
        values["run"] = results.manifest.run
    return digest(values)[:16]


def records_key(results: Results) -> str:
    """Return the hash of everything that decides the tables of a run, apart from labels that people add."""
    if results not in _records_keys:
        manifest = results.manifest
        _records_keys[results] = digest(
            {
                "code": CODE,
                "evalhub": metadata.version("evalhub-laaj"),
                "manifest": manifest.model_dump(mode="json", exclude=dict(_OF_THE_NIGHT)),
                "packages": extensions(),
                "parts": sorted(part.sha256 for part in manifest.parts),
            }
        )
    return _records_keys[results]


def _take_from_sibling(folder: Path, name: str) -> Path | None:
    """Give a table of the same key in another run a second name here. Return the file, if there is one."""
    for sibling in sorted(folder.parents[2].glob(f"[!.]*/{TABLES_FOLDER}/{folder.name}"), reverse=True):
        source = find_frame(sibling, name) if sibling != folder else None
        if source is not None:
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                link_file(source, folder / source.name)
            return source
    return None
