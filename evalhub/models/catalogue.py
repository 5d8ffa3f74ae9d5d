"""What `evalhub models` prints: the list, one model, and its health."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalhub.errors import ModelError
from evalhub.files import file_sha256
from evalhub.models.families import UNKNOWN
from evalhub.models.folder import RECORD, Progress, content_files, quiet
from evalhub.models.gguf import pinned_folder
from evalhub.models.pinned import PINNED, PinnedModel
from evalhub.models.resolution import ModelSource, ResolvedModel, resolve
from evalhub.models.safety import check_folder, read_settings, tensor_names


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the list.

    Args:
        id: Its name.
        source: Where it comes from.
        title: The name that people read.
        families: Ancestors and declared teachers.
        licence: `not stated` where nobody says.
        context_length: In tokens. None where unknown.
        download_bytes: Size of its download. None where it is not on the list.
        path: Its folder on this machine. None before it is fetched.
        content_hash: Of the folder. None where it was not computed, or before it is fetched.
        chat_template: Whether it has one. None where that is unknown.
        note: What a reader of results should know.
    """

    id: str
    source: ModelSource
    title: str
    families: tuple[str, ...]
    licence: str
    context_length: int | None
    download_bytes: int | None
    path: Path | None
    content_hash: str | None = None
    chat_template: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """One thing that was checked about a model."""

    model: str
    check: str
    ok: bool
    detail: str


def list_models() -> tuple[ModelRow, ...]:
    """Return the pinned models, in the list's order."""
    return tuple(_pinned_row(model) for model in PINNED.values())


def show(name: str) -> ModelRow:
    """Return all that is known about a model without fetching it.

    Args:
        name: As in `resolve`.

    Raises:
        UnknownNameError: Nothing has that name.
        ModelError: A folder or hub model that is not here, not whole or not safe.
    """
    model = PINNED.get(name)
    if model is not None and not pinned_folder(model).is_dir():
        return _pinned_row(model)
    return _row_of(resolve(name, download=False), model)


def fetch(name: str, *, progress: Progress = quiet) -> ResolvedModel:
    """Fetch a model and make it ready. For a ready model this does nothing.

    Args:
        name: As in `resolve`.
        progress: Told in words what happens.

    Raises:
        EvalhubError: As `resolve` does.
    """
    return resolve(name, progress=progress)


def check(name: str) -> tuple[ModelCheck, ...]:
    """Check a model on this machine. Every file of a pinned one is read and hashed anew.

    Args:
        name: As in `resolve`.

    Returns:
        One row per check. A model is sound where all are ok.

    Raises:
        UnknownNameError: Nothing has that name.
        ModelError: A hub model that is not here, or no such folder.
    """
    pinned = PINNED.get(name)
    if pinned is not None and not pinned_folder(pinned).is_dir():
        return (ModelCheck(name, "fetched", ok=False, detail=f"run `evalhub models fetch {name}`"),)
    try:
        model = resolve(name, download=False)
        check_folder(model.path)
    except ModelError as error:
        return (ModelCheck(name, "safe and whole", ok=False, detail=str(error)),)
    rows = [("safe and whole", True, "no pickled files, no code, all weights there")]
    if pinned is not None:
        rows.append(_check_files(model.path, pinned))
    rows += [
        _check_tie(model.path),
        ("chat template", True, "none: a base model" if model.chat_template_hash is None else "present"),
        ("family", model.families != (UNKNOWN,), ", ".join(model.families)),
        ("context", model.context_length is not None, f"{model.context_length} tokens"),
    ]
    return tuple(ModelCheck(model.id, title, ok, detail) for title, ok, detail in rows)


def _pinned_row(model: PinnedModel) -> ModelRow:
    folder = pinned_folder(model)
    return ModelRow(
        id=model.id,
        source=ModelSource.PINNED,
        title=model.title,
        families=model.families,
        licence=model.licence,
        context_length=model.context_length,
        download_bytes=model.size,
        path=folder if folder.is_dir() else None,
        note=model.note,
    )


def _row_of(model: ResolvedModel, pinned: PinnedModel | None) -> ModelRow:
    return ModelRow(
        id=model.id,
        source=model.source,
        title=pinned.title if pinned else model.id,
        families=model.families,
        licence=model.licence,
        context_length=model.context_length,
        download_bytes=pinned.size if pinned else None,
        path=model.path,
        content_hash=model.content_hash,
        chat_template=model.chat_template_hash is not None,
        note=pinned.note if pinned else "",
    )


def _check_files(folder: Path, model: PinnedModel) -> tuple[str, bool, str]:
    """Compare the hash of each file with the one recorded at its conversion."""
    recorded = read_settings(folder / RECORD).get("files", {})
    hashes = {path.name: file_sha256(path) for path in content_files(folder)}
    changed = sorted(
        name for name in recorded.keys() | hashes.keys() if recorded.get(name) != hashes.get(name)
    )
    if changed:
        return ("files", False, f"not as converted: {', '.join(changed)}; remove {folder} and fetch again")
    return ("files", bool(recorded), f"{len(hashes)} files as converted from sha256 {model.sha256}")


def _check_tie(folder: Path) -> tuple[str, bool, str]:
    """Compare the settings of tied embeddings with the tensors in the files."""
    settings = read_settings(folder / "config.json")
    tied = bool(
        settings.get("tie_word_embeddings", settings.get("text_config", {}).get("tie_word_embeddings"))
    )
    names = frozenset().union(*(tensor_names(path) for path in folder.glob("*.safetensors")))
    own_head = "lm_head.weight" in names
    if tied and own_head:
        return ("embeddings", False, "tied by the settings, but the weights bring an output matrix too")
    return ("embeddings", True, "tied" if tied else "not tied")
