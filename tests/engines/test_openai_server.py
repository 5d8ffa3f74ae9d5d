"""The client of OpenAI-compatible servers, against a small server of its own."""

import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("openai")

from evalhub.engines import complete, open_engine, openai_server
from evalhub.errors import EngineError
from evalhub.records import FailureKind, Message, Request, Sampling, ThinkTags
from evalhub.specs import EngineSpec

KEY = "sk-very-secret"


def reply(content="fine", *, top=None, finish_reason="stop", **message):
    logprobs = None
    if top is not None:
        listed = [{"token": token, "logprob": value, "bytes": None} for token, value in top]
        logprobs = {"content": [{**listed[0], "top_logprobs": listed}]}
    return {
        "id": "1", "object": "chat.completion", "created": 0, "model": "served",
        "choices": [{
            "index": 0, "finish_reason": finish_reason, "logprobs": logprobs,
            "message": {"role": "assistant", "content": content, **message},
        }],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }  # fmt: skip


class Server:
    """Answers from a list of (status, body) per user text. The last one stays."""

    def __init__(self):
        self.script, self.seen, self.lock = {}, [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                text = sent["messages"][-1]["content"]
                with outer.lock:
                    outer.seen.append(sent)
                    steps = outer.script.get(text, [(200, reply())])
                    status, body = steps.pop(0) if len(steps) > 1 else steps[0]
                if callable(body):
                    body = body(self)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Retry-After", "0.05")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(openai_server, "_BACKOFF", 0.01)
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def engine(server):
    with open_engine(EngineSpec(type="openai", base_url=server.url, concurrency=4), name="served") as opened:
        yield opened


def ask(engine, text="Hi", **more):
    (one,) = complete(engine, [("k", Request((Message("user", text),), **more))])
    return one


def test_an_answer(server, engine):
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=5, max_tokens=9, seed=3, stop=("END",))
    one = ask(engine, sampling=sampling, sample=2)
    assert (one.text, one.finish_reason, one.prompt_tokens, one.completion_tokens) == ("fine", "stop", 7, 2)
    sent = server.seen[0]
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["max_tokens"]) == (0.5, 0.9, 5, 9)
    assert (sent["seed"], sent["stop"], sent["model"]) == (5, ["END"], "served")
    assert engine.facts().platform == "remote"
    assert engine.facts().completion_tokens == 2


def test_think_text_is_kept_apart(server, engine):
    server.script = {
        "tags": [(200, reply("<think>hm</think>yes"))],
        "closed": [(200, reply("hm\n</think>yes"))],
        "field": [(200, reply("yes", reasoning_content="hm"))],
        "other field": [(200, reply("yes", reasoning="hm"))],
    }
    for text in server.script:
        one = ask(engine, text)
        assert (one.text, one.reasoning, one.failure) == ("yes", "hm", None)


def test_an_answer_that_was_cut_while_it_thought_is_truncated(server, engine):
    server.script = {
        "tags": [(200, reply("<think>hm", finish_reason="length"))],
        "field": [(200, reply(None, reasoning_content="hm", finish_reason="length"))],
        "stopped": [(200, reply("<think>hm"))],
    }
    for text in server.script:
        one = ask(engine, text)
        assert (one.text, one.reasoning, one.failure) == (None, "hm", FailureKind.TRUNCATED)
        assert "still thinks (max_tokens 256)" in one.detail


def test_other_think_tags_are_kept_apart(server, engine):
    server.script = {"Hi": [(200, reply("[THINK]hm[/THINK]yes"))]}
    one = ask(engine, think=(ThinkTags("[THINK]", "[/THINK]"),))
    assert (one.text, one.reasoning) == ("yes", "hm")
    assert ask(engine, think=()).text == "[THINK]hm[/THINK]yes"


def test_choices_are_found_among_the_most_probable_tokens(server, engine):
    top = [("The", -0.5), ("A", -2.0), (" A", -2.0), ("B", -3.0)]
    server.script = {"Hi": [(200, reply("The", top=top))]}
    one = ask(engine, choices=("A", "B", "C"))
    assert one.text == "A"
    assert one.logprobs == {"A": pytest.approx(math.log(2) - 2.0), "B": -3.0, "C": -3.0}
    assert one.detail == "not among the server's 4 most probable tokens, so taken at the most it can have: C"
    assert (server.seen[0]["top_logprobs"], server.seen[0]["max_tokens"]) == (20, 1)


