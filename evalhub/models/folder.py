"""The files of a model folder, and how its fetching reports progress."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evalhub.models.safety import read_settings

RECORD = "evalhub.json"
TRAINING = "evalhub-training.json"

ADAPTER, MERGED = "adapter", "merged"
"""The two parts of a judge that was trained by LoRA, each a folder."""

CLASSIFIES = "ForSequenceClassification"
"""How the names of architectures end that classify."""

Progress = Callable[[str], None]

_CONTENT = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "*.py", "*.bin")


def quiet(text: str) -> None:
    """Ignore a progress message."""


def content_files(folder: Path) -> list[Path]:
    """Return the files that determine a model, sorted by name."""
    records = {RECORD, TRAINING}
    files = {path for pattern in _CONTENT for path in folder.glob(pattern) if path.name not in records}
    return sorted(files, key=lambda path: path.name)


def folder_name(folder: Path) -> str:
    """Return the name of a model or an adapter. A part of a trained judge has the judge's."""
    is_part = folder.name in (ADAPTER, MERGED) and (folder / TRAINING).is_file()
    return folder.parent.name if is_part else folder.name


def model_settings(folder: Path) -> dict[str, Any]:
    """Return what the config.json of a model folder holds."""
    return read_settings(folder / "config.json")


def is_classifier(folder: Path) -> bool:
    """Return whether a folder holds a sequence classifier, by its config.json."""
    return _architecture(folder).endswith(CLASSIFIES)


def _architecture(folder: Path) -> str:
    names = model_settings(folder).get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def chat_template(folder: Path) -> str | None:
    """Return a model's chat template, or all as JSON where it has several named ones.

    Args:
        folder: A model folder.

    Returns:
        The text, or None for a model without one.
    """
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    settings = read_settings(folder / "chat_template.json") or read_settings(folder / "tokenizer_config.json")
    template = settings.get("chat_template")
    if template is None or isinstance(template, str):
        return template
    return json.dumps(template, sort_keys=True, ensure_ascii=False)
