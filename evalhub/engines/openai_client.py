"""The client of the package `openai`, for every protocol that it speaks."""

from __future__ import annotations

from typing import Any

from evalhub.engines.base import EngineIdentity
from evalhub.engines.remote import (
    ATTEMPTS,
    BACKOFF,
    CONNECT_SECONDS,
    UNREADABLE,
    Fault,
    RemoteEngine,
    import_client,
    requested_pause,
    server_words,
)
from evalhub.engines.remote_settings import ServerSettings


class OpenaiClient(RemoteEngine):
    """A server that is asked with the package `openai`.

    Args:
        identity: Address and name.
        settings: The settings of the suite.
        attempts: Number of times that one request is sent at most.
        backoff: Seconds before the second attempt. Each further pause is twice as long.

    Raises:
        EngineError: The package `openai` is not installed.
    """

    def __init__(
        self,
        identity: EngineIdentity,
        settings: ServerSettings,
        *,
        attempts: int = ATTEMPTS,
        backoff: float = BACKOFF,
    ) -> None:
        self._openai = openai = import_client("openai", identity.model)
        super().__init__(identity, settings, attempts=attempts, backoff=backoff)
        self.client: Any = openai.OpenAI(
            base_url=identity.settings["base_url"],
            api_key=self._key or "none",
            max_retries=0,
            timeout=openai.Timeout(settings.timeout, connect=min(settings.timeout, CONNECT_SECONDS)),
            http_client=openai.DefaultHttpxClient(event_hooks={"request": [self._connections.watch]}),
        )

    def fault_of(self, error: Exception) -> Fault | None:
        """Return what an error of the package `openai` means."""
        openai = self._openai
        if isinstance(error, openai.APIStatusError):
            words, pause = server_words(error.body), requested_pause(error.response.headers)
            return Fault(words, error.status_code, error.param, pause)
        if isinstance(error, openai.APIConnectionError):
            return Fault(str(error))
        unreadable = isinstance(error, (openai.OpenAIError, *UNREADABLE))
        return Fault(str(error), unreadable=True) if unreadable else None

    def close_client(self) -> None:
        """Close the client of the package `openai`."""
        self.client.close()
