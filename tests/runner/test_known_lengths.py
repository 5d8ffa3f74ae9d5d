"""Responses that are known by their length alone: counted, and said where a metric needs their text."""

from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, missing_scores, rows_of
from evalhub.metrics import METRICS, NO_TEXT

LENGTHS = {"k": (120, 80, 100), "m": (40, 40, 70)}


@pytest.fixture
def lengths(desk: Any) -> Any:
    """Three items without prompts, and of two systems nothing but how long their answers are."""
    items = [{"item_id": f"i{n}"} for n in range(3)]
    responses = [
        {"item_id": f"i{n}", "system": system, "family": "alpha", "text": str(chars)}
        for system, counts in LENGTHS.items()
        for n, chars in enumerate(counts)
    ]
    desk.dataset(
        items=items,
        responses=responses,
        card={
            "items": "SELECT item_id FROM items",
            "responses": "SELECT item_id, system, text::INTEGER AS chars FROM responses",
        },
    )
    return desk


def test_known_lengths_are_ranked(lengths: Any) -> None:
    lengths.suite(judges=[], metrics=["length"])
    rows = rows_of(leaderboard(Results(lengths.run())))
    means = {row["system"]: (row["estimate"], row["n"]) for row in rows if row["measure"] == "chars"}
    assert means == {"k": (100, 3), "m": (50, 3)}


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_metric_of_texts_has_no_value_and_a_reason(lengths: Any, metric: str) -> None:
    lengths.suite(judges=[], metrics=[metric])
    results = Results(lengths.run())
    scores = results.scores()
    absent = scores[scores["metric"] != "chars"]
    assert len(absent)
    assert absent["value"].isna().all()
    assert {(row["reason"], row["n"]) for row in rows_of(missing_scores(results))} == {(NO_TEXT, 6)}


def test_a_text_beside_a_length_is_scored(desk: Any) -> None:
    card = {
        "responses": """SELECT item_id, system, CASE system WHEN 'k' THEN text END AS text,
            CASE system WHEN 'm' THEN 30 END AS chars FROM responses"""
    }
    desk.dataset(items=3, card=card)
    desk.suite(judges=[], metrics=["length", {"length": {"id": "again"}}])
    scores = Results(desk.run()).scores()
    means = scores.groupby(["metric", "system"])["value"].mean().dropna().to_dict()
    assert means == {
        ("chars", "k"): 8, ("chars", "m"): 30, ("words", "k"): 3,
        ("again/chars", "k"): 8, ("again/chars", "m"): 30, ("again/words", "k"): 3,
    }  # fmt: skip


def test_a_run_without_anything_measured_says_so(lengths: Any, cli: Any) -> None:
    lengths.suite(judges=[])
    assert "Nothing is measured" in cli("run", "s").out
