import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalhub import models
from evalhub.errors import IntegrityError, ModelError, StorageError, UnknownNameError
from evalhub.files import file_sha256
from evalhub.models import cache as cache_module
from evalhub.models.cache import cached_sha256, publish_folder
from evalhub.models.gguf import fetch, pinned_folder
from evalhub.models.pinned import PINNED, PinnedModel


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_fetch_makes_a_folder_once(tiny: PinnedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    model = models.fetch("tiny", progress=messages.append)
    assert names(model.path) == {
        "chat_template.jinja", "config.json", "evalhub.json", "generation_config.json",
        "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert (model.id, model.families, model.context_length, model.max_length) == (
        "tiny",
        ("smollm",),
        128,
        64,
    )
    assert model.licence == "Apache-2.0"
    assert len(model.content_hash) == 64
    assert model.chat_template_hash is not None
    assert messages[-1] == "Tiny: ready"
    assert {name for name in names(model.path.parent) if not name.endswith(".lock")} == {model.path.name}
    monkeypatch.setattr(fetch, "fetch_gguf", None)
    monkeypatch.setattr(cache_module, "file_sha256", None)
    assert models.resolve("tiny") == model


def test_a_failed_conversion_leaves_nothing(tiny: PinnedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "convert", breaks)
    with pytest.raises(KeyboardInterrupt):
        models.fetch("tiny")
    assert all(name.endswith(".lock") for name in names(pinned_folder(tiny).parent))


def test_what_a_killed_process_left_is_removed(tiny: PinnedModel) -> None:
    left = pinned_folder(tiny).parent / f".{pinned_folder(tiny).name}-abc"
    left.mkdir(parents=True)
    (left / "weights.gguf").write_bytes(b"half")
    models.fetch("tiny")
    assert not left.exists()


def test_wrong_weights_never_reach_the_cache(tiny: PinnedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setitem(PINNED, "tiny", dataclasses.replace(tiny, sha256="f" * 64))
    with pytest.raises(IntegrityError):
        models.fetch("tiny")
    with pytest.raises(ModelError, match=r"not in the cache.*evalhub models fetch tiny"):
        models.resolve("tiny", download=False)


def test_what_is_missing_is_said_before_anything_is_fetched(
    tiny: PinnedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "REQUIRED_PACKAGES", ("gguf", "no_such_package"))
    with pytest.raises(ModelError, match="making Tiny ready needs no_such_package; install evalhub with"):
        models.fetch("tiny")


def test_two_equal_folders_and_an_error_inside(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with publish_folder(target) as first:
        (first / "a").write_text("1")
    with publish_folder(target) as second:
        (second / "a").write_text("2")
    assert (target / "a").read_text() == "1"
    with pytest.raises(StorageError, match="No space left"), publish_folder(tmp_path / "other"):
        raise OSError(28, os.strerror(28))
    assert names(tmp_path) == {"made"}


def test_hashes_are_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    first = cached_sha256([file])[file]
    assert first == file_sha256(file)
    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "file_sha256", None)
        assert cached_sha256([file])[file] == first
    file.write_text("two!")
    assert cached_sha256([file])[file] == file_sha256(file) != first
    (models.cache_folder() / "hashes.json").write_text("[not json")
    assert cached_sha256([file])[file] == file_sha256(file)


def test_content_hash_follows_the_chat_template(tiny: PinnedModel, tmp_path: Path) -> None:
    first = models.fetch("tiny")
    folder = tmp_path / "SmolLM2-copy"
    folder.mkdir()
    for path in first.path.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    copy = models.resolve(str(folder))
    assert (copy.content_hash, copy.id, copy.families) == (first.content_hash, "SmolLM2-copy", ("smollm",))
    assert (copy.source, copy.licence, copy.context_length) == ("folder", "not stated", 128)
    (folder / "chat_template.jinja").write_text("other")
    changed = models.resolve(str(folder))
    assert changed.content_hash != first.content_hash
    assert changed.chat_template_hash != first.chat_template_hash
    assert models.resolve(str(folder), families=["llama", "llama"]).families == ("llama",)
    assert models.resolve("tiny", families=["llama"]).families == ("smollm", "llama")


def test_the_type_of_the_weights_is_what_the_settings_say(tiny: PinnedModel, tmp_path: Path) -> None:
    model = models.fetch("tiny")
    assert (model.dtype, model.quantized) == ("bfloat16", False)
    folder = tmp_path / "copy"
    shutil.copytree(model.path, folder)
    settings = json.loads((folder / "config.json").read_text())
    for name in ("dtype", "torch_dtype"):
        settings.pop(name, None)
    expected: list[tuple[dict[str, Any], tuple[str | None, bool]]] = [
        ({}, (None, False)),
        ({"dtype": "float32"}, ("float32", False)),
        ({"text_config": {"torch_dtype": "float16"}}, ("float16", False)),
        ({"torch_dtype": "float16", "quantization_config": {"quant_method": "awq"}}, ("float16", True)),
    ]
    for change, (dtype, quantized) in expected:
        (folder / "config.json").write_text(json.dumps({**settings, **change}))
        changed = models.resolve(str(folder))
        assert (changed.dtype, changed.quantized) == (dtype, quantized)


def test_names_that_nothing_has(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'qwen2\.5-coder-0\.5b-instruct'"):
        models.resolve("qwen2.5-coder-0.5b")
    with pytest.raises(ModelError, match="no such model folder"):
        models.resolve(str(tmp_path / "absent"))
    with pytest.raises(ModelError, match="needs a revision"):
        models.resolve("org/name")


def test_list_show_and_check(tiny: PinnedModel) -> None:
    rows = {row.id: row for row in models.list_models()}
    assert rows["tiny"].path is None
    assert models.show("tiny").content_hash is None
    assert [row.ok for row in models.check("tiny")] == [False]
    model = models.fetch("tiny")
    shown = models.show("tiny")
    assert (shown.path, shown.content_hash, shown.chat_template) == (model.path, model.content_hash, True)
    rows = {row.check: row for row in models.check("tiny")}
    assert all(row.ok for row in rows.values())
    assert rows["embeddings"].detail == "tied"
    assert tiny.sha256 in rows["files"].detail
    settings = model.path / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"changed": True}))
    rows = {row.check: row for row in models.check("tiny")}
    assert not rows["files"].ok
    assert "tokenizer_config.json" in rows["files"].detail


def test_room_is_a_matter_of_numbers(tiny: PinnedModel) -> None:
    model = models.fetch("tiny")
    required = models.bytes_needed(model, kv_cache_bytes=10**9)
    assert required > model.weight_bytes + 10**9
    models.check_room(model, required, kv_cache_bytes=10**9)
    with pytest.raises(ModelError, match=r"tiny: no room for the model, got '.* GiB free'"):
        models.check_room(model, required - 1, kv_cache_bytes=10**9)
