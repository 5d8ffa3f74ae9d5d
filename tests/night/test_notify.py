"""Webhooks: what they are told, and that nothing they do changes how a night ends."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalhub.night import notify
from evalhub.store import all_runs
from tests.gates.test_gates import GATE, ITEMS, answers, judge

SECRET = "T0K3N-of-the-webhook"


class Webhook:
    """A web server in a thread, which answers with one status after another.

    Attributes:
        statuses: The statuses of the next answers. The last one stays. 0 = no answer at all.
        messages: What was posted, with the path and the headers.
    """

    def __init__(self) -> None:
        self.statuses = [200]
        self.messages: list[tuple[str, dict[str, Any], Any]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.messages.append((self.path, dict(self.headers), body))
                status = outer.statuses.pop(0) if len(outer.statuses) > 1 else outer.statuses[0]
                if status == 0:
                    outer.closing.wait(30)
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                outer.messages.append((self.path, dict(self.headers), None))

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}/hooks/{SECRET}?key={SECRET}"

    @property
    def bodies(self) -> list[Any]:
        return [body for _, _, body in self.messages]

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.delenv("EVALHUB_NOTIFY", raising=False)
    monkeypatch.setattr(notify, "PAUSES", (0.02, 0.02))
    monkeypatch.setattr(notify, "TIMEOUT", 0.5)
    server = Webhook()
    yield server
    server.close()


def test_a_webhook_is_told_what_the_night_found(desk: Any, cli: Any, webhook: Webhook) -> None:
    on_webhook = ("run", "s", "--notify", webhook.url())
    nights = []
    for seed, good in ((1, 0.7), (2, 0.7), (3, 0.45)):
        desk.dataset(items=ITEMS, responses=answers(seed, good))
        desk.suite(judges=[judge()], gates=[GATE, {"coverage": 0.9}])
        nights.append(cli(*on_webhook))
        cli("baseline", "set", all_runs(desk.runs)[-1].id)
    assert [night.code for night in nights] == [3, 0, 1]
    assert [body["exit_code"] for body in webhook.bodies] == [3, 0, 1]
    runs = [run.id for run in reversed(all_runs(desk.runs))]
    assert [body["run"] for body in webhook.bodies] == runs
    assert {body["suite"] for body in webhook.bodies} == {"s"}
    for run, (path, headers, body) in zip(runs, webhook.messages, strict=True):
        assert path == f"/hooks/{SECRET}?key={SECRET}"
        assert headers["Content-Type"] == "application/json"
        report = json.loads((desk.runs / run / "report.json").read_text())
        keys = ("id", "state", "sentence")
        assert body["gates"] == [{key: gate[key] for key in keys} for gate in report["gates"]]
        findings = [row for row in report["findings"] if row["question"] != "gates"]
        assert [row["sentence"] for row in body["findings"]] == [row["sentence"] for row in findings[:5]]
        assert body["error"] is None
    texts = [body["text"] for body in webhook.bodies]
    assert texts[1] == f"✓ s: all 2 gates hold (exit 0, {runs[1]})"
    assert texts[0].startswith(f"? s: the night is not decided (exit 3, {runs[0]})\n? k on tiny")
    first, *lines = texts[2].splitlines()
    assert first == f"✗ s: a system got worse (exit 1, {runs[2]})"
    assert len(lines) == 1
    assert lines[0].startswith("✗ k on tiny: mean score by pt (quality) got worse")


def test_the_variable_names_several_webhooks(
    desk: Any, cli: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALHUB_NOTIFY", f"{webhook.url()} {webhook.url()}&second=1")
    assert cli("run", "s").code == 0
    assert len(webhook.messages) == 2
    assert cli("run", "s", "--notify", webhook.url(), "--notify", webhook.url()).code == 0
    assert len(webhook.messages) == 3
    assert cli("run", "s", "--dry-run").code == 0
    assert len(webhook.messages) == 3


@pytest.mark.parametrize(
    ("statuses", "posts", "reason"),
    [
        ([200], 1, ""),
        ([204], 1, ""),
        ([500, 200], 2, ""),
        ([429, 503, 200], 3, ""),
        ([500], 3, "it answers 500"),
        ([403], 1, "it answers 403"),
        ([302], 1, "it redirects (302), and no redirect is followed"),
        ([307], 1, "it redirects (307), and no redirect is followed"),
        ([0], 3, "no answer within 0.5 seconds"),
    ],
)
def test_a_webhook_that_refuses(webhook: Webhook, statuses: list[int], posts: int, reason: str) -> None:
    webhook.statuses = statuses
    announcement = notify.Announcement([webhook.url()])
    announcement.send({"exit_code": 0})
    sentences = announcement.undelivered()
    assert len(webhook.messages) == posts
    assert all(path.startswith("/hooks/") for path, _, _ in webhook.messages)
    expected = f"127.0.0.1 did not take the message of this night: {reason}."
    assert sentences == ([expected] if reason else [])


def test_a_port_that_nobody_listens_on(desk: Any, cli: Any, webhook: Webhook) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = cli("run", "s", "--notify", f"http://127.0.0.1:{port}/{SECRET}", "--notify", webhook.url())
    assert ended.code == 0
    assert "127.0.0.1 did not take the message of this night: Connection refused." in ended.err
    assert len(webhook.messages) == 1


def test_a_server_that_drips_is_given_up(
    desk: Any, cli: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes within the time limit of a read, and the answer never ends."""
    monkeypatch.setattr(notify, "DEADLINE", 1.0)
    dripping = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while not dripping.wait(0.05):
                connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        start = time.monotonic()
        announcement = notify.Announcement([f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"])
        announcement.send({"exit_code": 0})
        (sentence,) = announcement.undelivered()
        assert 0.9 < time.monotonic() - start < 2
        dripping.set()
        thread.join()
    assert sentence == "127.0.0.1 did not take the message of this night: no answer within 1 seconds."


@pytest.mark.parametrize(
    "url", [f"ftp://h/{SECRET}", SECRET, f"http://[::1/{SECRET}", f"http:///{SECRET}", ""]
)
def test_what_is_no_address_is_a_sentence(webhook: Webhook, url: str) -> None:
    announcement = notify.Announcement([url])
    announcement.send({"exit_code": 0})
    (sentence,) = announcement.undelivered()
    assert "a webhook did not take the message of this night: its address is no http" in sentence
    assert SECRET not in sentence


def test_a_host_of_odd_characters_is_no_traceback(desk: Any, cli: Any, webhook: Webhook) -> None:
    for url in (f"http://a b/{SECRET}", f"http://127.0.0.1:x/{SECRET}", f"http://127.0.0.1/\x00{SECRET}"):
        ended = cli("run", "s", "--notify", url)
        assert ended.code == 0, ended.err
        assert "did not take the message" in ended.err
        assert SECRET not in ended.err + ended.out


def test_the_address_is_a_secret(desk: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, so that whatever a child inherits or prints is seen too."""
    desk.suite(
        candidates=[{"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}],
        gates=[{"coverage": 0.5}],
    )
    webhook.statuses = [403]
    url = webhook.url("name:pa%40ss@")
    ended = [desk.command("run", "s", "--notify", url)]
    monkeypatch.setenv("EVALHUB_NOTIFY", url)
    ended += [desk.command("run", "s"), desk.command("--debug", "run", "nowhere")]
    assert [night.code for night in ended[:2]] == [0, 0]
    assert len(webhook.messages) == 3
    assert webhook.messages[0][1]["Authorization"] == "Basic bmFtZTpwYUBzcw=="
    assert all("127.0.0.1 did not take" in night.err for night in ended)
    files = [path for path in Path(desk.folder).rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in files] + [(night.out + night.err).encode() for night in ended]
    assert len(files) > 20
    for text in texts:
        for secret in (SECRET, "pa%40ss", "pa@ss", "name:"):
            assert secret.encode() not in text


def test_a_night_that_raises_is_announced(desk: Any, cli: Any, webhook: Webhook) -> None:
    desk.suite(budget={"judgments": 3})
    spent = cli("run", "s", "--notify", webhook.url())
    desk.suite(
        judges=[judge(engine={"type": "scripted", "script": {"rules": [{"match": ".", "mass": 0.001}]}})]
    )
    little = cli("run", "s", "--notify", webhook.url())
    unknown = cli("run", "suites/nowhere.yaml", "--notify", webhook.url())
    assert [ended.code for ended in (spent, little, unknown)] == [3, 3, 2]
    for ended, body in zip((spent, little, unknown), webhook.bodies, strict=True):
        assert body["exit_code"] == ended.code
        assert body["error"] == ended.sentence
        assert ended.sentence.split(";")[0].split("<")[0] in body["text"]
    assert webhook.bodies[2]["suite"] == "suites/nowhere.yaml"
    assert webhook.bodies[2]["text"].startswith("✗ suites/nowhere.yaml ended with exit 2.\n")


def test_an_interrupted_night_is_announced(desk: Any, webhook: Webhook) -> None:
    slow = {"type": "scripted", "script": {"rules": [{"match": ".", "seconds": 0.2}]}}
    desk.dataset(items=60)
    desk.suite(candidates=[{"id": "bot", "model": "b", "engine": slow, "families": ["alpha"]}])
    process = desk.start("run", "s", "--notify", webhook.url())
    limit = time.monotonic() + 60
    while not list(desk.runs.glob("*/parts/responses-*/*.jsonl")) and time.monotonic() < limit:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    (body,) = webhook.bodies
    assert body["exit_code"] == 130
    assert f"evalhub: {body['error']}" in err
    assert "stopped; " in body["error"]


def test_texts_of_a_suite_do_not_act_in_slack(desk: Any, cli: Any, webhook: Webhook) -> None:
    cli("run", "<!channel> & <http://evil.example|x>", "--notify", webhook.url())
    (body,) = webhook.bodies
    assert "<" not in body["text"]
    assert "&lt;!channel&gt; &amp; " in body["text"]
