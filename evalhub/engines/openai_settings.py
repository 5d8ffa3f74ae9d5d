"""The settings of a server that speaks OpenAI's chat protocol."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from evalhub.engines.opening import RemoteSettings

_OWN_FIELDS = {
    "model", "messages", "stream", "n", "choices", "max_tokens", "max_completion_tokens", "logprobs",
    "top_logprobs", "response_format", "stop", "temperature", "top_p", "top_k", "seed",
}  # fmt: skip

Omitted = Literal["temperature", "top_p", "top_k", "seed"]


class OpenaiSettings(RemoteSettings):
    """The address of a server, and how it is asked.

    Attributes:
        base_url: Address of an OpenAI-compatible server, with its /v1.
        api_key_env: Name of the environment variable that holds the server's key.
        concurrency: Requests on their way at once.
        timeout: Seconds that a server has for one answer.
        logprobs: How many most probable tokens a server is asked for beside a verdict. none: verdicts are
            hard. auto: 20, fewer or none where the server refuses.
        structured: Whether a hard verdict is constrained by a JSON schema. auto does so where the server can.
        token_limit: The name under which an answer's length is sent. auto finds the one that a server takes.
        omit: The sampling parameters that are not sent. auto leaves out those that the server refuses.
        answer_tokens: Tokens that a hard verdict may take, thoughts included.
        body: Further fields of each request to a server.
    """

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

    @field_validator("body")
    @classmethod
    def _refuse_own_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        if refused := sorted(_OWN_FIELDS & set(value)):
            raise ValueError(f"{refused[0]!r} is sent by evalhub itself; leave it out of body")
        return value
