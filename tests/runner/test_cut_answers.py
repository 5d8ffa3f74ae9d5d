"""Answers that end at the token limit: counted for each candidate and recorded system, judged, and said."""

import json
from typing import Any

import pytest

from evalhub.analysis import Results, answers, coverage, rows_of
from evalhub.errors import SpecError
from tests.sharing import share_tables


@pytest.fixture(autouse=True)
def _tables_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    share_tables(monkeypatch)


JUDGE = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "toy", "families": ["beta"]}
LONG = " ".join(f"word{n}" for n in range(20))


def candidate(name: str, *rules: dict[str, Any], limit: int = 8) -> dict[str, Any]:
    engine = {"type": "scripted", "script": {"rules": list(rules)}}
    return {
        "id": name, "model": name, "families": ["alpha"], "engine": engine, "sampling": {"max_tokens": limit},
    }  # fmt: skip


@pytest.fixture(scope="module")
def results(shared_desk: Any) -> Results:
    with shared_desk() as desk:
        return Results(with_cut_answers(desk).run())


@pytest.fixture
def told(desk: Any) -> Any:
    return with_cut_answers(desk)


def with_cut_answers(desk: Any) -> Any:
    """Let one candidate be cut on three of ten items, and another never."""
    desk.dataset(items=10)
    wordy = candidate("wordy", {"match": "What is [012] plus", "text": LONG}, {"match": "", "text": "short"})
    terse = candidate("terse", {"match": "", "text": LONG}, limit=20)
    desk.suite(candidates=[wordy, terse], judges=[JUDGE | {"engine": "scripted"}])
    return desk


def test_counted_for_each_candidate(results: Results) -> None:
    found = {row["system"]: row for row in rows_of(answers(results))}
    assert [(found[name]["ended"], found[name]["cut"]) for name in ("wordy", "terse")] == [(10, 3), (10, 0)]
    assert (found["wordy"]["max_tokens"], found["terse"]["max_tokens"]) == (8, 20)
    # of what came with the dataset nobody knows why it ends
    assert {(found[name]["ended"], found[name]["cut"], found[name]["max_tokens"]) for name in "km"} == {
        (0, None, None)
    }


