"""An engine that asks a server in batches, in sessions that share a ledger, for several tests."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.engines import RunTies, anthropic_server, complete, open_engine, openai_server
from evalhub.records import Completion, Message, Request, Sampling
from evalhub.specs import EngineSpec
from tests.batch_servers import AnthropicBatchServer, OpenaiBatchServer

KEY = "sk-canary-7f3a91c05b"
QUICK = {"poll_seconds": 0.005}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((openai_server, "OPENAI_API_KEY"), (anthropic_server, "ANTHROPIC_API_KEY")):
        monkeypatch.setattr(module, "_BACKOFF", 0.001)
        monkeypatch.setenv(name, KEY)


@pytest.fixture(params=[OpenaiBatchServer, AnthropicBatchServer], ids=["openai", "anthropic"])
def host(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = request.param()
    server.behave = lambda sent: (200, server.reply(sent["messages"][-1]["content"].upper()))
    yield server
    server.close()


class Asker:
    """Asks a server in batches, in sessions that share a ledger."""

    def __init__(self, folder: Path, host: Any) -> None:
        self.ledger = folder / "batches" / "ledger.jsonl"
        self.host = host
        self.notes: list[str] = []

    def open(self, *, earlier: tuple[Path, ...] = (), **batch: Any) -> Any:
        spec = EngineSpec(**self.host.engine(batch={**QUICK, **batch}))
        return open_engine(spec, name="m", ties=RunTies(self.ledger, earlier, self.notes.append))

    def ask(self, *requests: Request, **options: Any) -> dict[str, Completion]:
        """Return the completion of each request by the words of its last message, which are its key."""
        with self.open(**options) as engine:
            keyed = [(words_of(request), request) for request in requests]
            completions = list(complete(engine, keyed))
            assert len(completions) == len({completion.key for completion in completions})
            self.facts = engine.facts()
        return {completion.key: completion for completion in completions}

    def leave(self, *requests: Request, **options: Any) -> None:
        """Ask in a session that is left when all is submitted."""
        self.host.polls_needed = 10**9
        with self.open(**options) as engine:
            results = complete(engine, [(words_of(request), request) for request in requests])
            self.singles = [next(results)]
            interrupt = threading.Timer(0.2, lambda: self.notes.append(engine.interrupt()))
            interrupt.start()
            self.singles += results
            interrupt.join()
        self.host.polls_needed = 0

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.ledger.read_bytes().splitlines()]


@pytest.fixture
def asker(tmp_path: Path, host: Any) -> Asker:
    return Asker(tmp_path, host)


def words_of(request: Request) -> str:
    return request.messages[-1].content


def texts(count: int) -> list[Request]:
    return [Request((Message("user", f"q{n}"),), Sampling(max_tokens=9)) for n in range(count)]


def verdict(words: str) -> Request:
    return Request((Message("user", words),), Sampling(max_tokens=1), ("A", "B"))


def answers(completions: dict[str, Completion]) -> dict[str, Any]:
    return {words: record.text for words, record in completions.items()}


def right(count: int) -> dict[str, str]:
    return {f"q{n}": f"Q{n}" for n in range(count)}
