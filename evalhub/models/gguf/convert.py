"""Turns a GGUF file into a folder that vLLM and transformers load: weights, settings, tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalhub.errors import ModelError
from evalhub.models.gguf.header import GgufHeader, Tensor, read_header
from evalhub.models.gguf.tokenizer import build_tokenizer, tokenizer_settings
from evalhub.models.gguf.weights import TensorPlacement, write_weights

# Part of the cache key: raise it whenever the same GGUF file would give another folder.
CONVERTER_VERSION = 1

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GEMMA_LAYER = _LAYER | {
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_GEMMA_PATTERN = 6

_INT8 = {"num_bits": 8, "type": "int", "symmetric": True}
_W8A8 = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": _INT8 | {"strategy": "channel", "dynamic": False},
            "input_activations": _INT8 | {"strategy": "token", "dynamic": True},
        }
    },
    "ignore": ["lm_head"],
}


@dataclass(frozen=True, slots=True)
class _Architecture:
    """The mapping of one architecture of GGUF to the names of transformers."""

    settings: Callable[[GgufHeader], dict[str, Any]]
    layer: dict[str, str]
    interleaved: bool = False
    norm_shift: float = 0.0


def convert(gguf: Path, folder: Path, *, eos_tokens: tuple[str, ...], int8: bool = False) -> None:
    """Write a loadable folder from a GGUF file whose output and input embeddings are one matrix.

    Where the file holds the output matrix besides the embeddings (both cut from one matrix, the output in
    more bits), the output is kept for both.

    Args:
        gguf: A file of one of the pinned models' architectures.
        folder: An empty folder.
        eos_tokens: The tokens that end an answer, the tokenizer's own first.
        int8: Whether the layers' matrices are stored as 8-bit integers, one scale a row, and multiplied
            with activations rounded to 8 bits token by token (compressed-tensors, W8A8).

    Raises:
        ModelError: The file cannot be read, or its architecture, tokenizer or a tensor is unknown.
    """
    header = read_header(gguf)
    name = header.text("general.architecture")
    if name not in _ARCHITECTURES:
        raise ModelError("unknown architecture", where=header.where, value=name, allowed=_ARCHITECTURES)
    architecture = _ARCHITECTURES[name]
    settings = architecture.settings(header)
    tokenizer = build_tokenizer(header)
    ends = [tokenizer.token_to_id(token) for token in eos_tokens]
    if None in ends:
        raise ModelError("an end token is not in the vocabulary", where=header.where, value=eos_tokens)
    ids = {
        "bos_token_id": header.fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": ends[0] if len(ends) == 1 else ends,
        "pad_token_id": header.fields.get("tokenizer.ggml.padding_token_id"),
    }
    quantized = {"quantization_config": _W8A8} if int8 else {}
    _write_json(folder / "config.json", settings | ids | {"eos_token_id": ends[0]} | quantized)
    _write_json(folder / "generation_config.json", ids)
    _write_json(
        folder / "tokenizer_config.json", tokenizer_settings(header, settings["max_position_embeddings"])
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    if "tokenizer.chat_template" in header.fields:
        template = header.text("tokenizer.chat_template")
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8", newline="")
    tensors = _place_tensors(header, architecture, settings)
    if int8:
        tensors = [replace(tensor, int8=tensor.name.endswith("_proj.weight")) for tensor in tensors]
    write_weights(gguf, folder / "model.safetensors", tensors)


def _place_tensors(
    header: GgufHeader, architecture: _Architecture, settings: dict[str, Any]
) -> list[TensorPlacement]:
    """Return the new name of each tensor and the changes to undo. The embeddings appear once."""
    names = {tensor.name for tensor in header.tensors}
    embeddings = "output.weight" if "output.weight" in names else "token_embd.weight"
    skipped = {"token_embd.weight", "output.weight", "rope_freqs.weight"} - {embeddings}
    return [
        _place(tensor, header, architecture, settings, embeddings)
        for tensor in header.tensors
        if tensor.name not in skipped
    ]


def _place(
    tensor: Tensor, header: GgufHeader, architecture: _Architecture, settings: dict[str, Any], embeddings: str
) -> TensorPlacement:
    """Return the new name of one tensor and the changes to undo."""
    shift = architecture.norm_shift if tensor.name.endswith("norm.weight") else 0.0
    if tensor.name == embeddings:
        return TensorPlacement("model.embed_tokens.weight", tensor)
    if tensor.name == "output_norm.weight":
        return TensorPlacement("model.norm.weight", tensor, shift=shift)
    match = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", tensor.name)
    if match is None or match[2] not in architecture.layer:
        raise ModelError("the GGUF file has an unknown tensor", where=header.where, value=tensor.name)
    heads = {"attn_q": settings["num_attention_heads"], "attn_k": settings["num_key_value_heads"]}
    return TensorPlacement(
        f"model.layers.{match[1]}.{architecture.layer[match[2]]}.{match[3]}",
        tensor,
        heads=heads.get(match[2], 0) if architecture.interleaved else 0,
        shift=shift,
    )


def _settings(header: GgufHeader, model_type: str, architecture: str) -> dict[str, Any]:
    """Return the part of `config.json` that all architectures share."""
    name = header.text("general.architecture")
    heads = header.integer(f"{name}.attention.head_count")
    hidden_size = header.integer(f"{name}.embedding_length")
    key_length = f"{name}.attention.key_length"
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "dtype": "bfloat16",
        # The settings have the names of transformers 5. Without a version it takes them for older files.
        "transformers_version": "5.0.0",
        "vocab_size": len(header.texts("tokenizer.ggml.tokens")),
        "hidden_size": hidden_size,
        "intermediate_size": header.integer(f"{name}.feed_forward_length"),
        "num_hidden_layers": header.integer(f"{name}.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": header.integer(f"{name}.attention.head_count_kv"),
        "head_dim": header.integer(key_length) if key_length in header.fields else hidden_size // heads,
        "max_position_embeddings": header.integer(f"{name}.context_length"),
        "rms_norm_eps": header.number(f"{name}.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": header.number(f"{name}.rope.freq_base")},
        "tie_word_embeddings": True,
        "attention_dropout": 0.0,
    }


def _llama(header: GgufHeader) -> dict[str, Any]:
    return _settings(header, "llama", "LlamaForCausalLM") | {
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
    }


def _qwen2(header: GgufHeader) -> dict[str, Any]:
    settings = _settings(header, "qwen2", "Qwen2ForCausalLM")
    del settings["head_dim"]
    return settings | {"hidden_act": "silu", "use_sliding_window": False}


def _gemma3(header: GgufHeader) -> dict[str, Any]:
    settings = _settings(header, "gemma3_text", "Gemma3ForCausalLM")
    full_attention = settings["rope_parameters"]
    layers = range(1, settings["num_hidden_layers"] + 1)
    kinds = ["sliding_attention" if layer % _GEMMA_PATTERN else "full_attention" for layer in layers]
    return settings | {
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "query_pre_attn_scalar": settings["head_dim"],
        "sliding_window": header.integer("gemma3.attention.sliding_window"),
        "layer_types": kinds,
        "rope_parameters": {
            "full_attention": full_attention,
            "sliding_attention": full_attention | {"rope_theta": 10_000.0},
        },
    }


_ARCHITECTURES = {
    "llama": _Architecture(_llama, _LAYER, interleaved=True),
    "qwen2": _Architecture(_qwen2, _LAYER),
    "gemma3": _Architecture(_gemma3, _GEMMA_LAYER, norm_shift=-1.0),
}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a settings file that people can read."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
