"""Exact match by words, by final number, and to the letter."""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from evalhub.metrics.exact import ExactMatch, Normalizer, final_number, squad_normalize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat,\nan  animal!", "cat animal"),
        ("a an the", ""),
        ("theatre A.", "theatre"),
        ("U.S.", "us"),
        ("", ""),
    ],
)
def test_squad_normal_form(text, expected):
    assert squad_normalize(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 * 3 = <<5*3=15>>15\n#### 15", "15"),
        ("#### 1,234", "1234"),
        ("#### -3", "-3"),
        ("####7", "7"),
        ("#### $18.00 a day", "18"),
        ("#### 42\nQuestion: 7 apples\n#### 9", "42"),
        ("The answer is 18.", "18"),
        ("It costs $1,200.50 in all", "1200.5"),
        ("from -$5 to −5", "-5"),
        ("a debt of -$5", "-5"),
        ("a loss of $-5", "-5"),
        ("10-5", "5"),
        ("(3)-5", "5"),
        ("x = -5", "-5"),
        ("so .5 of it", "0.5"),
        ("1,2,3", "3"),
        ("12,34", "34"),
        ("50%", "50"),
        ("- 5 apples", "5"),
        ("#### 12. Add them\n#### 23. Then it is 35", "35"),
        ("#### 1,234. Add them: 35", "35"),
        ("no idea", None),
        ("####", None),
        ("", None),
    ],
)
def test_final_number(text, expected):
    assert final_number(text) == (None if expected is None else Decimal(expected))


def test_any_reference_will_do():
    (column,) = ExactMatch().score(["The Nile.", "Rhine", ""], [["Nile river", "nile"], ["Nile"], ["Nile"]])
    assert column.name == "exact_match"
    assert column.signature == "exact_match|norm:squad|refs:any|v:1"
    assert column.values == (1.0, 0.0, 0.0)
    assert column.reasons == (None, None, None)


def test_numbers_compare_as_numbers():
    (column,) = ExactMatch(Normalizer.NUMBER).score(
        ["So it is 1,234.00.", "no number", "1235"], [["so\n#### 1234"]] * 3
    )
    assert column.name == "number_match"
    assert column.values == (1.0, 0.0, 0.0)


def test_verbatim_is_to_the_letter():
    (column,) = ExactMatch(Normalizer.VERBATIM).score(["a", "A", ""], [["a"], ["a"], [""]])
    assert column.values == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("normalizer", "references", "reason"),
    [
        (Normalizer.SQUAD, [], "no reference"),
        (Normalizer.SQUAD, ["The!"], "no reference holds anything that squad compares"),
        (Normalizer.NUMBER, ["none", ""], "no reference holds anything that number compares"),
    ],
)
def test_nothing_to_compare_with_is_no_value(normalizer, references, reason):
    (column,) = ExactMatch(normalizer).score(["7"], [references])
    assert column.values == (None,)
    assert column.reasons == (reason,)


def test_every_real_answer_ends_in_its_number():
    mirror = os.environ.get("EVALHUB_MIRROR")
    if not mirror:
        pytest.skip("needs EVALHUB_MIRROR: the labelled sets in shared/data")
    lines = Path(mirror, "gsm8k", "test.jsonl").read_text("utf-8").splitlines()
    answers = [json.loads(line)["answer"] for line in lines]
    official = [Decimal(answer.split("####")[1].strip().replace(",", "")) for answer in answers]
    assert [final_number(answer) for answer in answers] == official
