"""Decision models behind a server: typed questions, each answered with a probability for every option."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, ClassVar

from pydantic import Field

from evalhub.engines.base import EngineIdentity, Outcome, clean_request
from evalhub.engines.decision_wires import DECISIONS, SYSTEMONE, Wire, WrongAnswer, read_reply
from evalhub.engines.openai_client import OpenaiClient
from evalhub.engines.opening import EngineKind, Opening
from evalhub.engines.remote import ATTEMPTS, BACKOFF, Fault
from evalhub.engines.remote_settings import ServerSettings, identify_server
from evalhub.errors import ModelError
from evalhub.models import ResolvedModel
from evalhub.records import Message, Request, RequestKind

# The version of the fields that a completion keeps of an answer. It hides older completions.
_KEEPS = 1
_BACKOFF = BACKOFF
_WIRES = {"systemone": SYSTEMONE, "decisions": DECISIONS}


class DecisionSettings(ServerSettings):
    """The address of a server, and how it is asked.

    Attributes:
        base_url: Address of the server, with its /v1.
        api_key_env: Name of the environment variable that holds the server's key.
        questions: Most questions of one request. All criteria of a response share one as far as they fit.
    """

    own_fields: ClassVar[frozenset[str]] = frozenset({"model", "state", "input", "questions"})

    api_key_env: str = "OPENAI_API_KEY"
    questions: int = Field(default=32, ge=1)


def _identify(
    engine: str, settings: DecisionSettings, model: ResolvedModel | None, name: str
) -> EngineIdentity:
    """Return the identity of a server's model: its address and name stand for its content."""
    address = "a server's address with its /v1"
    return identify_server(
        engine, settings, model or name, address=address, deciding={"body", "seed"}, version=_KEEPS
    )


def _open(opening: Opening[DecisionSettings]) -> DecisionEngine:
    """Return a client of the server. No request is sent yet."""
    return DecisionEngine(opening.identity, opening.settings)


class DecisionEngine(OpenaiClient):
    """A decision model behind a server. Questions about one conversation are asked together.

    Args:
        identity: Address and name.
        settings: The settings of the suite.

    Raises:
        EngineError: The package `openai` is not installed.
    """

    def __init__(self, identity: EngineIdentity, settings: DecisionSettings) -> None:
        super().__init__(identity, settings, attempts=ATTEMPTS, backoff=_BACKOFF)
        self._wire: Wire = _WIRES[identity.engine]
        self._settings = settings
        self._waiting: dict[tuple[Message, ...], list[tuple[str, Request]]] = {}

    def submit(self, key: str, request: Request) -> None:
        """Hand in a request under its completion's key. It waits for others about its conversation.

        Raises:
            ModelError: The request has no typed question.
        """
        if request.question is None:
            raise ModelError("a decision model answers typed questions alone", where=self.identity.model)
        if self._draining:
            return
        request = clean_request(request)
        group = self._waiting.setdefault(request.messages, [])
        group.append((key, request))
        if len(group) >= self._settings.questions:
            self.send(self._waiting.pop(request.messages))

    def flush(self) -> None:
        """Send the questions that waited for others. After `drain` they are dropped."""
        waiting, self._waiting = self._waiting, {}
        for keyed_requests in waiting.values():
            if not self._draining:
                self.send(keyed_requests)

    def answer(self, request: Request) -> Outcome:
        """Ask one question."""
        return self.answer_all([request])[0]

    def answer_all(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Ask all questions in one request. Where the server refuses it, each is asked alone."""
        body = {**self._settings.body, **self._wire.body(self.identity.model, requests)}
        reply = self.exchange(partial(self._post, body))
        if isinstance(reply, Fault):
            if reply.is_refusal and len(requests) > 1:
                return [self.answer(request) for request in requests]
            return [self.refusal(reply)] * len(requests)
        try:
            return read_reply(self._wire, reply, requests)
        except WrongAnswer as error:
            return [self.failure(f"the server's reply cannot be read: {error}")] * len(requests)

    def _post(self, body: dict[str, Any]) -> Any:
        return self.client.post(self._wire.path, body=body, cast_to=object)


def _decides(_: EngineIdentity) -> Collection[RequestKind]:
    return (RequestKind.DECIDE,)


SYSTEMONE_ENGINE = EngineKind(DecisionSettings, partial(_identify, "systemone"), _open, _decides)
DECISIONS_ENGINE = EngineKind(DecisionSettings, partial(_identify, "decisions"), _open, _decides)
