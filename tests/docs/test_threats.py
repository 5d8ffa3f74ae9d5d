"""Each of the 33 threats stands in the table once, and the files that it names hold tests of that row."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = "| # | threat | what evalhub does | measured | shown by |"


def rows() -> list[list[str]]:
    """Return the cells of each row of the table."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    lines = page.split(HEADER, 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_threat_stands_once() -> None:
    assert [row[0] for row in rows()] == [str(number) for number in range(1, 34)]
    assert all(len(row) == 5 and all(row) for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_file_that_shows_it_names_its_row(row: list[str]) -> None:
    number, *_, shown_by = row
    paths = re.findall(r"`([^`]+)`", shown_by)
    assert paths
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"\bRow {number}\b", text), path
        assert re.search(r"^ *def test_", text, re.MULTILINE), path
