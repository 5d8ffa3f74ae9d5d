"""The verbs compare, sensitivity and what plan foresees, as a user types them."""

import json
from typing import Any

import pytest


@pytest.fixture
def done(desk: Any) -> Any:
    judge = {"model": "toy-judge", "engine": "scripted", "families": ["beta"]}
    pairs, rates = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}}, {"id": "pt", "rubric": "rate"}
    desk.suite(judges=[pairs | judge, rates | judge])
    desk.run()
    return desk


def test_compare(done: Any) -> None:
    said = done.command("compare")
    assert said.code == 0
    assert "first minus second" in said.out
    rows = json.loads(done.command("compare", "--json").out)
    assert {(row["rater"], row["first"], row["second"]) for row in rows} == {
        ("pt", "k", "m"),
        ("pw", "k", "m"),
    }
    kept = json.loads(done.command("compare", "--json", "--only", "win rate", "--only", "k").out)
    assert {row["measure"] for row in kept} == {"win rate"}


def test_compare_two_nights(done: Any) -> None:
    (run,) = [path.name for path in done.runs.iterdir() if path.is_dir()]
    said = done.command("compare", run, run, "--only", "win rate")
    assert said.code == 0
    assert f"{run} minus {run}" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("--only", "nobody"), "there is no dataset, rater, measure or system of that name, got 'nobody'"),
        (("--only", "pt", "--only", "win rate"), "no difference has all of these names"),
        (("nowhere",), "there is no run of that name"),
    ],
)
def test_what_is_not_there(done: Any, names: tuple[str, ...], sentence: str) -> None:
    said = done.command("compare", *names)
    assert said.code == 2
    assert sentence in said.sentence


def test_sensitivity(done: Any) -> None:
    said = done.command("sensitivity")
    assert said.code == 0
    assert "swapped" in said.out
    rows = json.loads(done.command("sensitivity", "--json").out)
    assert {row["dataset"] for row in rows} == {"tiny"}


def test_plan_says_what_can_be_seen(desk: Any) -> None:
    desk.dataset(items=100)
    said = desk.command("plan", "s")
    assert "100 or more independent items per system: an interval of about ± 0.10" in said.err
    assert "a win rate of 0.64 is told from .50 with 80% power" in said.err
    (cell, *_) = json.loads(desk.command("plan", "s", "--json").out)["cells"]
    assert cell["power"]["detectable"] == pytest.approx(0.1415, abs=1e-3)


def test_plan_of_two_items_foresees_no_interval(desk: Any) -> None:
    desk.dataset(items=2)
    assert "no interval (fewer than 3 clusters)" in desk.command("plan", "s").err


def test_a_margin(done: Any) -> None:
    (run,) = [path.name for path in done.runs.iterdir() if path.is_dir()]
    same = json.loads(done.command("compare", run, run, "--margin", "0.9", "--json").out)
    assert {row["finding"] for row in same} <= {"non-inferior", "inconclusive"}
    assert "non-inferior" in done.command("compare", "--margin", "1.9", "--only", "win rate").out
    said = done.command("compare", "--margin", "-1")
    assert said.code == 2
    assert "a margin is above 0" in said.sentence


def test_raters_need_labels(done: Any) -> None:
    said = done.command("compare", "--raters")
    assert said.code == 2
    assert "no rated response has a label" in said.sentence
