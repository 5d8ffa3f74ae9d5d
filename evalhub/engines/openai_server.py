"""Any server that speaks OpenAI's chat protocol, asked from threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evalhub.engines.base import EngineIdentity, Outcome
from evalhub.engines.batch_server import body_of
from evalhub.engines.batching import Batching, settings_and_ties
from evalhub.engines.facts import EngineFacts
from evalhub.engines.openai_batches import OpenaiBatches
from evalhub.engines.openai_client import OpenaiClient
from evalhub.engines.openai_dialect import (
    Dialect,
    first_dialect,
    merge_dialects,
    without_probabilities,
    without_refused,
)
from evalhub.engines.openai_protocol import NoProbabilities, call, read
from evalhub.engines.openai_settings import OpenaiSettings
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.parameters import adapt
from evalhub.engines.remote import ATTEMPTS, BACKOFF, Fault
from evalhub.engines.remote_settings import identify_server
from evalhub.models import ResolvedModel
from evalhub.records import FailureKind, Request
from evalhub.texts import clean

# The version of the fields that a completion keeps of an answer. It hides older completions.
_KEEPS = 2
_BACKOFF = BACKOFF
_SETTINGS = {"logprobs", "structured", "token_limit", "omit", "answer_tokens", "body", "seed"}
_LEARNT = ("logprobs", "token_limit", "omitted", "structured")
_UNANSWERED = (FailureKind.ENGINE, FailureKind.TOO_LONG)
_NO_PROBABILITIES = (
    "the server sends no log-probabilities; engine: {logprobs: auto} or {logprobs: none} takes hard verdicts"
)


def identify_openai(settings: OpenaiSettings, model: ResolvedModel | None, name: str) -> EngineIdentity:
    """Return the identity of a server's model: its address and name stand for its content."""
    address = "a server's address with its /v1"
    return identify_server(
        "openai", settings, model or name, address=address, deciding=_SETTINGS, version=_KEEPS
    )


def open_openai(opening: Opening[OpenaiSettings]) -> OpenaiEngine:
    """Return a client of the server. No request is sent yet."""
    if opening.settings.batch is None:
        return OpenaiEngine(opening.identity, opening.settings)
    settings, ties = settings_and_ties(opening)
    engine = BatchedOpenaiEngine(opening.identity, opening.settings)
    engine.begin(OpenaiBatches(engine.client, opening.identity.model), settings, ties)
    return engine


class OpenaiEngine(OpenaiClient):
    """A model behind a server of OpenAI's chat protocol.

    Args:
        identity: Address and name.
        settings: The settings of the suite.

    Raises:
        EngineError: The package `openai` is not installed.
    """

    def __init__(self, identity: EngineIdentity, settings: OpenaiSettings) -> None:
        super().__init__(identity, settings, attempts=ATTEMPTS, backoff=_BACKOFF)
        self._settings = settings
        self._dialect = first_dialect(settings)
        self._learning = threading.Lock()
        self._sends_probabilities = False
        self._verdicts = False

    def facts(self) -> EngineFacts:
        """Return the work done so far and the parameters sent. A server does not report its own settings."""
        dialect = self._dialect
        hard = self._verdicts and not dialect.logprobs
        return replace(
            super().facts(),
            logprobs=dialect.logprobs if self._verdicts else None,
            structured="json_schema" if hard and dialect.structured else None,
            token_limit=dialect.token_limit,
            unsent=", ".join(dialect.omitted) or None,
        )

    def answer(self, request: Request) -> Outcome:
        """Ask the server, with another dialect where it refuses a parameter that may change."""
        outcome, dialect = adapt(self._dialect, lambda dialect: self._ask_in(dialect, request))
        return self.learn(dialect, request, outcome)

    def learn(self, dialect: Dialect, request: Request, outcome: Outcome) -> Outcome:
        """Return an outcome with its unsent parameters. Later requests take the dialect that worked."""
        if outcome.failure in _UNANSWERED:
            return outcome
        with self._learning:
            self._verdicts |= bool(request.choices)
            self._sends_probabilities |= outcome.logprobs is not None
            # One odd reply does not turn the verdicts of a whole run into hard ones.
            if not (dialect.hard(request) and self._sends_probabilities):
                self._dialect = merge_dialects(self._dialect, dialect)
        if dialect.hard(request) and outcome.failure is None:
            outcome = replace(outcome, detail=f"hard verdict: {dialect.why_hard}")
        return replace(outcome, unsent=dialect.unsent(request))

    def _ask_in(self, dialect: Dialect, request: Request) -> tuple[Outcome, Dialect | None]:
        """Return the outcome of a request, and another dialect where a parameter was refused."""
        return self.settle(dialect, request, lambda: self.exchange(lambda: self._call(dialect, request)))

    def settle(
        self,
        dialect: Dialect,
        request: Request,
        read: Callable[[], Outcome | Fault],
        *,
        ends_run: bool = True,
    ) -> tuple[Outcome, Dialect | None]:
        """Return the outcome of a reply, and another dialect where a parameter was refused."""
        try:
            outcome = read()
        except NoProbabilities:
            return self.failure(_NO_PROBABILITIES), without_probabilities(dialect, self._settings)
        if isinstance(outcome, Outcome):
            return outcome, None
        change = None
        if outcome.is_refusal:
            change = without_refused(dialect, self._settings, request, outcome.words, outcome.parameter)
        refusal = self.refusal(outcome, final=ends_run and change is None)
        return refusal, change if refusal.failure is FailureKind.ENGINE else None

    def _call(self, dialect: Dialect, request: Request) -> Outcome:
        arguments = call(self._identity.model, request, dialect)
        return read(self.client.chat.completions.create(**arguments), request, dialect)


class BatchedOpenaiEngine(OpenaiEngine, Batching[Dialect]):
    """The same, asked in batches. `begin` opens them."""

    @property
    def form(self) -> Dialect:
        """The dialect, as far as it is learnt."""
        return self._dialect

    def read_reply(self, dialect: Dialect, request: Request, reply: Any) -> Outcome:
        """Return the outcome of a reply."""
        return read(reply, request, dialect)

    def body(self, dialect: Dialect, request: Request) -> Mapping[str, Any]:
        """Return the body of a request."""
        return body_of(call(self._identity.model, request, dialect))

    def form_values(self, dialect: Dialect) -> Mapping[str, Any]:
        """Return what a dialect has learnt. The rest is in the settings."""
        values = {name: getattr(dialect, name) for name in _LEARNT}
        return {**values, "why_hard": clean(dialect.why_hard)}

    def form_from(self, values: Mapping[str, Any]) -> Dialect:
        """Return the dialect of `form_values`."""
        learnt = {name: values[name] for name in (*_LEARNT, "why_hard")}
        return replace(first_dialect(self._settings), **{**learnt, "omitted": tuple(values["omitted"])})


OPENAI = EngineKind(OpenaiSettings, identify_openai, open_openai)
