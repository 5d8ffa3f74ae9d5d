"""Files that appear whole or not at all, and the sha256 of a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replace_file(path: Path, *, shared: bool = False, durable: bool = True) -> Iterator[Path]:
    """Replace a file in one step: readers see the old content or the new, never a part of it.

    Args:
        path: The file to write. Its folder must exist.
        shared: Whether several processes may write the file at once. Each then has a partial file of its own.
            Otherwise the partial file has a fixed name, so that the next writer overwrites the partial file
            of a killed one.
        durable: Whether the file must survive a power cut. Its content is then synced before it gets its
            name, and its folder after that.

    Yields:
        The partial file's path in the same folder. It becomes `path` when the block ends, and is removed when
        the block raises.

    Raises:
        OSError: The disk is full or refuses.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp" if shared else f"{path.name}.tmp")
    try:
        yield partial
        if durable:
            sync(partial)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            partial.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def write_file(path: Path, content: bytes, *, shared: bool = False, durable: bool = True) -> None:
    """Write a file with `replace_file`.

    Raises:
        OSError: The disk is full or refuses. An older file keeps its content.
    """
    with replace_file(path, shared=shared, durable=durable) as partial:
        partial.write_bytes(content)


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name. Between file systems it is copied.

    Raises:
        OSError: The disk is full or refuses, or the target exists and is another file.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        sync(target)


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
