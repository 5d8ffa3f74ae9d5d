"""The page about metrics is true: each row of its tables gives the value that it says."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from evalhub.metrics.exact import ExactMatch, Normalizer
from evalhub.metrics.numbers import final_number

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def rows(section: str, *header: str) -> list[list[str]]:
    """Return the cells of a section's table that has these columns."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert text
    head = f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n"
    lines = text[1].split(head)[1].split("\n\n")[0].strip().splitlines()
    return [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in lines]


def value(answer: str, reference: str, normalizer: Normalizer, lang: str = "") -> str:
    (column,) = ExactMatch(normalizer).score_in([answer], [[reference]], [lang or None])
    return "absent" if column.values[0] is None else f"{column.values[0]:.0f}"


@pytest.mark.parametrize(
    ("answer", "reference", "expected"), rows("exact_match", "answer", "reference", "value")
)
def test_answers(answer: str, reference: str, expected: str) -> None:
    assert value(answer, reference, Normalizer.SQUAD) == expected


@pytest.mark.parametrize(("text", "lang", "expected"), rows("number_match", "text", "lang", "number"))
def test_numbers(text: str, lang: str, expected: str) -> None:
    reading = final_number(text, lang or None)
    assert reading is not None
    assert reading.value == Fraction(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "lang", "expected"), rows("number_match", "answer", "reference", "lang", "value")
)
def test_what_cannot_be_told(answer: str, reference: str, lang: str, expected: str) -> None:
    assert value(answer, reference, Normalizer.NUMBER, lang) == expected


def test_the_readme_leads_here() -> None:
    assert "(docs/metrics.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
