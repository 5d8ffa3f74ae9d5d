"""Judges side by side: gathered numbers are those of the tables that say them, and what only meta shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    agreement,
    by_language,
    calibration,
    contamination,
    cost,
    meta,
    reliability,
    retest,
    rows_of,
)
from evalhub.analysis.meta import STATISTICS
from evalhub.records import Completion, Item, Judgment, Record, Source

Write = Callable[..., Results]


def many(hand: Any, count: int = 60, **item: Any) -> list[Record]:
    """Pairs that people decided, on which the judge says 0.8 and is right in three of four."""
    records: list[Record] = []
    for number in range(count):
        name, truth = f"i{number}", "a" if number % 2 else "b"
        right = number % 8 not in (3, 4)
        p = 0.8 if (truth == "a") == right else 0.2
        records += [
            replace(hand.item(name), **item),
            hand.response(name, "k", 10 + number),
            hand.response(name, "m", 40),
            hand.won(name, truth),
            hand.asked(name, "ab", p),
            hand.asked(name, "ba", p),
        ]
    return records


def test_numbers_are_those_of_their_own_tables(hand: Any, results: Write) -> None:
    run = results(many(hand))
    rows = rows_of(meta([run]))
    table = rows_of(agreement(run))
    for rater in ("pw", "always-first", "coin", "longer"):
        for statistic in ("accuracy", "kappa"):
            (here,) = [r for r in rows if (r["rater"], r["statistic"]) == (rater, statistic)]
            (there,) = [
                r for r in table
                if (r["rater"], r["statistic"]) == (rater, statistic)
                and (r["against"], r["reading"]) == ("labels", "combined")
            ]  # fmt: skip
            assert {k: here[k] for k in ("estimate", "low", "high", "n")} == {
                k: there[k] for k in ("estimate", "low", "high", "n")
            }
    said = {row["statistic"] for row in rows if row["rater"] == "pw"}
    assert {"accuracy", "flip rate", "first position", "longer wins", "Brier", "coverage"} <= said
    assert said <= set(STATISTICS)
    assert {row["run"] for row in rows} == {run.run.id}


def test_recorded_judges_stand_in_the_same_table(hand: Any, results: Write) -> None:
    theirs = [
        replace(hand.asked(f"i{n}", "ab", 0.9, judge="them"), source=Source.RECORDED) for n in range(60)
    ]
    rows = rows_of(meta([results([*many(hand), *theirs])]))
    kinds = {row["rater"]: row["kind"] for row in rows}
    assert kinds == {
        "pw": "judge", "them": "recorded judge", "always-first": "trivial", "coin": "trivial",
        "longer": "trivial",
    }  # fmt: skip
    (accuracy,) = [r for r in rows if (r["rater"], r["statistic"]) == ("them", "accuracy")]
    assert accuracy["estimate"] == 0.5


def test_recalibration_mends_what_is_overconfident(hand: Any, results: Write) -> None:
    high, low = {"a": -0.01, "b": -4.6}, {"a": -4.6, "b": -0.01}
    sure = [
        replace(one, logprobs=high if one.logprobs["a"] > -1 else low) if isinstance(one, Judgment) else one
        for one in many(hand, 200)
    ]
    run = results(sure)
    found = {row["statistic"]: row for row in rows_of(calibration(run))}
    raw, after = found["Brier"], found["Brier (recalibrated)"]
    # three of four right at .99: a Brier score near .25; knowing the three of four makes it .1875
    assert raw["estimate"] == pytest.approx(0.245, abs=0.005)
    assert after["estimate"] == pytest.approx(0.1875, abs=0.01)
    assert raw["low"] < raw["estimate"] < raw["high"]
    curve = rows_of(reliability(run))
    assert sum(row["n"] for row in curve) == 200
    assert all(row["confidence"] == pytest.approx(0.99, abs=0.01) for row in curve)


def test_too_few_verdicts_are_not_recalibrated(hand: Any, results: Write) -> None:
    found = {row["statistic"]: row for row in rows_of(calibration(results(many(hand, 8))))}
    assert found["Brier"]["estimate"] == pytest.approx((6 * 0.04 + 2 * 0.64) / 8)
    assert found["Brier (recalibrated)"]["estimate"] is None
    assert "fewer than 20" in found["Brier (recalibrated)"]["reason"]


def test_retest_is_the_chance_that_two_samples_agree(hand: Any, results: Write) -> None:
    records: list[Record] = [hand.item("i")]
    for repeat, p in enumerate((0.9, 0.8, 0.3)):
        records += [replace(hand.asked("i", shown, p), repeat=repeat) for shown in ("ab", "ba")]
    (row,) = rows_of(retest(results(records)))
    assert row["estimate"] == pytest.approx(1 / 3)
    (row,) = rows_of(retest(results([hand.item("i"), hand.asked("i", "ab", 0.9)])))
    assert (row["estimate"], row["reason"]) == (None, "the judge has one sample")


def test_languages_stand_apart(hand: Any, results: Write) -> None:
    records = many(hand)
    halves = [
        replace(one, lang="de" if int(one.item_id[1:]) % 8 in (3, 4) else "en")
        if isinstance(one, Item)
        else one
        for one in records
    ]
    found = {(r["lang"], r["statistic"]): r["estimate"] for r in rows_of(by_language(results(halves)))}
    assert found["de", "accuracy"] == 0
    assert found["en", "accuracy"] == 1
    assert found["de", "flip rate"] == found["en", "failure rate"] == 0
    assert rows_of(by_language(results(records))) == []


@pytest.mark.parametrize(
    ("released", "cutoff", "flag"),
    [
        ("2023-10", "2024-09", "may have been seen"),
        ("2025-01", "2024-09", "released later"),
        ("2023-10", None, "unknown"),
        (None, "2024-09", "unknown"),
    ],
)
def test_what_may_have_been_seen(
    hand: Any, results: Write, released: str | None, cutoff: str | None, flag: str
) -> None:
    models = {"pw": {"cutoff": cutoff}}
    run = results(
        [replace(hand.item("i"), turns=("x " * 20,))],
        cards={"d": {"id": "d", "criteria": {}, "released": released}},
        resolved={"suite": {"controls": {"length_penalty": 0}}, "models": models},
    )
    (row,) = rows_of(contamination(run))
    assert (row["flag"], row["overlap"], row["items"]) == (flag, 0, 1)


def test_tokens_are_shared_by_the_judgments_that_rest_on_them(hand: Any, results: Write) -> None:
    def done(key: str, prompt: int) -> Completion:
        return Completion(key, "m", "[]", prompt_tokens=prompt, cached_tokens=1, completion_tokens=2)

    records: list[Record] = [done("shared", 10), done("one", 20), done("two", 40)]
    for number, own in enumerate(("one", "two")):
        asked = replace(hand.asked("i", "ab", 0.9), repeat=number, completions=("shared", own))
        records.append(asked)
    engines = [{"model": "m", "seconds_busy": 4.0}]
    run = results([hand.item("i"), *records], engines=engines)
    found = {row["statistic"]: row["estimate"] for row in rows_of(cost(run))}
    assert found == {
        "prompt tokens a judgment": 35, "cached tokens a judgment": 1.5, "generated tokens a judgment": 3,
        "judgments a second": 0.5,
    }  # fmt: skip
