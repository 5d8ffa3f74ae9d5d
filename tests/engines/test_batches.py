"""Row 33: requests in batches. What is sent, what comes back, and what a later session finds."""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.engines import (
    RunTies,
    anthropic_server,
    complete,
    completion_key,
    identify,
    open_engine,
    openai_server,
)
from evalhub.errors import EngineError, SpecError, StorageError
from evalhub.records import Completion, FailureKind, Message, Request, Sampling
from evalhub.specs import EngineSpec
from tests.batch_servers import AnthropicBatchServer, OpenaiBatchServer

KEY = "sk-canary-7f3a91c05b"
QUICK = {"poll_seconds": 0.005}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_one_request_is_sent_alone_and_the_others_in_batches(asker: Asker, host: Any) -> None:
    completions = asker.ask(*texts(8), size=3)
    assert answers(completions) == right(8)
    assert len(host.asked) == 1
    assert sorted(len(batch.requests) for batch in host.batches) == [1, 3, 3]
    assert set(host.paid.values()) == {1}
    assert [completion.batch for completion in completions.values()].count(None) == 1
    assert (asker.facts.batches, asker.facts.requests) == (3, 8)
    (single,) = host.asked
    for batch in host.batches:
        for body in batch.requests.values():
            assert {**body, "messages": None} == {**single, "messages": None}
    assert asker.notes.count("a batch is on its way to m, number of requests: 3") == 2


def test_a_batch_changes_no_key(host: Any) -> None:
    request = texts(1)[0]
    specs = (EngineSpec(**host.engine()), EngineSpec(**host.engine(batch=True)))
    assert len({completion_key(identify(spec, name="m"), request) for spec in specs}) == 1


def test_an_answer_of_a_batch_is_the_one_of_a_single_request(asker: Asker, host: Any) -> None:
    requests = [*texts(3), verdict("v1"), verdict("v2")]
    top = [("A", -0.1), ("B", -2.5)]

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        if not words.startswith("v"):
            return 200, host.reply(words.upper())
        is_anthropic = isinstance(host, AnthropicBatchServer)
        return 200, host.verdict("A") if is_anthropic else host.reply("A", top=top)

    host.behave = behave
    batched = asker.ask(*requests)
    assert len(host.asked) == 2  # a text and a verdict have two shapes
    assert host.submitted == 3
    with open_engine(EngineSpec(**host.engine()), name="m") as engine:
        keyed = [(words_of(request), request) for request in requests]
        single = {completion.key: completion for completion in complete(engine, keyed)}
    for words, completion in single.items():
        assert replace(batched[words], batch=None) == completion
        assert (completion.batch, completion.failure) == (None, None)


def test_a_session_that_is_left_is_collected_by_the_next(asker: Asker, host: Any) -> None:
    requests = texts(6)
    started = time.monotonic()
    asker.leave(*requests, size=2)
    assert time.monotonic() - started < 3
    sentence = "what was submitted goes on at the server, and the same command collects it (batches: 3)"
    assert sentence in " ".join(asker.notes)
    assert [completion.text for completion in asker.singles] == ["Q0"]
    assert host.submitted == 5
    assert answers(asker.ask(*requests[1:], size=2)) == {f"q{n}": f"Q{n}" for n in range(1, 6)}
    assert (host.submitted, set(host.paid.values())) == (5, {1})
    assert len(host.asked) == 1


def test_a_key_stands_in_no_ledger_and_no_note(asker: Asker, host: Any) -> None:
    host.behave = lambda sent: (200, host.reply(f"Bearer {KEY}"))
    host.edit = lambda lines: [*lines, {"custom_id": KEY, "answer": [200, {}]}]
    asker.leave(*texts(5), size=2)
    completions = asker.ask(*texts(5))
    assert {completion.text for completion in completions.values()} == {"Bearer [key]"}
    assert KEY.encode() not in asker.ledger.read_bytes()
    assert KEY not in "".join(asker.notes)
    assert all(
        KEY in headers.get("authorization", headers.get("x-api-key", "")) for headers in host.all_headers
    )


