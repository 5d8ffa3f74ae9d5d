"""How large a file becomes when it is unpacked. One that grows too much is refused before it is read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

from evalhub.sandbox.refusal import Refused

RATIO = 100
"""A file may unpack to so many times its own size."""
ALWAYS = 64 << 20
"""A file may always unpack to so many bytes."""

_PIECE = 1 << 20


def refuse_gzip_bomb(file: Path) -> None:
    """Refuse a file of gzip that unpacks to more than it may. It is unpacked piece by piece, and not kept.

    Raises:
        Refused: It does, or it is corrupt.
        EOFError: It is cut off.
        OSError: It is no file of gzip.
    """
    allowed, size = _allowed(file), 0
    try:
        with gzip.open(file, "rb") as unpacked:
            while piece := unpacked.read(_PIECE):
                size += len(piece)
                if size > allowed:
                    raise _too_large(file, allowed)
    except zlib.error as error:
        raise Refused("", f"the file cannot be unpacked ({error})") from error


def refuse_parquet_bomb(file: Path, unpacked_size: Callable[[int], int]) -> None:
    """Refuse a Parquet file that unpacks to more than it may.

    Args:
        file: The file.
        unpacked_size: Returns its size in memory, in bytes, where it is at most its argument.

    Raises:
        Refused: It is too large.
    """
    allowed = _allowed(file)
    if unpacked_size(allowed) > allowed:
        raise _too_large(file, allowed)


def _allowed(file: Path) -> int:
    return max(ALWAYS, RATIO * file.stat().st_size)


def _too_large(file: Path, allowed: int) -> Refused:
    return Refused(
        "",
        "the file unpacks to more than it may",
        value=f"a file of {file.stat().st_size:,} bytes",
        allowed=f"{allowed:,} bytes, {RATIO} times its size or {ALWAYS >> 20} MiB",
        fix="split it, or store it unpacked",
    )
