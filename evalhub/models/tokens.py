"""What can be known of a model without fetching or starting it: whether it is here, and its tokens."""

from __future__ import annotations

from pathlib import Path

from evalhub.errors import ModelError
from evalhub.models.chat import folder_tokenizer
from evalhub.models.hub import parse_hub_id
from evalhub.models.pinned import PINNED
from evalhub.models.resolution import ResolvedModel, resolve


def model_here(name: str) -> ResolvedModel | None:
    """Return a model that lies on this machine. None where it would have to be fetched first.

    Args:
        name: A model, as in `resolve`. Nothing is fetched.

    Raises:
        UnknownNameError: Nothing has that name.
        ModelError: A folder that is no model, or not safe.
    """
    try:
        return resolve(name, download=False)
    except ModelError:
        fetched_first = name in PINNED or parse_hub_id(name) is not None
        if fetched_first and not Path(name).expanduser().is_dir():
            return None
        raise


def count_tokens(folder: Path, text: str) -> int | None:
    """Return the number of tokens of a text, without the chat template around it.

    Args:
        folder: A model folder.
        text: The text.

    Returns:
        The number. None where the tokenizer cannot be read on this machine.
    """
    tokenizer = folder_tokenizer(folder)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"]) if tokenizer else None
