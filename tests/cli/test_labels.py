"""The group labels, as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def runs(shared_desk: Any) -> Path:
    """A folder with one run, of which half of the pairs are labelled."""
    with shared_desk() as desk:
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
        return Path(desk.runs)


@pytest.fixture
def on_runs(desk: Any, cli: Any, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line, in a folder of its own, on these runs."""
    monkeypatch.setenv("EVALHUB_RUNS", str(runs))
    return cli


def test_queue(desk: Any, on_runs: Any) -> None:
    output = on_runs("labels", "queue", "--judge", "pw", "--n", "10", "--out", "queue.jsonl")
    assert (output.code, "10 to label" in output.err) == (0, True)
    rows = [json.loads(line) for line in (desk.folder / "queue.jsonl").read_text().splitlines()]
    assert len({row["item_id"] for row in rows}) == 10
    assert all(int(row["item_id"][1:]) >= 30 for row in rows)
    assert set(rows[0]) == {
        "dataset", "item_id", "system_a", "system_b", "sample", "criterion", "probability", "uniform",
        "prompt", "context", "response_a", "response_b",
    }  # fmt: skip
    again = on_runs("labels", "queue", "--judge", "pw", "--n", "10", "--out", "queue.jsonl")
    assert again.code == 2
    assert "the file exists already" in again.sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--judge", "nobody", "--n", "10"), "unknown judge, got 'nobody'"),
        (("--judge", "pw", "--n", "1"), "too few for each of 30 items"),
        (("--judge", "pw", "--n", "10", "--dataset", "none"), "unknown dataset"),
    ],
)
def test_bad_wishes(desk: Any, on_runs: Any, options: tuple[str, ...], sentence: str) -> None:
    output = on_runs("labels", "queue", *options, "--out", "queue.jsonl")
    assert output.code == 2
    assert sentence in output.sentence
    assert not (desk.folder / "queue.jsonl").exists()


def test_needed_and_the_leaderboard(on_runs: Any) -> None:
    rows = json.loads(on_runs("labels", "needed", "--width", "0.4", "--json").out)
    assert {row["system"] for row in rows} == {"k", "m"}
    assert all(row["labelled"] == 30 and row["rows"] == 60 for row in rows)
    needed = on_runs("labels", "needed", "--width", "0.4").out
    assert "the interval is 0.4 wide" in needed
    assert "30 of 60" in needed
    assert max(map(len, needed.splitlines())) <= 100
    tables = json.loads(on_runs("leaderboard", "--json").out)
    assert {"leaderboard", "ranks", "bradley_terry", "prediction_powered", "worst_case_bounds"} <= set(tables)
    assert {row["system"] for row in tables["prediction_powered"] if row["system"]} == {"k", "m"}
    output = on_runs("leaderboard")
    assert output.code == 0
    assert "People and judge together" in output.out
    assert "30 of 60" in output.out


def test_needed_without_labels(desk: Any, cli: Any) -> None:
    desk.run()
    output = cli("labels", "needed", "--width", "0.2")
    assert output.code == 2
    assert "there is no pilot" in output.sentence
