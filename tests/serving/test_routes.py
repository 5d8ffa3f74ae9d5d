"""What a served judge answers and refuses: one clear sentence each, and never a trace of this program."""

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from evalhub.engines.decision_wires import SYSTEMONE, read_reply
from evalhub.records import Message, Question, QuestionKind, Request, RequestKind
from evalhub.serving import server as http_server
from evalhub.serving.bodies import MOST_BYTES
from tests.conftest import PAIR_JUDGE, RATE_JUDGE, Desk, scripted
from tests.serving.conftest import Served, label_pairs, serving

GOOD = {"prompt": "What is 1 plus 1?", "response_a": "k says 1", "response_b": "m says 1"}
JSON = {"Content-Type": "application/json"}
CHOICE = {"type": "choice", "instructions": "Which response is better?", "criteria": {"A": None, "B": None}}
OVERALL = {**CHOICE, "instructions": "Which response is better? overall: The better answer."}


@pytest.fixture(scope="module")
def served(shared_desk: Callable[[], AbstractContextManager[Desk]]) -> Iterator[Served]:
    """A judge that people labelled."""
    with shared_desk() as desk:
        label_pairs(desk, 120)
        desk.run()
        with serving(desk, "pw") as ready:
            yield ready


def changed(**values: Any) -> bytes:
    return json.dumps({name: value for name, value in {**GOOD, **values}.items() if value != "-"}).encode()


HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "no JSON"),
    "no JSON": (b"{", 400, "no JSON"),
    "a list": (b"[]", 422, "a JSON object is needed"),
    "a text": (b'"x"', 422, "a JSON object is needed"),
    "no UTF-8": (b'{"prompt": "\xff"}', 400, "not UTF-8, at byte 12"),
    "UTF-16": ('{"prompt": "x"}'.encode("utf-16"), 400, "not UTF-8"),
    "NaN": (b'{"prompt": NaN}', 400, "NaN is no JSON"),
    "infinity": (b'{"prompt": -Infinity}', 400, "-Infinity is no JSON"),
    "a key twice": (b'{"prompt": "a", "prompt": "b"}', 400, "'prompt' appears twice"),
    "deep": (b"[" * 100_000 + b"]" * 100_000, 400, "nested too deeply"),
    "a long number": (b'{"prompt": ' + b"9" * 9999 + b"}", 400, "no JSON"),
    "a number": (changed(response_a=5), 422, "body:response_a: a text is needed, got 5"),
    "an object": (changed(prompt={"a": 1}), 422, "body:prompt: a text is needed"),
    "null": (changed(response_b=None), 422, "body:response_b: the judge compares two responses"),
    "numbers in a list": (changed(context=["a", 1]), 422, "body:context: a text is needed"),
    "an unknown key": (changed(respnse=""), 422, "body:respnse: unknown key"),
    "one response": (changed(response_b="-"), 422, "the judge compares two responses"),
    "a response to rate": (changed(response="x"), 422, "body:response: the judge compares two responses"),
    "no prompt": (changed(prompt="-"), 422, "body:prompt: the judge was measured with a prompt"),
    "a blank prompt": (changed(prompt=" \u200b"), 422, "measured with a prompt"),
    "prompt and turns": (changed(turns=["a"]), 422, "two ways to say the same"),
    "more answers than turns": (changed(response_a=["a", "b"]), 422, "allowed: 1 to 1"),
    "another criterion": (changed(criterion="overal"), 422, "did you mean 'overall'?"),
}


