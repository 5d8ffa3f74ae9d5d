"""Anthropic's API, or another server that speaks its messages protocol, asked through Anthropic's SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evalhub.engines.anthropic_batches import AnthropicBatches
from evalhub.engines.anthropic_protocol import (
    Form,
    call,
    first_form,
    merge_forms,
    read,
    refuses_begun_answer,
    unsent,
    without_refused,
)
from evalhub.engines.anthropic_settings import AnthropicSettings
from evalhub.engines.base import EngineIdentity, Outcome
from evalhub.engines.batch_server import body_of
from evalhub.engines.batching import Batching, settings_and_ties
from evalhub.engines.facts import EngineFacts
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.parameters import adapt
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
from evalhub.engines.remote_settings import identify_server
from evalhub.models import ResolvedModel
from evalhub.records import FailureKind, Request

# The version of the fields that a completion keeps of an answer. A new one hides older completions.
_KEEPS = 1
_BACKOFF = BACKOFF
_SETTINGS = {"structured", "omit", "answer_tokens", "body", "seed"}
_UNANSWERED = (FailureKind.ENGINE, FailureKind.TOO_LONG)


def identify_anthropic(settings: AnthropicSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a server's model: its address and name stand for its content."""
    address = "a server's address without /v1"
    return identify_server(
        "anthropic", settings, model or name, address=address, deciding=_SETTINGS, version=_KEEPS
    )


def open_anthropic(opening: Opening[AnthropicSettings]) -> AnthropicEngine:
    """Return a client of the server. No request is sent yet."""
    if opening.settings.batch is None:
        return AnthropicEngine(opening.identity, opening.settings)
    settings, ties = settings_and_ties(opening)
    engine = BatchedAnthropicEngine(opening.identity, opening.settings)
    engine.begin(AnthropicBatches(engine.client, opening.identity.model), settings, ties)
    return engine


class AnthropicEngine(RemoteEngine):
    """A model behind a server of Anthropic's messages protocol.

    Args:
        identity: Address and name.
        settings: The settings of the suite.

    Raises:
        EngineError: The package `anthropic` is not installed.
    """

    def __init__(self, identity: EngineIdentity, settings: AnthropicSettings) -> None:
        self._anthropic = anthropic = import_client("anthropic", identity.model)
        super().__init__(identity, settings, attempts=ATTEMPTS, backoff=_BACKOFF)
        self.client = anthropic.Anthropic(
            base_url=identity.settings["base_url"],
            # Without a key, the SDK would look for one in files and variables that the suite does not name.
            api_key=self._key or "none",
            max_retries=0,
            timeout=anthropic.Timeout(settings.timeout, connect=min(settings.timeout, CONNECT_SECONDS)),
            http_client=anthropic.DefaultHttpxClient(event_hooks={"request": [self._connections.watch]}),
            open_telemetry=False,
        )
        self._settings = settings
        self._form = first_form(settings)
        self._learning = threading.Lock()
        self._verdicts = False

    def facts(self) -> EngineFacts:
        """Return the work done so far and the parameters sent. A server does not report its own settings."""
        form = self._form
        return replace(
            super().facts(),
            logprobs=0 if self._verdicts else None,
            structured=form.structured if self._verdicts else None,
            token_limit="max_tokens",
            unsent=", ".join(form.omitted) or None,
        )

    def answer(self, request: Request) -> Outcome:
        """Ask the server, in another form where it refuses a parameter that may change."""
        outcome, form = adapt(self._form, lambda form: self._ask_in(form, request))
        return self.learn(form, request, outcome)

    def learn(self, form: Form, request: Request, outcome: Outcome) -> Outcome:
        """Return an outcome with its unsent parameters. Later requests take the form that worked."""
        if outcome.failure in _UNANSWERED:
            return outcome
        with self._learning:
            self._verdicts |= bool(request.choices)
            self._form = merge_forms(self._form, form)
        return replace(outcome, unsent=unsent(request, form))

    def fault_of(self, error: Exception) -> Fault | None:
        """Return what an error of the package `anthropic` means."""
        anthropic = self._anthropic
        if isinstance(error, anthropic.APIStatusError):
            pause = requested_pause(error.response.headers)
            return Fault(server_words(error.body), error.status_code, pause=pause)
        if isinstance(error, anthropic.APIConnectionError):
            return Fault(error.message)
        unreadable = isinstance(error, (anthropic.AnthropicError, *UNREADABLE))
        return Fault(str(error), unreadable=True) if unreadable else None

    def close_client(self) -> None:
        """Close the client of the package `anthropic`."""
        self.client.close()

    def _ask_in(self, form: Form, request: Request) -> tuple[Outcome, Form | None]:
        """Return the outcome of a request, and another form where a parameter was refused."""
        return self.settle(form, request, lambda: self.exchange(lambda: self._send(form, request)))

    def settle(
        self, form: Form, request: Request, read: Callable[[], Outcome | Fault], *, ends_run: bool = True
    ) -> tuple[Outcome, Form | None]:
        """Return the outcome of a reply, and another form where a parameter was refused."""
        outcome = read()
        if isinstance(outcome, Outcome):
            return outcome, None
        if outcome.is_refusal and refuses_begun_answer(request, outcome.words):
            detail = f"the model takes no begun answer, which mode: think needs ({outcome.words})"
            return self.failure(detail), None
        change = without_refused(form, self._settings, request, outcome.words) if outcome.is_refusal else None
        refusal = self.refusal(outcome, final=ends_run and change is None)
        return refusal, change if refusal.failure is FailureKind.ENGINE else None

    def _send(self, form: Form, request: Request) -> Outcome:
        arguments = call(self._identity.model, request, form)
        return read(self.client.messages.create(**arguments), request, form)


class BatchedAnthropicEngine(AnthropicEngine, Batching[Form]):
    """The same, asked in batches. `begin` opens them."""

    @property
    def form(self) -> Form:
        """The form, as far as it is learnt."""
        return self._form

    def read_reply(self, form: Form, request: Request, reply: Any) -> Outcome:
        """Return the outcome of a reply."""
        return read(reply, request, form)

    def body(self, form: Form, request: Request) -> Mapping[str, Any]:
        """Return the body of a request."""
        return body_of(call(self._identity.model, request, form))

    def form_values(self, form: Form) -> Mapping[str, Any]:
        """Return what a form has learnt. The rest is in the settings."""
        return {"omitted": form.omitted, "structured": form.structured}

    def form_from(self, values: Mapping[str, Any]) -> Form:
        """Return the form of `form_values`."""
        omitted, structured = tuple(values["omitted"]), values["structured"]
        return replace(first_form(self._settings), omitted=omitted, structured=structured)


ANTHROPIC = EngineKind(AnthropicSettings, identify_anthropic, open_anthropic)
