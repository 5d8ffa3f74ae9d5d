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
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                text = body["messages"][-1]["content"]
                with outer.lock:
                    outer.seen.append(body)
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
    http_server = Server()
    yield http_server
    http_server.http.shutdown()
    http_server.http.server_close()


@pytest.fixture
def engine(server):
    with open_engine(EngineSpec(type="openai", base_url=server.url, concurrency=4), name="served") as opened:
        yield opened


def ask(engine, text="Hi", **options):
    (completion,) = complete(engine, [("k", Request((Message("user", text),), **options))])
    return completion


def test_an_answer(server, engine):
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=5, max_tokens=9, seed=3, stop=("END",))
    completion = ask(engine, sampling=sampling, sample=2)
    assert (
        completion.text,
        completion.finish_reason,
        completion.prompt_tokens,
        completion.completion_tokens,
    ) == ("fine", "stop", 7, 2)
    body = server.seen[0]
    assert (body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) == (0.5, 0.9, 5, 9)
    assert (body["seed"], body["stop"], body["model"]) == (5, ["END"], "served")
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
        completion = ask(engine, text)
        assert (completion.text, completion.reasoning, completion.failure) == ("yes", "hm", None)


def test_an_answer_that_was_cut_while_it_thought_is_truncated(server, engine):
    server.script = {
        "tags": [(200, reply("<think>hm", finish_reason="length"))],
        "field": [(200, reply(None, reasoning_content="hm", finish_reason="length"))],
        "stopped": [(200, reply("<think>hm"))],
    }
    for text in server.script:
        completion = ask(engine, text)
        assert (completion.text, completion.reasoning, completion.failure) == (
            None,
            "hm",
            FailureKind.TRUNCATED,
        )
        assert "still thinks (max_tokens 256)" in completion.detail


def test_other_think_tags_are_kept_apart(server, engine):
    server.script = {"Hi": [(200, reply("[THINK]hm[/THINK]yes"))]}
    completion = ask(engine, think=(ThinkTags("[THINK]", "[/THINK]"),))
    assert (completion.text, completion.reasoning) == ("yes", "hm")
    assert ask(engine, think=()).text == "[THINK]hm[/THINK]yes"


def test_choices_are_found_among_the_most_probable_tokens(server, engine):
    top = [("The", -0.5), ("A", -2.0), (" A", -2.0), ("B", -3.0)]
    server.script = {"Hi": [(200, reply("The", top=top))]}
    completion = ask(engine, choices=("A", "B", "C"))
    assert completion.text == "A"
    assert completion.logprobs == {"A": pytest.approx(math.log(2) - 2.0), "B": -3.0, "C": -3.0}
    assert (
        completion.detail
        == "not among the server's 4 most probable tokens, so taken at the most it can have: C"
    )
    assert (server.seen[0]["top_logprobs"], server.seen[0]["max_tokens"]) == (20, 1)


def test_the_surest_verdict_is_kept(server, engine):
    other_tokens = [(f"x{number}", -21.0 - number) for number in range(19)]
    server.script = {
        "long": [(200, reply("A", top=[("A", -1e-9), *other_tokens]))],
        "short": [(200, reply("A", top=[("A", 0.0)]))],
        "listed": [(200, reply("A", top=[("A", -0.1), ("B", -2.5)]))],
        "absurd": [(200, reply("A", top=[("A", 999.0)]))],
    }
    outcomes = {text: ask(engine, text, choices=("A", "B")) for text in server.script}
    assert [completion.failure for completion in outcomes.values()] == [None] * 4
    assert outcomes["long"].logprobs == {"A": -1e-9, "B": -39.0}
    assert outcomes["short"].logprobs == {"A": 0.0, "B": pytest.approx(math.log(1e-6))}
    assert outcomes["listed"].logprobs == {"A": -0.1, "B": -2.5}
    assert [bool(completion.detail) for completion in outcomes.values()] == [True, True, False, True]