def test_judged_and_flagged(results: Results) -> None:
    (row,) = [row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"]
    # four systems, six pairs in two orders; wordy is in three pairs of each of three items
    assert (row["done"], row["failed"], row["of_cut_answers"]) == (120, 0, 18)


def test_run_report_and_leaderboard_say_it(told: Any, cli: Any) -> None:
    said = cli("run", "s")
    assert said.code == 0
    sentence = (
        "wordy: 3 of 10 answers were cut at the token limit of 8, and are scored and judged as they are; "
        "for longer ones set sampling: {max_tokens: 16}"
    )
    assert sentence in said.err
    for verb in ("report", "leaderboard"):
        out = " ".join(cli(verb).out.split())
        assert f"! {sentence}." in out
        assert "terse:" not in out
    assert "Answers that are empty or cut, scored and judged as they are" in cli("report", "--full").out
    found = json.loads(cli("leaderboard", "--json").out)["answers"]
    assert {row["system"]: row["cut"] for row in found} == {"wordy": 3, "terse": 0, "k": None, "m": None}


def test_few_are_counted_and_not_called_out(desk: Any, cli: Any) -> None:
    desk.dataset(items=11)
    one = candidate("rare", {"match": "What is 3 plus", "text": LONG}, {"match": "", "text": "short"})
    desk.suite(candidates=[one], judges=[], metrics=["exact_match"])
    said = cli("run", "s")
    assert "cut at the token limit of 8" not in said.err
    assert "rare: 1 of 11 answers were cut at the token limit of 8" in said.out


_first_long = ({"match": "What is 1 plus", "text": LONG}, {"match": "", "text": "short"})


def test_an_earlier_turn_that_was_cut_counts(desk: Any) -> None:
    path = desk.dataset(items=3)
    card = path.read_text("utf-8").replace(
        "prompt, refs", "[prompt, 'And then?'] AS turns, [refs, refs] AS refs"
    )
    path.write_text(card, "utf-8")
    two = candidate("two", {"match": "And then", "text": "short"}, *_first_long)
    desk.suite(candidates=[two], judges=[JUDGE | {"engine": "scripted"}])
    found = {row["system"]: row["cut"] for row in rows_of(answers(Results(desk.run())))}
    assert found["two"] == 1


@pytest.mark.parametrize(
    "spelled", ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"]
)
def test_recorded_answers_may_say_why_they_end(desk: Any, cli: Any, spelled: str) -> None:
    ends = f"CASE WHEN system = 'k' THEN if(item_id < 'i002', '{spelled}', 'stop') END"
    card = {"responses": f"SELECT item_id, system, family, text, {ends} AS finish_reason FROM responses"}
    desk.dataset(items=5, card=card)
    desk.suite(judges=[JUDGE | {"engine": "scripted"}])
    results = Results(desk.run())
    counts = {
        row["system"]: (row["ended"], row["cut"], row["max_tokens"]) for row in rows_of(answers(results))
    }
    assert counts == {"k": (5, 2, None), "m": (0, None, None)}
    (row,) = [row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"]
    assert (row["done"], row["of_cut_answers"]) == (10, 4)
    if spelled == "length":
        out = " ".join(cli("report", "--full").out.split())
        assert "k: 2 of 5 answers were cut at the token limit, and are scored and judged as they are" in out
        assert "failed of cut answers within the allowed answers" in out


def test_what_is_no_text_is_no_reason_to_end(desk: Any) -> None:
    desk.dataset(card={"responses": "SELECT item_id, system, text, 1 AS finish_reason FROM responses"})
    desk.suite(judges=[])
    with pytest.raises(
        SpecError, match=r"column finish_reason .* got 1; allowed: a text, such as stop or length"
    ):
        desk.run()


@pytest.mark.parametrize(
    ("finish", "tokens", "cut"),
    [
        ("length", 3, True), ("max_tokens", 3, True), ("MAX_TOKENS", 8, True), ("stop", 8, False),
        (None, 8, True), (None, 7, False), (None, None, False),
    ],
)  # fmt: skip
def test_servers_that_call_it_differently(
    desk: Any, chat_server: Any, finish: str | None, tokens: int | None, cut: bool
) -> None:
    def behave(_: Any) -> tuple[int, Any]:
        reply = chat_server.reply("an answer", finish=finish)
        return 200, reply | {"usage": {**reply["usage"], "completion_tokens": tokens} if tokens else None}

    chat_server.behave = behave
    desk.dataset(items=2)
    served = candidate("api", limit=8) | {"engine": chat_server.engine()}
    desk.suite(candidates=[served], judges=[], metrics=["length"])
    found = {row["system"]: row["cut"] for row in rows_of(answers(Results(desk.run())))}
    assert found["api"] == (2 if cut else 0 if finish else None)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (0, "3 of 3 answers were cut at the token limit of 8, and are scored and judged as they are; for"),
        (
            1,
            "and are scored and judged as they are, except for 1 that failed, since they were cut",
        ),
        (
            3,
            "3 of 3 answers were cut at the token limit of 8, and failed, since they were cut before",
        ),
    ],
)
def test_what_was_cut_before_it_began_is_not_said_to_be_judged(
    desk: Any, cli: Any, chat_server: Any, lost: int, said: str
) -> None:
    def behave(sent: Any) -> tuple[int, Any]:
        begun = all(f"What is {n} plus" not in str(sent["messages"]) for n in range(lost))
        content, thoughts = ("Well, it is", None) if begun else (None, "Let me see")
        return 200, chat_server.reply(content, finish="length", reasoning_content=thoughts)

    chat_server.behave = behave
    desk.dataset(items=3)
    served = candidate("api", limit=8) | {"engine": chat_server.engine()}
    judges = [JUDGE | {"engine": "scripted"}]
    desk.suite(candidates=[served], judges=judges, controls={"min_coverage": 0})
    out = " ".join(cli("run", "s").out.split())
    (row,) = [
        row for row in json.loads(cli("run", "s", "--json").out)["coverage"] if row["statistic"] == "coverage"
    ]
    assert (row["done"], row["of_cut_answers"]) == (18, 4 * (3 - lost))
    assert "api: 3 of 3 answers were cut" in out
    assert said in out
    full = " ".join(cli("report", "--full").out.split())
    assert ("3, 1 failed" in full) is (lost == 1)
