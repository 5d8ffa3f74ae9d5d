"""Row 19: the key of a server is in no record, file, message or command line, however the server fails."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.engines import anthropic_server, openai_server
from evalhub.store import all_runs

from ..conftest import CANDIDATE, RATE_JUDGE

KEY = "sk-canary-7f3a91c05b"
ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}"}}


def reset(_: Any) -> tuple[int, Any]:
    raise ConnectionResetError


def late(_: Any) -> tuple[int, Any]:
    time.sleep(0.5)
    return 200, {}


FAILURES: dict[str, Callable[[Any], Callable[[Any], tuple[int, Any]]]] = {
    **{
        f"HTTP {status}": lambda server, status=status: lambda _: (status, ECHO)
        for status in (400, 401, 403, 404, 422, 429, 500, 501)
    },
    "no JSON": lambda server: lambda _: (200, f"<html>{KEY}".encode()),
    "another JSON": lambda server: lambda _: (200, {"choices": KEY}),
    "an error as an answer": lambda server: lambda _: (200, ECHO),
    "a refusal": lambda server: lambda _: (200, server.reply(None, refusal=f"not with {KEY}")),
    "an answer": lambda server: lambda _: (200, server.reply(f"Bearer {KEY}", top=[(KEY, -0.1)])),
    "an answer with NUL": lambda server: lambda _: (200, server.reply(f"{KEY[:5]}\0{KEY[5:]}")),
    "thoughts": lambda server: lambda _: (200, server.reply("fine", reasoning_content=f"I see {KEY}")),
    "cut thoughts": lambda server: lambda _: (200, server.reply(f"<think>{KEY}", finish="length")),
    "a reset": lambda server: reset,
    "no answer in time": lambda server: late,
}


MESSAGES: dict[str, Callable[[Any], Callable[[Any], tuple[int, Any]]]] = {
    **{
        f"HTTP {status}": lambda server, status=status: (
            lambda _: (
                status,
                server.refuse(f"invalid x-api-key {KEY}"),
            )
        )
        for status in (400, 401, 403, 404, 413, 429, 500, 501, 529)
    },
    "no JSON": lambda server: lambda _: (200, f"<html>{KEY}".encode()),
    "another JSON": lambda server: lambda _: (200, {"content": KEY}),
    "an error as an answer": lambda server: lambda _: (200, server.refuse(KEY)),
    "a refusal": lambda server: (
        lambda _: (
            200,
            server.reply([], stop="refusal", stop_details={"type": "refusal", "explanation": f"not {KEY}"}),
        )
    ),
    "an answer": lambda server: lambda _: (200, server.reply(f"Bearer {KEY}")),
    "an answer with NUL": lambda server: lambda _: (200, server.reply(f"{KEY[:5]}\0{KEY[5:]}")),
    "a verdict": lambda server: lambda _: (200, server.verdict(KEY)),
    "another tool": lambda server: lambda _: (200, server.reply([server.call({}, name=KEY)])),
    "thoughts": lambda server: (
        lambda _: (
            200,
            server.reply(
                [{"type": "thinking", "thinking": KEY, "signature": KEY}, server.call({"answer": "2"})]
            ),
        )
    ),
    "a reset": lambda server: reset,
    "no answer in time": lambda server: late,
}


@pytest.fixture
def asking(desk: Any, chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk whose candidate and judge ask a server with a key."""
    return ask_with_key(desk, chat_server, monkeypatch)


def ask_with_key(desk: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(openai_server, "_BACKOFF", 0.001)
    monkeypatch.setattr(anthropic_server, "_BACKOFF", 0.001)
    engine = server.engine(timeout=0.2)
    desk.dataset(items=2)
    desk.suite(
        candidates=[CANDIDATE | {"engine": engine}],
        judges=[RATE_JUDGE | {"engine": engine}],
        gates=[{"coverage": 0.9}],
    )
    return desk


def texts_of(folder: Path) -> dict[str, str]:
    """Return the text of each file of a folder, unpacked where it is packed."""
    texts = {}
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            texts[str(path)] = str(pq.read_table(path).to_pylist())
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as database:
                tables = [name for (name,) in database.execute("SHOW TABLES").fetchall()]
                texts[str(path)] = str([database.execute(f"FROM {name}").fetchall() for name in tables])
        elif path.is_file():
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    return texts


@pytest.mark.parametrize("failure", FAILURES)
def test_no_artefact_holds_the_key(asking: Any, cli: Any, chat_server: Any, failure: str) -> None:
    chat_server.behave = FAILURES[failure](chat_server)
    run_and_look_for_the_key(asking, cli, chat_server)


@pytest.mark.parametrize("failure", MESSAGES)
def test_no_artefact_holds_the_key_of_anthropic(
    desk: Any, cli: Any, messages_server: Any, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    desk = ask_with_key(desk, messages_server, monkeypatch)
    messages_server.behave = MESSAGES[failure](messages_server)
    run_and_look_for_the_key(desk, cli, messages_server)


def run_and_look_for_the_key(desk: Any, cli: Any, server: Any) -> None:
    outputs = [cli("run", "s", "--dry-run"), cli("run", "s")]
    assert server.asked
    if all_runs(desk.runs):
        outputs += [cli("samples", "--full", "--json"), cli("export", "all.duckdb")]
        assert outputs[-1].code == 0
    texts = texts_of(desk.folder)
    texts |= {f"output {number}": output.out + output.err for number, output in enumerate(outputs)}
    assert len(texts) > 10
    assert not [name for name, text in texts.items() if KEY in text]


def test_neither_the_command_line_nor_a_traceback_holds_it(asking: Any, chat_server: Any) -> None:
    chat_server.behave = FAILURES["HTTP 401"](chat_server)
    process = asking.start("--debug", "run", "s")
    lines = set[bytes]()
    while process.poll() is None:
        lines |= {_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")}
        time.sleep(0.01)
    out, err = process.communicate()
    assert process.returncode == 1
    assert "Traceback" in err
    assert re.search(r"HTTP 401.*\[key\]", err)
    assert KEY not in out + err
    assert any(b"evalhub" in line for line in lines)
    assert not any(KEY.encode() in line for line in lines)


def _command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_word_that_stands_for_no_key_stays_in_answers(
    asking: Any, chat_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    chat_server.behave = lambda _: (200, chat_server.reply("EMPTY set", top=[("2", -0.1)]))
    run = asking.run()
    assert {response.text for response in run.records("responses") if response.system == "bot"} == {
        "EMPTY set"
    }
