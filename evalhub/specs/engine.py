"""The engine of a model in a suite, with its settings."""

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
_REQUEST_FIELDS = {
    "model", "messages", "stream", "n", "choices", "max_tokens", "max_completion_tokens", "logprobs",
    "top_logprobs", "response_format", "stop", "temperature", "top_p", "top_k", "seed",
}  # fmt: skip

Omitted = Literal["temperature", "top_p", "top_k", "seed"]


class EngineSpec(Spec):
    """The engine that runs a model, and its settings.

    Attributes:
        type: vllm, openai or scripted.
        attention_backend: vLLM's name of an attention backend. None lets vLLM choose.
        kv_cache_dtype: Type of the KV cache's numbers. "auto" is the model's own.
        kv_block_size: Tokens in one block of the KV cache, the unit of the prefix cache.
        kv_cache_gib: Room for the KV cache in GiB. On a CPU it has a default.
        gpu_memory_utilization: Share of the GPU's memory, if kv_cache_gib is not given.
        dtype: Type of the numbers in which a model is computed. auto is bfloat16, or float32 on a processor
            without instructions for bfloat16.
        base_url: Address of an OpenAI-compatible server, with its /v1.
        api_key_env: Name of the environment variable with the server's key.
        timeout: Seconds within which a server must answer.
        logprobs: Number of most probable tokens to request beside a verdict. auto: 20, or fewer or none if
            the server refuses. none: verdicts are hard.
        structured: Whether a JSON schema constrains hard verdicts. auto: if the server supports it.
        token_limit: The name of the parameter for the maximum length. auto: the one that the server accepts.
        omit: The sampling parameters that are not sent. auto: those that the server refuses.
        answer_tokens: Maximum length of a hard verdict in tokens, with its think text.
        body: Further fields of each request to a server.
        script: Answers of the scripted engine.
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
        if clashes := sorted(_REQUEST_FIELDS & set(value)):
            raise ValueError(f"{clashes[0]!r} is set by evalhub: leave it out of body")
        return value

    @model_validator(mode="after")
    def _has_use(self) -> EngineSpec:
        settings = _SETTINGS.get(self.type)
        if self.type == "vllm":
            unused_settings = self.model_fields_set & set.union(*_SETTINGS.values()) - {"max_num_seqs"}
        else:
            unused_settings = self.model_fields_set - settings - _SHARED if settings else set()
        if unused_settings:
            raise ValueError(f"the engine {self.type} has no use for {min(unused_settings)!r}")
        return self
