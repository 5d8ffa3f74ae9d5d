"""Whole runs behind Anthropic's messages protocol: every verdict is hard."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("anthropic")

from evalhub.analysis import (
    Results,
    agreement,
    calibration,
    cascades,
    cost,
    failures,
    pair_verdicts,
    ratings,
    rows_of,
)
from evalhub.errors import LittleCoverage
from evalhub.records import Judgment
from evalhub.store import Run, all_runs

JUDGE = {"model": "m", "families": ["beta"]}
PAIR = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGE}
RATE = {"id": "pt", "rubric": "rate", **JUDGE}
REASON = "Anthropic's protocol has no log-probabilities"

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.engines.anthropic_server._BACKOFF", 0.001)


def judgments(run: Run) -> list[Judgment]:
    return [record for record in run.records("judgments") if isinstance(record, Judgment)]


def prefers(server: Any, name: str) -> None:
    """Let the server prefer a system in either order."""

    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        if "tools" not in sent:
            return 200, server.reply("It is right.")
        words = next(turn["content"] for turn in sent["messages"] if f"{name} says" in turn["content"])
        first = words.index(f"{name} says") < words.index(f"{'k' if name == 'm' else 'm'} says")
        return 200, server.verdict("A" if first else "B")

    server.behave = behave


def test_a_comparison(desk: Any, cli: Command, messages_server: Any) -> None:
    prefers(messages_server, "m")
    desk.suite(judges=[{**PAIR, "engine": messages_server.engine()}])
    answer = cli("run", "s")
    assert answer.code == 0
    (run,) = all_runs(desk.runs)
    assert len(judgments(run)) == 8
    for judgment in judgments(run):
        letter = "B" if judgment.shown == "ab" else "A"
        assert (judgment.winner, judgment.failure, judgment.raw_text) == (
            "b",
            None,
            f'{{"answer": "{letter}"}}',
        )
        assert (judgment.p_a, judgment.logprobs, judgment.choice_mass) == (None, None, None)
        assert judgment.detail == f"hard verdict: {REASON}"
    assert pair_verdicts(Results(run))["winner"].tolist() == ["b"] * 4
    assert f"pw gave no probabilities with 8 of 8 verdicts ({REASON})" in " ".join(answer.out.split())
    full = " ".join(cli("report", "--full").out.split())
    assert "hard verdicts · tool asked for · max_tokens · without seed" in full
    asked = len(messages_server.asked)
    assert cli("run", "s").code == 0
    assert len(messages_server.asked) == asked
    (row,) = json.loads(cli("report", "--json").out)["hard_verdicts"]
    assert (row["judge"], row["n"], row["total"]) == ("pw", 8, 8)


def test_a_candidate_and_a_rating_after_an_explanation(desk: Any, messages_server: Any) -> None:
    def behave(sent: dict[str, Any]) -> tuple[int, Any]:
        return 200, messages_server.verdict("3") if "tools" in sent else messages_server.reply("It is right.")

    messages_server.behave = behave
    engine = messages_server.engine()
    bot = {"id": "bot", "model": "m", "families": ["acme"], "engine": engine}
    desk.suite(candidates=[bot], judges=[{**RATE, "mode": "explain", "engine": engine}])
    run = desk.run()
    assert {response.text for response in run.records("responses") if response.system == "bot"} == {
        "It is right."
    }
    assert {(judgment.value, judgment.rationale) for judgment in judgments(run)} == {(3, "It is right.")}
    table = ratings(Results(run))
    assert set(table["value"]) == {3.0}
    assert table["expected"].isna().all()


def test_labels_a_cascade_and_a_jury_read_hard_verdicts(
    desk: Any, cli: Command, messages_server: Any
) -> None:
    prefers(messages_server, "m")
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
         "winner": "b" if n % 3 else "a"}
        for n in range(12)
    ]  # fmt: skip
    desk.dataset(items=12, labels=labels)
    engine = messages_server.engine()
    judges = [
        {**PAIR, "engine": engine}, {**PAIR, "id": "soft", "engine": "scripted"},
        {**PAIR, "id": "again", "engine": engine},
    ]  # fmt: skip
    desk.suite(
        judges=judges,
        cascades=[{"id": "c", "stages": ["pw", "soft"]}],
        juries=[{"id": "panel", "members": ["pw", "soft", "again"], "combine": "vote"}],
    )
    results = Results(desk.run())
    reason = "the judge gives no probabilities"
    stages = {row["stage"]: row["threshold_reason"] for row in rows_of(cascades(results))}
    assert stages["pw"] == reason
    brier = {row["rater"]: row for row in rows_of(calibration(results)) if row["statistic"] == "Brier"}
    assert (brier["pw"]["estimate"], brier["pw"]["reason"]) == (None, reason)
    accuracy = {
        row["estimate"]
        for row in rows_of(agreement(results))
        if (row["rater"], row["reference_rater"], row["statistic"]) == ("pw", "labels", "accuracy")
    }
    assert list(accuracy) == [pytest.approx(8 / 12)]
    verdicts = pair_verdicts(results)
    assert len(verdicts[verdicts["judge"] == "panel"]) == 12
    assert (verdicts[verdicts["judge"] == "panel"]["winner"] == "b").all()
    assert cli("meta").code == 0
    assert cli("report", "--full").code == 0


def test_its_money_counts_what_the_cache_saves(desk: Any, cli: Command, messages_server: Any) -> None:
    usage = {
        "input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 900,
        "output_tokens": 20,
    }  # fmt: skip
    messages_server.behave = lambda _: (200, messages_server.verdict("A", usage=usage))
    price = {"prompt": 3, "completion": 15, "cached": 0.3}
    desk.suite(judges=[{**PAIR, "engine": messages_server.engine(), "price": price}])
    results = Results(desk.run())
    money = {row["statistic"]: row["estimate"] for row in rows_of(cost(results))}["money for 1,000 judgments"]
    assert money == pytest.approx(1000 * (100 * 3 + 900 * 0.3 + 20 * 15) / 1e6)
    (row,) = json.loads(cli("report", "--json").out)["judge_summary"]
    assert row["money"] == money
    assert "money for" in " ".join(cli("report").out.split())


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ({"content": "I think A"}, "parse", "0 times"),
        ({"content": []}, "parse", "0 times"),
        ({"content": [], "stop": "refusal"}, "refused", "the model refuses"),
        ({"content": "A", "stop": "max_tokens"}, "truncated", "answer_tokens"),
    ],
)
def test_anything_else_is_a_failure(
    desk: Any, messages_server: Any, reply: dict[str, Any], kind: str, reason: str
) -> None:
    messages_server.behave = lambda _: (200, messages_server.reply(**reply))
    desk.suite(judges=[{**PAIR, "engine": messages_server.engine()}])
    with pytest.raises(LittleCoverage) as refused:
        desk.run()
    assert f"the judge pw gave no valid verdict at all ({kind}: " in refused.value.sentence()
    assert reason in refused.value.sentence()
    (run,) = all_runs(desk.runs)
    (row,) = rows_of(failures(Results(run)))
    assert (row["failure"], row["n"]) == (kind, 8)


def test_a_model_that_takes_no_begun_answer_ends_a_run_that_thinks_with_that_sentence(
    desk: Any, cli: Command, messages_server: Any
) -> None:
    words = "This model does not support assistant message prefill."
    messages_server.behave = lambda _: (400, messages_server.refuse(words))
    desk.suite(judges=[{**PAIR, "mode": "think", "engine": messages_server.engine()}])
    answer = cli("run", "s")
    assert answer.code != 0
    assert f"the model takes no begun answer, which mode: think needs ({words})" in " ".join(
        (answer.out + answer.err).split()
    )
