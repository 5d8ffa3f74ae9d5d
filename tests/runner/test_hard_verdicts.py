"""Whole runs against servers that give no log-probabilities, or take fewer parameters than others.

Row 4 and Row 5: through whole runs, only one allowed answer and nothing else is a verdict.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("openai")

from evalhub.analysis import (
    Results,
    agreement,
    calibration,
    cascades,
    failures,
    pair_verdicts,
    ratings,
    rows_of,
)
from evalhub.errors import LittleCoverage
from evalhub.records import Judgment
from evalhub.store import Run, all_runs
from tests.resealing import reseal

JUDGE = {"model": "m", "families": ["beta"]}
PAIR = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGE}
RATE = {"id": "pt", "rubric": "rate", **JUDGE}
CHECK = """---
id: ticks
version: 1
protocol: checklist
inputs: [question, response]
criteria: {short: It is short., right: It is right.}
weights: {short: 1, right: 3}
---
## User
{{question}}
{{criterion}}
{{response}}
"""
LIST = """---
id: ranks
version: 1
protocol: listwise
inputs: [question, responses]
criteria: {overall: The better answer.}
---
## User
{{question}}
{{responses}}
"""
SWAP = """---
id: twice
version: 1
protocol: swap
inputs: [question, response_a, response_b]
criteria: {overall: The better answer.}
ties: false
---
## User
{{question}}
{{response_a}}
{{response_b}}
"""

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.engines.openai_server._BACKOFF", 0.001)


def judgments(run: Run) -> list[Judgment]:
    return [one for one in run.records("judgments") if isinstance(one, Judgment)]


def says(chat_server: Any, content: str | None, **reply: Any) -> None:
    chat_server.behave = lambda sent: (200, chat_server.reply(content, **reply))


def prefers(chat_server: Any, name: str) -> None:
    """Let the server prefer a system in either order."""

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        first = words.index(f"{name} says") < words.index(f"{'k' if name == 'm' else 'm'} says")
        letter = "A" if first else "B"
        return 200, chat_server.reply(json.dumps({"answer": letter}) if "response_format" in sent else letter)

    chat_server.behave = behave


def test_a_comparison_without_probabilities(desk: Any, cli: Command, chat_server: Any) -> None:
    prefers(chat_server, "m")
    desk.suite(judges=[{**PAIR, "engine": chat_server.engine()}])
    told = cli("run", "s")
    assert told.code == 0
    (run,) = all_runs(desk.runs)
    made = judgments(run)
    assert len(made) == 8
    for one in made:
        assert (one.winner, one.failure, one.raw_text) == (
            "b",
            None,
            f'{{"answer": "{"B" if one.shown == "ab" else "A"}"}}',
        )
        assert (one.p_a, one.expected, one.logprobs, one.choice_mass) == (None, None, None, None)
        assert one.detail == "hard verdict: the server sends no log-probabilities"
    verdicts = pair_verdicts(Results(run))
    assert verdicts["winner"].tolist() == ["b"] * 4
    assert verdicts["p_a"].isna().all()
    shown = " ".join(told.out.split())
    full = " ".join(cli("report", "--full").out.split())
    assert "hard verdicts · json_schema asked for · max_tokens" in full
    assert (
        "pw gave no probabilities with 8 of 8 verdicts (the server sends no log-probabilities). All its "
        "verdicts are hard, so p_a, expected scores, choice mass and all numbers made of them are absent"
        in shown
    )
    assert cli("run", "s").code == 0
    again = cli("report", "--json")
    (row,) = json.loads(again.out)["hard_verdicts"]
    assert (row["judge"], row["n"], row["total"]) == ("pw", 8, 8)
    assert json.loads(again.out)["engines"] == []


def test_orders_that_disagree_are_a_tie_and_win_and_tie_a_win(desk: Any, chat_server: Any) -> None:
    says(chat_server, "A")
    desk.suite(judges=[{**PAIR, "engine": chat_server.engine()}])
    assert pair_verdicts(Results(desk.run()))["winner"].tolist() == ["tie"] * 4


def lists_one(chat_server: Any, name: str, sure: float, unsure: float) -> None:
    """Let the server prefer a system and list that letter alone, less surely where it is shown second."""

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        first = words.index(f"{name} says") < words.index(f"{'k' if name == 'm' else 'm'} says")
        letter, share = ("A", sure) if first else ("B", unsure)
        return 200, chat_server.reply(letter, top=[(letter, math.log(share))])

    chat_server.behave = behave


@pytest.mark.parametrize(
    ("sure", "unsure", "p_a", "hard"), [(0.8, 0.7, None, 8), (0.999, 0.7, None, 4), (0.999, 0.995, 0.0, 0)]
)
def test_a_server_that_lists_one_token(
    desk: Any, cli: Command, chat_server: Any, sure: float, unsure: float, p_a: float | None, hard: int
) -> None:
    lists_one(chat_server, "m", sure, unsure)
    desk.suite(judges=[{**PAIR, "engine": chat_server.engine()}])
    answer = cli("run", "s")
    assert answer.code == 0
    (run,) = all_runs(desk.runs)
    verdicts = pair_verdicts(Results(run))
    assert verdicts["winner"].tolist() == ["b"] * 4
    assert [None if share != share else share for share in verdicts["p_a"].astype(float)] == [p_a] * 4
    details = [judgment.detail or "" for judgment in judgments(run)]
    assert sum("which could move the probability that a side wins" in detail for detail in details) == hard
    shown = " ".join(answer.out.split())
    assert ("pw gave no probabilities with 8 of 8" in shown) is (hard == 8)
    assert ("pw gave no probabilities with 4 of 8 verdicts" in shown) is (hard == 4)


def test_a_rating_without_probabilities(desk: Any, chat_server: Any) -> None:
    says(chat_server, "2")
    desk.suite(judges=[{**RATE, "engine": chat_server.engine()}], metrics=["length"])
    run = desk.run()
    assert {(one.value, one.expected, one.logprobs, one.choice_mass) for one in judgments(run)} == {
        (2, None, None, None)
    }
    found = ratings(Results(run))
    assert found["value"].tolist() == [2.0] * 8
    assert found["expected"].isna().all()


def test_explained_verdicts(desk: Any, chat_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        verdict = "response_format" in sent or sent.get("logprobs")
        return 200, chat_server.reply("3" if verdict else "It is right.")

    chat_server.behave = behave
    desk.suite(judges=[{**RATE, "mode": "explain", "engine": chat_server.engine()}])
    assert {(one.value, one.rationale) for one in judgments(desk.run())} == {(3, "It is right.")}


def test_a_checklist_a_list_and_a_second_look(desk: Any, chat_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        words = sent["messages"][-1]["content"]
        if "Yes or No" in words:
            return 200, chat_server.reply("Yes" if "It is right" in words else "No")
        return 200, chat_server.reply("B" if "letter: B" in words or "letter: A, B" in words else "A")

    chat_server.behave = behave
    for name, text in {"ticks": CHECK, "ranks": LIST, "twice": SWAP}.items():
        desk.rubric(name, text)
    engine = chat_server.engine()
    desk.suite(judges=[
        {"id": "ticks", "rubric": "ticks", "engine": engine, **JUDGE},
        {"id": "ranks", "rubric": "ranks", "engine": engine, **JUDGE},
        {"id": "twice", "rubric": "twice", "engine": engine, "pairs": {"by": "all"}, **JUDGE},
    ])  # fmt: skip
    made = judgments(desk.run())
    assert {one.failure for one in made} == {None}
    assert {one.value for one in made if one.criterion == "checklist"} == {0.75}
    assert {one.expected for one in made} == {None}
    for one in made:
        if one.judge == "ranks":
            assert one.winner == ("b" if one.shown == "ab" else "a")
            assert one.p_a is None
    assert {one.winner for one in made if one.judge == "twice"} == {"a", "b"}


@pytest.mark.parametrize("content", ["A.", "**A**", '{"answer": "A"}'])
def test_one_allowed_answer_and_nothing_else(desk: Any, chat_server: Any, content: str) -> None:
    says(chat_server, content)
    desk.suite(judges=[{**PAIR, "engine": chat_server.engine(structured="none", logprobs="none")}])
    run = desk.run()
    assert {(one.winner, one.shown) for one in judgments(run)} == {("a", "ab"), ("b", "ba")}
    assert "suite asks for no log-probabilities" in (judgments(run)[0].detail or "")


@pytest.mark.parametrize(
    ("content", "reply", "kind", "reason"),
    [
        ("I think A", {}, "parse", "not one of A, B and nothing else"),
        ("A or B", {}, "parse", "not one of A, B and nothing else"),
        ('{"answer": "C"}', {}, "parse", "not one of A, B and nothing else"),
        ("", {}, "parse", "the answer is empty"),
        (None, {}, "parse", "the answer is empty"),
        ("A", {"finish": "length"}, "truncated", "answer_tokens"),
        (None, {"finish": "length"}, "truncated", "cut before it began"),
        (None, {"refusal": "I judge nobody."}, "refused", "I judge nobody."),
    ],
)
def test_anything_else_is_a_failure_with_its_text(
    desk: Any, chat_server: Any, content: Any, reply: Any, kind: str, reason: str
) -> None:
    says(chat_server, content, **reply)
    desk.suite(judges=[{**PAIR, "engine": chat_server.engine()}])
    with pytest.raises(LittleCoverage) as refused:
        desk.run()
    assert f"the judge pw gave no valid verdict at all ({kind}: " in refused.value.sentence()
    assert reason in refused.value.sentence()
    (run,) = all_runs(desk.runs)
    (row,) = rows_of(failures(Results(run)))
    assert (row["failure"], row["n"]) == (kind, 8)
    assert kind != "parse" or not content or content in row["example"]


def test_a_candidate_whose_temperature_is_refused(desk: Any, cli: Command, chat_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        if "temperature" in sent:
            return 400, chat_server.refuse("'temperature' is not supported with this model")
        return 200, chat_server.reply("fine")

    chat_server.behave = behave
    bot = {"id": "bot", "model": "m", "families": ["acme"], "engine": chat_server.engine()}
    judge = {**RATE, "engine": "scripted"}
    desk.suite(candidates=[{**bot, "sampling": {"temperature": 0.7}}], judges=[judge])
    sentence = (
        "bot: temperature (0.7 in the suite) was not sent with 4 of 4 completions. The server chose its own "
        "value"
    )
    first = cli("run", "s")
    assert first.code == 0
    assert sentence in " ".join(first.out.split())
    asked = len(chat_server.asked)
    second = cli("run", "s")
    assert sentence in " ".join(second.out.split())  # also where every answer was reused
    assert len(chat_server.asked) == asked
    newest, _ = all_runs(desk.runs)
    assert rows_of(Results(newest).sql("SELECT DISTINCT unsent FROM completions WHERE len(unsent) > 0")) == [
        {"unsent": ["temperature 0.7"]}
    ]


def test_an_old_run_without_these_columns_is_read(desk: Any, chat_server: Any) -> None:
    import pyarrow.parquet as pq

    says(chat_server, "2")
    desk.suite(judges=[{**RATE, "engine": chat_server.engine()}])
    run = desk.run()
    (path,) = [file.path for file in run.files("completions")]
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["unsent"]), path)
    reseal(run, path)
    run = Run(run.path)
    assert rows_of(Results(Run(run.path)).sql("SELECT DISTINCT unsent FROM completions")) == [
        {"unsent": None}
    ]
    assert len(list(run.records("completions"))) == 8


def test_what_needs_probabilities_is_absent_with_that_reason(desk: Any, chat_server: Any) -> None:
    prefers(chat_server, "m")
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
         "winner": "b" if n % 3 else "a"}
        for n in range(12)
    ]  # fmt: skip
    desk.dataset(items=12, labels=labels)
    judges = [{**PAIR, "engine": chat_server.engine()}, {**PAIR, "id": "soft", "engine": "scripted"}]
    desk.suite(judges=judges, cascades=[{"id": "c", "stages": ["pw", "soft"]}])
    results = Results(desk.run())
    reason = "the judge gives no probabilities"
    brier = {row["rater"]: row for row in rows_of(calibration(results)) if row["statistic"] == "Brier"}
    assert (brier["pw"]["estimate"], brier["pw"]["reason"], brier["pw"]["n_excluded"]) == (None, reason, 12)
    assert brier["soft"]["estimate"] is not None
    stages = {row["stage"]: row["threshold_reason"] for row in rows_of(cascades(results))}
    assert stages["pw"] == reason
    assert stages["soft"] != reason
    accuracy = {
        row["reading"]: row["estimate"]
        for row in rows_of(agreement(results))
        if (row["rater"], row["reference_rater"], row["statistic"]) == ("pw", "labels", "accuracy")
    }
    assert accuracy == dict.fromkeys(accuracy, pytest.approx(8 / 12))
    assert "combined" in accuracy


def test_numbers_of_engines_stay_whole_beside_engines_without_them(
    desk: Any, cli: Command, chat_server: Any
) -> None:
    says(chat_server, "A", top=[("A", -0.1), ("B", -2.5)])
    bot = {"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}
    desk.suite(candidates=[bot], judges=[{**PAIR, "engine": chat_server.engine()}])
    assert cli("run", "s").code == 0
    assert "20 log-probabilities asked for" in cli("report", "--full").out
    engines = json.loads(cli("report", "--json").out)["engines"]
    assert {row["serves"]: row["logprobs"] for row in engines} == {"candidate bot": None, "judge pw": 20}
