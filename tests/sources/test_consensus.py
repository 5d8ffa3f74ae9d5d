"""Several annotators become one label by the card's rule, or none."""

from typing import Any

import pytest

from evalhub.records import Label
from evalhub.scales import Order, Winner
from evalhub.sources import consensus
from evalhub.specs import CriterionSpec


def pair(annotator: str, winner: str, **fields: Any) -> Label:
    ids = {"dataset": "d", "item_id": "i", "criterion": "c", "annotator_kind": "human"} | fields
    return Label(annotator=annotator, system_a="k", system_b="m", winner=Winner(winner), **ids)


def rated(annotator: str, value: float, **fields: Any) -> Label:
    ids = {
        "dataset": "d",
        "item_id": "i",
        "criterion": "c",
        "annotator_kind": "human",
        "system": "m",
    } | fields
    return Label(annotator=annotator, value=value, **ids)


def pairwise(**truth: str) -> CriterionSpec:
    return CriterionSpec(kind="pairwise", levels=("a", "tie", "b"), consensus={"by": "majority"} | truth)


def pointwise(by: str, annotators: str = "*") -> CriterionSpec:
    return CriterionSpec(kind="pointwise", range=(1, 5), consensus={"by": by, "annotators": annotators})


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ("a", "a"),
        ("aab", "a"),
        ("ab", None),
        ("abt", None),
        ("aabb", None),
        ("ttb", "tie"),
        ("aabt", None),
        ("aaabt", "a"),
    ],
)
def test_majority(votes: str, winner: str | None) -> None:
    labels = [pair(f"p{n}", {"t": "tie"}.get(vote, vote)) for n, vote in enumerate(votes)]
    assert [label.winner for label in consensus(labels, pairwise())] == ([] if winner is None else [winner])
    assert consensus(labels[::-1], pairwise()) == consensus(labels, pairwise())


@pytest.mark.parametrize(("by", "value"), [("mean", 2.5), ("median", 2.0), ("majority", None)])
def test_values(by: str, value: float | None) -> None:
    labels = [rated(f"p{n}", value) for n, value in enumerate((1, 2, 2, 5))]
    values = [label.value for label in consensus(labels, pointwise(by))]
    assert values == ([] if value is None else [value])


def test_only_the_named_annotators_count() -> None:
    labels = [rated("expert-1", 5), rated("expert-2", 4), rated("crowd-1", 1), rated("my-expert-3", 1)]
    (label,) = consensus(labels, pointwise("mean", "expert-*"))
    assert (label.value, label.annotator, label.annotator_kind) == (4.5, "consensus", "human")


def test_each_response_has_its_own() -> None:
    labels = [
        rated("p", n, system=system, sample=s)
        for n, (system, s) in enumerate([("m", 0), ("k", 0), ("m", 1)], 1)
    ]
    consensus_labels = consensus(labels, pointwise("mean"))
    assert [(label.system, label.sample, label.value) for label in consensus_labels] == [
        ("k", 0, 2),
        ("m", 0, 1),
        ("m", 1, 3),
    ]


def test_people_are_not_mixed_with_models() -> None:
    labels = [rated("p", 1), rated("gpt", 5, annotator_kind="model")]
    consensus_labels = consensus(labels, pointwise("mean"))
    assert sorted((label.annotator_kind, label.value) for label in consensus_labels) == [
        ("human", 1),
        ("model", 5),
    ]


def test_one_label_stands_without_a_rule() -> None:
    spec = CriterionSpec(kind="pointwise", range=(1, 5))
    assert [label.value for label in consensus([rated("p", 3)], spec)] == [3]


def test_the_order_is_kept_where_all_saw_the_same() -> None:
    labels = [pair("p", "a", shown=Order.BA), pair("q", "a", shown=Order.BA)]
    assert consensus(labels, pairwise())[0].shown is Order.BA
    assert consensus([*labels, pair("r", "a", shown=Order.AB)], pairwise())[0].shown is None


def test_no_labels() -> None:
    assert consensus([], pairwise()) == ()
