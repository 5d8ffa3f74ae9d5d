"""LoRA adapters: small weights beside a model that an engine adds to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalhub.errors import ModelError
from evalhub.models.cache import cached_sha256
from evalhub.models.folder import TRAINING, folder_name
from evalhub.models.safety import read_settings, tensor_shapes
from evalhub.records import digest

SETTINGS = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

_NOT_SERVED = (
    "use_dora", "modules_to_save", "lora_bias", "alora_invocation_tokens", "layer_replication", "use_bdlora",
    "use_qalora", "trainable_token_indices",
)  # fmt: skip
_PLAIN_STARTS = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")
_FACTOR = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight$")

# A head may share the weight of the embeddings, and has none of its own in the files then.
_TIED = "lm_head"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on this machine.

    Attributes:
        id: The name of its folder, or of the trained judge that it is a part of.
        path: Its folder, as peft writes it.
        rank: The largest rank of its factors.
        content_hash: sha256 over its settings and weights.
        base_hash: The content hash of the model that it was trained on. None where it is not recorded.
        weight_bytes: Size of its weights.
    """

    id: str
    path: Path
    rank: int
    content_hash: str
    base_hash: str | None
    weight_bytes: int


def read_adapter(name: str) -> Adapter:
    """Return the adapter of a folder.

    Args:
        name: A local folder.

    Raises:
        ModelError: There is no such folder, it holds no LoRA adapter, or one that vLLM does not serve.
    """
    folder = Path(name).expanduser().resolve()
    settings = read_settings(folder / SETTINGS)
    if not settings:
        raise ModelError(
            "the folder holds no adapter", value=name, allowed=f"a folder with {SETTINGS} and {WEIGHTS}"
        )
    if not (folder / WEIGHTS).is_file():
        raise ModelError("the adapter has no weights", value=name, allowed=WEIGHTS)
    _check_settings(settings, name)
    hashes = cached_sha256([folder / SETTINGS, folder / WEIGHTS])
    base_hash = read_settings(folder / TRAINING).get("base_hash")
    return Adapter(
        id=folder_name(folder),
        path=folder,
        rank=max([settings["r"], *(settings.get("rank_pattern") or {}).values()]),
        content_hash=digest([f"{path.name} {sha256}" for path, sha256 in hashes.items()]),
        base_hash=base_hash if isinstance(base_hash, str) else None,
        weight_bytes=(folder / WEIGHTS).stat().st_size,
    )


def _check_settings(settings: Mapping[str, Any], name: str) -> None:
    if settings.get("peft_type") != "LORA":
        raise ModelError("the adapter is no LoRA adapter", value=f"{name}: {settings.get('peft_type')}")
    ranks = settings.get("rank_pattern") or {}
    if not isinstance(ranks, dict) or not all(map(_is_rank, [settings.get("r"), *ranks.values()])):
        raise ModelError("the ranks of the adapter are numbers from 1", value=f"{name}: {settings.get('r')}")
    refused = [name for name in _NOT_SERVED if settings.get(name)]
    if settings.get("bias", "none") != "none":
        refused.append("bias")
    start = settings.get("init_lora_weights")
    if isinstance(start, str) and start.lower() not in _PLAIN_STARTS:
        # Its factors belong to a base whose weights have been changed.
        refused.append(f"init_lora_weights: {start}")
    if refused:
        raise ModelError(
            "the adapter has parts that vLLM does not serve",
            value=f"{name}: {', '.join(refused)}",
            allowed="plain LoRA factors",
            fix="merge it into its base, and name the merged folder as the model",
        )


def _is_rank(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def check_base_of(adapter: Adapter, base_hash: str, base: str, folder: Path) -> None:
    """Refuse an adapter that was trained on another model.

    The record of its training names the base. Without a record, the factors must at least have the shapes of
    the base's weights, where these lie in safetensors files.

    Args:
        adapter: The adapter.
        base_hash: The content hash of the model that it is to be added to.
        base: The id of that model.
        folder: The folder of that model.

    Raises:
        ModelError: It is an adapter for another base.
    """
    if adapter.base_hash is not None:
        if adapter.base_hash != base_hash:
            raise _another_base(adapter, base, "the record of its training names other weights")
        return
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        shapes |= tensor_shapes(file)
    if not shapes:
        return
    for name, shape in tensor_shapes(adapter.path / WEIGHTS).items():
        factor = _FACTOR.match(name)
        if factor is None:
            raise ModelError(
                "the adapter has weights that are no LoRA factors", value=f"{adapter.id}: {name}"
            )
        weight = shapes.get(f"{factor['module']}.weight")
        # A is (rank, inputs) and B is (outputs, rank), beside a weight of (outputs, inputs).
        side = 1 if factor["side"] == "A" else 0
        if weight is None and factor["module"].endswith(_TIED):
            continue
        if weight is None:
            raise _another_base(adapter, base, f"no safetensors file has the weight {factor['module']} there")
        # Some architectures keep a weight as (inputs, outputs).
        if len(weight) != 2 or len(shape) != 2 or shape[side] not in weight:
            raise _another_base(adapter, base, f"{factor['module']} has other sizes there")


def _another_base(adapter: Adapter, base: str, reason: str) -> ModelError:
    return ModelError(
        f"the adapter was trained on another model than {base}",
        value=f"{adapter.id}: {reason}",
        fix="name the model that it was trained on",
    )
