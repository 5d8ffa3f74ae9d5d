"""An adapter beside its base is a model of its own, and is refused beside another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import identify
from evalhub.errors import ModelError
from evalhub.models import TRAINING, resolve
from evalhub.specs import EngineSpec

pytest.importorskip("safetensors")

WIDTH, OUT = 8, 4
NAME = "model.layers.0.self_attn.q_proj"


def write_base(folder: Path, out: int = OUT) -> Path:
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir()
    config = {"architectures": ["Qwen2ForCausalLM"], "num_hidden_layers": 1, "hidden_size": WIDTH}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({f"{NAME}.weight": np.zeros((out, WIDTH), np.float32)}, folder / "model.safetensors")
    return folder


def write_adapter(
    folder: Path, *, out: int = OUT, record: dict[str, Any] | None = None, **settings: Any
) -> Path:
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, **settings}))
    prefix = f"base_model.model.{NAME}"
    factors = {
        f"{prefix}.lora_A.weight": np.zeros((2, WIDTH), np.float32),
        f"{prefix}.lora_B.weight": np.zeros((out, 2), np.float32),
    }
    save_file(factors, folder / "adapter_model.safetensors")
    if record is not None:
        (folder / TRAINING).write_text(json.dumps(record))
    return folder


def test_a_model_with_an_adapter_is_another_model(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base")
    plain = resolve(str(base))
    record = {
        "items": ["a" * 64], "method": "lora", "rubric": {"id": "r", "hash": "h"}, "criterion": "c",
        "base_hash": plain.content_hash,
    }  # fmt: skip
    adapter = write_adapter(tmp_path / "mine" / "adapter", record=record, rank_pattern={"q_proj": 12})
    model = resolve(str(base), adapter=str(adapter))
    assert model.id == "base+mine"
    assert model.content_hash != plain.content_hash
    assert (model.path, model.families) == (plain.path, plain.families)
    assert model.trained_on == {"a" * 64}
    assert model.training is not None
    assert model.training.method == "lora"
    assert model.adapter is not None
    assert (model.adapter.rank, model.adapter.path) == (12, adapter)
    other = write_adapter(tmp_path / "other", rank_pattern={"q_proj": 12}, record=record, out=OUT)
    (other / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 3}))
    assert resolve(str(base), adapter=str(other)).content_hash != model.content_hash


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (
            lambda place: write_adapter(place, record={"base_hash": "0" * 64}),
            "trained on another model than base",
        ),
        (lambda place: write_adapter(place, out=OUT + 1), r"another model than base.*q_proj has other sizes"),
        (lambda place: write_adapter(place, use_dora=True), r"parts that vLLM does not serve.*use_dora"),
        (lambda place: write_adapter(place, bias="all"), r"does not serve.*bias"),
        (lambda place: write_adapter(place, peft_type="PREFIX_TUNING"), "no LoRA adapter"),
        (lambda place: write_adapter(place, r=0), "ranks of the adapter are numbers from 1"),
        (lambda place: write_adapter(place, rank_pattern=[8]), "ranks of the adapter are numbers from 1"),
        (lambda place: write_adapter(place, rank_pattern={"q": "8"}), "ranks of the adapter are numbers"),
        (lambda place: place.mkdir(), "the folder holds no adapter"),
        (lambda place: place, "the folder holds no adapter"),
    ],
)
def test_what_is_no_adapter_for_this_base_is_refused(
    tmp_path: Path, write: Callable[[Path], Any], sentence: str
) -> None:
    base = write_base(tmp_path / "base")
    write(tmp_path / "adapter")
    with pytest.raises(ModelError, match=sentence):
        resolve(str(base), adapter=str(tmp_path / "adapter"))


def test_an_adapter_without_weights_is_refused(tmp_path: Path) -> None:
    base, adapter = write_base(tmp_path / "base"), write_adapter(tmp_path / "adapter")
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match="the adapter has no weights"):
        resolve(str(base), adapter=str(adapter))


@pytest.mark.parametrize(
    "settings",
    [
        {"init_lora_weights": "pissa"},
        {"init_lora_weights": "loftq"},
        {"alora_invocation_tokens": [1, 2]},
        {"trainable_token_indices": [3]},
    ],
)
def test_factors_that_mean_something_only_on_other_weights_or_tokens_are_refused(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    base, adapter = write_base(tmp_path / "base"), write_adapter(tmp_path / "adapter", **settings)
    with pytest.raises(ModelError, match=f"vLLM does not serve.*{next(iter(settings))}"):
        resolve(str(base), adapter=str(adapter))


def test_an_adapter_that_starts_plainly_is_taken(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base")
    adapter = write_adapter(tmp_path / "adapter", init_lora_weights="gaussian")
    assert resolve(str(base), adapter=str(adapter)).adapter is not None


def test_an_engine_that_adds_no_adapter_refuses_one(tmp_path: Path) -> None:
    base, adapter = write_base(tmp_path / "base"), write_adapter(tmp_path / "adapter")
    model = resolve(str(base), adapter=str(adapter))
    for engine in ("pooling", "scripted"):
        with pytest.raises(ModelError, match=f"the engine {engine} adds no adapter.*merged"):
            identify(EngineSpec(type=engine), model)
    assert identify(EngineSpec(type="vllm"), model).settings["lora_rank"] == 8


def test_a_judge_has_the_families_of_its_teacher_unless_the_user_declares_others(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base")
    adapter = write_adapter(tmp_path / "adapter", record={"families": ["qwen", "llama"]})
    assert resolve(str(base), adapter=str(adapter)).families == ("qwen", "llama")
    assert resolve(str(base), adapter=str(adapter), families=["phi"]).families == ("phi",)
    (base / TRAINING).write_text(json.dumps({"families": ["unknown", "llama"]}))
    assert resolve(str(base)).families == ("unknown", "llama")
    (base / TRAINING).write_text(json.dumps({"families": "llama"}))
    with pytest.raises(ModelError, match="families are names"):
        resolve(str(base))


@pytest.mark.parametrize(("shape", "sentence"), [((WIDTH,), "other sizes"), (None, "no safetensors file")])
def test_a_base_without_such_a_matrix_is_refused(
    tmp_path: Path, shape: tuple[int, ...] | None, sentence: str
) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    base, adapter = write_base(tmp_path / "base"), write_adapter(tmp_path / "adapter")
    weights = {"other.weight": np.zeros((1, 1), np.float32)}
    save_file(
        {f"{NAME}.weight": np.zeros(shape, np.float32)} if shape else weights, base / "model.safetensors"
    )
    with pytest.raises(ModelError, match=f"another model than base.*{sentence}"):
        resolve(str(base), adapter=str(adapter))
