"""Means under a tag are the leaderboard's, and changes by item are differences of verdicts."""

from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    count_changes,
    leaderboard,
    pair_verdicts,
    rows_of,
    run_changes,
    system_changes,
    tag_means,
)
from evalhub.store import manifest_changes

JUDGE = {"model": "j", "families": ["beta"], "engine": "scripted"}
TAGS = "SELECT item_id, prompt, [if(item_id < 'i006', 'early', 'late')] AS tags FROM items"


@pytest.fixture(scope="module")
def runs(shared_desk: Any) -> Any:
    """A run of three systems, and a later one with another rubric's mode."""
    with shared_desk() as desk:
        desk.dataset(items=12, systems=("k", "m", "n"), card={"items": TAGS})
        pairs = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGE}
        rates = {"id": "pt", "rubric": "rate", **JUDGE}
        desk.suite(judges=[pairs, rates])
        first = Results(desk.run())
        desk.suite(judges=[{**pairs, "mode": "explain"}, rates])
        yield first, Results(desk.run())


@pytest.mark.parametrize("judge", ["pw", "pt"])
def test_means_under_a_tag_are_those_of_the_leaderboard(runs: Any, judge: str) -> None:
    results = runs[0]
    criterion = "overall" if judge == "pw" else "quality"
    part = leaderboard(results.where("list_contains(tags, 'early')"))
    part = part[part["measure"].isin(["win rate", "mean score"]) & (part["rater"] == judge)]
    names = ("estimate", "low", "high", "n", "clusters")
    expected = {row["system"]: [row[name] for name in names] for row in rows_of(part)}
    means = {
        row["system"]: [row[name] for name in names]
        for row in rows_of(tag_means(results, "tiny", judge, criterion, "early"))
    }
    assert set(means) == {"k", "m", "n"}
    for system, numbers in expected.items():
        assert means[system] == pytest.approx(numbers, abs=1e-12)


def test_a_tag_that_no_item_has_has_no_means(runs: Any) -> None:
    assert tag_means(runs[0], "tiny", "pw", "overall", "' OR 1=1 --").empty


def test_two_systems_differ_by_their_verdicts(runs: Any) -> None:
    results = runs[0]
    verdicts = pair_verdicts(results)
    verdicts = verdicts[(verdicts["system_a"] == "k") & (verdicts["system_b"] == "m")]
    outcomes = {"a": 1.0, "tie": 0.0, "b": -1.0}
    expected = {row["item_id"]: outcomes[row["winner"]] for row in rows_of(verdicts)}
    changes = rows_of(system_changes(results, "tiny", "pw", "overall", "k", "m"))
    assert {row["item_id"]: row["difference"] for row in changes} == expected
    sizes = [abs(row["difference"]) for row in changes]
    assert sizes == sorted(sizes, reverse=True)
    counts = count_changes(system_changes(results, "tiny", "pw", "overall", "k", "m"))
    assert counts.better == sum(value > 0 for value in expected.values())
    assert counts.worse == sum(value < 0 for value in expected.values())
    assert sum(counts) == len(expected)
    turned = rows_of(system_changes(results, "tiny", "pw", "overall", "m", "k"))
    assert {row["item_id"]: -row["difference"] for row in turned} == expected


def test_a_system_changes_between_runs_by_its_mean_outcome(runs: Any) -> None:
    first, second = runs
    changes = rows_of(run_changes(second, first, "tiny", "pt", "quality", "k"))
    assert {row["difference"] for row in changes} == {0.0}
    assert len(changes) == 12
    moved = rows_of(run_changes(second, first, "tiny", "pw", "overall", "k"))
    assert all(row["difference"] == row["first"] - row["second"] for row in moved)


def test_settings_that_differ_are_named(runs: Any) -> None:
    first, second = (results.manifest for results in runs)
    assert manifest_changes(first, first) == []
    changes = {change.field: (change.before, change.after) for change in manifest_changes(first, second)}
    assert changes["judges.pw.mode"] == ("direct", "explain")
    assert all(before != after for before, after in changes.values())


def test_a_new_system_moves_no_other_system(shared_desk: Any) -> None:
    with shared_desk() as desk:
        suite = {"judges": [{"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGE}]}
        desk.dataset(items=8, systems=("k", "m"))
        desk.suite(**suite)
        before = Results(desk.run())
        desk.dataset(items=8, systems=("k", "m", "n"))
        after = Results(desk.run())
        changes = rows_of(run_changes(after, before, "tiny", "pw", "overall", "k"))
        assert {row["difference"] for row in changes} == {0.0}
        items = [{"item_id": f"i{n:03}", "prompt": f"Another question {n}"} for n in range(8)]
        desk.dataset(items=items, systems=("k", "m"))
        changed = Results(desk.run())
        assert run_changes(changed, before, "tiny", "pw", "overall", "k").empty


def test_a_long_setting_is_shown_where_it_differs(runs: Any) -> None:
    first = runs[0].manifest
    rubric = dict(first.rubrics["pw"])
    rubric["user"] = rubric["user"].rstrip() + " " * 300 + "the end"
    second = first.model_copy(update={"rubrics": {**first.rubrics, "pw": rubric}})
    (change,) = manifest_changes(first, second)
    assert change.field == "rubrics.pw.user"
    assert change.before != change.after
