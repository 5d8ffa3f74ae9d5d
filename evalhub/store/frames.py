"""Tables of numbers as Parquet files. The name of a file has the hash of its content."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.errors import StorageError
from evalhub.files import file_sha256

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES_FOLDER = "tables"
"""The folder of a run that holds its tables."""

FACTS_FOLDER = "facts"
"""The folder of a part that holds the facts of its judgments."""

_DIGITS = 16


@contextmanager
def new_frame(folder: Path, name: str) -> Iterator[Path]:
    """Let a frame be written as one Parquet file. Several writers may write the same frame at once.

    Yields:
        The file to write. It gets its name when the block ends, and is removed when the block raises.

    Raises:
        StorageError: The disk is full or refuses. No partial file is left.
    """
    partial = folder / f".{name}.{secrets.token_hex(8)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(folder / f"{name}-{file_sha256(partial)[:_DIGITS]}.parquet")
    except OSError as error:
        where = str(folder / name)
        raise StorageError(f"the table cannot be written ({error.strerror})", where=where) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_frame(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a frame with `new_frame`.

    Raises:
        StorageError: The disk is full or refuses. No partial file is left.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with new_frame(folder, name) as partial:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), partial, compression="zstd")


def find_frame(folder: Path, name: str) -> Path | None:
    """Return the intact file of a frame in a folder, or None."""
    return next((path for path in sorted(folder.glob(f"{name}-*.parquet")) if is_intact(path)), None)


def is_intact(path: Path) -> bool:
    """Return whether the content of a frame's file is what was written."""
    try:
        return path.stem.rpartition("-")[2] == file_sha256(path)[:_DIGITS]
    except OSError:
        return False


def count_rows(path: Path) -> int:
    """Return the number of rows of an intact file, without reading them."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def read_frame(path: Path) -> pd.DataFrame:
    """Return the frame of an intact file, with its types."""
    frame: pd.DataFrame = _read(path).to_pandas()
    return frame


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an intact file as plain values, without pandas: to import it takes half a second."""
    return [{name: _plain(value) for name, value in row.items()} for row in _read(path).to_pylist()]


def _read(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:  # pq.read_table would import pyarrow's datasets, for half a second
        return file.read()


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return None if value != value else value
