"""Tokenizers of the models in the cache. To read one takes seconds, so each is read once."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest


@cache
def read_tokenizer(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Return a tokenizer and its special tokens."""
    library = pytest.importorskip("tokenizers")
    added = json.loads(path.read_text(encoding="utf-8"))["added_tokens"]
    tokens = tuple(token["content"] for token in added if token["special"])
    return library.Tokenizer.from_file(str(path)), tokens
