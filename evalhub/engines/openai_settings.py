"""The settings of a server that speaks OpenAI's chat protocol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evalhub.engines.remote_settings import BatchableSettings

Omitted = Literal["temperature", "top_p", "top_k", "seed"]


class OpenaiSettings(BatchableSettings):
    """The address of a server, and how it is asked.

    Attributes:
        base_url: Address of an OpenAI-compatible server, with its /v1.
        api_key_env: Name of the environment variable that holds the server's key.
        logprobs: How many most probable tokens a server is asked for beside a verdict. none: verdicts are
            hard. auto: 20, fewer or none where the server refuses.
        structured: Whether a hard verdict is constrained by a JSON schema. auto does so where the server can.
        token_limit: The name under which an answer's length is sent. auto finds the one that a server takes.
        omit: The sampling parameters that are not sent. auto leaves out those that the server refuses.
        answer_tokens: Tokens that a hard verdict may take, thoughts included.
        batch: How requests are asked in batches. None = by single requests.
    """

    own_fields: ClassVar[frozenset[str]] = frozenset({
        "model", "messages", "stream", "n", "choices", "max_tokens", "max_completion_tokens", "logprobs",
        "top_logprobs", "response_format", "stop", "temperature", "top_p", "top_k", "seed",
    })  # fmt: skip

    api_key_env: str = "OPENAI_API_KEY"
    logprobs: Literal["auto", "none"] | Annotated[int, Field(ge=1, strict=True)] = "auto"
    structured: Literal["auto", "json_schema", "none"] = "auto"
    token_limit: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    omit: Literal["auto"] | tuple[Omitted, ...] = "auto"
    answer_tokens: int = Field(default=512, ge=1)
