import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors import safe_open
from tokenizers import Tokenizer

from evalhub.errors import ModelError
from evalhub.models.gguf.convert import convert
from evalhub.models.gguf.header import read_header
from evalhub.models.gguf.weights import to_bfloat16


def converted(
    gguf_file: SimpleNamespace, tmp_path: Path, *, int8: bool = False, **options
) -> tuple[Path, dict]:
    tensors = gguf_file.write(tmp_path / "tiny.gguf", **options)
    folder = tmp_path / "out"
    folder.mkdir()
    convert(tmp_path / "tiny.gguf", folder, eos_tokens=("<|im_end|>", "<|endoftext|>"), int8=int8)
    return folder, tensors


def bits(folder: Path) -> dict[str, np.ndarray]:
    import torch

    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name).view(torch.uint16).numpy() for name in file.keys()}  # noqa: SIM118


def test_each_tensor_arrives_where_it_belongs(gguf_file: SimpleNamespace, tmp_path: Path) -> None:
    folder, tensors = converted(gguf_file, tmp_path)
    patterns = bits(folder)
    expected = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "model.layers.1.self_attn.q_proj.weight": "blk.1.attn_q.weight",
        "model.layers.0.self_attn.k_proj.weight": "blk.0.attn_k.weight",
        "model.layers.0.mlp.down_proj.weight": "blk.0.ffn_down.weight",
        "model.layers.1.post_attention_layernorm.weight": "blk.1.ffn_norm.weight",
    }
    for name, origin in expected.items():
        np.testing.assert_array_equal(patterns[name], to_bfloat16(tensors[origin]), err_msg=name)
    assert len(patterns) == len(tensors)


def test_eight_bits_are_the_same_rows_within_half_a_step(gguf_file: SimpleNamespace, tmp_path: Path) -> None:
    folder, tensors = converted(gguf_file, tmp_path, int8=True)
    with safe_open(folder / "model.safetensors", "np") as file:
        names = set(file.keys())
        integers = file.get_tensor("model.layers.0.mlp.down_proj.weight")
        scales = file.get_tensor("model.layers.0.mlp.down_proj.weight_scale")
    assert {name for name in names if name.endswith("_scale")} == {
        f"{name}_scale" for name in names if name.endswith("_proj.weight")
    }
    expected = tensors["blk.0.ffn_down.weight"]
    assert integers.dtype == np.int8
    assert scales.shape == (len(expected), 1)
    assert np.abs(integers).max(axis=1).tolist() == [127] * len(expected)
    assert (np.abs(integers * scales - expected) <= scales * 0.5001).all()
    settings = json.loads((folder / "config.json").read_text())["quantization_config"]
    assert settings["quant_method"] == "compressed-tensors"


def test_tied_embeddings_stay_one_matrix(gguf_file: SimpleNamespace, tmp_path: Path) -> None:
    folder, tensors = converted(gguf_file, tmp_path, output=True)
    patterns = bits(folder)
    assert "lm_head.weight" not in patterns
    np.testing.assert_array_equal(
        patterns["model.embed_tokens.weight"], to_bfloat16(tensors["output.weight"])
    )
    assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"] is True


def test_settings_and_template(gguf_file: SimpleNamespace, tmp_path: Path) -> None:
    folder, _ = converted(gguf_file, tmp_path)
    settings = json.loads((folder / "config.json").read_text())
    assert settings["architectures"] == ["LlamaForCausalLM"]
    assert settings["rms_norm_eps"] == 1e-5
    assert settings["vocab_size"] == len(gguf_file.tokens)
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2, 0]
    assert (folder / "chat_template.jinja").read_text() == gguf_file.template


def test_special_tokens_are_special_and_digits_stand_alone(
    gguf_file: SimpleNamespace, tmp_path: Path
) -> None:
    folder, _ = converted(gguf_file, tmp_path)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.encode("<|im_start|>he  42 he<|im_end|>").tokens == [
        "<|im_start|>", "he", "ĠĠ", "4", "2", "Ġhe", "<|im_end|>",
    ]  # fmt: skip
    ids = tokenizer.encode("<|im_start|>he 42<|im_end|>").ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "he 42"
    assert tokenizer.decode(ids, skip_special_tokens=False) == "<|im_start|>he 42<|im_end|>"


def test_bfloat16_is_torchs_rounding() -> None:
    import torch

    values = np.random.default_rng(0).standard_normal(10_000).astype(np.float32) * np.float32(1e3)
    values[:4] = [0.0, -0.0, 1 + 2**-8, 1 + 3 * 2**-8]
    expected = torch.from_numpy(values).to(torch.bfloat16).view(torch.uint16).numpy()
    np.testing.assert_array_equal(to_bfloat16(values), expected)


@pytest.mark.parametrize("size", [0, 3, 10, 100, 2000])
def test_a_cut_file_is_one_sentence(gguf_file: SimpleNamespace, tmp_path: Path, size: int) -> None:
    gguf_file.write(tmp_path / "tiny.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((tmp_path / "tiny.gguf").read_bytes()[:size])
    with pytest.raises(ModelError, match=r"damaged or cut short|not a GGUF file"):
        read_header(cut)


def test_unknown_kinds_are_named(gguf_file: SimpleNamespace, tmp_path: Path) -> None:
    gguf_file.write(tmp_path / "a.gguf", name="mamba")
    with pytest.raises(ModelError, match="unknown architecture, got 'mamba'; allowed: llama, qwen2, gemma3"):
        convert(tmp_path / "a.gguf", tmp_path, eos_tokens=("<|im_end|>",))
    gguf_file.write(tmp_path / "b.gguf", pre="other")
    with pytest.raises(ModelError, match="tokenizer of an unknown kind, got 'gpt2/other'"):
        convert(tmp_path / "b.gguf", tmp_path, eos_tokens=("<|im_end|>",))
    gguf_file.write(tmp_path / "c.gguf")
    with pytest.raises(ModelError, match="an end token is not in the vocabulary"):
        convert(tmp_path / "c.gguf", tmp_path, eos_tokens=("<nope>",))