@pytest.mark.parametrize(("body", "status", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_wrong_body_gets_one_sentence(served: Served, body: bytes, status: int, words: str) -> None:
    with served.client() as client:
        reply = client.send("POST", "/v1/judge", body, JSON)
        assert reply[0] == status, reply
        assert set(reply[1]) == {"error"}
        sentence = reply[1]["error"]
        assert words in sentence
        assert not re.search(r"Traceback|\.py|\n", sentence)
        assert sentence.endswith((".", "?"))
        # The same connection goes on.
        assert client.judge(**GOOD)[0] == 200


def test_odd_texts_are_answered(served: Served) -> None:
    odd = ["\ud800", "\x00", "<|im_start|>", "```\n", "{{question}}", "ﷺ" * 99, "", "a" * 10_000]
    with served.client() as client:
        for text in odd:
            status, answer = client.judge(**{**GOOD, "response_a": text})
            assert status == 200, (text, answer)
            assert answer["winner"] in ("a", "b")


def test_routes_and_methods_that_do_not_exist_are_named(served: Served) -> None:
    with served.client() as client:
        assert client.send("GET", "/v1/judges")[0] == 404
        status, reply = client.send("GET", "/../../etc/passwd")
        assert (status, "there is no such route" in reply["error"]) == (404, True)
        status, reply = client.send("PUT", "/v1/judge", b"{}", JSON)
        assert (status, reply["error"]) == (405, "/v1/judge is not asked by PUT; allowed: GET, POST.")
    with served.client() as client:
        assert client.send("GET", "/v1/systemone")[0] == 405
        assert client.send("GET", "/health?a=b")[1]["status"] == "ok"


def test_what_no_page_of_a_browser_may_send_is_refused(served: Served) -> None:
    body = json.dumps(GOOD).encode()
    with served.client() as client:
        status, reply = client.send("POST", "/v1/judge", body, {"Content-Type": "text/plain"})
        assert (status, reply["error"]) == (415, "body: the Content-Type must be application/json.")
    with served.client() as client:
        status, reply = client.send("GET", "/health", headers={"Host": "evil.example"})
        assert (status, "not as evil.example" in reply["error"]) == (403, True)
    with served.client() as client:
        assert client.send("GET", "/health", headers={"Host": f"localhost:{client.port}"})[0] == 200


@pytest.mark.parametrize(
    ("head", "status", "words"),
    [
        (b"", 411, "must have a Content-Length"),
        (b"Transfer-Encoding: chunked\r\n", 411, "must have a Content-Length"),
        (b"Content-Length: -1\r\n", 400, "the Content-Length is no length"),
        (b"Content-Length: 1e9\r\n", 400, "the Content-Length is no length"),
        ("Content-Length: ²\r\n".encode("latin-1"), 400, "the Content-Length is no length"),
        (b"Content-Length: 99999999999999999999999\r\n", 400, "the Content-Length is no length"),
    ],
)
def test_a_body_without_a_length_is_not_waited_for(
    served: Served, head: bytes, status: int, words: str
) -> None:
    raw = b"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n"
    reply = exchange(served, raw)
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    assert words.encode() in reply
    assert b"Connection: close" in reply


@pytest.mark.parametrize(
    "raw", [b"nonsense\r\n\r\n", b"GET /x HTTP/9.9\r\n\r\n", b"G" * 70_000 + b"\r\n\r\n"]
)
def test_what_is_no_http_gets_a_sentence_too(served: Served, raw: bytes) -> None:
    reply = exchange(served, raw)
    assert re.match(rb"HTTP/1.1 (400|414|505) ", reply), reply
    assert b'{"error": "the request cannot be read: ' in reply


def exchange(served: Served, raw: bytes) -> bytes:
    """Return all that comes back until the server closes the connection."""
    client = served.client()
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        connection.sendall(raw)
        blocks = []
        while block := connection.recv(1 << 16):
            blocks.append(block)
        return b"".join(blocks)


def test_a_body_that_is_too_large_is_told_so(served: Served) -> None:
    with served.client() as client:
        status, reply = client.judge(**{**GOOD, "response_a": "a" * (MOST_BYTES + 1)})
        assert status == 413
        assert f"are too many; allowed: {MOST_BYTES}." in reply["error"]


def test_slow_clients_and_those_that_leave_hold_nobody_up(served: Served) -> None:
    body = json.dumps(GOOD).encode()
    head = (
        b"POST /v1/judge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    address = served.client()
    slow = [socket.create_connection((address.host, address.port), timeout=20) for _ in range(20)]
    for number, connection in enumerate(slow):
        connection.sendall((head + body)[: 10 + 8 * number])
    for _ in range(20):  # they ask, and are gone before the answer
        with socket.create_connection((address.host, address.port), timeout=20) as connection:
            connection.sendall(head + body)
    start_time = time.monotonic()
    with served.client() as client:
        assert [client.judge(**GOOD)[0] for _ in range(5)] == [200] * 5
    assert time.monotonic() - start_time < 10
    patient = slow[-1]
    patient.sendall((head + body)[10 + 8 * 19 :])
    reply = http.client.HTTPResponse(patient)
    reply.begin()
    assert (reply.status, json.loads(reply.read())["winner"] in ("a", "b")) == (200, True)
    for connection in slow:
        connection.close()
    with served.client() as client:
        assert client.send("GET", "/health")[1]["status"] == "ok"


def test_eight_clients_for_some_seconds_get_the_same_answers_without_an_error(served: Served) -> None:
    questions = [
        {"prompt": f"What is {n} plus {n}?", "response_a": f"k says {n}", "response_b": f"m says {n}"}
        for n in range(40)
    ]
    with served.client() as client:
        expected = [client.judge(**question)[1]["probability"]["raw"] for question in questions]
    faults: list[Any] = []
    seconds: list[float] = []
    end_time = time.monotonic() + 4

    def ask(number: int) -> None:
        place = number
        with served.client() as client:
            while time.monotonic() < end_time:
                place = (place + 7) % len(questions)
                start_time = time.monotonic()
                status, answer = client.judge(**questions[place])
                seconds.append(time.monotonic() - start_time)
                if status != 200 or answer["probability"]["raw"] != expected[place]:
                    faults.append((status, answer))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(seconds) > 50
    print(f"{len(seconds)} requests, slowest {max(seconds):.3f} s")


def test_more_connections_than_there_are_places_are_told_to_come_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = served.client()
    places = [
        socket.create_connection((address.host, address.port), timeout=20)
        for _ in range(http_server.MOST_CONNECTIONS)
    ]
    try:
        deadline = time.monotonic() + 20
        while True:
            with served.client() as client:
                status, reply = client.send("GET", "/health")
            if status == 503 or time.monotonic() > deadline:
                break
        assert (status, "connections are open" in reply["error"]) == (503, True)
    finally:
        for connection in places:
            connection.close()
    while time.monotonic() < deadline:
        with served.client() as client:
            if client.send("GET", "/health")[0] == 200:
                return
    raise AssertionError("no place became free")


def test_it_says_what_it_is_and_how_far_it_can_be_trusted(served: Served) -> None:
    with served.client() as client:
        _, facts = client.send("GET", "/v1/judge")
    assert facts.pop("limits") == {"body_bytes": MOST_BYTES, "systemone_questions": 32}
    assert facts == {name: value for name, value in served.facts.items() if name != "url"}
    assert facts["inputs"] == ["question", "response_a", "response_b"]
    overall = facts["criteria"]["overall"]
    assert overall["measured"][0]["trust"] in ("useful", "not known", "no better than chance")
    assert overall["calibration"]["labels"] == 120


def systemone(**values: Any) -> dict[str, Any]:
    state = {name: GOOD[name] for name in ("prompt", "response_a", "response_b")}
    return {"model": "pw", "state": state, "questions": {"0": CHOICE}, **values}


def test_a_client_of_decision_models_reads_the_calibrated_probabilities(served: Served) -> None:
    state = json.dumps(systemone()["state"])
    with served.client() as client:
        _, direct = client.judge(**GOOD)
        status, reply = client.post(
            "/v1/systemone", systemone(state=state, questions={"0": OVERALL}, model="toy-judge")
        )
    assert status == 200, reply
    assert reply["answers"]["0"]["probabilities"]["A"] == direct["probability"]["calibrated"]
    question = Question(QuestionKind.CHOICE, OVERALL["instructions"], (("A", ""), ("B", "")))
    request = Request(
        (Message("user", state),), choices=("A", "B"), kind=RequestKind.DECIDE, question=question
    )
    (outcome,) = read_reply(SYSTEMONE, reply, [request])
    assert outcome.failure is None
    assert outcome.logprobs is not None
    assert set(outcome.logprobs) == {"A", "B"}
    extra = reply["evalhub"]["0"]
    assert extra["probabilities_are"] == "calibrated"
    assert {name: extra[name] for name in direct} == direct
    assert reply["diagnostics"] == {"0": {"label_mass": direct["choice_mass"]}}


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"model": "gpt"}, 404, "unknown model"),
        ({"state": "Two answers to a question."}, 422, "the state is a JSON object"),
        ({"state": {"prompt": "a"}}, 422, "body:state:response_a: the judge compares two responses"),
        ({"state": {**GOOD, "criterion": "overall"}}, 422, "in the question's instructions"),
        ({"questions": {}}, 422, "at least one entry is needed"),
        ({"questions": {"0": {"type": "noul", "instructions": "A is better"}}}, 422, "a choice of A, B"),
        ({"questions": {"0": {**CHOICE, "criteria": {"yes": None, "no": None}}}}, 422, "a choice of A, B"),
        ({"questions": {"0": {**CHOICE, "type": "vote"}}}, 422, "body:questions.0.type"),
        (
            {"questions": {"0": {**CHOICE, "instructions": "Which is funnier?"}}}, 422,
            "the judge was measured on overall, and on no other question",
        ),
        ({"questions": {str(n): CHOICE for n in range(33)}}, 422, "at most 32"),
    ],
)  # fmt: skip
def test_what_the_judge_was_not_measured_on_is_refused(
    served: Served, values: dict[str, Any], status: int, words: str
) -> None:
    with served.client() as client:
        reply = client.post("/v1/systemone", systemone(**{"questions": {"0": OVERALL}, **values}))
    assert reply[0] == status, reply
    assert words in reply[1]["error"]


