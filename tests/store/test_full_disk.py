"""A disk that is really full, at every size: a sentence and exit code 4, and nothing is torn.

Row 21: 8 sizes of a small file system, and 20 random ones with EVALHUB_FULL=1.
"""

import ctypes
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import EvalhubError, StorageError
from evalhub.records import Completion
from evalhub.store import Run, all_runs

_LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB. Skipped where mounting is not allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    if _LIBC.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"needs the right to mount a tmpfs ({os.strerror(ctypes.get_errno())})")
    yield folder
    _LIBC.umount2(str(folder).encode(), 2)


def fill(folder: Path, leave: int) -> Path:
    """Write until only so many KiB are left."""
    ballast = folder / "ballast"
    ballast.write_bytes(b"")
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    ballast.write_bytes(b"x" * max(0, free - leave * 1024))
    return ballast


def keys(run: Run) -> list[str]:
    return [record.key for record in run.records("completions") if isinstance(record, Completion)]


SIZES = [0, 4, 8, 12, 16, 28, 48, 120]
if os.environ.get("EVALHUB_FULL"):
    SIZES = sorted(random.Random(21).sample(range(80), 20))


@pytest.mark.parametrize("leave", SIZES)
def test_a_run_on_a_full_disk_ends_with_a_sentence_and_can_go_on(desk: Any, small: Path, leave: int) -> None:
    desk.runs = small / "runs"
    desk.runs.mkdir()
    ballast = fill(small, leave)
    desk.dataset(items=16)
    try:
        desk.run()
    except StorageError as error:
        sentence = str(error)
    else:
        assert leave > 80
        return
    assert "No space left on device" in sentence or "disk is full" in sentence
    assert "\n" not in sentence
    runs_before = all_runs(desk.runs)
    before = [key for run in runs_before for key in keys(run)]
    for run in runs_before:
        for path in run.journals():
            assert not path.read_bytes() or path.read_bytes().endswith(b"\n")
    ballast.unlink()
    run = desk.run()
    assert run.finished
    if runs_before:
        assert run.id == runs_before[0].id
    after = keys(run)
    assert set(before) <= set(after)
    assert len(after) == len(set(after)) == 32
    assert len(list(run.records("judgments"))) == 32


def test_the_command_line_ends_with_4(desk: Any, small: Path, cli: Any) -> None:
    desk.dataset(items=16)
    runs = small / "runs"
    runs.mkdir()
    ballast = fill(small, 28)
    result = cli("run", "s", "--runs", str(runs))
    assert result.code == 4
    assert "free some room" in result.sentence
    ballast.unlink()
    assert cli("run", "s", "--runs", str(runs), "--json").code == 0
    assert cli("verify", "--runs", str(runs)).code == 0


def test_no_room_for_the_report(desk: Any, small: Path, cli: Any) -> None:
    run = desk.run()
    shutil.copytree(run.path, small / "runs" / run.id)
    ballast = fill(small, 0)
    result = cli("report", "--runs", str(small / "runs"))
    assert result.code == 4, result
    assert result.sentence
    ballast.unlink()


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.parquet"])
def test_no_room_for_preferences(desk: Any, small: Path, cli: Any, name: str) -> None:
    desk.dataset(items=200)
    desk.run()
    ballast = fill(small, 8)
    result = cli("export", "--preferences", str(small / name))
    assert result.code == 4, result
    assert "No space left on device" in result.sentence
    assert list(small.iterdir()) == [ballast]
    ballast.unlink()
    assert cli("export", "--preferences", str(small / name)).code == 0
    assert {path.name for path in small.iterdir()} == {name, f"{name}.manifest.json"}


def test_a_folder_that_cannot_be_written(desk: Any) -> None:
    (desk.folder / "taken").write_text("")
    desk.runs = desk.folder / "taken"
    with pytest.raises(EvalhubError) as error:
        desk.run()
    assert error.value.exit_code == 4