@pytest.mark.parametrize("top", [[("The", -0.5)], [("The", -0.5), ("I", -2.0), ("A", -4.0)]])
def test_no_choice_among_them_is_a_parse_failure(server, engine, top):
    server.script = {"Hi": [(200, reply("The", top=top))]}
    completion = ask(engine, choices=("A", "B"))
    assert completion.failure is FailureKind.PARSE
    assert completion.text == "The"
    # what the server does not list is bounded by what it lists
    assert completion.unlisted == tuple(choice for choice in ("A", "B") if choice not in dict(top))
    assert sum(map(math.exp, completion.logprobs.values())) <= 1 - math.exp(-0.5)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again(server, engine, status):
    server.script = {"Hi": [(status, {"error": {"message": "busy"}})] * 2 + [(200, reply("at last"))]}
    assert ask(engine).text == "at last"
    assert len(server.seen) == 3


def test_what_does_not_pass_is_a_failure_of_its_own(server, engine):
    server.script = {"bad": [(500, {"error": {"message": "broken"}})]}
    requests = [(text, Request((Message("user", text),))) for text in ("bad", "good")]
    completions = {completion.key: completion for completion in complete(engine, requests)}
    assert completions["bad"].failure is FailureKind.ENGINE
    assert "failed 6 times" in completions["bad"].detail
    assert completions["good"].text == "fine"
    assert engine.facts().failures == 1


def test_a_prompt_beyond_the_context_is_too_long(server, engine):
    message = "This model's maximum context length is 4096 tokens, however you requested 5000"
    server.script = {"Hi": [(400, {"error": {"message": message}})]}
    completion = ask(engine)
    assert completion.failure is FailureKind.TOO_LONG
    assert "4096" in completion.detail
    assert len(server.seen) == 1


def test_another_refusal_is_an_engine_failure(server, engine):
    server.script = {"Hi": [(400, {"error": {"message": f"no such field, key {KEY}"}})]}
    completion = ask(engine)
    assert completion.failure is FailureKind.ENGINE
    assert "no such field" in completion.detail
    assert KEY not in completion.detail


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"choices": []}', b"null"])
def test_a_reply_that_cannot_be_read(server, engine, body):
    server.script = {"Hi": [(200, body)]}
    completion = ask(engine)
    assert completion.failure is FailureKind.ENGINE
    assert "cannot be read" in completion.detail


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_cannot_be_used_ends_the_run(server, engine, status):
    server.script = {"Hi": [(status, {"error": {"message": f"Incorrect key {KEY}"}})]}
    with pytest.raises(EngineError, match=f"HTTP {status}") as error:
        ask(engine)
    assert KEY not in str(error.value)
    assert KEY not in repr(engine.identity)
    assert KEY not in repr(engine.facts())


def test_nobody_at_the_address(server):
    server.http.shutdown()
    server.http.server_close()
    with open_engine(EngineSpec(type="openai", base_url=server.url), name="served") as engine:
        completion = ask(engine)
    assert completion.failure is FailureKind.ENGINE
    assert "Connection" in completion.detail


def test_drain_finishes_what_has_begun_and_drops_the_rest(server, engine):
    slow = [(200, lambda handler: time.sleep(0.1) or reply())]
    server.script = {f"q{index}": slow for index in range(50)}
    for index in range(50):
        engine.submit(f"k{index}", Request((Message("user", f"q{index}"),)))
    completions = []
    for completion in engine.results():
        completions.append(completion)
        engine.drain()
    assert 1 <= len(completions) <= 12
    assert len(completions) >= len(server.seen) - 4


def test_requests_run_side_by_side(server, engine):
    server.script = {"Hi": [(200, lambda handler: time.sleep(0.5) or reply())]}
    began = time.monotonic()
    requests = [(f"k{index}", Request((Message("user", "Hi"),))) for index in range(8)]
    assert len(list(complete(engine, requests))) == 8
    assert time.monotonic() - began < 3
