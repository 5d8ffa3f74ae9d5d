"""Download of a card's files from their public homes into the cache."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, IntegrityError, StorageError
from evalhub.files import replace_file
from evalhub.sources.files import DataFile, cache_path, files_of, verify
from evalhub.specs import Card

MAX_BYTES = 8 << 30
_BLOCK = 1 << 18
_TIMEOUT = 60

Progress = Callable[[str, int, int | None], None]


def fetch(
    card: Card, card_path: Path, *, progress: Progress | None = None, max_bytes: int = MAX_BYTES
) -> tuple[Path, ...]:
    """Download the files of a card. Files that are here already are only verified.

    Args:
        card: The card.
        card_path: The card's file.
        progress: Called with a file's path, its bytes so far, and its size in bytes or None.
        max_bytes: Maximum size of a file.

    Returns:
        The location of each file, in the card's order.

    Raises:
        InputError: A file has no public home, cannot be downloaded or is too large.
        IntegrityError: A local or public file does not have the pinned sha256.
        StorageError: The cache cannot be written.
    """
    paths = []
    for file in files_of(card, card_path):
        where = f"{card_path}:files.{file.table}"
        if file.location is not None:
            verify(file.location, file.sha256, where=where)
            paths.append(file.location)
            continue
        target = cache_path(card, file.path)
        try:
            _download(file, target, where=where, progress=progress, max_bytes=max_bytes)
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
            raise InputError(
                f"the file cannot be downloaded ({getattr(error, 'reason', error)})",
                where=where,
                value=file.url,
                fix=f"check the network, or put the file at {target}",
            ) from error
        except OSError as error:
            raise StorageError(f"the file cannot be written ({error.strerror})", where=str(target)) from error
        paths.append(target)
    return tuple(paths)


def _download(file: DataFile, target: Path, *, where: str, progress: Progress | None, max_bytes: int) -> None:
    """Download a file. It gets its name only if its sha256 is right."""
    if file.url is None or not file.url.startswith(("https://", "http://")):
        raise InputError(
            "the card names no public home for this file",
            where=where,
            value=file.path,
            fix=f"put it at {target}",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(file.url, headers={"User-Agent": "evalhub"})
    with replace_file(target, shared=True) as partial:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply, partial.open("wb") as out:
            sha256 = _copy(reply, out, file, progress=progress, max_bytes=max_bytes)
        if sha256 != file.sha256:
            raise IntegrityError(
                f"{file.url} has the sha256 {sha256}, and the card pins {file.sha256}",
                where=where,
                fix="the public file has changed: put the pinned one at " + str(target),
            )


def _copy(reply: Any, out: Any, file: DataFile, *, progress: Progress | None, max_bytes: int) -> str:
    length = reply.headers.get("Content-Length")
    total = int(length) if length and length.isdigit() else None
    sha256, size = hashlib.sha256(), 0
    while block := reply.read(_BLOCK):
        size += len(block)
        if size > max_bytes:
            raise InputError("the file is too large", value=file.url, allowed=f"{max_bytes} bytes")
        sha256.update(block)
        out.write(block)
        if progress:
            progress(file.path, size, total)
    return sha256.hexdigest()
