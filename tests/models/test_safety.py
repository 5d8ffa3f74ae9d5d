"""Row 11: a model brings no pickled file and no code, unless its suite allows that by name."""

import json
import re
from inspect import signature
from pathlib import Path

import pytest

from evalhub.engines.opening import LocalSettings
from evalhub.errors import ModelError
from evalhub.models.compat import hide_broken_media
from evalhub.models.families import families_of
from evalhub.models.safety import check_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"abcd")
    return folder


def test_a_sound_folder_passes(folder: Path) -> None:
    check_folder(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "x.pt", "sub/optimizer.PTH", "a.ckpt", "a.pkl"])
def test_pickles_are_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(ModelError, match="pickled files"):
        check_folder(folder)
    check_folder(folder, allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("modeling_own.py", ""),
        ("sub/tool.py", ""),
        ("config.json", '{"auto_map": {"AutoModel": "modeling_own.Own"}}'),
        ("config.json", '{"text_config": [{"auto\\u005fmap": {}}]}'),
        ("tokenizer_config.json", '{"auto_map": {}}'),
    ],
)
def test_remote_code_is_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    with pytest.raises(ModelError, match="brings code of its own"):
        check_folder(folder)
    check_folder(folder, trust_remote_code=True)


def test_a_folder_that_is_not_whole(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    with pytest.raises(ModelError, match="damaged or cut short"):
        check_folder(folder)
    weights.write_bytes(content)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"w": "model-00001.safetensors"}}')
    with pytest.raises(ModelError, match="weight files are missing"):
        check_folder(folder)
    (folder / "model.safetensors.index.json").unlink()
    weights.unlink()
    with pytest.raises(ModelError, match="no weights"):
        check_folder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config\.json"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("names", "architectures", "expected"),
    [
        (["Qwen/Qwen2.5-7B-Instruct@abc"], ["Qwen2ForCausalLM"], ("qwen",)),
        (["meta-llama/Llama-3.1-8B@1"], ["LlamaForCausalLM"], ("llama",)),
        (["lmsys/vicuna-13b-v1.5@1"], ["LlamaForCausalLM"], ("llama",)),
        (["HuggingFaceTB/SmolLM2-1.7B@1"], ["LlamaForCausalLM"], ("smollm",)),
        (["my-finetune"], ["Gemma3ForCausalLM"], ("gemma",)),
        (["microsoft/phi-4@1"], ["Phi3ForCausalLM"], ("phi",)),
        (["dolphin-7b"], ["MistralForCausalLM"], ("unknown",)),
        (["mistralai/Mixtral-8x7B@1"], [], ("mistral",)),
    ],
)
def test_families(names: list[str], architectures: list[str], expected: tuple[str, ...]) -> None:
    assert families_of(names, architectures) == expected


def test_media_is_hidden_only_where_the_builds_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from evalhub.models import compat

    for name in ("torchvision", "torchaudio", "torchcodec"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    versions = {"torch": "2.13.0+cpu", "torchvision": "0.28.0", "torchaudio": "2.11.0+cpu"}
    monkeypatch.setattr(compat, "_version", lambda name: versions.get(name, ""))
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert hide_broken_media() == ()
    monkeypatch.delitem(sys.modules, "torchvision")
    assert hide_broken_media() == ("torchvision",)
    assert sys.modules["torchvision"] is None
    monkeypatch.delitem(sys.modules, "torchvision")
    versions["torch"] = "2.13.0"
    assert hide_broken_media() == ()


UNSAFE = re.compile(
    r"\b(?:import|from) (?:pickle|cPickle|dill|cloudpickle|joblib|marshal|shelve)\b|\btorch\.load\b"
    r"|read_pickle|allow_pickle=True|trust_remote_code=True|\byaml\.(?:unsafe_load|full_load|Loader)\b"
)


def test_no_module_unpickles_or_trusts_remote_code() -> None:
    root = Path(__file__).resolve().parents[2]
    modules = [path for folder in ("evalhub", "dashboards") for path in (root / folder).rglob("*.py")]
    assert len(modules) > 300
    assert not [str(path) for path in modules if UNSAFE.search(path.read_text(encoding="utf-8"))]
    assert UNSAFE.search("import pickle")
    assert UNSAFE.search("from_pretrained(path, trust_remote_code=True)")


def test_nothing_is_trusted_by_default() -> None:
    settings = LocalSettings()
    assert not settings.trust_remote_code
    assert signature(check_folder).parameters["allow_pickle"].default is False
