"""The engine that a suite names for a model, with its settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from evalhub.specs.base import Spec

_SHARED = {"type", "seed"}
_SETTINGS = {
    "openai": {
        "base_url", "api_key_env", "concurrency", "timeout", "logprobs", "structured", "token_limit", "omit",
        "answer_tokens", "body",
    },
    "scripted": {"script", "max_num_seqs"},
}  # fmt: skip
_OWN = {"model", "messages", "stream", "n", "choices", "max_tokens", "max_completion_tokens", "logprobs",
        "top_logprobs", "response_format", "stop", "temperature", "top_p", "top_k", "seed"}  # fmt: skip

Omitted = Literal["temperature", "top_p", "top_k", "seed"]


class EngineSpec(Spec):
    """The engine that runs a model, and the settings that are asked of it.

    Attributes:
        type: vllm, openai or scripted.
        attention_backend: vLLM's name of an attention backend; None lets vLLM choose.
        kv_cache_dtype: Type of the KV cache's numbers; "auto" is the model's own.
        kv_block_size: Tokens in one block of the KV cache, the unit of the prefix cache.
        kv_cache_gib: Room for the KV cache in GiB; required room on a CPU.
        gpu_memory_utilization: Share of the GPU's memory, where kv_cache_gib is not given.
        dtype: Type of the numbers that a model is computed in. auto is bfloat16, or float32 on a processor
            without instructions for bfloat16.
        base_url: Address of an OpenAI-compatible server, with its /v1.
        api_key_env: Name of the environment variable that holds the server's key.
        timeout: Seconds that a server has for one answer.
        logprobs: How many most probable tokens a server is asked for beside a verdict. none: verdicts are
            hard. auto: 20, fewer or none where the server refuses.
        structured: Whether a hard verdict is constrained by a JSON schema; auto does so where the server can.
        token_limit: The name under which an answer's length is sent; auto finds the one that a server takes.
        omit: The sampling parameters that are not sent; auto leaves out those that the server refuses.
        answer_tokens: Tokens that a hard verdict may take, thoughts included.
        body: Further fields of each request to a server.
        script: Behaviour of the scripted engine.
    """

    type: str = "vllm"
    attention_backend: str | None = None
    kv_cache_dtype: str = "auto"
    tensor_parallel: int = Field(default=1, ge=1)
    max_length: int | None = Field(default=None, ge=16)
    kv_block_size: int | None = Field(default=None, ge=16)
    kv_cache_gib: float | None = Field(default=None, gt=0)
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    quantization: str | None = None
    dtype: str = "auto"
    max_num_seqs: int = Field(default=256, ge=1)
    max_batched_tokens: int = Field(default=4096, ge=16)
    eager: bool | None = None
    seed: int = 0
    trust_remote_code: bool = False
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = Field(default=16, ge=1)
    timeout: float = Field(default=600.0, gt=0)
    logprobs: Literal["auto", "none"] | Annotated[int, Field(ge=1, strict=True)] = "auto"
    structured: Literal["auto", "json_schema", "none"] = "auto"
    token_limit: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    omit: Literal["auto"] | tuple[Omitted, ...] = "auto"
    answer_tokens: int = Field(default=512, ge=1)
    body: dict[str, Any] = Field(default_factory=dict)
    script: dict[str, Any] = Field(default_factory=dict)

    @field_validator("body")
    @classmethod
    def _further_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        if own := sorted(_OWN & set(value)):
            raise ValueError(f"{own[0]!r} is sent by evalhub itself; leave it out of body")
        return value

    @model_validator(mode="after")
    def _has_use(self) -> EngineSpec:
        own = _SETTINGS.get(self.type)
        if self.type == "vllm":
            idle = self.model_fields_set & set.union(*_SETTINGS.values()) - {"max_num_seqs"}
        else:
            idle = self.model_fields_set - own - _SHARED if own else set()
        if idle:
            raise ValueError(f"the engine {self.type} has no use for {min(idle)!r}")
        return self
