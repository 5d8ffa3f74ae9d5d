"""Row 33: batches that expire or come back damaged."""

import json
import re
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("openai")

from evalhub.records import FailureKind
from tests.batch_servers import OpenaiBatchServer
from tests.engines.batch_bench import (
    Asker,
    answers,
    asker,
    host,
    quick,
    right,
    texts,
)

__all__ = ["asker", "host", "quick"]


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
