"""Row 33: batches that a server refuses, cuts, or keeps no longer."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.engines import (
    RunTies,
    complete,
    identify,
    open_engine,
)
from evalhub.errors import EngineError, SpecError, StorageError
from evalhub.records import FailureKind, Message, Request
from evalhub.specs import EngineSpec
from tests.batch_servers import OpenaiBatchServer
from tests.engines.batch_bench import (
    QUICK,
    Asker,
    answers,
    asker,
    host,
    quick,
    right,
    texts,
    words_of,
)

__all__ = ["asker", "host", "quick"]


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