@pytest.mark.parametrize("moment", ["intent", "file", "batch"])
def test_a_ledger_that_ends_after_any_line_pays_nothing_twice(asker: Asker, host: Any, moment: str) -> None:
    """The process was killed right after that line, while the server had the batch or had it not."""
    requests = texts(4)
    asker.leave(*requests)
    lines = asker.ledger.read_bytes().splitlines(keepends=True)
    place = [json.loads(line)["event"] for line in lines]
    if moment not in place:
        pytest.skip("the protocol has no files")
    asker.ledger.write_bytes(b"".join(lines[: place.index(moment) + 1]) + b'{"crc":1,"eve')
    assert answers(asker.ask(*requests[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 4)}
    assert (len(host.batches), set(host.paid.values())) == (1, {1})
    assert len(host.asked) == 1


def test_what_never_reached_the_server_is_submitted_anew(asker: Asker, host: Any) -> None:
    requests = texts(4)
    asker.leave(*requests)
    host.batches.clear()
    host.paid.clear()
    lines = asker.ledger.read_bytes().splitlines(keepends=True)
    asker.ledger.write_bytes(lines[0])
    completions = asker.ask(*requests[1:])
    assert answers(completions) == {f"q{n}": f"Q{n}" for n in range(1, 4)}
    assert host.submitted == 2  # one was sent alone
    assert set(host.paid.values()) == {1}


def test_a_batch_of_another_with_the_same_size_is_not_taken(asker: Asker, host: Any) -> None:
    requests = texts(4)
    asker.leave(*requests)
    (batch,) = host.batches
    asker.ledger.write_bytes(asker.ledger.read_bytes().splitlines(keepends=True)[0])
    stranger = replace(
        batch, id="batch_9", requests={f"x-{n}": body for n, body in enumerate(batch.requests.values())},
        facts={"metadata": {"evalhub": "x"}, "input_file_id": "file_x"},
    )  # fmt: skip
    host.behave = lambda sent: (200, host.reply(sent["messages"][-1]["content"].upper()))
    host.batches = [stranger, batch, replace(stranger, id="batch_10")]
    assert answers(asker.ask(*requests[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 4)}
    assert set(host.paid.values()) == {1}


def test_a_reply_to_a_submission_that_is_lost_is_not_submitted_again(asker: Asker, host: Any) -> None:
    count = 0

    def break_once(moment: str) -> None:
        nonlocal count
        count += moment == "after"
        if moment == "after" and count == 1:
            raise ConnectionResetError

    host.slow = break_once
    host.polls_needed = 1
    assert answers(asker.ask(*texts(5))) == right(5)
    assert (len(host.batches), set(host.paid.values())) == (1, {1})


def test_a_server_that_cannot_list_its_batches_leads_to_one_sentence(asker: Asker, host: Any) -> None:
    asker.leave(*texts(4))
    asker.ledger.write_bytes(asker.ledger.read_bytes().splitlines(keepends=True)[0])
    host._list = lambda _: (200, {"object": "list"})
    with pytest.raises(EngineError, match="not known whether the server took a batch"):
        asker.ask(*texts(4)[1:])
    assert host.submitted == 3


def test_the_ledger_of_another_run_is_read_and_never_written(asker: Asker, host: Any, tmp_path: Path) -> None:
    requests = texts(5)
    asker.leave(*requests, size=2)
    earlier, content = asker.ledger, asker.ledger.read_bytes()
    host.edit = lambda lines: [line for line in lines if "q1" not in str(line) and "Q1" not in str(line)]
    asker.ledger = tmp_path / "other" / "batches" / "ledger.jsonl"
    completions = asker.ask(*requests[1:], earlier=(earlier, asker.ledger))
    assert [words for words, one in completions.items() if one.failure] == ["q1"]
    assert earlier.read_bytes() == content
    host.edit = lambda lines: lines
    earlier.unlink()
    assert answers(asker.ask(*requests[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 5)}
    assert host.submitted == 4
    assert len(host.asked) == 2  # q1 has no answer, and is asked alone


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_a_batch_that_ends_without_answers(asker: Asker, host: Any, status: str) -> None:
    is_openai = isinstance(host, OpenaiBatchServer)
    word = status if is_openai else status.replace("ll", "l")
    asker.leave(*texts(5))
    (batch,) = host.batches
    batch.status = word
    ended = {"result": {"type": word}, "response": None, "error": {"code": f"batch_{word}", "message": "x"}}

    def end(lines: list[Any]) -> list[Any]:
        return [
            {"custom_id": line["custom_id"], **ended} if line["custom_id"] in batch.requests else line
            for line in lines
        ]

    host.edit = end
    completions = asker.ask(*texts(5)[1:])
    if status == "expired":
        assert answers(completions) == {f"q{n}": f"Q{n}" for n in range(1, 5)}
        assert "requests that got no answer in their batch and are asked again: 4" in asker.notes
        assert set(host.paid.values()) <= {1, 2}
        return
    assert {completion.failure for completion in completions.values()} == {FailureKind.ENGINE}
    assert all("was cancelled, by max_hours or on the server" in one.detail for one in completions.values())
    assert len(host.batches) == 1


def test_a_request_that_expires_twice_is_a_failure(asker: Asker, host: Any) -> None:
    is_openai = isinstance(host, OpenaiBatchServer)

    def expire(lines: list[Any]) -> list[Any]:
        return [
            line if "Q2" not in str(line)
            else {"custom_id": line["custom_id"], "result": {"type": "expired"}} if not is_openai
            else {"custom_id": line["custom_id"], "error": {"code": "batch_expired", "message": "x"}}
            for line in lines
        ]  # fmt: skip

    host.edit = expire
    completions = asker.ask(*texts(5))
    assert answers(completions) == {**right(5), "q2": None}
    assert completions["q2"].failure is FailureKind.ENGINE
    assert completions["q2"].detail == "the server let the request expire twice, last in the batch batch_1"
    assert [len(batch.requests) for batch in host.batches] == [4, 1]
    assert set(host.paid.values()) == {1, 2}


def garble(change: str, lines: list[Any]) -> Any:
    """Return lines of results in a form that no server should send."""
    place = next(n for n, line in enumerate(lines) if "Q2" in str(line))
    other = dict(lines[place - 1])
    joined = [json.dumps(line).encode() for line in lines]
    match change:
        case "missing":
            return [line for line in lines if line is not lines[place]]
        case "twice the same":
            return [*lines, lines[place]]
        case "twice, and different":
            return [*lines, {**other, "custom_id": lines[place]["custom_id"]}]
        case "ids of others":
            return [*lines, {**other, "custom_id": "x"}, {**other, "custom_id": 7}, {"custom_id": None}]
        case "garbage":
            joined[place] = b"\xff\xfe{{{ no JSON"
        case "cut":
            joined = [*(line for n, line in enumerate(joined) if n != place), joined[place][:40]]
            return b"\n".join(joined)
        case "deep":
            joined[place] = b"[" * 100_000
        case "no result":
            joined[place] = json.dumps({"custom_id": lines[place]["custom_id"]}).encode()
        case "other types":
            fields = {"response": [1], "result": {"type": ["x"], "message": 3}}
            joined[place] = json.dumps({"custom_id": lines[place]["custom_id"], **fields}).encode()
        case "an empty answer":
            fields = {
                "response": {"status_code": 200, "body": {"choices": 1}},
                "result": {"type": "succeeded", "message": {"content": 1}},
            }
            joined[place] = json.dumps({"custom_id": lines[place]["custom_id"], **fields}).encode()
    return b"\r\n".join([b"", *joined, b"null", b""])


@pytest.mark.parametrize("change", ["twice the same", "ids of others"])
def test_lines_too_many_change_nothing(asker: Asker, host: Any, change: str) -> None:
    host.edit = lambda lines: garble(change, lines) if lines else lines
    assert answers(asker.ask(*texts(6))) == right(6)


@pytest.mark.parametrize(
    "change",
    [
        "missing",
        "twice, and different",
        "garbage",
        "cut",
        "deep",
        "no result",
        "other types",
        "an empty answer",
    ],
)
def test_a_line_that_cannot_be_read_is_one_failure(asker: Asker, host: Any, change: str) -> None:
    host.edit = lambda lines: garble(change, lines) if lines else lines
    completions = asker.ask(*texts(6))
    assert answers(completions) == {**right(6), "q2": None}
    assert completions["q2"].failure is FailureKind.ENGINE
    assert re.search("lack the request|cannot be read", completions["q2"].detail or "")
    assert len(host.batches) == 1
    # A later session asks it anew, and alone what has no answer.
    host.edit = lambda lines: lines
    assert answers(asker.ask(*texts(6)[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 6)}
    assert host.submitted + len(host.asked) == 7


def test_a_file_of_results_that_is_cut_once_is_fetched_again(asker: Asker, host: Any) -> None:
    fetched = 0

    def cut_once(lines: list[Any]) -> Any:
        nonlocal fetched
        fetched += bool(lines)
        return garble("cut", lines) if fetched == 1 else lines

    host.edit = cut_once
    assert answers(asker.ask(*texts(6))) == right(6)
    assert set(host.paid.values()) == {1}


def test_a_parameter_that_is_refused_is_learnt_before_the_first_batch(asker: Asker, host: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        if "temperature" in sent:
            return 400, host.refuse("Unsupported parameter: 'temperature' is not supported with this model.")
        return 200, host.reply(sent["messages"][-1]["content"].upper())

    host.behave = behave
    completions = asker.ask(*texts(6))
    assert answers(completions) == right(6)
    assert len(host.asked) == 2
    assert not any("temperature" in body for batch in host.batches for body in batch.requests.values())
    assert all("temperature 0" in completion.unsent for completion in completions.values())
    # A later session knows in which form its batch was asked.
    host.asked.clear()
    asker.leave(*texts(9)[6:])
    assert all("temperature 0" in one.unsent for one in asker.ask(*texts(9)[7:]).values())


def test_a_parameter_that_only_some_requests_may_not_have(asker: Asker, host: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        if "temperature" in sent and words in ("q2", "q3"):
            return 400, host.refuse("Unsupported parameter: 'temperature' is not supported with this model.")
        return 200, host.reply(words.upper())

    host.behave = behave
    completions = asker.ask(*texts(6))
    assert answers(completions) == right(6)
    unsent = {words for words, completion in completions.items() if "temperature 0" in completion.unsent}
    assert unsent == {"q2", "q3"}
    assert [len(batch.requests) for batch in host.batches] == [5, 2]


def test_requests_that_fail_one_by_one_have_the_kinds_of_single_ones(asker: Asker, host: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        refusals = {
            "q1": (400, "prompt is too long: this model's maximum context length is 7"),
            "q2": (400, "Output blocked by content filtering policy"),
            "q3": (404, "model: no such model"),
            "q4": (401, "no such key"),
        }
        if words in refusals:
            status, message = refusals[words]
            kinds = {401: "authentication_error", 404: "not_found_error"}
            kind = kinds.get(status, "invalid_request_error")
            return status, host.refuse(message, type=kind)
        return 200, host.reply(words.upper())

    host.behave = behave
    completions = asker.ask(*texts(6))
    kinds = {words: completion.failure for words, completion in completions.items() if completion.failure}
    assert kinds == {
        "q1": FailureKind.TOO_LONG, "q2": FailureKind.REFUSED, "q3": FailureKind.ENGINE,
        "q4": FailureKind.ENGINE,
    }  # fmt: skip
    assert len(host.batches) == 1


def test_a_server_that_fails_on_some_requests_is_asked_once_more(asker: Asker, host: Any) -> None:
    failing = {"q1": 1, "q2": 9}

    def answer(line: dict[str, Any]) -> dict[str, Any]:
        words = next((words for words in failing if words.upper() in str(line)), "")
        if not failing.get(words):
            return line
        failing[words] -= 1
        custom_id = line["custom_id"]
        if isinstance(host, OpenaiBatchServer):
            return {
                "custom_id": custom_id,
                "response": {"status_code": 503, "body": {"error": {"message": "busy"}}},
            }
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
        return {"custom_id": custom_id, "result": {"type": "errored", "error": error}}

    files: dict[str, Any] = {}

    def answer_once(lines: list[Any]) -> Any:
        # A file of results never changes.
        name = ",".join(sorted(line["custom_id"] for line in lines))
        return files.setdefault(name, [answer(line) for line in lines])

    host.edit = answer_once
    completions = asker.ask(*texts(5))
    assert answers(completions) == {**right(5), "q2": None}
    assert completions["q2"].detail == "the server failed twice, last in the batch batch_1: busy"
    assert [len(batch.requests) for batch in host.batches] == [4, 2]


def test_no_batch_is_sent_to_a_server_that_answers_no_single_request(asker: Asker, host: Any) -> None:
    host.behave = lambda _: (400, host.refuse("no credit is left"))
    with pytest.raises(EngineError, match=r"3 single requests failed, so that no batch was sent .*no credit"):
        asker.ask(*texts(50))
    assert (len(host.asked), host.batches) == (3, [])
    host.behave = lambda _: (401, host.refuse("no such key", type="authentication_error"))
    with pytest.raises(EngineError, match="refuses the key"):
        asker.ask(*texts(50))
    assert host.batches == []


def test_a_batch_that_is_refused_leads_to_one_sentence_and_is_released(asker: Asker, host: Any) -> None:
    host.refuse_batch = lambda: (400, host.refuse("the batch limit is 0"))
    with pytest.raises(EngineError, match=r"the server takes no batch .*the batch limit is 0"):
        asker.ask(*texts(5))
    host.refuse_batch = lambda: (413, host.refuse("too large", type="request_too_large"))
    with pytest.raises(EngineError, match="set a lower `size`"):
        asker.ask(*texts(5))
    host.refuse_batch = lambda: None
    assert answers(asker.ask(*texts(5))) == right(5)
    assert (len(host.batches), set(host.paid.values())) == (1, {1})


def test_a_server_that_takes_no_more_batches_gets_them_one_after_the_other(asker: Asker, host: Any) -> None:
    def refuse_second() -> Any:
        busy = any(host._show(batch).get("status", "ended") == "in_progress" for batch in host.batches)
        running = [b for b in host.batches if b.polls < host.polls_needed and b.status is None]
        return (429, host.refuse("queue is full", type="rate_limit_error")) if busy or running else None

    host.refuse_batch = refuse_second
    host.polls_needed = 30
    assert answers(asker.ask(*texts(9), size=3, at_once=3)) == right(9)
    assert set(host.paid.values()) == {1}
    host.refuse_batch = lambda: (429, host.refuse("queue is full", type="rate_limit_error"))
    with pytest.raises(EngineError, match="the server takes no batch now"):
        asker.ask(*texts(20)[9:])


def test_a_batch_that_does_not_end_is_cancelled_and_what_it_answered_counts(asker: Asker, host: Any) -> None:
    is_openai = isinstance(host, OpenaiBatchServer)
    host.polls_needed = 10**9

    def answer_some(lines: list[Any]) -> list[Any]:
        if is_openai:
            return [line for line in lines if "Q2" not in str(line)]
        return [
            line
            if "Q2" not in str(line)
            else {"custom_id": line["custom_id"], "result": {"type": "canceled"}}
            for line in lines
        ]

    host.edit = answer_some
    completions = asker.ask(*texts(5), max_hours=1e-5)
    assert ("POST", next(path for _, path in host.wire if path.endswith("/cancel"))) in host.wire
    assert answers(completions) == {**right(5), "q2": None}
    assert "max_hours" in str(completions["q2"].detail)


def test_a_batch_that_the_server_does_not_have_is_not_paid_again(asker: Asker, host: Any) -> None:
    asker.leave(*texts(5))
    batches, host.batches = host.batches, []
    with pytest.raises(
        EngineError, match=r"does not show the batch batch_0 .*with the key that submitted it"
    ):
        asker.ask(*texts(5)[1:])
    assert host.submitted == 0
    host.batches = batches
    assert answers(asker.ask(*texts(5)[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 5)}


def test_results_that_a_server_keeps_no_more_are_asked_for_anew(
    asker: Asker, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker.leave(*texts(5))
    host.batches.clear()
    monkeypatch.setattr("evalhub.engines.batch_work.KEPT_DAYS", 0)
    assert answers(asker.ask(*texts(5)[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 5)}


def test_a_budget_that_is_reached_waits_for_what_is_paid_and_sends_no_more(asker: Asker, host: Any) -> None:
    host.polls_needed = 40
    with asker.open(size=2, at_once=2) as engine:
        results = complete(engine, [(words_of(request), request) for request in texts(9)])
        first = next(results)
        following = next(results)
        engine.drain()
        completions = [first, following, *results]
    assert len(completions) == 1 + host.submitted
    assert host.submitted in (4, 6)
    assert {completion.failure for completion in completions} == {None}


def test_time_that_is_over_ends_the_waiting(host: Any, tmp_path: Path) -> None:
    host.polls_needed = 10**9
    notes: list[str] = []
    end = time.monotonic() + 0.5
    ties = RunTies(tmp_path / "b" / "l.jsonl", note=notes.append, is_over=lambda: time.monotonic() > end)
    spec = EngineSpec(**host.engine(batch=QUICK))
    with open_engine(spec, name="m", ties=ties) as engine:
        assert len(list(complete(engine, [(words_of(request), request) for request in texts(5)]))) == 1
    assert "the same command collects it" in notes[-1]


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"size": 0}, "batch.size"),
        ({"poll_seconds": 0}, "batch.poll_seconds"),
        ({"polls": 3}, "batch.polls"),
        ("yes", "batch"),
    ],
)
def test_settings_that_make_no_sense_are_refused(host: Any, batch: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        identify(EngineSpec(**host.engine(batch=batch)), name="m")


def test_an_engine_outside_of_a_run_needs_a_ledger(host: Any) -> None:
    with pytest.raises(EngineError, match="needs a ledger"):
        open_engine(EngineSpec(**host.engine(batch=True)), name="m")


def test_a_decision_model_is_not_asked_in_batches() -> None:
    spec = EngineSpec(type="systemone", base_url="http://127.0.0.1:1/v1", batch=True)
    with pytest.raises(SpecError, match="no such setting"):
        identify(spec, name="m")


def test_a_ledger_that_cannot_be_written_submits_nothing(asker: Asker, host: Any, tmp_path: Path) -> None:
    asker.ledger = tmp_path / "file" / "l.jsonl"
    asker.ledger.parent.write_text("no folder", "utf-8")
    with pytest.raises(StorageError, match="the ledger of batches"):
        asker.ask(*texts(5))
    assert host.wire == []


def refuse_file(host: Any, code: str, message: str) -> dict[str, Any]:
    """Return what a batch of OpenAI's says whose file was refused after it was submitted."""
    data = [{"code": code, "message": message, "line": 3, "param": None}]
    return {"status": "failed", "errors": {"object": "list", "data": data}}


def test_a_file_of_requests_that_is_refused_leads_to_one_sentence(tmp_path: Path) -> None:
    host = OpenaiBatchServer()
    host.behave = lambda sent: (200, host.reply(words_in(sent).upper()))
    asker = Asker(tmp_path, host)
    show, taken = host._show, host.take
    host.take = lambda *arguments, **facts: taken(
        *arguments, **facts, **refuse_file(host, "invalid_request", "line 3 is too long")
    )
    try:
        with pytest.raises(EngineError, match=r"refuses the batch batch_0 \(line 3 is too long\)"):
            asker.ask(*texts(5))
        host.take, host._show = taken, show
        assert answers(asker.ask(*texts(5)[1:])) == {f"q{n}": f"Q{n}" for n in range(1, 5)}
    finally:
        host.close()


def words_in(sent: dict[str, Any]) -> str:
    return str(sent["messages"][-1]["content"])


def test_batches_that_have_too_many_tokens_together_follow_each_other(tmp_path: Path) -> None:
    host = OpenaiBatchServer()
    host.behave = lambda sent: (200, host.reply(words_in(sent).upper()))
    asker = Asker(tmp_path, host)
    host.polls_needed = 20
    taken = host.take

    def take(requests: dict[str, Any], **facts: Any) -> Any:
        running = [batch for batch in host.batches if batch.polls < 20 and "status" not in batch.facts]
        words = "Enqueued token limit reached"
        batch = taken(
            requests, **facts, **(refuse_file(host, "token_limit_exceeded", words) if running else {})
        )
        if running:
            host.paid.subtract(json.dumps(body, sort_keys=True) for body in requests.values())
        return batch

    host.take = take
    try:
        assert answers(asker.ask(*texts(8), size=3, at_once=3)) == right(8)
        assert set(host.paid.values()) == {1}
        assert "the server takes no further batch until another one has ended" in asker.notes
    finally:
        host.close()


def test_batches_are_cut_by_bytes_too(asker: Asker, host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("openai_batches.OpenaiBatches", "anthropic_batches.AnthropicBatches"):
        monkeypatch.setattr(f"evalhub.engines.{name}.most_bytes", 2000)
    long = [Request((Message("user", f"q{n}" + "x" * 900),)) for n in range(6)]
    assert len(asker.ask(*long)) == 6
    assert sorted(len(batch.requests) for batch in host.batches) in ([1, 1, 1, 1, 1], [1, 2, 2])
