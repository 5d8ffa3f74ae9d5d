"""A trained head as a model folder that vLLM and transformers load: a sequence classifier with one output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalhub.errors import InputError, ModelError, StorageError
from evalhub.models import CLASSIFIES, ResolvedModel, model_settings
from evalhub.stats.ridge.preferences import Vector

TRAINING = "evalhub-training.json"
FORMAT = "evalhub-judge/1"

_GENERATES = "ForCausalLM"
_COPIED = ("*.json", "*.jinja", "*.txt", "*.model")
_NOT_COPIED = {
    "config.json", "generation_config.json", "evalhub.json", TRAINING, "model.safetensors.index.json",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What a trained head rests on. It stands beside the weights.

    Attributes:
        method: `head`.
        base: The base model's id.
        base_hash: The sha256 of its content.
        rubric: Id, version and hash of the rubric whose prompt the head reads.
        criterion: The criterion of the rubric.
        layer: The layer whose hidden states the head reads.
        ridge: The penalty of its weights.
        seed: Seed of the splits and the folds.
        control: What was held out of the head, such as `length`.
        datasets: The number of pairs and clusters of each dataset, with the criterion of its labels.
        cross_validation: What each layer and penalty reached on held-out clusters.
        items: `prompt_sha256` of the items that it was trained on, sorted.
        versions: Of the packages that made it.
        cutoff: Month of the base model's newest training data, YYYY-MM. None where it is unknown.
        max_length: The base model's default length in tokens. None leaves it to the engine.
        notes: What whoever uses the head has to know.
    """

    method: str
    base: str
    base_hash: str
    rubric: Mapping[str, Any]
    criterion: str
    layer: int
    ridge: float
    seed: int
    control: tuple[str, ...]
    datasets: Mapping[str, Any]
    cross_validation: tuple[Mapping[str, Any], ...]
    items: tuple[str, ...]
    versions: Mapping[str, str]
    cutoff: str | None = None
    max_length: int | None = None
    notes: tuple[str, ...] = ()


def check_base(model: ResolvedModel) -> None:
    """Refuse a model that no head can be put on.

    Raises:
        ModelError: It does not generate, or its weights are quantized.
    """
    architecture = next(iter(model_settings(model.path).get("architectures") or ()), "")
    if not architecture.endswith(_GENERATES):
        raise ModelError(
            "a head is trained on a model that generates",
            where=model.id,
            value=architecture or None,
            allowed=f"an architecture that ends in {_GENERATES}",
        )
    if model.quantized:
        raise ModelError(
            "a head is trained on unquantized weights", where=model.id, fix="name the model without -int8"
        )


def write_classifier(model: ResolvedModel, weights: Vector, facts: HeadFacts, folder: Path) -> None:
    """Write the layers below a head, and the head, as a folder.

    Args:
        model: The base model.
        weights: (d,) The score is the hidden state at the last token times these weights.
        facts: What the head rests on.
        folder: The new folder. It appears whole or not at all.

    Raises:
        InputError: The folder exists already.
        StorageError: It cannot be written.
    """
    from safetensors import SafetensorError

    if folder.exists():
        raise InputError("the folder exists already", where=str(folder), fix="name another one, or remove it")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _copy_tokenizer(model.path, partial)
        _write_json(partial / "config.json", classifier_settings(model, facts.layer))
        _write_json(partial / TRAINING, {"format": FORMAT, **asdict(facts)})
        _write_weights(model.path, weights, facts.layer, partial / "model.safetensors")
        partial.replace(folder)
    except (OSError, SafetensorError) as error:
        raise StorageError(
            f"the model cannot be written ({getattr(error, 'strerror', None) or error})",
            where=str(folder),
            fix="free some room and repeat the command: the hidden states are kept",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def classifier_settings(model: ResolvedModel, layer: int) -> dict[str, Any]:
    """Return the config.json of the classifier: the base model's, cut at a layer, with one output."""
    settings = model_settings(model.path)
    architecture = str(settings["architectures"][0])
    settings["architectures"] = [architecture.removesuffix(_GENERATES) + CLASSIFIES]
    settings["num_hidden_layers"] = layer
    if isinstance(settings.get("layer_types"), list):
        settings["layer_types"] = settings["layer_types"][:layer]
    if isinstance(settings.get("max_window_layers"), int):
        settings["max_window_layers"] = min(settings["max_window_layers"], layer)
    if settings.get("pad_token_id") is None:
        end = settings.get("eos_token_id")
        settings["pad_token_id"] = end[0] if isinstance(end, list) else end
    labels = {"id2label": {"0": "score"}, "label2id": {"score": 0}, "num_labels": 1}
    return {**settings, **labels, "_name_or_path": model.id}


def _copy_tokenizer(source: Path, folder: Path) -> None:
    for pattern in _COPIED:
        for path in source.glob(pattern):
            if path.name not in _NOT_COPIED:
                shutil.copyfile(path, folder / path.name)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_weights(source: Path, weights: Vector, layer: int, path: Path) -> None:
    """Write the tensors of the layers below the head, and the head in 32 bits."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    tensors = {}
    for file in sorted(source.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118  it is no mapping
                if _is_below(name, layer):
                    tensors[name] = opened.get_tensor(name)
    tensors["score.weight"] = torch.tensor(weights, dtype=torch.float32).reshape(1, -1)
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)


def _is_below(name: str, layer: int) -> bool:
    """Return whether a tensor belongs to the embeddings, the norm, or a layer below the head.

    >>> [_is_below(f"model.layers.{number}.mlp.up_proj.weight", 16) for number in (15, 16)]
    [True, False]
    >>> _is_below("lm_head.weight", 16)
    False
    """
    parts = name.split(".")
    if parts[:2] == ["model", "layers"]:
        return int(parts[2]) < layer
    return parts[0] == "model"