def test_a_text_that_the_engine_cannot_hold_is_too_large(desk: Desk, serve: Callable[..., Any]) -> None:
    rules = [{"match": "explode", "crash": True}]
    desk.suite(judges=[{**PAIR_JUDGE, "engine": scripted(*rules, max_length=100)}])
    desk.run()
    with serve("pw") as ready, ready.client() as client:
        status, reply = client.judge(**{**GOOD, "response_a": "word " * 200})
        assert (status, "too long for the judge: the prompt has" in reply["error"]) == (413, True)
        status, reply = client.judge(**{**GOOD, "response_b": "explode"})
        assert (status, "the judge's engine failed: the engine died 2 times" in reply["error"]) == (502, True)
        assert client.judge(**GOOD)[0] == 200


def test_a_verdict_that_fails_is_an_answer_with_its_reason(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.suite(judges=[{**PAIR_JUDGE, "engine": scripted({"match": "odd", "mass": 0.01, "top_token": "Hm"})}])
    desk.run()
    with serve("pw") as ready, ready.client() as client:
        status, answer = client.judge(**{**GOOD, "response_a": "odd"})
        assert (status, answer["winner"], answer["failure"]) == (200, None, "off_choice")
        assert (answer["probability"]["raw"], answer["probability"]["calibrated"]) == (None, None)
        assert answer["probability"]["reason"] == "the judge gave no verdict: off_choice"
        assert "'Hm'" in answer["detail"]
        assert answer["choice_mass"] == pytest.approx(0.01)
        state = {**GOOD, "response_a": "odd"}
        status, reply = client.post("/v1/systemone", systemone(state=state, questions={"0": OVERALL}))
        assert (status, reply["answers"]["0"]["type"]) == (200, "refusal")
        assert "'Hm'" in reply["answers"]["0"]["reason"]


def test_ratings_are_asked_as_a_score(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.suite(judges=[RATE_JUDGE])
    desk.run()
    score = {"type": "score", "instructions": "quality", "criteria": ["1: wrong", "2: fair", "3"]}
    state = {"prompt": "What is 1 plus 1?", "response": "k says 1"}
    with serve("pt") as ready, ready.client() as client:
        status, reply = client.post(
            "/v1/systemone", {"model": "pt", "state": state, "questions": {"q": score}}
        )
        assert status == 200, reply
        shares = reply["answers"]["q"]["probabilities"]
        assert list(shares) == ["0", "1", "2"]
        assert sum(shares.values()) == pytest.approx(1)
        assert reply["evalhub"]["q"]["calibration"]["labels"] == 0
        wrong = {**score, "criteria": ["bad", "good"]}
        status, reply = client.post(
            "/v1/systemone", {"model": "pt", "state": state, "questions": {"q": wrong}}
        )
        assert (status, "a score of the levels 1, 2, 3" in reply["error"]) == (422, True)
