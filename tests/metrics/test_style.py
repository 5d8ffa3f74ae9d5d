"""What counts as a list item and as a mark of Markdown, and what only looks like one."""

import pytest

from evalhub.metrics.style import style

from ..timing import measure_shortest


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("", 0),
        ("plain words", 0),
        ("- one\n- two", 2),
        ("* one\n+ two\n• three", 3),
        ("1. one\n2) two\n10. ten", 3),
        ("  - nested\n\t- deeper", 2),
        ("-5 degrees", 0),
        ("-\n-", 0),
        ("1.5 litres", 0),
        ("2024. was a year", 0),
        ("a - b - c", 0),
        ("- one\r\n- two", 2),
        ("```\n- code\n```\n- item", 1),
    ],
)
def test_list_items(text: str, lists: int) -> None:
    assert style(text).lists == lists


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("# Title", 1),
        ("## A\n\n###### B", 2),
        ("####### seven signs", 0),
        ("#hashtag", 0),
        ("C# is a language", 0),
        ("**bold** and __bold__", 2),
        ("**a**b**c**", 2),
        ("2 ** 3 and x ** y", 0),
        ("snake__case__name", 0),
        ("*only emphasis*", 0),
        ("```python\nx = 1\n```", 1),
        ("```\n# no header\n**no bold**\n```", 1),
        ("~~~\ncode\n~~~\ntext\n```\ncode\n```", 2),
        ("text\n```\nnever closed\n# no header", 1),
        ("`inline`", 0),
        ("| a | b |\n|---|:--:|\n| 1 | 2 |", 1),
        ("a | b\n--- | ---\n1 | 2", 1),
        ("---", 0),
        ("this | that", 0),
    ],
)
def test_marks(text: str, markdown: int) -> None:
    assert style(text).markdown == markdown


@pytest.mark.parametrize(
    "part", ["**a ", "__a ", "```", "``` \n", "- ", "|--", "# ", "1. ", " " * 9, "~~~\n`"]
)
def test_no_text_takes_long(part: str) -> None:
    assert measure_shortest(lambda: style(part * 20_000), 2) < 2
