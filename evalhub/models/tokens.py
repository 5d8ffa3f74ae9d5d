"""How long a text is to a model, without starting it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from evalhub.errors import ModelError
from evalhub.models.hub import parse_hub_id
from evalhub.models.pinned import PINNED
from evalhub.models.resolution import resolve


def count_tokens(name: str, text: str) -> int | None:
    """Return the number of tokens of a text, without the chat template around it.

    Args:
        name: A model, as in `resolve`; nothing is fetched.
        text: The text.

    Returns:
        The number; None where the model, or what reads its tokenizer, is not on this machine.

    Raises:
        UnknownNameError: Nothing has that name.
        ModelError: A folder that is no model, or not safe.
    """
    try:
        folder = resolve(name, download=False).path
    except ModelError:
        fetched_first = name in PINNED or parse_hub_id(name) is not None
        if fetched_first and not Path(name).expanduser().is_dir():
            return None
        raise
    file = folder / "tokenizer.json"
    if not file.is_file() or importlib.util.find_spec("tokenizers") is None:
        return None
    from tokenizers import Tokenizer

    return len(Tokenizer.from_file(str(file)).encode(text, add_special_tokens=False).ids)
