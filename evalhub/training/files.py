"""The files that every trained judge has, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, StorageError
from evalhub.models import TRAINING
from evalhub.models.cache import publish_folder
from evalhub.training.facts import TrainingFacts

_COPIED = ("*.json", "*.jinja", "*.txt", "*.model")
_NOT_COPIED = {
    "config.json", "generation_config.json", "evalhub.json", TRAINING, "model.safetensors.index.json",
}  # fmt: skip


@contextmanager
def new_folder(folder: Path, fix: str) -> Iterator[Path]:
    """Yield a folder that becomes `folder` when the block ends well, and is removed otherwise.

    Args:
        folder: The new folder. Nothing stands there yet.
        fix: What helps where it cannot be written.

    Raises:
        InputError: The folder exists already.
        StorageError: It cannot be written.
    """
    from safetensors import SafetensorError

    if folder.exists():
        raise InputError("the folder exists already", where=str(folder), fix="name another one, or remove it")
    try:
        with publish_folder(folder, "the model", fix) as draft:
            yield draft
    except SafetensorError as error:
        raise StorageError(f"the model cannot be written: {error}", where=str(folder), fix=fix) from error


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the tokenizer and the chat template of a model."""
    for pattern in _COPIED:
        for path in source.glob(pattern):
            if path.name not in _NOT_COPIED:
                shutil.copyfile(path, folder / path.name)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a settings file."""
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_record(folder: Path, facts: TrainingFacts) -> None:
    """Write what a judge rests on beside its weights."""
    write_json(folder / TRAINING, facts.describe())
