"""Judges side by side: gathered numbers are those of the tables that say them, and what only meta shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    agreement,
    biases,
    by_language,
    calibration,
    contamination,
    cost,
    coverage_by_criterion,
    meta,
    pair_verdicts,
    reliability,
    retest,
    rows_of,
)
from evalhub.analysis.agreement.meta import STATISTICS
from evalhub.records import AnnotatorKind, Completion, FailureKind, Item, Judgment, Label, Record, Source

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
            (meta_row,) = [r for r in rows if (r["rater"], r["statistic"]) == (rater, statistic)]
            (agreement_row,) = [
                r for r in table
                if (r["rater"], r["statistic"]) == (rater, statistic)
                and (r["reference_rater"], r["reading"]) == ("labels", "combined")
            ]  # fmt: skip
            assert {k: meta_row[k] for k in ("estimate", "low", "high", "n")} == {
                k: agreement_row[k] for k in ("estimate", "low", "high", "n")
            }
    statistics = {row["statistic"] for row in rows if row["rater"] == "pw"}
    assert {"accuracy", "flip rate", "first position", "longer wins", "Brier", "coverage"} <= statistics
    assert statistics <= set(STATISTICS)
    assert {row["run"] for row in rows} == {run.run.id}


def test_a_run_of_ratings_alone_has_its_table(hand: Any, results: Write) -> None:
    levels = {"k": 1, "m": 2, "n": 3}
    records: list[Record] = []
    for item in ("i1", "i2", "i3"):
        records.append(hand.item(item))
        for system, level in levels.items():
            records += [hand.response(item, system), hand.rated(item, system, level)]
            records.append(hand.label(item, system, level))
    rows = rows_of(meta([results(records)]))
    estimates = {row["statistic"]: row["estimate"] for row in rows if row["rater"] == "pt"}
    pooled = ("spearman, pooled", "spearman of expected scores, pooled")
    assert [estimates[name] for name in (*pooled, "coverage")] == [1, 1, 1]


def test_recorded_judges_stand_in_the_same_table(hand: Any, results: Write) -> None:
    recorded = [
        replace(hand.asked(f"i{n}", "ab", 0.9, judge="them"), source=Source.RECORDED) for n in range(60)
    ]
    rows = rows_of(meta([results([*many(hand), *recorded])]))
    kinds = {row["rater"]: row["rater_kind"] for row in rows}
    assert kinds == {
        "pw": "judge", "them": "recorded judge", "always-first": "baseline", "coin": "baseline",
        "longer": "baseline",
    }  # fmt: skip
    (accuracy,) = [r for r in rows if (r["rater"], r["statistic"]) == ("them", "accuracy")]
    assert accuracy["estimate"] == 0.5


def test_recalibration_mends_what_is_overconfident(hand: Any, results: Write) -> None:
    high, low = {"a": -0.01, "b": -4.6}, {"a": -4.6, "b": -0.01}
    sure = [
        replace(record, logprobs=high if record.logprobs["a"] > -1 else low)
        if isinstance(record, Judgment)
        else record
        for record in many(hand, 200)
    ]
    run = results(sure)
    by_statistic = {row["statistic"]: row for row in rows_of(calibration(run))}
    raw, after = by_statistic["Brier"], by_statistic["Brier (recalibrated)"]
    # three of four right at .99: a Brier score near .25; knowing the three of four makes it .1875
    assert raw["estimate"] == pytest.approx(0.245, abs=0.005)
    assert after["estimate"] == pytest.approx(0.1875, abs=0.01)
    assert raw["low"] < raw["estimate"] < raw["high"]
    curve = rows_of(reliability(run))
    assert sum(row["n"] for row in curve) == 200
    assert all(row["predicted"] == pytest.approx(0.99, abs=0.01) for row in curve)


def test_too_few_verdicts_are_not_recalibrated(hand: Any, results: Write) -> None:
    by_statistic = {row["statistic"]: row for row in rows_of(calibration(results(many(hand, 8))))}
    assert by_statistic["Brier"]["estimate"] == pytest.approx((6 * 0.04 + 2 * 0.64) / 8)
    assert by_statistic["Brier (recalibrated)"]["estimate"] is None
    assert "fewer than 20" in by_statistic["Brier (recalibrated)"]["reason"]


def test_retest_is_the_chance_that_two_samples_agree(hand: Any, results: Write) -> None:
    records: list[Record] = [hand.item("i")]
    for repeat, p in enumerate((0.9, 0.8, 0.3)):
        records += [replace(hand.asked("i", shown, p), repeat=repeat) for shown in ("ab", "ba")]
    (row,) = rows_of(retest(results(records)))
    assert row["estimate"] == pytest.approx(1 / 3)
    (row,) = rows_of(retest(results([hand.item("i"), hand.asked("i", "ab", 0.9)])))
    assert (row["estimate"], row["reason"]) == (None, "the judge has one sample")


def test_rows_of_a_list_are_no_samples(hand: Any, results: Write) -> None:
    records: list[Record] = [hand.item("i")]
    for place, p in enumerate((0.9, 0.2, 0.8, 0.3)):
        records.append(replace(hand.asked("i", ("ab", "ba")[place % 2], p), row=place))
    for combine in ("mean", "vote"):
        run = results(records, judges={"pw": {"combine": combine}})
        (row,) = rows_of(retest(run))
        assert (row["estimate"], row["reason"]) == (None, "the judge has one sample")
        (pair,) = rows_of(pair_verdicts(run))
        assert (pair["spread"], pair["askings"]) == (None, 4)
        assert pair["p_a"] == pytest.approx(0.5788, abs=1e-4)  # .85 and .25, combined in log-odds
    second_samples = [replace(record, repeat=1) for record in records if isinstance(record, Judgment)]
    (row,) = rows_of(retest(results([*records, *second_samples])))
    assert row["estimate"] == 1
    (pair,) = rows_of(pair_verdicts(results([*records, *second_samples])))
    assert pair["spread"] == 0


def test_a_jury_is_not_asked_again(hand: Any, results: Write) -> None:
    records: list[Record] = [hand.item("i")]
    for judge in ("pw", "px", "py"):
        for repeat in range(3):
            records += [replace(hand.asked("i", at, 0.9, judge=judge), repeat=repeat) for at in ("ab", "ba")]
    members = dict.fromkeys(("pw", "px", "py"), "overall")
    jury = {
        "id": "all", "members": list(members), "combine": "vote", "quorum": 2,
        "criteria": {"overall": members},
    }  # fmt: skip
    by_judge = {row["judge"]: row for row in rows_of(retest(results(records, juries=[jury])))}
    assert by_judge["pw"]["estimate"] == 1
    assert (by_judge["all"]["estimate"], by_judge["all"]["reason"]) == (None, "a jury is not asked again")


def in_languages(records: list[Record]) -> list[Record]:
    """Say that an item is German where the judge of `many` is wrong."""
    return [
        replace(record, lang="de" if int(record.item_id[1:]) % 8 in (3, 4) else "en")
        if isinstance(record, Item)
        else record
        for record in records
    ]


def test_languages_stand_apart(hand: Any, results: Write) -> None:
    records = many(hand)
    estimates = {
        (r["lang"], r["statistic"]): r["estimate"]
        for r in rows_of(by_language(results(in_languages(records))))
    }
    assert estimates["de", "accuracy"] == 0
    assert estimates["en", "accuracy"] == 1
    assert estimates["de", "flip rate"] == estimates["en", "failure rate"] == 0
    assert rows_of(by_language(results(records))) == []


def test_languages_follow_the_rules_of_agreement(hand: Any, results: Write) -> None:
    # the same word of another kind of annotator, and ties that the judge cannot say
    records = in_languages(many(hand))
    records += [replace(record, annotator="made", annotator_kind=AnnotatorKind.CONSTRUCTED)
                for record in records if isinstance(record, Label)]  # fmt: skip
    for n in range(5):
        tied = [hand.item(f"i{n}t"), hand.won(f"i{n}t", "tie"), hand.asked(f"i{n}t", "ab", 0.9)]
        records += [replace(tied[0], lang="en"), *tied[1:], hand.asked(f"i{n}t", "ba", 0.9)]
    run = results(records)
    accuracies = [row for row in rows_of(by_language(run)) if row["statistic"] == "accuracy"]
    for kind in ("human", "constructed"):
        kind_rows = [row for row in accuracies if row["annotator_kind"] == kind]
        (agreement_row,) = [
            row for row in rows_of(agreement(run))
            if (row["rater"], row["annotator_kind"], row["reference_rater"]) == ("pw", kind, "labels")
            and (row["statistic"], row["reading"]) == ("accuracy", "combined")
        ]  # fmt: skip
        assert {row["label_criterion"] for row in kind_rows} == {"overall"}
        assert sum(row["n"] for row in kind_rows) == agreement_row["n"] == 60
        assert sum(row["estimate"] * row["n"] for row in kind_rows) / 60 == agreement_row["estimate"]


def test_attacked_texts_tell_nothing_of_the_judge(hand: Any, results: Write) -> None:
    attack_records: list[Record] = []
    for n in range(60):
        attack_records += [hand.asked(f"i{n}", shown, 0.99, pair="kz") for shown in ("ab", "ba")]
        attack_records.append(hand.response(f"i{n}", "z", 99))
    plain, attacked = many(hand), [*in_languages(many(hand)), *attack_records]
    run = results(attacked, attack={"attacks": [], "controls": [], "criterion": "overall"})
    rows = {(r["rater"], r["statistic"]): r for r in rows_of(meta([run]))}
    macro = {"macro precision", "macro recall", "macro F1"}
    agreeing = {"accuracy", "balanced accuracy", "kappa", *macro}
    assert {statistic for _, statistic in rows} == agreeing | {"Brier", "Brier (recalibrated)"}
    plain_rows = {(r["rater"], r["statistic"]): r for r in rows_of(meta([results(plain)]))}
    assert rows["pw", "accuracy"]["estimate"] == plain_rows["pw", "accuracy"]["estimate"]
    assert {row["statistic"] for row in rows_of(by_language(run))} == {"accuracy"}


def test_effects_and_what_people_do_stand_beside_each_judge(hand: Any, results: Write) -> None:
    run = results(many(hand))
    estimates = {row["statistic"]: row["estimate"] for row in rows_of(meta([run])) if row["rater"] == "pw"}
    bias_rows = {(r["bias"], r["statistic"]): r for r in rows_of(biases(run)) if r["judge"] == "pw"
             and r["reading"] == "hard"}  # fmt: skip
    for name, (bias, statistic) in {
        "longer wins, minus people": ("length", "beyond people"),
        "effect of position": ("position", "effect"),
        "effect of length": ("length", "effect"),
        "effect of length, minus people": ("length", "effect beyond people"),
        "effect of lists": ("lists", "effect"),
        "effect of Markdown": ("markdown", "effect"),
    }.items():
        assert estimates[name] == bias_rows[bias, statistic]["estimate"]


def test_coverage_is_that_of_the_criterion(hand: Any, results: Write) -> None:
    records = many(hand, 20)
    other_dataset = [
        replace(record, dataset="e", **({"winner": None, "p_a": None, "failure": FailureKind.PARSE} if
                isinstance(record, Judgment) and record.item_id in ("i0", "i1") else {}))
        for record in records
    ]  # fmt: skip
    cards = {name: {"id": name, "criteria": {"overall": {"kind": "pairwise", "levels": ["a", "tie", "b"]}}}
             for name in "de"}  # fmt: skip
    facts = {"cards": cards, "label_criteria": {"pw": {name: {"overall": "overall"} for name in "de"}}}
    rows = rows_of(meta([results([*records, *other_dataset], expected={"pw": 80}, **facts)]))
    by_dataset = {
        row["dataset"]: row for row in rows if (row["rater"], row["statistic"]) == ("pw", "coverage")
    }
    assert {name: (row["estimate"], row["n"]) for name, row in by_dataset.items()} == {
        "d": (1, 40),
        "e": (0.9, 40),
    }
    assert not {row["statistic"] for row in rows} & {"judgments a second", "prompt tokens a judgment"}
    rows = rows_of(coverage_by_criterion(results([*records, *other_dataset], expected={"pw": 81}, **facts)))
    assert {(row["estimate"], row["reason"]) for row in rows if row["statistic"] == "coverage"} == {
        (None, "not everything that was planned is asked yet")
    }
    assert {row["dataset"] for row in rows if row["statistic"] == "choice mass"} == {"d", "e"}


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
    for number, key in enumerate(("one", "two")):
        judgment = replace(hand.asked("i", "ab", 0.9), repeat=number, completions=("shared", key))
        records.append(judgment)
    engines = [{"model": "m", "serves": ["pw"], "seconds_busy": 4.0, "requests": 3}]
    resolved = {"suite": {"controls": {"length_penalty": 0}}, "models": {"pw": {"model": "m"}}}
    run = results([hand.item("i"), *records], engines=engines, resolved=resolved)
    estimates = {row["statistic"]: row["estimate"] for row in rows_of(cost(run))}
    assert estimates == {
        "prompt tokens a judgment": 35, "cached tokens a judgment": 1.5, "generated tokens a judgment": 3,
        "money for 1,000 judgments": None, "judgments a second": 0.5,
    }  # fmt: skip
    shared = [{**engines[0], "serves": ["pw", "pt"]}]
    run = results([hand.item("i"), *records], engines=shared, resolved=resolved)
    *_, speed = rows_of(cost(run))
    assert (speed["estimate"], speed["reason"]) == (None, "the time of its engine is shared with pt")
