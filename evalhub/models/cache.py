"""The cache folder, its atomic folders, and file hashes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from evalhub.errors import StorageError
from evalhub.files import file_sha256, sync, write_file


def cache_folder() -> Path:
    """Return the cache folder: `EVALHUB_CACHE`, else `~/.cache/evalhub`."""
    variable = os.environ.get("EVALHUB_CACHE")
    return Path(variable).expanduser().resolve() if variable else Path.home() / ".cache" / "evalhub"


_CACHE_FIX = "free some space, or set EVALHUB_CACHE to another folder"


@contextlib.contextmanager
def publish_folder(target: Path, subject: str = "the cache", fix: str = _CACHE_FIX) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends well, and is removed otherwise.

    Args:
        target: The folder to appear. An existing one wins over the new one.
        subject: What cannot be written where the disk is full, for the error.
        fix: What helps then.

    Yields:
        A folder on the same disk, with a name of its own.

    Raises:
        StorageError: The disk is full.
    """
    with storage_errors(target, subject, fix):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with storage_errors(target, subject, fix):
            yield draft
            for path in draft.rglob("*"):
                sync(path)
            sync(draft)
            draft.chmod(0o755)
            with contextlib.suppress(FileExistsError):
                _rename(draft, target)
            sync(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def lock(target: Path) -> Iterator[None]:
    """Hold the lock of `target`, so that two processes never write the same folder at once.

    What a killed process left behind on the way to `target` is removed.
    """
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = (target.parent / f".{target.name}.lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


@contextlib.contextmanager
def storage_errors(where: Path, subject: str = "the cache", fix: str = _CACHE_FIX) -> Iterator[None]:
    """Turn a full or read-only disk into a `StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise StorageError(
            f"{subject} cannot be written: {error.strerror}",
            where=str(where),
            fix=fix,
        ) from error


def cached_sha256(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the sha256 of each file. A file of the same size and mtime as before is not read again.

    Args:
        paths: Files that exist.

    Returns:
        File to hexadecimal sha256.
    """
    index = _read_index()
    hashes: dict[Path, str] = {}
    new_hashes: dict[Path, str] = {}
    for path in paths:
        entry = index.get(str(path.resolve()), [])
        if entry[:2] == _stamp(path):
            hashes[path] = str(entry[2])
        else:
            hashes[path] = new_hashes[path] = file_sha256(path)
    if new_hashes:
        remember_sha256(new_hashes)
    return hashes


def remember_sha256(hashes: Mapping[Path, str]) -> None:
    """Keep hashes that were just computed, for `cached_sha256`."""
    new_hashes = {str(path.resolve()): [*_stamp(path), digest] for path, digest in hashes.items()}
    _write_index(_read_index() | new_hashes)


def _stamp(path: Path) -> list[str | int]:
    """Return size in bytes and time of change in nanoseconds."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _index() -> Path:
    return cache_folder() / "hashes.json"


def _read_index() -> dict[str, list[str | int]]:
    """Read the hash index. An unreadable one counts as empty."""
    try:
        read = json.loads(_index().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(read, dict):
        return {}
    return {key: entry for key, entry in read.items() if isinstance(entry, list) and len(entry) == 3}


def _write_index(entries: dict[str, list[str | int]]) -> None:
    """Write the hash index beside, then rename it into place."""
    index = _index()
    with storage_errors(index):
        index.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(entries, indent=0, sort_keys=True).encode("utf-8")
        write_file(index, content, shared=True, durable=False)


def _rename(source: Path, target: Path) -> None:
    """Rename a folder. A full target that is already there is a `FileExistsError`."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(str(target)) from error
        raise
