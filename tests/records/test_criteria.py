"""Criteria of items: read from plain values, named by their places, and refused where they make no score."""

import json
from typing import Any

import pytest

from evalhub.records import Item, ItemCriterion, from_dict, read_criteria, to_dict


def test_criteria_without_ids_are_named_by_their_places() -> None:
    values = [
        {"text": "It is right.", "points": 2},
        {"text": "It is short.", "points": 1, "id": "short", "tags": ["style", " ", "style"]},
        {"text": "It is rude.", "points": -3, "id": None, "tags": None},
    ]
    assert read_criteria(values) == (
        ItemCriterion("c1", "It is right.", 2.0),
        ItemCriterion("short", "It is short.", 1.0, ("style",)),
        ItemCriterion("c3", "It is rude.", -3.0),
    )


def test_a_whole_number_is_an_id_and_a_single_tag_needs_no_list() -> None:
    (criterion,) = read_criteria([{"text": "Yes.", "points": 1, "id": 7, "tags": "axis:style"}])
    assert (criterion.id, criterion.tags) == ("7", ("axis:style",))


GOOD = {"text": "It is right.", "points": 1}


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ("text", "a list of criteria"),
        ({"text": "It is right.", "points": 1}, "a list of criteria"),
        (["It is right."], "objects with text and points; criterion 1 is not one"),
        ([GOOD, {"text": "x", "points": 1, "weight": 2}], "criterion 2 has 'weight'"),
        ([{"points": 1}], "a text that is not blank; criterion 1 has none"),
        ([{"text": " \u200b", "points": 1}], "a text that is not blank"),
        ([{"text": 3, "points": 1}], "a text that is not blank"),
        ([{"text": "x"}], "a finite number other than 0; criterion 1 has None"),
        ([{"text": "x", "points": 0}], "other than 0"),
        ([{"text": "x", "points": -0.0}], "other than 0"),
        ([{"text": "x", "points": True}], "other than 0"),
        ([{"text": "x", "points": "3"}], "criterion 1 has '3'"),
        ([{"text": "x", "points": float("nan")}], "a finite number"),
        ([{"text": "x", "points": float("inf")}], "a finite number"),
        ([{"text": "x", "points": 10**400}], "a finite number"),
        ([{**GOOD, "id": "a b"}], "ids of 1 to 200"),
        ([{**GOOD, "id": ""}], "ids of 1 to 200"),
        ([{**GOOD, "id": True}], "ids of 1 to 200"),
        ([{**GOOD, "id": "x"}, {**GOOD, "id": "x"}], "'x' is the id of criterion 1 and 2"),
        ([{**GOOD, "id": "c2"}, GOOD], "'c2' is the id of criterion 1 and 2"),
        ([{**GOOD, "tags": [3]}], "tags that are a list of texts"),
        ([{**GOOD, "tags": {"a": 1}}], "tags that are a list of texts"),
        ([{"text": "x", "points": -1}], "at least has points above 0"),
        ([{"text": "x", "points": 1e308}, {"text": "y", "points": 1e308}], "can be divided"),
        ([{"text": "x", "points": 1e-300}, {"text": "y", "points": -1e300}], "can be divided"),
    ],
)
def test_what_makes_no_score_is_refused(values: Any, allowed: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_criteria(values)
    assert allowed in str(refused.value)


def test_no_criteria_are_none_at_all() -> None:
    assert read_criteria([]) == ()


def test_criteria_come_back_from_plain_values() -> None:
    item = Item("d", "i", criteria=read_criteria([GOOD, {"text": "x", "points": -1, "tags": ["t"]}]))
    assert from_dict("items", json.loads(json.dumps(to_dict(item)))) == item
    assert from_dict("items", {"dataset": "d", "item_id": "i"}) == Item("d", "i")
