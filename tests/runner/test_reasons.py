"""The reason of a failure, from the server to the report; the end of a run that gets nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.analysis import Results, failures, normalise_reason, rows_of
from evalhub.report import report_data
from evalhub.runner.execute.watch import FIRST
from evalhub.store import Run, all_runs

KEY = "sk-top-secret-77"
PAIR = {
    "id": "pw", "rubric": "pair", "model": "j", "engine": "scripted", "families": ["beta"],
    "pairs": {"by": "baseline", "baseline": "remote"},
}  # fmt: skip
RATE = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"]}

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("evalhub.engines.openai_server._BACKOFF", 0.001)


def remote(chat_server: Any, **settings: Any) -> dict[str, Any]:
    return {"id": "remote", "model": "m", "families": ["acme"], "engine": chat_server.engine(**settings)}


def table(run: Run) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows_of(failures(Results(run)))]


def test_a_candidate_that_is_always_refused(desk: Any, cli: Command, chat_server: Any) -> None:
    chat_server.behave = lambda _: (400, chat_server.refuse(f"Unsupported value for stop, key {KEY}"))
    desk.suite(candidates=[remote(chat_server)], judges=[PAIR])
    told = cli("run", "s")
    assert told.code == 3
    reason = "HTTP 400: Unsupported value for stop, key [key]"
    assert f"all 4 answers of remote failed for one reason ({reason})" in told.sentence
    assert "give the same command again" in told.sentence
    (run,) = all_runs(desk.runs)
    assert (run.manifest.state, run.finished) == ("stopped", False)
    assert table(run) == [("response", "remote", "engine", 4, reason)]
    assert not list(run.records("judgments"))
    for command in ("report", "leaderboard"):
        assert reason in " ".join(cli(command).out.split())
        assert reason in cli(command, "--json").out
    assert KEY not in "".join(
        path.read_text(errors="replace") for path in run.path.rglob("*") if path.is_file()
    )
    chat_server.behave = lambda _: (200, chat_server.reply("mended"))
    newest = desk.run()
    assert newest.finished
    assert table(newest) == []


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (422, {"detail": [{"loc": ["body", "n"], "msg": "not allowed"}]}, 'HTTP 422: [{"loc": ["body", "n"]'),
        (400, {"object": "error", "message": "no template"}, "HTTP 400: no template"),
        (400, {"error": "bad request"}, "HTTP 400: bad request"),
        (413, b"<html>Entity Too Large</html>", "HTTP 413: <html>Entity Too Large</html>"),
        (500, {"error": {"message": "CUDA out of memory"}}, "failed 6 times: HTTP 500: CUDA out of memory"),
        (200, {"error": {"message": "upstream is overloaded"}}, "upstream is overloaded"),
    ],
)  # fmt: skip
def test_the_server_s_own_words(
    desk: Any, cli: Command, chat_server: Any, status: int, body: Any, reason: str
) -> None:
    chat_server.behave = lambda _: (status, body)
    desk.suite(candidates=[remote(chat_server)], judges=[PAIR])
    told = cli("run", "s")
    assert told.code == 3
    assert reason in told.sentence
    (run,) = all_runs(desk.runs)
    ((of, who, kind, n, example),) = table(run)
    assert (of, who, kind, n) == ("response", "remote", "engine", 4)
    assert reason in example


@pytest.mark.parametrize("role", ["candidate", "judge"])
def test_a_long_run_of_one_failure_is_ended(desk: Any, cli: Command, chat_server: Any, role: str) -> None:
    chat_server.behave = lambda _: (400, chat_server.refuse(f"bad image, request {len(chat_server.asked)}"))
    desk.dataset(items=60)
    judge = {**RATE, "engine": chat_server.engine()}
    desk.suite(
        candidates=[remote(chat_server)] if role == "candidate" else [],
        judges=[PAIR if role == "candidate" else judge],
    )
    told = cli("run", "s")
    assert told.code == 3
    assert f"the first {FIRST} answers of {'remote' if role == 'candidate' else 'pt'} failed" in told.sentence
    assert "HTTP 400: bad image" in told.sentence
    assert FIRST <= len(chat_server.asked) <= FIRST + 2 * 4
    (run,) = all_runs(desk.runs)
    ((*_, n, example),) = table(run)
    assert n == FIRST
    assert example.startswith("HTTP 400: bad image, request ")


def test_each_reason_stands_once_with_its_count(desk: Any, chat_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        number = int(sent["messages"][-1]["content"].split()[2])
        if number % 5 == 0:
            return 400, chat_server.refuse(f"request id req_{number}a: flagged by the filter")
        if number % 5 == 1:
            return 409, chat_server.refuse("flagged by the filter")
        return 200, chat_server.reply("fine")

    chat_server.behave = behave
    desk.dataset(items=20)
    desk.suite(candidates=[remote(chat_server)], judges=[PAIR], controls={"min_coverage": 0})
    run = desk.run()
    assert [row[:4] for row in table(run)] == [
        ("judgment", "pw", "engine", 16), ("judgment", "pw", "engine", 16),
        ("response", "remote", "engine", 4), ("response", "remote", "engine", 4),
    ]  # fmt: skip
    for row in table(run):
        assert "flagged by the filter" in row[4]
    assert any(row[4].startswith("the server failed 6 times: HTTP 409") for row in table(run))
    judged = report_data(Results(run))["failures"][0]["example"]
    assert judged.startswith("the system remote gave no response: ")


def test_a_prompt_that_kills_a_local_engine_says_so(desk: Any) -> None:
    engine = {"type": "scripted", "script": {"rules": [{"match": "2 plus 2", "crash": True}]}}
    desk.suite(
        candidates=[{"id": "remote", "model": "b", "families": ["acme"], "engine": engine}], judges=[PAIR],
        controls={"min_coverage": 0},
    )  # fmt: skip
    run = desk.run()
    assert "died" in next(row[4] for row in table(run) if row[0] == "response")


def test_a_judge_without_any_verdict_gives_its_first_reason(
    desk: Any, cli: Command, chat_server: Any
) -> None:
    chat_server.behave = lambda _: (400, chat_server.refuse("quota used up"))
    desk.suite(judges=[{**RATE, "engine": chat_server.engine()}])
    told = cli("run", "s", "--json")
    assert told.code == 3
    assert "the judge pt gave no valid verdict at all (engine: HTTP 400: quota used up)" in told.sentence
    (row,) = json.loads(cli("report", "--json").out)["failures"]
    assert (row["stage"], row["n"], row["example"]) == ("judgment", 8, "HTTP 400: quota used up")


def test_reasons_are_alike_but_for_numbers_and_ids() -> None:
    assert normalise_reason("HTTP 400: id 9f-2, 12 tokens") == normalise_reason("HTTP 400: id 77ab, 9 tokens")
    assert normalise_reason("HTTP 400: no") != normalise_reason("HTTP 404: no")
    assert normalise_reason("no seed") != normalise_reason("no temperature")
