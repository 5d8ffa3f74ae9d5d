"""A model with drawn weights and a tokenizer of words, small enough to be trained in a second."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from evalhub.models import hide_broken_media

WORDS = 400
NARROW = 16


def write_drawn_model(
    folder: Path, text: str = "", *, tokenizer_of: Path | None = None, seed: int = 0
) -> Path:
    """Write a causal model of the architecture of Qwen2.

    Args:
        folder: The folder, which is made.
        text: The words that the tokenizer knows, besides A and B.
        tokenizer_of: A Qwen model whose tokenizer it has instead. vLLM reads no tokenizer of another kind.
        seed: Seed of the weights.
    """
    hide_broken_media()
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    # Threads only wait for each other where matrices are so small.
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    size = _copy_tokenizer(tokenizer_of, folder) if tokenizer_of else _write_tokenizer(text, folder)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=size, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=512, eos_token_id=1, pad_token_id=1,
        tie_word_embeddings=True, initializer_range=0.3, dtype="bfloat16",
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def write_narrow_model(folder: Path) -> Path:
    """Write a causal model as wide as the hidden states that the scripted engine draws."""
    hide_broken_media()
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64, hidden_size=NARROW, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=512, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def _write_tokenizer(text: str, folder: Path) -> int:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    splitter = Whitespace()
    words = {word for word, _ in splitter.pre_tokenize_str(f"{text} A B User Assistant :")}
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "[END]", *sorted(words)])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = splitter
    tokenizer.save(str(folder / "tokenizer.json"))
    return WORDS


def _copy_tokenizer(model: Path, folder: Path) -> int:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (model / name).is_file():
            shutil.copyfile(model / name, folder / name)
    size: int = json.loads((model / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    return size
