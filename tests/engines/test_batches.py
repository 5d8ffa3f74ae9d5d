"""Row 33: requests in batches. What is sent, what comes back, and what a later session finds."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.engines import (
    complete,
    completion_key,
    identify,
    open_engine,
)
from evalhub.errors import EngineError
from evalhub.specs import EngineSpec
from tests.batch_servers import AnthropicBatchServer
from tests.engines.batch_bench import (
    KEY,
    Asker,
    answers,
    asker,
    host,
    quick,
    right,
    texts,
    verdict,
    words_of,
)

__all__ = ["asker", "host", "quick"]


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
