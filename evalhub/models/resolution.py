"""Finds the model that a suite names, fetches it where needed, and says what it is."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from evalhub.errors import IntegrityError, ModelError, UnknownNameError
from evalhub.files import file_sha256
from evalhub.models.cache import (
    cache_folder,
    cached_sha256,
    locked,
    remember_sha256,
    whole_folder,
)
from evalhub.models.convert import CONVERTER_VERSION, convert
from evalhub.models.families import families_of
from evalhub.models.hub import fetch_snapshot, parse_hub_id
from evalhub.models.pinned import PINNED, PinnedModel
from evalhub.models.safety import check_folder, read_settings
from evalhub.models.wheels import Progress, fetched_gguf
from evalhub.records import digest

RECORD = "evalhub.json"
TRAINING = "evalhub-training.json"

_CONTENT = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "*.py", "*.bin")
_ID_LIMIT = 200
_NEEDED = ("gguf", "numpy", "tokenizers")


class ModelSource(StrEnum):
    """Where a model comes from."""

    PINNED = "pinned"
    HUB = "hub"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that lies ready on this machine.

    Args:
        id: The pinned name, `org/name@revision`, or the folder's name.
        source: Where it comes from.
        path: A folder that vLLM loads.
        families: Ancestors and declared teachers. `("unknown",)` where nothing is known.
        content_hash: sha256 over settings, tokenizer, chat template and weights.
        chat_template_hash: sha256 of the chat template. None for a model without one.
        context_length: In tokens. None where the settings do not say.
        max_length: The length that an engine is given by default, in tokens. None leaves it to the engine.
        weight_bytes: Size of the weight files.
        licence: `not stated` where nobody says.
        cutoff: Month of the newest training data at most, YYYY-MM. None where it is not known.
        trained_on: `prompt_sha256` of the items that it was trained to judge.
        dtype: Type of the weights in the files, such as bfloat16. None where the settings do not say.
        quantized: Whether the files hold quantized weights.
    """

    id: str
    source: ModelSource
    path: Path
    families: tuple[str, ...]
    content_hash: str
    chat_template_hash: str | None
    context_length: int | None
    max_length: int | None
    weight_bytes: int
    licence: str
    cutoff: str | None = None
    trained_on: frozenset[str] = frozenset()
    dtype: str | None = None
    quantized: bool = False


def quiet(text: str) -> None:
    """Take a progress message and say nothing."""


