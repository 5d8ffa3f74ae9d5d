"""Records as plain values and back."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.records import (
    KINDS,
    Completion,
    FailureKind,
    Item,
    Judgment,
    Response,
    canonical,
    digest,
    from_dict,
    key_of,
    kind_of,
    sort_key,
    to_dict,
)
from evalhub.scales import Order, Winner
from evalhub.texts import clean


@pytest.mark.parametrize("kind", KINDS)
def test_each_record_has_a_key_among_its_fields(kind: str) -> None:
    names = [field.name for field in dataclasses.fields(KINDS[kind])]
    assert set(KINDS[kind].KEY) <= set(names)
    assert "dataset" in names or kind == "completions"


def test_json_and_back() -> None:
    judged = Judgment(
        "d", "j", "c", "i", system_a="k", system_b="m", shown=Order.BA, winner=Winner.TIE,
        logprobs={"a": -1.0, "b": -2.5}, completions=("x", "y"), failure=FailureKind.PARSE,
    )  # fmt: skip
    back = from_dict("judgments", json.loads(canonical(to_dict(judged))))
    assert back == judged
    assert isinstance(back, Judgment)
    assert back.winner is Winner.TIE
    assert back.shown is Order.BA
    assert back.completions == ("x", "y")


def test_lists_become_tuples_and_unknown_fields_are_passed_over() -> None:
    values = {"dataset": "d", "item_id": "i", "turns": ["a"], "refs": [["x", "y"], []], "later": 1}
    item = from_dict("items", values)
    assert item == Item("d", "i", ("a",), (("x", "y"), ()))
    assert from_dict("items", {**values, "turns": None}).turns == ()  # type: ignore[union-attr]


def test_a_value_that_no_enum_has_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        from_dict("completions", {"key": "k", "model": "m", "messages": "[]", "failure": "nonsense"})


def test_references_are_those_of_the_last_turn() -> None:
    assert Item("d", "i", refs=(("a",), ("b", "c"))).references == ("b", "c")
    assert Item("d", "i").references == ()


def test_absent_values_sort_first() -> None:
    shown = (Order.BA, None, Order.AB)
    records = [Judgment("d", "j", "c", "i", system_a="a", system_b="b", shown=order) for order in shown]
    records.append(Judgment("d", "j", "c", "i", system="z"))
    ordered = sorted(records, key=sort_key)
    assert [(record.system, record.shown) for record in ordered] == [
        (None, None), (None, "ab"), (None, "ba"), ("z", None),
    ]  # fmt: skip
    assert len({key_of(record) for record in records}) == 4
    assert {kind_of(record) for record in records} == {"judgments"}


def test_one_value_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": [1.0, None, "é"]}) == '{"a":[1.0,null,"é"],"b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest("text") != digest(["text"])
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="Out of range"):
            canonical({"x": bad})


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=30))
def test_cleaned_text_is_valid_and_stays(text: str) -> None:
    safe = clean(text)
    assert safe.encode("utf-8").decode("utf-8") == safe
    assert "\x00" not in safe
    assert clean(safe) == safe
    if text.isprintable():
        assert safe == text


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert clean("\ud83d\ude00 \ud83d") == "😀 \ufffd"


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Response("d", "i", "s").text = "x"  # type: ignore[misc]
    assert Completion("k", "m", "[]").logprobs is None
