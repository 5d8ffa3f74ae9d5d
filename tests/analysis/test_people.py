"""How far people agree and whether a judge may stand in for one, on labels written by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalhub import stats
from evalhub.analysis import Results, alternative_annotator_test, human_agreement, rater_models, rows_of

Write = Callable[..., Results]
ITEMS = 60
PEOPLE = ("x", "y", "z")


def truth(n: int) -> str:
    return "a" if n % 2 else "b"


def other(winner: str) -> str:
    return "b" if winner == "a" else "a"


def labelled(hand: Any, *, judge_wrong_every: int = 10) -> list[Any]:
    """Return pairs that three people label, each wrong on other items, and a judge."""
    records: list[Any] = []
    for n in range(ITEMS):
        item = f"i{n:03}"
        records += [hand.item(item), hand.response(item, "k"), hand.response(item, "m")]
        for place, annotator in enumerate(PEOPLE):
            wrong = n % 12 == place
            records.append(hand.won(item, other(truth(n)) if wrong else truth(n), annotator=annotator))
        verdict = other(truth(n)) if n % judge_wrong_every == 5 else truth(n)
        records += [hand.asked(item, shown, 0.9 if verdict == "a" else 0.1) for shown in ("ab", "ba")]
    return records


@pytest.fixture
def run(hand: Any, results: Write) -> Results:
    card = {
        "d": {
            "id": "d",
            "criteria": {
                "overall": {
                    "kind": "pairwise", "levels": ["a", "tie", "b"],
                    "consensus": {"annotators": "*", "by": "majority"},
                }
            },
        }
    }  # fmt: skip
    return results(labelled(hand), cards=card)


def test_alpha_of_what_they_said(run: Results) -> None:
    rows = {row["statistic"]: row for row in rows_of(human_agreement(run))}
    labels, units, raters = [], [], []
    for n in range(ITEMS):
        for place, annotator in enumerate(PEOPLE):
            labels.append(other(truth(n)) if n % 12 == place else truth(n))
            units.append(n)
            raters.append(annotator)
    alpha = stats.krippendorff_alpha(
        labels, units, raters, clusters=units, measurement=stats.Measurement.NOMINAL
    )
    assert rows["alpha, nominal"]["estimate"] == pytest.approx(alpha.estimate)
    assert rows["alpha, nominal"]["n"] == ITEMS
    assert rows["alpha, nominal"]["people"] == 3


def test_the_judge_and_people_are_held_against_the_same_others(run: Results) -> None:
    rows = {row["statistic"]: row for row in rows_of(alternative_annotator_test(run))}
    # of 60 items each person is wrong on 5 where the others agree, and on 10 one of the two others is
    assert rows["people"]["estimate"] == pytest.approx((45 + 10 * 0.5) / 60)
    difference = rows["judge"]["estimate"] - rows["people"]["estimate"]
    assert rows["judge minus people"]["estimate"] == pytest.approx(difference)
    assert rows["winning rate"]["estimate"] == 1
    assert rows["winning rate"]["low"] is None
    assert rows["advantage"]["estimate"] > 0.8


def test_a_model_of_all_raters(run: Results) -> None:
    rows = {(row["rater"], row["statistic"]): row for row in rows_of(rater_models(run))}
    for annotator in PEOPLE:
        assert rows[annotator, "accuracy"]["estimate"] == pytest.approx(55 / 60, abs=0.02)
        assert rows[annotator, "without them: pw"]["estimate"] is not None
    assert rows["pw", "accuracy"]["estimate"] == pytest.approx(0.9, abs=0.02)


def test_slots_cannot_be_followed(hand: Any, results: Write) -> None:
    card = {
        "d": {
            "id": "d",
            "criteria": {
                "overall": {
                    "kind": "pairwise", "levels": ["a", "tie", "b"], "annotators": "slots",
                    "consensus": {"annotators": "*", "by": "majority"},
                }
            },
        }
    }  # fmt: skip
    run = results(labelled(hand), cards=card)
    for table in (alternative_annotator_test, rater_models):
        assert {row["reason"] for row in rows_of(table(run))} == {stats.SLOTS}
        assert {row["estimate"] for row in rows_of(table(run))} == {None}
    assert all(row["estimate"] is not None for row in rows_of(human_agreement(run)))


def test_one_annotator_agrees_with_nobody(hand: Any, results: Write) -> None:
    records = [record for record in labelled(hand) if getattr(record, "annotator", "x") == "x"]
    run = results(records)
    assert human_agreement(run).empty
    assert alternative_annotator_test(run).empty
    assert rater_models(run).empty


def test_labels_of_a_model_are_not_people(hand: Any, results: Write) -> None:
    records = [
        replace(record, annotator_kind="model") if getattr(record, "annotator", None) else record
        for record in labelled(hand)
    ]
    assert human_agreement(results(records)).empty
