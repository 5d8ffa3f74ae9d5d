"""vLLM inside the child process, driven one step at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.engines.base import Outcome, too_long_outcome
from evalhub.engines.preload import allocator_in_use
from evalhub.engines.prompts import Prompt, Prompts
from evalhub.engines.thinking import outcome_of_text
from evalhub.errors import EngineError, EvalhubError, ModelError
from evalhub.models import hide_broken_media
from evalhub.records import Request, RequestKind

_COUNTERS = {
    "vllm:prefix_cache_queries": "prefix_cache_queries",
    "vllm:prefix_cache_hits": "prefix_cache_hits",
}
_NO_ROOM = (
    "out of memory", "outofmemory", "kv cache", "free memory", "available memory", "cannot allocate",
    "memory is needed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that vLLM has, by vLLM's own id, with the tokens of its choices."""

    vllm_id: str
    request: Request
    prompt: Prompt
    choices: tuple[int, ...]


class VllmBackend:
    """One model on vLLM.

    Args:
        opening: Settings of the identity, the device, and the model's id and folder.

    Raises:
        ModelError: The model cannot be loaded, or there is no room for it.
        EngineError: vLLM cannot start.
    """

    def __init__(self, opening: Mapping[str, Any]) -> None:
        if opening.get("share") and opening["device"] == "cpu":
            _use_own_cores()
        try:
            self._llm = load_vllm().LLM(**self.arguments(opening["model"]["path"], opening["settings"]))
            self._engine = self._llm.llm_engine
            self._adapter = _adapter(opening["model"])
            if self._adapter is not None:
                # Now, so that one that does not fit ends in a sentence and not in a dead process.
                self._engine.add_lora(self._adapter)
        except Exception as error:
            raise _start_error(error) from error
        self._prompts = Prompts(self._llm.get_tokenizer())
        self._max_length = int(self._engine.vllm_config.model_config.max_model_len)
        self._pending: dict[int, PendingRequest] = {}

    def arguments(self, path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of `vllm.LLM`."""
        return engine_arguments(path, settings)

    def facts(self) -> dict[str, Any]:
        """Return the settings as vLLM resolved them."""
        from vllm.platforms import current_platform

        config = self._engine.vllm_config
        cache, model = config.cache_config, config.model_config
        dtype = str(model.dtype).removeprefix("torch.")
        blocks = cache.num_gpu_blocks
        return {
            "platform": str(current_platform.device_name),
            "device": str(current_platform.get_device_name()),
            "attention_backend": self._attention_backend(),
            "kv_block_size": cache.block_size,
            "kv_cache_dtype": dtype if cache.cache_dtype == "auto" else str(cache.cache_dtype),
            "kv_cache_tokens": blocks * cache.block_size if blocks else None,
            "dtype": dtype,
            "head_dtype": str(model.head_dtype).removeprefix("torch."),
            "quantization": model.quantization and str(model.quantization),
            "tensor_parallel": config.parallel_config.tensor_parallel_size,
            "max_length": self._max_length,
            "max_num_seqs": config.scheduler_config.max_num_seqs,
            "max_batched_tokens": config.scheduler_config.max_num_batched_tokens,
            "eager": bool(model.enforce_eager),
            "chat_template": self._prompts.templated,
            "preload": allocator_in_use(),
        }

    def counters(self) -> dict[str, int]:
        """Return the look-ups and hits of the prefix cache."""
        counters = dict.fromkeys(_COUNTERS.values(), 0)
        for metric in self._llm.get_metrics():
            if metric.name in _COUNTERS:
                counters[_COUNTERS[metric.name]] += int(metric.value)
        return counters

    def add(self, number: int, request: Request, crashes: int) -> Outcome | None:  # noqa: ARG002
        """Check a request's length and hand it to vLLM."""
        if request.kind is not RequestKind.GENERATE:
            raise ModelError(f"the engine vllm generates, and gives no {request.kind}", fix="use pooling")
        prompt = self._prompts.render(
            request.messages, for_choices=bool(request.choices), think=request.think
        )
        if len(prompt.tokens) + 1 > self._max_length:
            return too_long_outcome(len(prompt.tokens), self._max_length)
        choices = self._prompts.choice_tokens(prompt, request.choices) if request.choices else ()
        vllm_id = self._engine.add_request(
            str(number),
            {"prompt_token_ids": list(prompt.tokens)},
            self._sampling(request, prompt, choices),
            lora_request=self._adapter,
        )
        self._pending[number] = PendingRequest(vllm_id, request, prompt, choices)
        return None

    def step(self) -> list[tuple[int, Outcome]]:
        """Run one step of the batch."""
        finished = [output for output in self._engine.step() if output.finished]
        return [(int(output.request_id), self._outcome(output)) for output in finished]

    def busy(self) -> bool:
        """Return whether vLLM has unfinished requests."""
        return bool(self._engine.has_unfinished_requests())

    def drop_waiting(self) -> list[int]:
        """Abort the requests that vLLM has not begun. Without insight into vLLM none is aborted."""
        core = getattr(self._engine.engine_core, "engine_core", None)
        if core is None:
            return []
        running = {request.request_id for request in core.scheduler.running}
        waiting = [number for number, pending in self._pending.items() if pending.vllm_id not in running]
        self._engine.abort_request([str(number) for number in waiting])
        for number in waiting:
            del self._pending[number]
        return waiting

    def _sampling(self, request: Request, prompt: Prompt, choices: tuple[int, ...]) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        sampling = request.sampling
        room = self._max_length - len(prompt.tokens)
        common: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "seed": sampling.seed + request.sample if sampling.temperature > 0 else None,
            "output_kind": RequestOutputKind.FINAL_ONLY,
        }
        if choices:
            # The token is not constrained: it is the model's own most probable token. The probabilities of
            # the choices come beside it.
            return SamplingParams(
                max_tokens=1,
                logprob_token_ids=list(choices),
                ignore_eos=True,
                detokenize=False,
                **{**common, "temperature": 0.0, "seed": None},
            )
        stop = [*sampling.stop, *prompt.stop]
        return SamplingParams(
            max_tokens=min(sampling.max_tokens, room),
            stop=stop,
            skip_special_tokens=not self._prompts.hides(request.think),
            **common,
        )

    def _outcome(self, output: Any) -> Outcome:
        pending = self._pending.pop(int(output.request_id))
        generation = output.outputs[0]
        usage: dict[str, Any] = {
            "prompt_tokens": len(pending.prompt.tokens),
            "cached_tokens": output.num_cached_tokens or 0,
            "completion_tokens": len(generation.token_ids),
        }
        if pending.choices:
            logprobs_by_token = generation.logprobs[0]
            choice_names = dict(zip(pending.choices, pending.request.choices, strict=True))
            logprobs = {name: float(logprobs_by_token[token].logprob) for token, name in choice_names.items()}
            best = max(logprobs, key=lambda name: logprobs[name])
            top = self._prompts.token_text(generation.token_ids[0])
            return Outcome(best, None, logprobs, "choice", top_token=top, **usage)
        text = generation.text if self._prompts.templated else generation.text.strip()
        return outcome_of_text(
            text,
            pending.request,
            opened=pending.prompt.opened,
            finish_reason=generation.finish_reason,
            **usage,
        )

    def _attention_backend(self) -> str | None:
        with contextlib.suppress(Exception):
            backends_by_worker = self._llm.apply_model(_backends)
            return "+".join(sorted({name for names in backends_by_worker for name in names})) or None
        return None


