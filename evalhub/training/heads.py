"""A trained head as a model folder that vLLM and transformers load: a sequence classifier with one output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalhub.errors import ModelError
from evalhub.models import CLASSIFIES, ResolvedModel, model_settings
from evalhub.stats.ridge.descent import Vector
from evalhub.training.facts import HeadFacts
from evalhub.training.files import copy_tokenizer, new_folder, write_json, write_record

_GENERATES = "ForCausalLM"


def check_base(model: ResolvedModel) -> None:
    """Refuse a model that no judge can be trained on.

    Raises:
        ModelError: It does not generate, or its weights are quantized.
    """
    architecture = next(iter(model_settings(model.path).get("architectures") or ()), "")
    if not architecture.endswith(_GENERATES):
        raise ModelError(
            "a judge is trained on a model that generates",
            where=model.id,
            value=architecture or None,
            allowed=f"an architecture that ends in {_GENERATES}",
        )
    if model.quantized:
        raise ModelError(
            "a judge is trained on unquantized weights", where=model.id, fix="name the model without -int8"
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
    with new_folder(folder, "free some room and repeat the command: the hidden states are kept") as partial:
        copy_tokenizer(model.path, partial)
        write_json(partial / "config.json", classifier_settings(model, facts.layer))
        write_record(partial, facts)
        _write_weights(model.path, weights, facts.layer, partial / "model.safetensors")


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
