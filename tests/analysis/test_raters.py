"""Judges, metrics and labels held against each other, worked out by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import (
    Results,
    agreement,
    biases,
    correlations,
    coverage,
    export,
    labelled_responses,
    leaderboard,
    rows_of,
)
from evalhub.errors import InputError, StorageError
from evalhub.records import FailureKind, Judgment, Record, Source

Write = Callable[..., Results]
ITEMS = ("i1", "i2", "i3", "i4")
LEVELS = {1: "wrong", 2: "fair", 3: "right"}


def only_row(frame: Any, **keys: Any) -> dict[str, Any]:
    (row,) = [row for row in rows_of(frame) if all(row[name] == value for name, value in keys.items())]
    return row


def card(**facts: Any) -> dict[str, Any]:
    criteria = {"quality": {"kind": "pointwise", "levels": LEVELS}}
    return {"d": {"id": "d", "criteria": criteria} | facts}


def compared(hand: Any) -> list[Record]:
    """The judge says a a b b, rougeL a b b a, the labels a a a b; chars follow the judge."""
    records: list[Record] = []
    for item, judge, metric, label in zip(ITEMS, "aabb", "abba", "aaab", strict=True):
        records += [
            hand.item(item),
            hand.response(item, "k"),
            hand.response(item, "m"),
            hand.won(item, label),
        ]
        records += [hand.asked(item, shown, 0.9 if judge == "a" else 0.1) for shown in ("ab", "ba")]
        for name, winner in (("rougeL", metric), ("chars", judge), ("words", judge)):
            records += [
                hand.score(item, system, float(winner == side), name) for system, side in ("ka", "mb")
            ]
    return records


def test_judge_and_metric_are_held_against_each_other(hand: Any, results: Write) -> None:
    frame = agreement(results(compared(hand)))
    mutual = {"rater": "pw", "reference_rater": "rougeL", "reading": "combined"}
    assert only_row(frame, **mutual, statistic="accuracy")["estimate"] == 0.5
    assert only_row(frame, **mutual, statistic="kappa")["estimate"] == 0
    assert (
        only_row(frame, rater="pw", reference_rater="labels", reading="combined", statistic="accuracy")["n"]
        == 4
    )
    assert {row["reference_rater"] for row in rows_of(frame)} == {"labels", "rougeL"}
    assert {row["rater"] for row in rows_of(frame)} == {"pw", "rougeL", "always-first", "coin", "longer"}


@pytest.mark.parametrize(
    ("unparsed", "accuracy", "n"), [("failure", 2 / 3, 3), ("tie", 2 / 3, 3), ("wrong", 0.5, 4)]
)
def test_what_cannot_be_read_is_wrong_where_the_card_says_so(
    hand: Any, results: Write, unparsed: str, accuracy: float, n: int
) -> None:
    """They say a a b and nothing readable on i4, nothing at all on i5; the labels say a a a b b."""
    judgments = [
        hand.asked(item, "ab", 0.9 if winner == "a" else 0.1)
        for item, winner in zip(ITEMS, "aab", strict=False)
    ]
    unread = replace(
        judgments[0], item_id="i4", winner=None, p_a=None, logprobs=None, failure=FailureKind.PARSE
    )
    recorded = [replace(judgment, judge="them", source=Source.RECORDED) for judgment in (*judgments, unread)]
    other_judgments = [hand.asked("i5", shown, 0.1) for shown in ("ab", "ba")]
    pairs = [
        record
        for item, label in zip((*ITEMS, "i5"), "aaabb", strict=True)
        for record in (
            hand.item(item), hand.response(item, "k"), hand.response(item, "m"), hand.won(item, label),
        )
    ]  # fmt: skip
    cards = card(
        judges={"them": {"unparsed_as": unparsed}},
        criteria={"overall": {"kind": "pairwise", "levels": ["a", "b"]}},
    )
    run = results([*pairs, *recorded, *other_judgments], cards=cards)
    share = only_row(
        agreement(run), rater="them", reference_rater="labels", reading="combined", statistic="accuracy"
    )
    assert (share["estimate"], share["n"]) == (pytest.approx(accuracy), n)
    assert share["n_excluded"] == 5 - n
    win_rate = only_row(leaderboard(run), rater="them", measure="win rate", system="k")
    assert (win_rate["estimate"], win_rate["n"]) == (pytest.approx(2 / 3), 3)


def rated(hand: Any) -> list[Record]:
    """The judge says 1 2 3 3, the labels 1 2 3 1."""
    records: list[Record] = []
    for item, judge, label in zip(ITEMS, (1, 2, 3, 3), (1, 2, 3, 1), strict=True):
        records += [hand.item(item), hand.response(item, "k")]
        records += [hand.rated(item, "k", judge), hand.label(item, "k", label)]
    return records


def test_the_levels_of_judge_and_labels_are_compared(hand: Any, results: Write) -> None:
    frame = agreement(results(rated(hand), cards=card()))
    accuracy = only_row(frame, rater="pt", reading="level", reference_rater="labels", statistic="accuracy")
    assert (accuracy["estimate"], accuracy["n"], accuracy["criterion"]) == (0.75, 4, "quality")
    # observed 3/4; by chance 1/4 * 2/4 + 1/4 * 1/4 + 2/4 * 1/4 = 5/16
    assert only_row(frame, rater="pt", statistic="kappa")["estimate"] == pytest.approx((12 - 5) / (16 - 5))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"levels": LEVELS, "consensus": {"by": "mean"}}, "accuracy of means is not defined"),
        ({"levels": LEVELS | {4: "best"}}, "the judge's levels are not the labels'"),
        ({"range": [1, 3]}, "the judge's levels are not the labels'"),
    ],
)
def test_what_is_no_level_has_no_accuracy(hand: Any, results: Write, spec: Any, reason: str) -> None:
    criteria = {"quality": {"kind": "pointwise", **spec}}
    for row in rows_of(agreement(results(rated(hand), cards=card(criteria=criteria)))):
        assert (row["estimate"], row["reason"], row["n_excluded"]) == (None, reason, 4)


def test_the_mean_of_two_askings_is_no_level(hand: Any, results: Write) -> None:
    second = replace(hand.rated("i1", "k", 2), repeat=1)
    frame = agreement(results([*rated(hand), second], cards=card()))
    assert only_row(frame, statistic="accuracy")["reason"] == "accuracy of means is not defined"


def test_labels_of_responses_without_text_stay(hand: Any, results: Write) -> None:
    records = []
    for item in ("i1", "i2"):
        records += [hand.item(item, cluster="c")]
        for place, system in enumerate("kmnr"):
            records += [hand.label(item, system, 1 + place % 3), hand.score(item, system, place / 10)]
    run = results(records, cards=card(reference_systems=["r"]))
    (frame,) = labelled_responses(run).values()
    assert list(frame["system"]) == [*"kmnkmn"]
    assert set(frame["cluster"]) == {"c"}
    assert "length" not in frame
    correlation = only_row(
        correlations(run), first="labels", second="rougeL", granularity="item", coefficient="spearman"
    )
    assert (correlation["estimate"], correlation["groups"]) == (pytest.approx(1), 2)


def test_samples_are_averaged_before_they_are_correlated(hand: Any, results: Write) -> None:
    # labels 1 2 3; rougeL of the samples (.1 .5) (.2 .2) (.4 .4), their means .3 .2 .4: Spearman 1/2
    records = [hand.item("i1")]
    for place, (system, samples) in enumerate({"k": (0.1, 0.5), "m": (0.2, 0.2), "n": (0.4, 0.4)}.items()):
        for sample, value in enumerate(samples):
            records += [
                replace(record, sample=sample)
                for record in (
                    hand.response("i1", system),
                    hand.label("i1", system, 1 + place),
                    hand.score("i1", system, value),
                )
            ]
    correlation = only_row(
        correlations(results(records)),
        first="labels",
        second="rougeL",
        granularity="pooled",
        coefficient="spearman",
    )
    assert (correlation["estimate"], correlation["n"]) == (pytest.approx(0.5), 3)


def test_the_interval_of_a_metric_knows_its_bounds(hand: Any, results: Write) -> None:
    records = [hand.item(item) for item in ITEMS]
    records += [hand.score(item, "k", value) for item, value in zip(ITEMS, (1, 1, 1, 0.2), strict=True)]
    facts = {"rougeL": {"bounds": [0, 1], "higher_is_better": True}}
    bounded = only_row(leaderboard(results(records, metrics=facts)), rater="rougeL")
    assert bounded["estimate"] == pytest.approx(0.8)
    assert bounded["high"] <= 1


def test_a_metric_of_unknown_bounds(hand: Any, results: Write) -> None:
    records = [hand.item(item) for item in ITEMS]
    records += [hand.score(item, "k", value) for item, value in zip(ITEMS, (1, 1, 1, 0.2), strict=True)]
    assert only_row(leaderboard(results(records)), rater="rougeL")["high"] > 1


def test_a_query_reaches_no_file_outside_the_run(hand: Any, results: Write, tmp_path: Path) -> None:
    run = results(compared(hand))
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for query in (
        f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(InputError):
            run.sql(query)
    assert not (tmp_path / "out.csv").exists()
    assert len(run.items()) == 4


def test_an_export_that_fails_leaves_nothing(hand: Any, results: Write, tmp_path: Path) -> None:
    run = results(compared(hand))
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(StorageError, match="the export cannot be written"):
        export(run, folder / "nowhere" / "x.duckdb")

    def full(*_: Path) -> None:
        raise OSError("No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(StorageError, match="No space"):
            export(run, folder / "x.duckdb")
    assert list(folder.iterdir()) == []
    export(run, folder / "x.duckdb")
    assert [path.name for path in folder.iterdir()] == ["x.duckdb"]


def test_one_without_any_valid_verdict_stands_in_coverage_alone(hand: Any, results: Write) -> None:
    no_verdict = {"source": Source.RECORDED, "failure": FailureKind.PARSE}
    records = [
        *hand.pairs(),
        *(hand.label(item, system, 2) for item in hand.lengths for system in "km"),
        *(
            Judgment("d", "mute", "overall", item, system_a="k", system_b="m", **no_verdict)
            for item in hand.lengths
        ),
        *(
            Judgment("d", "mute", "quality", item, system, **no_verdict)
            for item in hand.lengths
            for system in "km"
        ),
    ]
    run = results(records)
    for build in (leaderboard, agreement, correlations, biases):
        assert "mute" not in json.dumps(rows_of(build(run)))
    share = {row["judge"]: row for row in rows_of(coverage(run))}["mute"]
    assert (share["expected"], share["done"], share["failed"], share["estimate"]) == (12, 12, 12, 0)
    assert (share["low"], share["high"]) == (0, 0)  # all that was planned is counted
