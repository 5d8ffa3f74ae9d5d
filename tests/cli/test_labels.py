"""The group labels, as a user types it."""

import json
from typing import Any

import pytest


@pytest.fixture
def done(desk: Any) -> Any:
    desk.dataset(
        items=60,
        labels=[
            {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
             "annotator": "x", "winner": "a" if n % 3 else "b"}
            for n in range(30)
        ],
    )  # fmt: skip
    desk.suite(judges=[{"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, "model": "toy-judge",
                        "engine": "scripted", "families": ["beta"]}])  # fmt: skip
    desk.run()
    return desk


def test_queue(done: Any) -> None:
    said = done.command("labels", "queue", "--judge", "pw", "--n", "10", "--out", "queue.jsonl")
    assert (said.code, "10 to label" in said.err) == (0, True)
    rows = [json.loads(line) for line in (done.folder / "queue.jsonl").read_text().splitlines()]
    assert len({row["item_id"] for row in rows}) == 10
    assert all(int(row["item_id"][1:]) >= 30 for row in rows)
    assert set(rows[0]) == {
        "dataset", "item_id", "system_a", "system_b", "sample", "criterion", "probability", "uniform",
    }  # fmt: skip
    again = done.command("labels", "queue", "--judge", "pw", "--n", "10", "--out", "queue.jsonl")
    assert again.code == 2
    assert "the file exists already" in again.sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--judge", "nobody", "--n", "10"), "there is no judge of that name, got 'nobody'"),
        (("--judge", "pw", "--n", "1"), "too few for each of 30 items"),
        (("--judge", "pw", "--n", "10", "--dataset", "none"), "there is no dataset of that name"),
    ],
)
def test_bad_wishes(done: Any, options: tuple[str, ...], sentence: str) -> None:
    said = done.command("labels", "queue", *options, "--out", "queue.jsonl")
    assert said.code == 2
    assert sentence in said.sentence
    assert not (done.folder / "queue.jsonl").exists()


def test_needed_and_the_leaderboard(done: Any) -> None:
    rows = json.loads(done.command("labels", "needed", "--width", "0.4", "--json").out)
    assert {row["system"] for row in rows} == {"k", "m"}
    assert all(row["labelled"] == 30 and row["rows"] == 60 for row in rows)
    needed = done.command("labels", "needed", "--width", "0.4").out
    assert "Labels for an interval 0.4 wide" in needed
    assert "30 of 60" in needed
    assert max(map(len, needed.splitlines())) <= 100
    tables = json.loads(done.command("leaderboard", "--json").out)
    assert {"leaderboard", "ranks", "strengths", "powered", "worst_cases"} <= set(tables)
    assert {row["system"] for row in tables["powered"] if row["system"]} == {"k", "m"}
    said = done.command("leaderboard")
    assert said.code == 0
    assert "People and judge together" in said.out
    assert "30 of 60" in said.out


def test_needed_without_labels(desk: Any) -> None:
    desk.run()
    said = desk.command("labels", "needed", "--width", "0.2")
    assert said.code == 2
    assert "there is no pilot" in said.sentence
