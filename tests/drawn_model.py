"""A model with drawn weights and a tokenizer of words, small enough to be trained in a second."""

from __future__ import annotations

import json
from pathlib import Path

from evalhub.models import hide_broken_media

WORDS = 400


def write_drawn_model(folder: Path, text: str, *, seed: int = 0) -> Path:
    """Write a causal model whose tokenizer knows the words of a text, and A and B.

    Args:
        folder: The folder, which is made.
        text: All words that prompts are made of.
        seed: Seed of the weights.
    """
    hide_broken_media()
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import Qwen2Config, Qwen2ForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    splitter = Whitespace()
    words = {word for word, _ in splitter.pre_tokenize_str(f"{text} A B User Assistant : \n")}
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "[END]", *sorted(words)])}
    assert len(vocabulary) <= WORDS
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = splitter
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "eos_token": "[END]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=WORDS, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=512, eos_token_id=1, pad_token_id=1,
        tie_word_embeddings=True, initializer_range=0.1, dtype="bfloat16",
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder
