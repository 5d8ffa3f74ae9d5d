"""Runs from before levels were read worst first: what rose is read on, what fell is refused."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from evalhub.analysis import Results, leaderboard, ratings, rows_of
from evalhub.errors import StorageError

from .conftest import MANIFEST, RATE

Write = Callable[..., Results]
RISING = {"1": "rude", "2": "cold", "3": "kind"}
FALLING = dict(reversed(RISING.items()))


def rubrics(scale: Any) -> dict[str, Any]:
    rubrics = deepcopy(MANIFEST["rubrics"])
    rubrics["pt"]["scale"] = scale
    return {"rubrics": rubrics}


def cards(levels: Any, **more: Any) -> dict[str, Any]:
    cards = deepcopy(MANIFEST["cards"])
    cards["d"]["criteria"]["quality"] = {"kind": "pointwise", "levels": levels}
    return {"cards": {"d": cards["d"] | more}}


def rated(hand: Any) -> list[Any]:
    return [hand.item("i"), hand.response("i", "k"), hand.response("i", "m"),
            hand.rated("i", "k", 3), hand.rated("i", "m", 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (rubrics(FALLING), "rate: quality (3, 2, 1)"),
        (rubrics({"quality": {"2": "off", "0.5": "on"}}), "rate: quality (2, 0.5)"),
        (cards({"9": "wrong", "4": "right"}), "d: quality (9, 4)"),
    ],
)
def test_falling_levels_of_an_old_run_are_not_turned_round(
    hand: Any, results: Write, changes: dict[str, Any], named: str
) -> None:
    run = results(rated(hand), **changes)
    for table in (leaderboard, ratings):
        with pytest.raises(StorageError, match="older than the rule that levels are listed worst first") as e:
            table(run)
        assert e.value.value == named
        assert e.value.exit_code == 4


@pytest.mark.parametrize("changes", [rubrics(RISING), cards({"no": "wrong", "yes": "right"}), {}])
def test_rising_levels_of_an_old_run_are_read_on(hand: Any, results: Write, changes: dict[str, Any]) -> None:
    ranks = {
        row["system"]: row["rank"]
        for row in rows_of(leaderboard(results(rated(hand), **changes)))
        if row["measure"] == "mean score"
    }
    assert ranks == {"k": 1, "m": 2}


def test_falling_levels_of_a_run_that_knows_the_rule(hand: Any, results: Write) -> None:
    changes = rubrics(FALLING) | cards({"3": "rude", "1": "kind"}, metrics={})
    rows = rows_of(leaderboard(results(rated(hand), **changes)))
    assert {row["system"]: row["rank"] for row in rows if row["measure"] == "mean score"} == {"k": 2, "m": 1}


def test_a_new_run_knows_the_rule(desk: Any) -> None:
    desk.rubric("rate", RATE.replace("{1: wrong, 2: fair, 3: right}", "{3: wrong, 2: fair, 1: right}"))
    desk.suite(judges=[{"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted", "families": ["b"]}])
    rows = rows_of(leaderboard(Results(desk.run())))
    assert {row["higher_is_better"] for row in rows if row["measure"] == "mean score"} == {False}