def engine_arguments(path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `vllm.LLM`.

    Args:
        path: The model's folder.
        settings: The settings of the engine's identity. None leaves a value to vLLM.
    """
    gib = settings["kv_cache_gib"]
    backend = settings["attention_backend"]
    optional = {
        "kv_cache_memory_bytes": int(gib * 2**30) if gib else None,
        "gpu_memory_utilization": settings["gpu_memory_utilization"],
        "attention_config": {"backend": backend} if backend else None,
        "quantization": settings["quantization"],
        "block_size": settings["kv_block_size"],
        "max_num_batched_tokens": settings["max_batched_tokens"],
        "max_num_seqs": settings["max_num_seqs"],
        "max_lora_rank": settings.get("lora_rank"),
        "enable_lora": "lora_rank" in settings or None,
    }
    return {
        "model": path,
        "dtype": settings["dtype"],
        "enforce_eager": settings["eager"],
        "hf_overrides": {"head_dtype": settings["head_dtype"]},
        "kv_cache_dtype": settings["kv_cache_dtype"],
        "max_model_len": settings["max_length"],
        "seed": settings["seed"],
        "tensor_parallel_size": settings["tensor_parallel"],
        "trust_remote_code": settings["trust_remote_code"],
        "logprobs_mode": "raw_logprobs",
        "enable_prefix_caching": True,
        "disable_log_stats": False,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _adapter(model: Mapping[str, Any]) -> Any:
    """Return what tells vLLM to add an adapter to the model. None without an adapter."""
    if "adapter" not in model:
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest(model["id"], 1, model["adapter"])


def _use_own_cores() -> None:
    """Compute with as many threads as this process has cores. Else it takes those of the whole machine."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))


def load_vllm() -> Any:
    """Import vLLM, past media packages that were built for another torch."""
    hidden_media = hide_broken_media()
    import vllm

    if hidden_media:
        _inspect_in_this_process()
    return vllm


def import_vllm() -> None:
    """Import what every engine needs, which takes most of the time of a start. No engine is made."""
    load_vllm().LLM  # noqa: B018  vLLM imports it when it is first named


def _inspect_in_this_process() -> None:
    """Have vLLM inspect a model's class here. Its own process would import the hidden packages."""
    from vllm.model_executor.models import registry

    registry._run_in_subprocess = lambda function: function()


def _backends(model: Any) -> list[str]:
    return [module.attn_backend.get_name() for module in model.modules() if hasattr(module, "attn_backend")]


def _start_error(error: Exception) -> EvalhubError:
    """Say in one sentence why vLLM did not start."""
    message = str(error).strip() or type(error).__name__
    if any(sign in message.lower() for sign in _NO_ROOM):
        return ModelError(
            "no room for the model",
            value=message,
            fix="free memory, or set kv_cache_gib, max_length or gpu_memory_utilization lower",
        )
    if isinstance(error, ValueError | OSError | KeyError):
        return ModelError("vLLM cannot load the model with these settings", value=message)
    return EngineError("vLLM cannot start", value=message)
