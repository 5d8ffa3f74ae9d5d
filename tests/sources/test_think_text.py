"""The think text of recorded responses stands apart from their answers."""

import json
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.records import FailureKind, Response, digest
from evalhub.sources import check

pytestmark = pytest.mark.usefixtures("near")


def recorded(mini: Any, *texts: str, **card: Any) -> list[Response]:
    """Load texts as responses to item 1, each of a system of its own, s0, s1, …"""
    rows = "".join(
        json.dumps({"id": 1, "system": f"s{n}", "text": text}) + "\n" for n, text in enumerate(texts)
    )
    return list(mini.load({"r.jsonl": rows}, **card).responses)


def test_thoughts_go_into_reasoning(mini: Any) -> None:
    plain, thought, opened, empty = recorded(
        mini, "Four.", "<think>2 and 2</think>\n\nFour.", "2 and 2\n</think>Four.", "<think>2</think>"
    )
    assert (plain.reasoning, thought.reasoning, opened.reasoning) == (None, "2 and 2", "2 and 2")
    for response in (plain, thought, opened):
        assert (response.text, response.chars, response.sha256, response.failure) == (
            "Four.",
            5,
            digest("Four."),
            None,
        )
    assert (empty.text, empty.chars, empty.failure) == ("", 0, None)


def test_an_answer_that_never_came_is_a_failure(mini: Any) -> None:
    (response,) = recorded(mini, "<think>Let me see")
    assert (response.failure, response.reasoning) == (FailureKind.TRUNCATED, "Let me see")
    assert (response.text, response.turns, response.chars, response.sha256) == (None, (), None, None)


@pytest.mark.parametrize(
    ("think", "text"),
    [
        ({"open": "<reasoning>"}, "<reasoning>a</reasoning>b"),
        ({"open": "[THINK]", "close": "[/THINK]"}, "[THINK]a[/THINK]b"),
        ({"open": "<|channel|>analysis", "close": "<|final|>"}, "<|channel|>analysisa<|final|>b"),
        ([{"open": "<x>"}, {"open": "<seed:think>"}], "<seed:think>a</seed:think>b"),
        ({"opened": True}, "a</think>b"),
    ],
)
def test_the_card_names_other_tags(mini: Any, think: Any, text: str) -> None:
    (response,) = recorded(mini, text, think=think)
    assert (response.text, response.reasoning) == ("b", "a")


def test_the_card_may_leave_all_in_the_answer(mini: Any) -> None:
    (response,) = recorded(mini, "<think>a</think>b", think="none")
    assert (response.text, response.reasoning, response.chars) == ("<think>a</think>b", None, 17)


def test_a_prompt_that_opened_the_tag_makes_plain_texts_cut(mini: Any) -> None:
    answer, cut = recorded(mini, "a</think>b", "a, and then", think={"opened": True})
    assert (answer.failure, cut.failure, cut.reasoning) == (None, FailureKind.TRUNCATED, "a, and then")


@pytest.mark.parametrize(
    ("think", "sentence"),
    [
        ({"open": "analysis"}, "say which text closes 'analysis'"),
        ({"open": " "}, "the opening tag of think is blank"),
        ({"open": "##", "close": "##"}, "are the same"),
        ({"opens": "<x>"}, "unknown key"),
        ("nothing", "a list is needed"),
        (["<x>"], "a mapping is needed"),
    ],
)
def test_tags_that_cannot_be_are_refused(mini: Any, think: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        recorded(mini, "a", think=think)


def test_each_turn_is_split(mini: Any) -> None:
    turns = "SELECT 1 AS item_id, 'k' AS system, [%s] AS turns"
    items = "SELECT id AS item_id, ['x', 'y', 'z'] AS turns FROM q"
    (response,) = mini.load(items=items, responses=turns % "'<think>a</think>b', 'c', 'd</think>e'").responses
    assert (response.turns, response.text, response.reasoning, response.chars) == (
        ("b", "c", "e"),
        "e",
        "a\n\nd",
        3,
    )
    (response,) = mini.load(items=items, responses=turns % "'b', '<think>a'").responses
    assert (response.turns, response.text, response.failure) == ((), None, FailureKind.TRUNCATED)


def test_a_length_that_counts_the_thoughts_is_counted_anew(mini: Any) -> None:
    rows = "SELECT 1 AS item_id, 'k' AS system, '<think>a</think>bc' AS text, %s AS chars"
    assert [mini.load(responses=rows % chars).responses[0].chars for chars in (18, 2, 40)] == [2, 2, 40]


def test_check_counts_and_warns(mini: Any) -> None:
    texts = ["<think>a</think>b", "<think>a", "b <think>", "[THINK]a[/THINK]b", "b"]
    rows = "".join(
        json.dumps({"id": 1, "system": f"s{n}", "text": text}) + "\n" for n, text in enumerate(texts)
    )
    contents = check(str(mini.write({"r.jsonl": rows})))
    assert contents.think_text == {
        "s0": {"thoughts apart": 1},
        "s1": {"cut while thinking": 1},
        "s2": {"tags within the answer": 1},
    }
    warnings = "\n".join(contents.warnings)
    assert "1 responses end while they still think" in warnings
    assert "1 responses have think tags within the answer" in warnings
    assert "1 responses begin with [THINK]" in warnings


def test_check_warns_where_some_answers_may_be_cut_thoughts(mini: Any) -> None:
    rows = "SELECT id AS item_id, 'k' AS system, i AS sample, t AS text FROM q, "
    rows += "(VALUES (0, 'a</think>b'), (1, 'c</think>d'), (2, if(id = 1, 'e', 'f</think>g'))) v(i, t)"
    (warning,) = check(str(mini.write(responses=rows))).warnings
    assert warning.startswith(
        "1 responses of k have no think text, and 5 have: where its prompts opened the tag"
    )
