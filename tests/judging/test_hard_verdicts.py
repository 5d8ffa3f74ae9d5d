"""Verdicts without probabilities: what a whole answer says, and what each protocol makes of it."""

from typing import Any

import pytest

from evalhub.judging import answer_schema, read_answer

LETTERS = ("A", "B", "C")


@pytest.mark.parametrize(
    ("text", "choices", "choice"),
    [
        ("A", LETTERS, "A"), (" B\n", LETTERS, "B"), ("A.", LETTERS, "A"), ("**A**", LETTERS, "A"),
        ("**B.**", LETTERS, "B"), ("(C)", LETTERS, "C"), ('"A"', LETTERS, "A"), ("Ａ", LETTERS, "A"),
        ("`B`", LETTERS, "B"), ('{"answer": "C"}', LETTERS, "C"), ('\n{ "answer" : "A" }\n', LETTERS, "A"),
        ("yes", ("Yes", "No"), "Yes"), ("NO.", ("Yes", "No"), "No"), ("10", ("1", "10"), "10"),
        ("−2", ("-2", "2"), "-2"), ("0.5", ("0", "0.5"), "0.5"),
        ("very good", ("good", "very good"), "very good"),
        ('```json\n{"answer": "A"}\n```', LETTERS, "A"), ("```\nC\n```", LETTERS, "C"),
    ],
)  # fmt: skip
def test_a_whole_answer(text: str, choices: tuple[str, ...], choice: str) -> None:
    assert read_answer(text, choices) == choice


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a", "D", "I think A", "A or B", "A, B", "AB", "A because it is short", "Answer: A", "A\nB",
        "not A", "~~A~~", "> A", "A?", '{"answer": "D"}', '{"answer": ["A"]}', '{"answer": "A", "b": ""}',
        '{"answer": "A", "answer": "B"}', '[["answer", "A"]]', '{"verdict": "A"}', '{"answer": "A"} or B',
        "{", "null", "[" * 100_000, '```json\n{"answer": "A"}\n```\nor B', "```python\nA\n```",
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(text: str) -> None:
    assert read_answer(text, LETTERS) is None


def test_the_schema_allows_the_choices_alone() -> None:
    schema: dict[str, Any] = answer_schema(("1", "2"))
    assert schema["properties"]["answer"] == {"type": "string", "enum": ["1", "2"]}
    assert (schema["required"], schema["additionalProperties"]) == (["answer"], False)
