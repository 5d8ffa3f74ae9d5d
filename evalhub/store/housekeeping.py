"""Runs are marked, measured and removed. Files that several runs share stay as long as one run has them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.store.heartbeat import is_alive
from evalhub.store.lock import Lock
from evalhub.store.manifest import State
from evalhub.store.parts import PARTS
from evalhub.store.run import Run

TAGS = "tags.json"
_REMOVED = ".removed-"


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a run.

    Attributes:
        bytes: Of all its files.
        own_bytes: Of the files that no other run shares. They are freed when the run is removed.
    """

    bytes: int
    own_bytes: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that can be removed, and why.

    Attributes:
        run: The folder of the run that it lies in, whose writer must not be at work. None = in no run.
    """

    path: Path
    reason: str
    own_bytes: int
    run: Path | None = None


def size_of(folder: Path) -> Size:
    """Return the size of a folder."""
    total = unshared = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            status = path.lstat()
            if path.is_file():
                total += status.st_size
                unshared += status.st_size if status.st_nlink == 1 else 0
    return Size(total, unshared)


def tags_of(run: Run) -> tuple[str, ...]:
    """Return the tags of a run, sorted."""
    try:
        tags = json.loads((run.path / TAGS).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(sorted(map(str, tags))) if isinstance(tags, list) else ()


def set_tags(run: Run, tags: Iterable[str]) -> None:
    """Replace the tags of a run.

    Raises:
        StorageError: The disk is full or refuses.
    """
    path = run.path / TAGS
    try:
        write_file(path, json.dumps(sorted(set(tags))).encode("utf-8"), shared=True)
    except OSError as error:
        raise StorageError(f"the tags cannot be written ({error.strerror})", where=str(path)) from error


def remove_run(run: Run) -> None:
    """Remove a run. Other runs keep the files that they share with it.

    Raises:
        InputError: The run has a tag.
        LockedError: The run is being written.
        StorageError: The folder cannot be removed.
    """
    if tags := tags_of(run):
        raise InputError(
            "a run with a tag is not removed",
            where=run.id,
            value=", ".join(tags),
            fix=f"remove the tag first: evalhub runs untag {run.id} {tags[0]}",
        )
    lock = Lock(run.path)
    try:
        remove_folder(run.path)
    finally:
        lock.release()


def remove_folder(folder: Path) -> None:
    """Remove a folder. It vanishes under its name in one step.

    Raises:
        StorageError: The disk refuses.
    """
    trash = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        folder.rename(trash)
        shutil.rmtree(trash)
    except OSError as error:
        raise StorageError(f"the folder cannot be removed ({error.strerror})", where=str(folder)) from error


def remove_garbage(garbage: Garbage) -> None:
    """Remove a finding of `find_garbage`.

    Raises:
        LockedError: It is a run that is being written.
        StorageError: The disk refuses.
    """
    if garbage.run == garbage.path:
        remove_run(Run(garbage.path))
        return
    lock = Lock(garbage.run) if garbage.run else None
    try:
        if garbage.path.is_dir():
            shutil.rmtree(garbage.path, ignore_errors=True)
        else:
            garbage.path.unlink(missing_ok=True)
    finally:
        if lock:
            lock.release()


def find_garbage(root: Path, runs: Iterable[Run], newest: int | None = None) -> list[Garbage]:
    """Return what can be removed from a folder of runs.

    It is what a killed process left behind. With `newest` it is also each older finished run without a tag.

    Args:
        root: The folder that holds the runs.
        runs: The runs, the newest first.
        newest: How many finished runs of each suite are kept. None keeps all.
    """
    return [*_remains(root), *([] if newest is None else _older_runs(runs, newest))]


def _remains(root: Path) -> Iterator[Garbage]:
    for folder in sorted(root.glob(f"{_REMOVED}*")):
        yield Garbage(folder, "the rest of a run that was removed", size_of(folder).own_bytes)
    for run in sorted(root.glob("[!.]*/")):
        if is_alive(run):
            continue
        for folder in sorted(run.glob(f"{PARTS}/.*")):
            reason = "a part whose linking was interrupted"
            yield Garbage(folder, reason, size_of(folder).own_bytes, run)
        for path in sorted(run.glob("**/*.tmp")):
            yield Garbage(path, "a file whose writing was interrupted", path.lstat().st_size, run)


def _older_runs(runs: Iterable[Run], newest: int) -> Iterator[Garbage]:
    finished: dict[str, int] = {}
    for run in runs:
        suite = run.manifest.suite
        if run.manifest.state is not State.SEALED:
            continue
        finished[suite] = finished.get(suite, 0) + 1
        if finished[suite] > newest and not tags_of(run):
            reason = f"older than the newest {newest} finished runs of {suite}"
            yield Garbage(run.path, reason, size_of(run.path).own_bytes, run.path)
