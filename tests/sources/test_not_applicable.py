"""A level that is not applicable in labels, recorded judgments and replies. What a card's metrics mean."""

from typing import Any

import pytest

from evalhub.errors import SpecError, UnknownNameError
from evalhub.records import FailureKind, Label
from evalhub.sources import consensus
from evalhub.specs import CriterionSpec

LEVELS = {
    0: {"meaning": "nothing to rate", "applicable": False}, 9: "rude", 5: "cold", 1: "kind",
    "none": {"meaning": "no text", "applicable": False},
}  # fmt: skip
CRITERIA = {"tone": {"kind": "pointwise", "levels": LEVELS}, "share": {"kind": "pointwise", "range": [0, 1]}}
ABOUT = "1 AS item_id, 'tone' AS criterion, 'k' AS system"


@pytest.mark.parametrize(
    ("value", "read"),
    [("0", None), ("'0'", None), ("'none'", None), ("0.0", None), ("9", 9.0), ("'1'", 1.0)],
)
def test_a_label_may_be_not_applicable(mini: Any, value: str, read: float | None) -> None:
    labels = f"SELECT {ABOUT}, 'human' AS annotator_kind, {value} AS value"
    (label,) = mini.load(criteria=CRITERIA, labels=labels).labels
    assert (label.value, label.not_applicable) == (read, read is None)


@pytest.mark.parametrize("value", ["NULL", "2", "'never'"])
def test_no_other_label_is(mini: Any, value: str) -> None:
    labels = f"SELECT {ABOUT}, 'human' AS annotator_kind, {value} AS value"
    with pytest.raises(SpecError, match="verdict"):
        mini.load(criteria=CRITERIA, labels=labels)


@pytest.mark.parametrize(
    ("columns", "reads"),
    [
        ("0 AS value", None), ("'none' AS value", None), ("'not_applicable' AS failure", None),
        ("'Score: 0' AS raw_text", "score"), ("'[[0]]' AS raw_text", "rating-brackets"),
        ("'Answer: none' AS raw_text", "letter"), ("'{\"tone\": \"none\"}' AS raw_text", "json"),
        ("'{\"tone\": 0}' AS raw_text", "json"),
    ],
)  # fmt: skip
def test_a_recorded_judge_may_say_so(mini: Any, columns: str, reads: str | None) -> None:
    judges = {"j": {"reply_format": reads} if reads else {}}
    judgments = f"SELECT {ABOUT}, 'j' AS judge, {columns}"
    (judgment,) = mini.load(criteria=CRITERIA, judgments=judgments, judges=judges).judgments
    assert (judgment.value, judgment.failure) == (None, FailureKind.NOT_APPLICABLE)


def test_a_comparison_is_always_applicable(mini: Any) -> None:
    pair = "1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'j' AS judge"
    with pytest.raises(SpecError, match="only a rating can be not applicable"):
        mini.load(judgments=f"SELECT {pair}, 'not_applicable' AS failure")


@pytest.mark.parametrize(
    ("by", "values", "expected"),
    [
        ("mean", (9, None, 5), (7.0, False)), ("mean", (9, None), (None, True)),
        ("median", (9, 5, 1, None), (5.0, False)), ("median", (None, None, 1), (None, True)),
        ("majority", (None, None, 1), (None, True)), ("majority", (9, 9, None), (9.0, False)),
    ],
)  # fmt: skip
def test_the_consensus_of_labels(by: str, values: tuple[Any, ...], expected: tuple[Any, bool]) -> None:
    spec = CriterionSpec(kind="pointwise", levels=LEVELS, consensus={"by": by})
    labels = [
        Label("d", "i", "tone", f"a{place}", "human", system="k", value=value, not_applicable=value is None)
        for place, value in enumerate(values)
    ]
    (label,) = consensus(labels, spec)
    assert (label.value, label.not_applicable) == expected


def test_a_card_says_what_its_scores_mean(mini: Any) -> None:
    scores = "SELECT 1 AS item_id, 'k' AS system, 'ter' AS metric, 0.4 AS value"
    metrics = {"ter": {"higher_is_better": False, "range": [0, 1]}, "size": {"higher_is_better": None}}
    card = mini.load(scores=scores, metrics=metrics).card
    assert [spec.higher_is_better for spec in card.metrics.values()] == [False, None]
    with pytest.raises(UnknownNameError, match="did you mean 'ters'"):
        mini.load(scores=scores, metrics={"ters": {"higher_is_better": False}})
    with pytest.raises(SpecError, match="the card has no scores"):
        mini.load(metrics=metrics)


@pytest.mark.parametrize(("columns", "reads"), [("0 AS value", None), ("'Score: 0' AS raw_text", "score")])
def test_a_range_of_its_own_is_not_the_labels_scale(mini: Any, columns: str, reads: str | None) -> None:
    judge = {"range": [0, 100]} | ({"reply_format": reads} if reads else {})
    judgments = f"SELECT {ABOUT}, 'j' AS judge, {columns}"
    (judgment,) = mini.load(criteria=CRITERIA, judgments=judgments, judges={"j": judge}).judgments
    assert (judgment.value, judgment.failure) == (0.0, None)
