"""Finds the model that a suite names, fetches it where needed, and describes it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from evalhub.errors import IntegrityError, ModelError, UnknownNameError
from evalhub.models.adapters import Adapter, check_base_of, read_adapter
from evalhub.models.cache import cached_sha256
from evalhub.models.families import families_of
from evalhub.models.folder import (
    RECORD,
    TRAINING,
    Progress,
    chat_template,
    content_files,
    folder_name,
    quiet,
)
from evalhub.models.gguf import fetch_pinned, pinned_folder
from evalhub.models.hub import fetch_snapshot, parse_hub_id
from evalhub.models.pinned import PINNED, PinnedModel
from evalhub.models.safety import check_folder, read_settings
from evalhub.records import digest

_ID_LIMIT = 200


class ModelSource(StrEnum):
    """Where a model comes from."""

    PINNED = "pinned"
    HUB = "hub"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class JudgeTraining:
    """How a model was trained to judge, as `evalhub judges train` writes it beside the weights.

    Attributes:
        method: Such as `head`.
        rubric: The id of the rubric whose prompt it learned to read.
        rubric_hash: The hash of that rubric.
        criterion: The criterion of the rubric.
        cut_points: The rising scores between the levels of a rubric that rates. Empty where it compares.
    """

    method: str
    rubric: str
    rubric_hash: str
    criterion: str
    cut_points: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that is ready on this machine.

    Args:
        id: The pinned name, `org/name@revision`, or the folder's name.
        source: Where it comes from.
        path: A folder that vLLM loads.
        families: Ancestors and declared teachers. `("unknown",)` without any.
        content_hash: sha256 over settings, tokenizer, chat template and weights.
        chat_template_hash: sha256 of the chat template. None for a model without one.
        context_length: In tokens. None where the settings do not give it.
        max_length: The engine's default length in tokens. None leaves it to the engine.
        weight_bytes: Size of the weight files.
        licence: `not stated` where it is unknown.
        cutoff: Month of the newest training data at most, YYYY-MM. None where it is unknown.
        trained_on: `prompt_sha256` of the items that it was trained to judge.
        training: How it was trained to judge. None for other models.
        dtype: Type of the weights in the files, such as bfloat16. None where the settings do not give it.
        quantized: Whether the files hold quantized weights.
        adapter: The adapter that an engine adds to it. Id, hash and training then cover both.
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
    training: JudgeTraining | None = None
    dtype: str | None = None
    quantized: bool = False
    adapter: Adapter | None = None


def resolve(
    name: str,
    *,
    adapter: str | None = None,
    families: Iterable[str] = (),
    trust_remote_code: bool = False,
    allow_pickle: bool = False,
    download: bool = True,
    progress: Progress = quiet,
) -> ResolvedModel:
    """Return the model of a name. It is fetched and converted if necessary.

    Args:
        name: A pinned name, a local folder, or `org/name@revision` on the hub.
        adapter: The folder of a LoRA adapter that is added to it.
        families: Declared by the user. They replace the families that a name suggests or that the record of
            a training names, and add to a pinned model's own.
        trust_remote_code: Accept a folder or hub model that brings code.
        allow_pickle: Accept pickled weights.
        download: Whether a model that is not on this machine may be fetched.
        progress: Called with a message at each step.

    Raises:
        UnknownNameError: No model has the name.
        ModelError: The model has no revision, is not fetched, is incomplete or is not safe, or the adapter
            is one for another model.
        IntegrityError: Fetched weights are not the pinned ones.
    """
    declared_families = tuple(dict.fromkeys(families))
    if adapter is not None:
        base = resolve(
            name, families=declared_families, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle,
            download=download, progress=progress,
        )  # fmt: skip
        return _with_adapter(base, read_adapter(adapter), declared_families)
    if name in PINNED:
        return _resolve_pinned(PINNED[name], declared_families, download=download, progress=progress)
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
    display_name = name if source is ModelSource.HUB else folder_name(folder.resolve())
    return _describe_folder(display_name, source, folder.resolve(), declared_families)


def _with_adapter(base: ResolvedModel, adapter: Adapter, declared_families: tuple[str, ...]) -> ResolvedModel:
    """Return a model with an adapter, as a model of its own."""
    check_base_of(adapter, base.content_hash, base.id, base.path)
    record = adapter.path / TRAINING
    recorded_families = () if declared_families else _recorded_families(record)
    return replace(
        base,
        id=_safe_id(f"{base.id}+{adapter.id}"),
        families=tuple(dict.fromkeys((*base.families, *recorded_families))),
        content_hash=digest([base.content_hash, adapter.content_hash]),
        weight_bytes=base.weight_bytes + adapter.weight_bytes,
        trained_on=base.trained_on | _trained_on(record),
        training=_judge_training(record),
        adapter=adapter,
    )


def _safe_id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/@+-]", "-", name)[:_ID_LIMIT]


def _resolve_pinned(
    model: PinnedModel, declared_families: tuple[str, ...], *, download: bool, progress: Progress
) -> ResolvedModel:
    """Return a pinned model. The facts of the list win over those of its folder."""
    folder = pinned_folder(model)
    if download:
        fetch_pinned(model, progress)
    elif not folder.is_dir():
        raise ModelError(
            "the model is not in the cache", where=model.id, fix=f"run `evalhub models fetch {model.id}`"
        )
    if download:
        _check_as_converted(folder, model.id)
    families = tuple(dict.fromkeys((*model.families, *declared_families)))
    return replace(
        _describe_folder(model.id, ModelSource.PINNED, folder, families),
        context_length=model.context_length,
        max_length=model.max_length,
        licence=model.licence,
        cutoff=model.cutoff,
    )


def _check_as_converted(folder: Path, name: str) -> None:
    """Refuse a cached model whose files have changed since their conversion."""
    hashes = cached_sha256(content_files(folder))
    for file, recorded in read_settings(folder / RECORD).get("files", {}).items():
        sha256 = hashes.get(folder / file, "no file")
        if sha256 != recorded:
            raise IntegrityError(
                f"{name} has changed since its conversion: sha256 {sha256}, not {recorded}",
                where=str(folder / file),
                fix=f"remove {folder} and run `evalhub models fetch {name}`",
            )


def _describe_folder(
    name: str, source: ModelSource, folder: Path, declared_families: tuple[str, ...]
) -> ResolvedModel:
    """Describe a checked folder."""
    settings = read_settings(folder / "config.json")
    hashes = cached_sha256(content_files(folder))
    lines = "".join(f"{path.name}\0{sha256}\n" for path, sha256 in hashes.items())
    template = chat_template(folder)
    names = [name.partition("@")[0], str(settings.get("_name_or_path", ""))]
    architectures = [str(item) for item in settings.get("architectures") or ()]
    context = settings.get("max_position_embeddings", settings.get("n_positions"))
    training = read_settings(folder / TRAINING)
    cutoff, length = training.get("cutoff"), training.get("max_length")
    return ResolvedModel(
        id=_safe_id(name),
        source=source,
        path=folder,
        families=(
            declared_families or _recorded_families(folder / TRAINING) or families_of(names, architectures)
        ),
        content_hash=digest(lines),
        chat_template_hash=None if template is None else digest(template),
        context_length=context if isinstance(context, int) else None,
        max_length=length if isinstance(length, int) else None,
        weight_bytes=sum(path.stat().st_size for path in hashes if path.suffix in {".safetensors", ".bin"}),
        licence="not stated",
        cutoff=cutoff if isinstance(cutoff, str) else None,
        trained_on=_trained_on(folder / TRAINING),
        training=_judge_training(folder / TRAINING),
        dtype=_dtype(settings),
        quantized="quantization_config" in settings,
    )


def _dtype(settings: Mapping[str, Any]) -> str | None:
    """Return the type of the weights, which a model of several parts names in one of them."""
    parts = [settings, *(part for part in settings.values() if isinstance(part, dict))]
    names = [part.get("dtype", part.get("torch_dtype")) for part in parts]
    return next((name for name in names if isinstance(name, str)), None)


def _trained_on(file: Path) -> frozenset[str]:
    """Return the training items that are recorded beside the weights."""
    items = read_settings(file).get("items", [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ModelError("items are the sha256 of the training items", where=f"{file}:items")
    return frozenset(items)


def _recorded_families(file: Path) -> tuple[str, ...]:
    """Return the families of the base and of the teacher that are recorded beside the weights."""
    families = read_settings(file).get("families", [])
    if not isinstance(families, list) or not all(isinstance(family, str) for family in families):
        raise ModelError("families are names", where=f"{file}:families")
    return tuple(families)


def _judge_training(file: Path) -> JudgeTraining | None:
    """Return how a model was trained to judge. None for one of which only the training items are recorded."""
    values = read_settings(file)
    rubric = values.get("rubric")
    if "method" not in values or not isinstance(rubric, dict):
        return None
    return JudgeTraining(
        str(values["method"]),
        str(rubric.get("id")),
        str(rubric.get("hash")),
        str(values.get("criterion")),
        _cut_points(values.get("cut_points", []), file),
    )


def _cut_points(values: object, file: Path) -> tuple[float, ...]:
    """Return the cut points that are recorded beside the weights."""
    numbers = values if isinstance(values, list) else [None]
    is_finite = all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
    if is_finite and all(low < high for low, high in itertools.pairwise(numbers)):
        return tuple(map(float, numbers))
    raise ModelError("cut points are finite numbers that rise", where=f"{file}:cut_points", value=values)


def _unknown(name: str) -> ModelError | UnknownNameError:
    """Return the error for an unknown model, or for a folder where the name looks like a path."""
    if name.startswith(("/", "./", "../", "~")):
        return ModelError("there is no such model folder", value=name)
    return UnknownNameError("model", name, PINNED)
