"""Builds a model's tokenizer from the token lists of its GGUF file.

A GGUF file only names its kind of text splitting (`tokenizer.ggml.pre`). The kinds of the pinned models are
defined here as their makers published them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from evalhub.errors import ModelError
from evalhub.models.gguf.header import GgufHeader

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5
_SPACE = "\u2581"
_QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_NAMED = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def build_tokenizer(header: GgufHeader) -> Tokenizer:
    """Return the tokenizer that a GGUF file describes.

    Args:
        header: Of a file whose vocabulary is one of the kinds of the pinned models.

    Returns:
        A tokenizer with its special tokens registered as special.

    Raises:
        ModelError: The kind is unknown.
    """
    kind = (header.text("tokenizer.ggml.model"), header.text("tokenizer.ggml.pre"))
    if kind not in _BUILDERS:
        raise ModelError(
            "the GGUF file has a tokenizer of an unknown kind",
            where=header.where,
            value="/".join(kind),
            allowed=("/".join(names) for names in _BUILDERS),
        )
    return _BUILDERS[kind](header)


def tokenizer_settings(header: GgufHeader, context_length: int) -> dict[str, Any]:
    """Return the content of `tokenizer_config.json`."""
    tokens = header.texts("tokenizer.ggml.tokens")
    special_tokens = {
        name: tokens[header.integer(f"tokenizer.ggml.{key}_token_id")]
        for name, key in _NAMED.items()
        if f"tokenizer.ggml.{key}_token_id" in header.fields
    }
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context_length,
        "clean_up_tokenization_spaces": False,
        "add_bos_token": bool(header.fields.get("tokenizer.ggml.add_bos_token", False)),
        **special_tokens,
    }


def _smollm(header: GgufHeader) -> Tokenizer:
    """Byte-level pairs. Each digit stands alone."""
    from tokenizers import pre_tokenizers

    tokenizer = _byte_level(header)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def _qwen(header: GgufHeader) -> Tokenizer:
    """Byte-level pairs over composed Unicode."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    tokenizer = _byte_level(header)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _byte_level(header: GgufHeader) -> Tokenizer:
    """Pairs over bytes. The merges are in the file."""
    from tokenizers import Tokenizer, decoders, models

    kinds = header.integers("tokenizer.ggml.token_type")
    tokens = header.texts("tokenizer.ggml.tokens")
    vocabulary = {
        token: i for i, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind != _UNUSED
    }
    pairs = (merge.partition(" ") for merge in header.texts("tokenizer.ggml.merges"))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[(left, right) for left, _, right in pairs]))
    tokenizer.decoder = decoders.ByteLevel()
    _add_special(tokenizer, tokens, kinds)
    return tokenizer


def _sentencepiece(header: GgufHeader) -> Tokenizer:
    """Pairs over characters with bytes as a fallback. The merges follow from the vocabulary's order."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    kinds = header.integers("tokenizer.ggml.token_type")
    # Runs of spaces are stored plain, but met as the visible space.
    tokens = [
        _SPACE * len(token) if token and not token.strip(" ") else token
        for token in header.texts("tokenizer.ggml.tokens")
    ]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    unknown = tokens[header.integer("tokenizer.ggml.unknown_token_id")]
    model = models.BPE(
        vocab=vocabulary,
        merges=derive_merges(vocabulary),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", _SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    _add_special(tokenizer, tokens, kinds)
    if header.fields.get("tokenizer.ggml.add_bos_token"):
        begin = header.integer("tokenizer.ggml.bos_token_id")
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{tokens[begin]} $A",
            pair=f"{tokens[begin]} $A {tokens[begin]}:1 $B:1",
            special_tokens=[(tokens[begin], begin)],
        )
    return tokenizer


def derive_merges(vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """Return the merges that a vocabulary in merge order implies.

    Args:
        vocabulary: Token to id. Earlier tokens merge first.

    Returns:
        Pairs of tokens, best first.

    Example:
        >>> derive_merges({"a": 0, "b": 1, "ab": 2, "abb": 3})
        [('a', 'b'), ('ab', 'b')]
    """
    merges: list[tuple[str, str]] = []
    for token in vocabulary:
        splits = [
            (token[:cut], token[cut:])
            for cut in range(1, len(token))
            if token[:cut] in vocabulary and token[cut:] in vocabulary
        ]
        merges += sorted(splits, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
    return merges


def _add_special(tokenizer: Tokenizer, tokens: Iterable[str], kinds: Iterable[int]) -> None:
    """Register control tokens as special and user-defined ones as whole words."""
    from tokenizers import AddedToken

    pairs = list(zip(tokens, kinds, strict=True))
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token, kind in pairs if kind == _CONTROL]
    )
    tokenizer.add_tokens(
        [
            AddedToken(token, normalized=False)
            for token, kind in pairs
            if kind == _USER_DEFINED and token.strip(_SPACE)
        ]
    )


_BUILDERS: dict[tuple[str, str], Callable[[GgufHeader], Tokenizer]] = {
    ("gpt2", "smollm"): _smollm,
    ("gpt2", "qwen2"): _qwen,
    ("llama", "default"): _sentencepiece,
}