def test_the_surest_verdict_is_kept(server, engine):
    rest = [(f"x{number}", -21.0 - number) for number in range(19)]
    server.script = {
        "long": [(200, reply("A", top=[("A", -1e-9), *rest]))],
        "short": [(200, reply("A", top=[("A", 0.0)]))],
        "listed": [(200, reply("A", top=[("A", -0.1), ("B", -2.5)]))],
        "absurd": [(200, reply("A", top=[("A", 999.0)]))],
    }
    made = {text: ask(engine, text, choices=("A", "B")) for text in server.script}
    assert [one.failure for one in made.values()] == [None] * 4
    assert made["long"].logprobs == {"A": -1e-9, "B": -39.0}
    assert made["short"].logprobs == {"A": 0.0, "B": pytest.approx(math.log(1e-6))}
    assert made["listed"].logprobs == {"A": -0.1, "B": -2.5}
    assert [bool(one.detail) for one in made.values()] == [True, True, False, True]


@pytest.mark.parametrize("top", [[("The", -0.5)], [("The", -0.5), ("I", -2.0), ("A", -4.0)]])
def test_no_choice_among_them_is_a_parse_failure(server, engine, top):
    server.script = {"Hi": [(200, reply("The", top=top))]}
    one = ask(engine, choices=("A", "B"))
    assert one.failure is FailureKind.PARSE
    assert one.text == "The"
    # what the server does not list is bounded by what it lists
    assert one.unlisted == tuple(choice for choice in ("A", "B") if choice not in dict(top))
    assert sum(map(math.exp, one.logprobs.values())) <= 1 - math.exp(-0.5)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again(server, engine, status):
    server.script = {"Hi": [(status, {"error": {"message": "busy"}})] * 2 + [(200, reply("at last"))]}
    assert ask(engine).text == "at last"
    assert len(server.seen) == 3


def test_what_does_not_pass_is_a_failure_of_its_own(server, engine):
    server.script = {"bad": [(500, {"error": {"message": "broken"}})]}
    requests = [(text, Request((Message("user", text),))) for text in ("bad", "good")]
    done = {one.key: one for one in complete(engine, requests)}
    assert done["bad"].failure is FailureKind.ENGINE
    assert "failed 6 times" in done["bad"].detail
    assert done["good"].text == "fine"
    assert engine.facts().failures == 1


def test_a_prompt_beyond_the_context_is_too_long(server, engine):
    said = "This model's maximum context length is 4096 tokens, however you requested 5000"
    server.script = {"Hi": [(400, {"error": {"message": said}})]}
    one = ask(engine)
    assert one.failure is FailureKind.TOO_LONG
    assert "4096" in one.detail
    assert len(server.seen) == 1


def test_another_refusal_is_an_engine_failure(server, engine):
    server.script = {"Hi": [(400, {"error": {"message": f"no such field, key {KEY}"}})]}
    one = ask(engine)
    assert one.failure is FailureKind.ENGINE
    assert "no such field" in one.detail
    assert KEY not in one.detail


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"choices": []}', b"null"])
def test_a_reply_that_cannot_be_read(server, engine, body):
    server.script = {"Hi": [(200, body)]}
    one = ask(engine)
    assert one.failure is FailureKind.ENGINE
    assert "cannot be read" in one.detail


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_cannot_be_used_ends_the_run(server, engine, status):
    server.script = {"Hi": [(status, {"error": {"message": f"Incorrect key {KEY}"}})]}
    with pytest.raises(EngineError, match=f"HTTP {status}") as caught:
        ask(engine)
    assert KEY not in str(caught.value)
    assert KEY not in repr(engine.identity)
    assert KEY not in repr(engine.facts())


def test_nobody_at_the_address(server):
    server.http.shutdown()
    server.http.server_close()
    with open_engine(EngineSpec(type="openai", base_url=server.url), name="served") as engine:
        one = ask(engine)
    assert one.failure is FailureKind.ENGINE
    assert "Connection" in one.detail


def test_drain_finishes_what_has_begun_and_drops_the_rest(server, engine):
    slow = [(200, lambda handler: time.sleep(0.1) or reply())]
    server.script = {f"q{index}": slow for index in range(50)}
    for index in range(50):
        engine.submit(f"k{index}", Request((Message("user", f"q{index}"),)))
    done = []
    for one in engine.results():
        done.append(one)
        engine.drain()
    assert 1 <= len(done) <= 12
    assert len(done) >= len(server.seen) - 4


def test_requests_run_side_by_side(server, engine):
    server.script = {"Hi": [(200, lambda handler: time.sleep(0.2) or reply())]}
    began = time.monotonic()
    requests = [(f"k{index}", Request((Message("user", "Hi"),))) for index in range(8)]
    assert len(list(complete(engine, requests))) == 8
    assert time.monotonic() - began < 1.2
