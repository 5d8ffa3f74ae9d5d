"""Tables of numbers as Parquet files. The name of a file has the hash of its content."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import StorageError
from evalhub.files import write_file

if TYPE_CHECKING:
    import pandas as pd

TABLES_FOLDER = "tables"
"""The folder of a run that holds its tables."""

_DIGITS = 16


def write_frame(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a frame as one Parquet file. Several processes may write the same frame at once.

    Raises:
        StorageError: The disk is full or refuses. No partial file is left.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    content = buffer.getvalue()
    path = folder / f"{name}-{_hash(content)}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(path, content, shared=True, durable=False)
    except OSError as error:
        raise StorageError(f"the table cannot be written ({error.strerror})", where=str(path)) from error


def find_frame(folder: Path, name: str) -> Path | None:
    """Return the intact file of a frame in a folder, or None."""
    return next((path for path in sorted(folder.glob(f"{name}-*.parquet")) if is_intact(path)), None)


def is_intact(path: Path) -> bool:
    """Return whether the content of a frame's file is what was written."""
    try:
        return path.stem.rpartition("-")[2] == _hash(path.read_bytes())
    except OSError:
        return False


def read_frame(path: Path) -> pd.DataFrame:
    """Return the frame of an intact file, with its types."""
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
