"""Money beside tokens and seconds, and the reason where it is unknown."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import Results, cascades, cost, judge_summary, rows_of
from evalhub.records import Completion, FailureKind, Record
from evalhub.report.format import Footnotes
from evalhub.report.grids.cascades import cascade_grids
from evalhub.report.grids.meta import cost_grids
from evalhub.report.grids.overview import judge_grids

Write = Callable[..., Results]

PRICE = {"prompt": 1000.0, "completion": 5000.0, "cached": 100.0}
MONEY = "money for 1,000 judgments"
MODELS = {"pw": {"model": "m"}, "free": {"model": "n"}}
CASCADE = {"id": "c", "stages": ["pw"], "agreement": 0.8, "confidence": 0.9, "criterion": None}
NO_PRICE = "no price of its tokens is known: the suite gives {} no `price`"


def suite(*priced: str, stages: tuple[str, ...] = ("pw",)) -> dict[str, Any]:
    judges = [
        {"id": name, "model": "m", "rubric": "pair", "pairs": {"by": "all"}, "price": price}
        for name, price in {"pw": PRICE, "free": None}.items()
        if name in priced or price is None
    ]
    return {
        "suite": {
            "controls": {"length_penalty": 0},
            "judges": judges,
            "cascades": [{**CASCADE, "stages": stages}],
        },
        "models": MODELS,
    }


def judged(hand: Any, *judges: str, items: int = 120, **completion: Any) -> list[Record]:
    records: list[Record] = []
    for number in range(items):
        item = f"i{number:03}"
        records += [hand.item(item), hand.won(item, "a")]
        for judge in judges:
            for shown in ("ab", "ba"):
                key = f"{judge}{item}{shown}"
                tokens = {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 1, **completion}
                records.append(replace(hand.asked(item, shown, 0.9), judge=judge, completions=(key,)))
                records.append(Completion(key, MODELS[judge]["model"], "[]", **tokens))
    return records


def money(run: Any) -> dict[str, dict[str, Any]]:
    return {row["judge"]: row for row in rows_of(cost(run)) if row["statistic"] == MONEY}


ONE = (6 * 1000 + 4 * 100 + 5000) / 1e6
"""The price of one judgment."""


def test_the_price_of_a_judgment_counts_what_was_cached(hand: Any, results: Write) -> None:
    run = results(judged(hand, "pw", "free"), resolved=suite("pw"))
    rows = money(run)
    assert rows["pw"]["estimate"] == pytest.approx(1000 * ONE)
    assert (rows["pw"]["n"], rows["pw"]["n_excluded"]) == (240, 0)
    assert (rows["free"]["estimate"], rows["free"]["reason"]) == (None, NO_PRICE.format("free"))


def test_a_server_that_counts_no_tokens_has_no_money(hand: Any, results: Write) -> None:
    """The silent alternative is a judge that costs nothing."""
    for missing in ({"prompt_tokens": None}, {"completion_tokens": None}):
        run = results(judged(hand, "pw", **missing), resolved=suite("pw"))
        row = money(run)["pw"]
        assert (row["estimate"], row["reason"]) == (None, "the server gives no numbers of tokens")
        assert row["n_excluded"] == 240
        stage = rows_of(cascades(run))[0]
        assert (stage["money"], stage["money_reason"]) == (None, "the server gives no numbers of tokens")


def test_a_judgment_without_numbers_is_left_out_and_counted(hand: Any, results: Write) -> None:
    records = judged(hand, "pw", items=10)
    first = next(place for place, record in enumerate(records) if isinstance(record, Completion))
    records[first] = replace(records[first], prompt_tokens=None)
    row = money(results(records, resolved=suite("pw")))["pw"]
    assert row["estimate"] == pytest.approx(1000 * ONE)
    assert (row["n"], row["n_excluded"]) == (19, 1)


def test_a_failed_answer_without_tokens_costs_nothing_beside_others(hand: Any, results: Write) -> None:
    records = judged(hand, "pw", items=1)
    places = [place for place, record in enumerate(records) if isinstance(record, Completion)]
    failed = Completion(
        "busy", "m", "[]", failure=FailureKind.ENGINE, prompt_tokens=None, completion_tokens=None
    )
    judgment = records[places[0] - 1]
    records[places[0] - 1] = replace(judgment, completions=(*judgment.completions, "busy"))
    row = money(results([*records, failed], resolved=suite("pw")))["pw"]
    assert row["estimate"] == pytest.approx(1000 * ONE)
    assert row["n"] == 2


def test_stages_and_judges_show_their_money(hand: Any, results: Write) -> None:
    run = results(judged(hand, "pw"), resolved=suite("pw"))
    stage, agreement, people = rows_of(cascades(run))
    assert stage["money"] == pytest.approx(2 * ONE * stage["asked"] / stage["decided"])
    assert agreement["money"] == stage["money"]
    assert people["money"] is None
    data = {
        "cascades": [stage, agreement, people],
        "cost": [{**row, "run": "r-1"} for row in rows_of(cost(run))],
    }
    (grid,) = cascade_grids(data, Footnotes())
    assert grid.head[-1].startswith("money for\n1,000")
    assert grid.rows[0][-1] == f"{1000 * stage['money']:.2f}"
    (grid,) = cost_grids(data, Footnotes())
    assert any(MONEY in head for head in grid.head)
    (row,) = rows_of(judge_summary(run))
    assert row["money"] == pytest.approx(1000 * ONE)
    assert row["money_reason"] is None
    (grid,) = judge_grids({"judge_summary": [row]}, Footnotes())
    assert (grid.head[-1], grid.rows[0][-1]) == ("money for\n1,000", f"{1000 * ONE:.2f}")


def test_a_total_needs_the_price_of_every_stage(hand: Any, results: Write) -> None:
    run = results(judged(hand, "pw", "free"), resolved=suite("pw", stages=("pw", "free")))
    stages = {row["stage"]: row for row in rows_of(cascades(run)) if row["statistic"] == "share"}
    assert stages["pw"]["money"] is not None
    reason = NO_PRICE.format("free")
    for name in ("free", "all judges"):
        assert (stages[name]["money"], stages[name]["money_reason"]) == (None, reason)
    notes = Footnotes()
    (grid,) = cascade_grids({"cascades": rows_of(cascades(run))}, notes)
    assert grid.rows[1][-1].startswith("–")


def test_without_any_price_no_column_of_money_is_shown(hand: Any, results: Write) -> None:
    run = results(judged(hand, "free"), resolved=suite(stages=("free",)))
    assert money(run)["free"]["reason"] == NO_PRICE.format("free")
    rows = rows_of(cascades(run))
    assert rows[0]["money_reason"] == NO_PRICE.format("free")
    data = {
        "cascades": rows,
        "cost": [{**row, "run": "r-1"} for row in rows_of(cost(run))],
        "judge_summary": rows_of(judge_summary(run)),
    }
    for grids in (cascade_grids, cost_grids, judge_grids):
        for grid in grids(data, Footnotes()):
            assert not [head for head in grid.head if "money" in head]
