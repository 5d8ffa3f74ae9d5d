"""The settings of a server behind HTTP, and the identity of its model."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_serializer

from evalhub.engines.base import REMOTE, EngineIdentity
from evalhub.engines.opening import RemoteSettings
from evalhub.errors import SpecError
from evalhub.models import ResolvedModel
from evalhub.records import digest
from evalhub.specs.base import Spec


class ServerSettings(RemoteSettings):
    """The address of a server, and how it is asked. A protocol adds its own settings in a subclass.

    Attributes:
        base_url: The server's address.
        api_key_env: Name of the environment variable that holds the server's key.
        concurrency: Requests on their way at once.
        timeout: Seconds that a server has for one answer.
        body: Further fields of each request to a server.
    """

    own_fields: ClassVar[frozenset[str]] = frozenset()
    """The fields of a request that the protocol sends itself, and that `body` may not hold."""

    base_url: str | None = None
    api_key_env: str
    concurrency: int = Field(default=16, ge=1)
    timeout: float = Field(default=600.0, gt=0)
    body: dict[str, Any] = Field(default_factory=dict)

    @field_validator("body")
    @classmethod
    def _refuse_own_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        if refused := sorted(cls.own_fields & set(value)):
            raise ValueError(f"{refused[0]!r} is sent by evalhub itself; leave it out of body")
        return value


class BatchSettings(Spec):
    """How requests are asked in batches.

    Attributes:
        size: Requests in one batch at most.
        at_once: Batches on their way at once.
        poll_seconds: Seconds between two looks at a batch.
        max_hours: Hours after which a batch that has not ended is cancelled. What it has answered counts. A
            server lets a batch expire after 24.
    """

    size: int = Field(default=10_000, ge=1, le=50_000)
    at_once: int = Field(default=4, ge=1)
    poll_seconds: float = Field(default=30.0, gt=0)
    max_hours: float = Field(default=25.0, gt=0)


class BatchableSettings(ServerSettings):
    """The settings of a server that also takes requests in batches.

    Attributes:
        batch: How requests are asked in batches. None = by single requests.
    """

    batch: BatchSettings | None = None

    @field_validator("batch", mode="before")
    @classmethod
    def _from_switch(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return {} if value else None
        return value

    @model_serializer(mode="wrap")
    def _leave_out_none(self, handler: Any) -> dict[str, Any]:
        """Leave out what is not set, so that suites without batches keep their hash."""
        values: dict[str, Any] = handler(self)
        if self.batch is None:
            values.pop("batch", None)
        return values


def identify_server(
    engine: str,
    settings: ServerSettings,
    shown: ResolvedModel | str,
    *,
    address: str,
    deciding: Collection[str],
    version: int,
) -> EngineIdentity:
    """Return the identity of a server's model: its address and name stand for its content.

    Args:
        engine: The engine's name.
        settings: The settings of the suite.
        shown: The model or its display id.
        address: What `base_url` has to be, in words.
        deciding: The settings that decide the text of a completion.
        version: That of the fields that a completion keeps of an answer. A new one hides older
            completions.

    Raises:
        SpecError: `base_url` is no address, or holds a key or a password.
    """
    model = shown if isinstance(shown, str) else shown.id
    parts = urlsplit(settings.base_url or "")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SpecError(f"engine {engine} needs base_url, {address}", where=model, value=settings.base_url)
    if parts.username or parts.password or parts.query:
        raise SpecError(
            "base_url must hold no key and no password", where=model, fix="name a variable in api_key_env"
        )
    # Default values stand in no key, so that earlier completions are found again.
    changed = settings.model_dump(mode="json", include=set(deciding), exclude_defaults=True)
    identifying = {"base_url": settings.base_url, "keeps": version, **changed}
    content_hash = digest([settings.base_url, model])
    return EngineIdentity(engine, model, content_hash, settings=identifying, device=REMOTE)
