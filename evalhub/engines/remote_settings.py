"""The settings of a server behind HTTP, and the identity of its model."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from evalhub.engines.base import REMOTE, EngineIdentity
from evalhub.engines.opening import RemoteSettings
from evalhub.errors import SpecError
from evalhub.models import ResolvedModel
from evalhub.records import digest


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
