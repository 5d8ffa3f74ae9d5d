"""What an engine reports of itself: its settings in use, and its work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The settings in use, read back from the engine, and the work done so far.

    Attributes:
        platform: cpu, cuda, rocm …, remote or none.
        device: The device's own name.
        kv_block_size: Tokens in one block of the KV cache.
        prefix_cache_queries: Prompt tokens that were looked up in the prefix cache.
        prefix_cache_hits: Those of them that were found there.
        seconds_start: Of imports and loading, all starts together.
        seconds_busy: In which the engine had work, start excluded.
        seconds_tail: In which the last 5% of the requests ended. It is long where a few long answers end
            alone. None with fewer than 100 requests.
        preload: `tcmalloc`, `malloc variables` or None.
        replicas: The number of children that share the work. None = one.
        logprobs: Number of most probable tokens requested of a server beside a verdict. 0 for hard verdicts,
            None without verdicts.
        structured: How hard verdicts were constrained: `json_schema`, `tool` or None.
        token_limit: The name under which a server was sent an answer's length.
        unsent: The sampling parameters that a server was not sent.
        batches: The number of batches that were collected. None = a server was asked by single requests.
    """

    engine: str
    model: str
    version: str | None = None
    platform: str | None = None
    device: str | None = None
    attention_backend: str | None = None
    kv_block_size: int | None = None
    kv_cache_dtype: str | None = None
    kv_cache_tokens: int | None = None
    dtype: str | None = None
    head_dtype: str | None = None
    quantization: str | None = None
    tensor_parallel: int | None = None
    max_length: int | None = None
    max_num_seqs: int | None = None
    max_batched_tokens: int | None = None
    eager: bool | None = None
    replicas: int | None = None
    chat_template: bool | None = None
    preload: str | None = None
    logprobs: int | None = None
    structured: str | None = None
    token_limit: str | None = None
    unsent: str | None = None
    batches: int | None = None
    prefix_cache_queries: int = 0
    prefix_cache_hits: int = 0
    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds_start: float = 0.0
    seconds_busy: float = 0.0
    seconds_tail: float | None = None
    restarts: int = 0

    @property
    def prefix_cache_hit_rate(self) -> float | None:
        """Share of looked-up prompt tokens that were cached, in [0, 1]. None without a look-up."""
        return self.prefix_cache_hits / self.prefix_cache_queries if self.prefix_cache_queries else None
