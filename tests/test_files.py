"""Files appear whole or not at all, and survive a power cut where that is asked for."""

import hashlib
import os
from pathlib import Path

import pytest

from evalhub.files import file_sha256, replace_file, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_replaced_in_one_step(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with replace_file(path, shared=shared) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == path.parent
    assert path.read_text() == "new"
    assert names(tmp_path) == ["report.json"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, ValueError])
def test_a_block_that_raises_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def write_half() -> None:
        with replace_file(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.json"]


def test_a_partial_file_of_a_killed_writer_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.json.tmp").write_text("a longer text of a killed writer")
    write_file(tmp_path / "report.json", b"new")
    assert names(tmp_path) == ["report.json"]
    assert (tmp_path / "report.json").read_bytes() == b"new"


def test_the_content_is_synced_before_the_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    steps: list[tuple[str, bool]] = []

    def record(file: Path) -> None:
        steps.append(("folder" if file.is_dir() else "content", path.exists()))

    monkeypatch.setattr("evalhub.files.sync", record)
    write_file(path, b"text")
    assert steps == [("content", False), ("folder", True)]
    steps.clear()
    write_file(path, b"text", durable=False)
    assert steps == []


def test_writers_of_several_processes_have_partial_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hashes.json"
    with replace_file(path, shared=True) as first:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with replace_file(path, shared=True) as second:
            second.write_text("second")
            first.write_text("first")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_a_folder_that_is_missing_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        write_file(tmp_path / "absent" / "report.json", b"")


def test_the_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
