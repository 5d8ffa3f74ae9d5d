"""What changed between two nights, step by step, and what that can explain."""

import json
from typing import Any

from evalhub.analysis import step_changes
from evalhub.store import Run

JUDGE = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}


def night(desk: Any, *, items: int = 4, metrics: Any = ("length",), **judge: Any) -> Run:
    desk.dataset(items=items)
    desk.suite(judges=[JUDGE | judge], metrics=list(metrics))
    run: Run = desk.run()
    return run


def changes(after: Run, before: Run) -> list[tuple[str, str, str]]:
    return [(change.step, change.source, change.change) for change in step_changes(after, before)]


def test_a_night_of_the_same_suite_has_no_change(desk: Any, cli: Any) -> None:
    before = night(desk)
    desk.suite(title="again", judges=[JUDGE], metrics=["length"])
    after = desk.run()
    assert after.id != before.id
    assert changes(after, before) == []
    output = cli("compare", after.id, before.id, "--manifest", "--runs", str(desk.runs))
    assert "were made in the same way from the same data" in output.out


def test_a_judge_that_changed_explains_its_numbers(desk: Any) -> None:
    before = night(desk)
    after = night(desk, model="j2", seed=3)
    ((step, source, change),) = changes(after, before)
    assert (step, source) == ("judge", "pt")
    assert "model j -> j2" in change
    assert "seed 0 -> 3" in change
    assert step_changes(after, before)[0].explains == "the numbers by pt on tiny"


def test_new_data_explains_all_and_its_readers_only_read_it(desk: Any) -> None:
    before = night(desk)
    after = night(desk, items=5)
    assert [(step, source) for step, source, _ in changes(after, before)] == [
        ("dataset", "tiny"), ("judge", "pt"), ("metric", "length"),
    ]  # fmt: skip
    assert {change for step, _, change in changes(after, before) if step != "dataset"} == {
        "only what it reads"
    }


def test_added_and_removed_steps(desk: Any, cli: Any) -> None:
    before = night(desk)
    after = night(desk, metrics=("rouge",))
    assert {(source, change) for _, source, change in changes(after, before)} == {
        ("length", "removed"), ("rouge", "added"),
    }  # fmt: skip
    output = cli("compare", after.id, before.id, "--manifest", "--json", "--runs", str(desk.runs))
    rows = json.loads(output.out)
    assert {row["explains"] for row in rows} == {
        "the numbers by length on tiny",
        "the numbers by rouge on tiny",
    }
    alone = cli("compare", after.id, "--manifest", "--runs", str(desk.runs))
    assert alone.code == 2
    assert "name both" in alone.sentence
