"""Items that are chat histories: a server goes on with them, and a judge sees them whole."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from evalhub.analysis import Results, contamination
from evalhub.errors import SpecError
from evalhub.records import Item, Response

pytest.importorskip("openai")

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Which river runs through Vienna?"},
    {"role": "assistant", "content": "The Danube."},
    {"role": "user", "content": "And through Cologne?"},
]
JUDGE = {"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["beta"]}


class Served:
    """A server that answers with think text, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[list[dict[str, str]]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                served.sent.append(
                    json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
                )
                message = {"role": "assistant", "content": "<think>Cologne…</think>\n\nThe Rhine."}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                data = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def candidate(self) -> dict[str, Any]:
        """A candidate on this server."""
        url = f"http://127.0.0.1:{self.http.server_port}/v1"
        return {
            "id": "bot",
            "model": "b",
            "families": ["alpha"],
            "engine": {"type": "openai", "base_url": url},
        }


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.http.shutdown()
    made.http.server_close()


def histories(desk: Any, *chats: list[dict[str, Any]]) -> None:
    """Write a dataset whose items are chat histories, each with a recorded answer."""
    desk.dataset(
        items=[
            {"item_id": f"i{n}", "prompt": json.dumps(chat), "refs": ["The Rhine."]}
            for n, chat in enumerate(chats)
        ],
        responses=[
            {"item_id": f"i{n}", "system": "k", "family": "alpha", "text": "The Rhine."}
            for n in range(len(chats))
        ],
        card={"items": "SELECT item_id, prompt AS messages, refs FROM items"},
    )


def test_a_server_goes_on_with_the_whole_history(desk: Any, served: Served) -> None:
    histories(desk, CHAT)
    desk.suite(candidates=[served.candidate], judges=[JUDGE], metrics=["exact_match"])
    run = desk.run()
    assert served.sent == [CHAT]
    answers = {one.system: one for one in run.records("responses") if isinstance(one, Response)}
    assert (answers["bot"].text, answers["bot"].reasoning) == ("The Rhine.", "Cologne…")
    assert set(Results(run).scores()["value"]) == {1.0}
    (item,) = (one for one in run.records("items") if isinstance(one, Item))
    assert item.messages == tuple((one["role"], one["content"]) for one in CHAT)
    asked = Results(run).completions()["messages"]
    (judged,) = {text for text in asked if "You rate one answer" in text}
    spoken = "\n\n".join(f"{one['role'].capitalize()}: {one['content']}" for one in CHAT)
    assert json.dumps(spoken, ensure_ascii=False)[1:-1] in judged
    assert "Cologne…" not in judged
    assert contamination(Results(run))["items"].tolist() == [1, 1]
    desk.run()
    assert len(served.sent) == 1


def test_a_changed_message_asks_anew(desk: Any, served: Served) -> None:
    desk.suite(candidates=[served.candidate])
    for answer in ("The Danube.", "The Inn."):
        histories(desk, [*CHAT[:2], {**CHAT[2], "content": answer}, CHAT[3]])
        desk.run()
    assert [sent[2]["content"] for sent in served.sent] == ["The Danube.", "The Inn."]


def test_two_system_prompts_are_refused(desk: Any, served: Served) -> None:
    histories(desk, CHAT[1:], CHAT)
    desk.suite(candidates=[{**served.candidate, "system_prompt": "Be long."}])
    with pytest.raises(SpecError, match=r"candidates.bot.system_prompt: .*item 'i1'"):
        desk.run()
    assert served.sent == []
