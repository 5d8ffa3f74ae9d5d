"""The settings of Anthropic's messages protocol."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from evalhub.engines.remote_settings import BatchableSettings

ADDRESS = "https://api.anthropic.com"


class AnthropicSettings(BatchableSettings):
    """The address of a server, and how it is asked.

    Attributes:
        base_url: Address of a server of Anthropic's protocol, without /v1.
        api_key_env: Name of the environment variable that holds the server's key.
        structured: How a verdict is constrained. tool: by a tool that the model has to call. json_schema:
            by a schema of the answer's text. auto takes a tool, and a schema where the model refuses that.
        omit: The sampling parameters that are not sent. auto leaves out those that the server refuses.
        answer_tokens: Tokens that a verdict may take, thoughts included.
        batch: How requests are asked in batches. None = by single requests.
    """

    own_fields: ClassVar[frozenset[str]] = frozenset({
        "model", "messages", "system", "stream", "max_tokens", "stop_sequences", "temperature", "top_p",
        "top_k", "tools", "tool_choice",
    })  # fmt: skip

    base_url: str | None = ADDRESS
    api_key_env: str = "ANTHROPIC_API_KEY"
    structured: Literal["auto", "tool", "json_schema"] = "auto"
    omit: Literal["auto"] | tuple[Literal["temperature", "top_p", "top_k"], ...] = "auto"
    answer_tokens: int = Field(default=512, ge=1)

    @field_validator("body")
    @classmethod
    def _refuse_own_format(cls, value: dict[str, Any]) -> dict[str, Any]:
        output = value.get("output_config", {})
        if not isinstance(output, dict) or "format" in output:
            raise ValueError("'output_config.format' is sent by evalhub itself; leave it out of body")
        return value
