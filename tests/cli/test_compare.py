"""The verbs compare, sensitivity and what plan foresees, as a user types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, pair_verdicts, rows_of
from tests.conftest import PAIR_JUDGE


@pytest.fixture(scope="module")
def run(shared_desk: Any) -> Path:
    """The folder of a run of two judges."""
    with shared_desk() as desk:
        judge = {"model": "toy-judge", "engine": "scripted", "families": ["beta"]}
        pairs, rates = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}}, {"id": "pt", "rubric": "rate"}
        desk.suite(judges=[pairs | judge, rates | judge])
        return Path(desk.run().path)


@pytest.fixture
def on_runs(desk: Any, cli: Any, run: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line, in a folder of its own, on the folder that holds this run."""
    monkeypatch.setenv("EVALHUB_RUNS", str(run.parent))
    return cli


def test_compare(on_runs: Any) -> None:
    output = on_runs("compare")
    assert output.code == 0
    assert "first minus second" in output.out
    rows = json.loads(on_runs("compare", "--json").out)["comparisons"]
    assert {(row["rater"], row["first"], row["second"]) for row in rows} == {
        ("pt", "k", "m"),
        ("pw", "k", "m"),
    }
    kept = json.loads(on_runs("compare", "--json", "--only", "win rate", "--only", "k").out)["comparisons"]
    assert {row["measure"] for row in kept} == {"win rate"}


def test_compare_two_nights(on_runs: Any, run: Path) -> None:
    output = on_runs("compare", run.name, run.name, "--only", "win rate")
    assert output.code == 0
    assert f"{run.name} minus {run.name}" in " ".join(output.out.split())


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("--only", "nobody"), "unknown dataset, rater, measure or system, got 'nobody'"),
        (("--only", "pt", "--only", "win rate"), "no difference has all of these names"),
        (("nowhere",), "unknown run"),
    ],
)
def test_what_is_not_there(on_runs: Any, names: tuple[str, ...], sentence: str) -> None:
    output = on_runs("compare", *names)
    assert output.code == 2
    assert sentence in output.sentence


def test_sensitivity(on_runs: Any) -> None:
    output = on_runs("sensitivity")
    assert output.code == 0
    assert "swapped" in output.out
    rows = json.loads(on_runs("sensitivity", "--json").out)
    assert {row["dataset"] for row in rows} == {"tiny"}


def test_plan_says_what_can_be_seen(desk: Any, cli: Any) -> None:
    desk.dataset(items=100)
    output = cli("plan", "s")
    assert "100 or more independent items per system: an interval of about ± 0.10" in output.err
    assert "A win rate of 0.64 differs detectably from 0.50 with 80% power" in output.err
    (cell, *_) = json.loads(cli("plan", "s", "--json").out)["tasks"]
    assert cell["power"]["detectable"] == pytest.approx(0.1415, abs=1e-3)


def test_plan_of_two_items_foresees_no_interval(desk: Any, cli: Any) -> None:
    desk.dataset(items=2)
    assert "no interval (fewer than 3 clusters)" in cli("plan", "s").err


def test_a_margin(on_runs: Any, run: Path) -> None:
    same = json.loads(on_runs("compare", run.name, run.name, "--margin", "0.9", "--json").out)["comparisons"]
    assert {row["finding"] for row in same} <= {"non-inferior", "inconclusive"}
    assert "non-inferior" in on_runs("compare", "--margin", "1.9", "--only", "win rate").out
    output = on_runs("compare", "--margin", "-1")
    assert output.code == 2
    assert "a margin is above 0" in output.sentence


def test_raters_need_labels(on_runs: Any) -> None:
    output = on_runs("compare", "--raters")
    assert output.code == 2
    assert "no judged response has a label" in output.sentence


def test_raters_of_pairs_are_compared_raw_and_with_length_held_fixed(desk: Any, cli: Any) -> None:
    labels = [
        {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "p",
         "winner": "ab"[n % 3 == 0]}
        for n in range(60)
    ]  # fmt: skip
    responses = [
        {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": "word " * (1 + (n * step) % 7)}
        for n in range(60)
        for system, step in (("k", 3), ("m", 5))
    ]
    desk.dataset(items=60, labels=labels, responses=responses)
    judges = [{**PAIR_JUDGE, "id": name, "model": name} for name in ("one", "two")]
    desk.suite(judges=judges)
    results = Results(desk.run())
    data = json.loads(cli("compare", "--raters", "--json").out)
    (raw_row,) = (
        row for row in data["accuracy_differences"] if (row["first"], row["second"]) == ("one", "longer")
    )
    (balanced_row,) = (
        row
        for row in data["length_balanced_differences"]
        if (row["first"], row["second"]) == ("one", "longer")
    )
    # Both by hand, from the verdicts and the lengths.
    differences: dict[bool, list[float]] = {True: [], False: []}
    for row in rows_of(pair_verdicts(results)):
        if row["judge"] != "one" or row["winner"] is None:
            continue
        label = "ab"[int(row["item_id"][1:]) % 3 == 0]
        right = float(row["winner"] == label)
        if row["chars_a"] == row["chars_b"]:
            continue
        longer_is_right = ("a" if row["chars_a"] > row["chars_b"] else "b") == label
        differences[longer_is_right].append(right - longer_is_right)
    means = [sum(values) / len(values) for values in differences.values()]
    assert balanced_row["estimate"] == pytest.approx(sum(means) / 2)
    assert balanced_row["n"] == sum(map(len, differences.values()))
    assert raw_row["n"] >= balanced_row["n"]
    assert not any("coin" in (row["first"], row["second"]) for row in data["length_balanced_differences"])
    page = cli("compare", "--raters").out
    assert "Agreement with the labels of pairs, first minus second" in page
    assert "The same with length held fixed" in page
