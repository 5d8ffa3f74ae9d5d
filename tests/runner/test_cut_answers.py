"""Answers that end at the token limit: counted for each candidate, judged, and said."""

import json
from typing import Any

import pytest

from evalhub.analysis import Results, answers, coverage, rows_of

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
        assert f"• {sentence}" in out
        assert "terse:" not in out
    assert "Answers that are empty or cut, scored and judged as they are" in said.out
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