def resolve(
    name: str,
    *,
    families: Iterable[str] = (),
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    download: bool = True,
    progress: Progress = quiet,
) -> ResolvedModel:
    """Return the model of a name, fetched and converted where that was not done before.

    Args:
        name: A pinned name, a local folder, or `org/name@revision` on the hub.
        families: Declared by the user: replaces what a name gives away, adds to a pinned model's own.
        trust_remote_code: Accept a folder or hub model that brings code.
        allow_pickle: Accept pickled weights.
        download: False looks on this machine alone.
        progress: Told in words what happens.

    Raises:
        UnknownNameError: Nothing has that name.
        ModelError: No revision, not fetched, not whole, or not safe.
        IntegrityError: Fetched weights are not the pinned ones.
    """
    declared = tuple(dict.fromkeys(families))
    if name in PINNED:
        return _pinned(PINNED[name], declared, download=download, progress=progress)
    folder, source = Path(name).expanduser(), ModelSource.FOLDER
    if not folder.is_dir():
        hub = parse_hub_id(name)
        if hub is None:
            raise _unknown(name)
        if download:
            progress(f"{name}: fetching from the hub")
        source = ModelSource.HUB
        folder = fetch_snapshot(
            hub, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle, download=download
        )
    check_folder(folder, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
    known_as = name if source is ModelSource.HUB else folder.resolve().name
    return _described(known_as, source, folder.resolve(), declared)


def pinned_folder(model: PinnedModel) -> Path:
    """Return where a pinned model's folder lies once it is converted."""
    return cache_folder() / "models" / f"{model.id}-{model.sha256[:12]}-{CONVERTER_VERSION}"


def fetch_pinned(model: PinnedModel, progress: Progress = quiet) -> Path:
    """Fetch and convert a pinned model unless its folder is there already.

    Args:
        model: One of the list.
        progress: Told in words what happens.

    Returns:
        The folder, whole.

    Raises:
        ModelError: pip fails, or the file cannot be converted.
        IntegrityError: The weights are not the pinned ones.
        StorageError: The disk is full.
    """
    target = pinned_folder(model)
    if target.is_dir():
        return target
    _check_converter(model)
    with locked(target):
        if target.is_dir():
            return target
        with whole_folder(target) as folder:
            with fetched_gguf(model, folder, progress) as gguf:
                progress(f"{model.title}: converting")
                convert(gguf, folder, eos_tokens=model.eos_tokens, int8=model.int8)
            hashes = {path.name: file_sha256(path) for path in content_files(folder)}
            record = {"model": model.id, "gguf_sha256": model.sha256, "files": hashes}
            (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    remember_sha256({target / name: sha256 for name, sha256 in hashes.items()})
    progress(f"{model.title}: ready")
    return target


def content_files(folder: Path) -> list[Path]:
    """Return the files that make a model what it is, sorted by name."""
    said_about = {RECORD, TRAINING}
    found = {path for pattern in _CONTENT for path in folder.glob(pattern) if path.name not in said_about}
    return sorted(found, key=lambda path: path.name)


def chat_template(folder: Path) -> str | None:
    """Return a model's chat template. Of several named ones, all as JSON.

    Args:
        folder: A model folder.

    Returns:
        The text, or None for a model without one.
    """
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    named = read_settings(folder / "chat_template.json") or read_settings(folder / "tokenizer_config.json")
    template = named.get("chat_template")
    if template is None or isinstance(template, str):
        return template
    return json.dumps(template, sort_keys=True, ensure_ascii=False)


def _pinned(
    model: PinnedModel, declared: tuple[str, ...], *, download: bool, progress: Progress
) -> ResolvedModel:
    """Return a pinned model. What the list says about it goes before what its folder says."""
    folder = pinned_folder(model)
    if download:
        fetch_pinned(model, progress)
    elif not folder.is_dir():
        raise ModelError(
            "the model is not in the cache", where=model.id, fix=f"run `evalhub models fetch {model.id}`"
        )
    if download:
        _check_as_converted(folder, model.id)
    families = tuple(dict.fromkeys((*model.families, *declared)))
    return replace(
        _described(model.id, ModelSource.PINNED, folder, families),
        context_length=model.context_length,
        max_length=model.max_length,
        licence=model.licence,
        cutoff=model.cutoff,
    )


def _check_as_converted(folder: Path, name: str) -> None:
    """Refuse a cached model whose files are not the ones that were converted."""
    hashes = cached_sha256(content_files(folder))
    for file, recorded in read_settings(folder / RECORD).get("files", {}).items():
        found = hashes.get(folder / file, "no file")
        if found != recorded:
            raise IntegrityError(
                f"{name} is not as it was converted: sha256 {found}, not {recorded}",
                where=str(folder / file),
                fix=f"remove {folder} and run `evalhub models fetch {name}`",
            )


def _check_converter(model: PinnedModel) -> None:
    """Check that what the conversion needs is installed, before anything is fetched."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(
            f"making {model.title} ready needs {' and '.join(missing)}",
            fix="install evalhub with its cpu or gpu extra",
        )


def _described(name: str, source: ModelSource, folder: Path, declared: tuple[str, ...]) -> ResolvedModel:
    """Describe a folder that was checked."""
    settings = read_settings(folder / "config.json")
    hashes = cached_sha256(content_files(folder))
    lines = "".join(f"{path.name}\0{sha256}\n" for path, sha256 in hashes.items())
    template = chat_template(folder)
    names = [name.partition("@")[0], str(settings.get("_name_or_path", ""))]
    architectures = [str(item) for item in settings.get("architectures") or ()]
    context = settings.get("max_position_embeddings", settings.get("n_positions"))
    return ResolvedModel(
        id=re.sub(r"[^A-Za-z0-9._/@+-]", "-", name)[:_ID_LIMIT],
        source=source,
        path=folder,
        families=declared or families_of(names, architectures),
        content_hash=digest(lines),
        chat_template_hash=None if template is None else digest(template),
        context_length=context if isinstance(context, int) else None,
        max_length=None,
        weight_bytes=sum(path.stat().st_size for path in hashes if path.suffix in {".safetensors", ".bin"}),
        licence="not stated",
        trained_on=_trained_on(folder / TRAINING),
        dtype=_dtype(settings),
        quantized="quantization_config" in settings,
    )


def _dtype(settings: Mapping[str, Any]) -> str | None:
    """Return the type of the weights. A model of several parts names it in one of them."""
    parts = [settings, *(part for part in settings.values() if isinstance(part, dict))]
    names = [part.get("dtype", part.get("torch_dtype")) for part in parts]
    return next((name for name in names if isinstance(name, str)), None)


def _trained_on(file: Path) -> frozenset[str]:
    """Return the items that an export of training data says it holds, where it lies beside the weights."""
    items = read_settings(file).get("items", [])
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise ModelError("items are the sha256 of the training items", where=f"{file}:items")
    return frozenset(items)


def _unknown(name: str) -> ModelError | UnknownNameError:
    """Say that nothing has this name, as a path where it looks like one."""
    if name.startswith(("/", "./", "../", "~")):
        return ModelError("there is no such model folder", value=name)
    return UnknownNameError("model", name, PINNED)
