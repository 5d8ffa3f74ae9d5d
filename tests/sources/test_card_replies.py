"""A recorded judge's replies become verdicts by the format that its card names, or failures."""

from typing import Any

import pytest

from evalhub.errors import EvalhubError
from evalhub.records import FailureKind

PAIR = "1 AS item_id, 'overall' AS criterion, 'k' AS system_a, 'm' AS system_b, 'j' AS judge"
POINT = "1 AS item_id, 'fluency' AS criterion, 'k' AS system, 'j' AS judge"


def test_replies_are_read(mini: Any) -> None:
    rows = "(0, 'Score: 2/3.'), (1, 'Nice.'), (2, 'Score: 9'), (3, '<think>Hm.</think>Score: 2.5'), (4, NULL)"
    data = mini.load(
        judgments=f"SELECT {POINT}, x.* FROM (VALUES {rows}) x(repeat, raw_text)",
        judges={"j": {"reply_format": "score"}},
    )
    assert [(judgment.value, judgment.failure) for judgment in data.judgments] == [
        (2.0, None),
        (None, FailureKind.PARSE),
        (None, FailureKind.OFF_SCALE),
        (2.5, None),
        (None, FailureKind.PARSE),
    ]
    assert data.judgments[1].detail.startswith("nothing reads as")
    assert (data.judgments[3].rationale, data.judgments[3].raw_text) == (
        "Hm.",
        "<think>Hm.</think>Score: 2.5",
    )


@pytest.mark.parametrize(
    ("sides", "shown", "text", "winner"),
    [
        ("k m", "ab", "[[A]]", "a"), ("k m", "ba", "[[A]]", "b"), ("m k", "ab", "[[A]]", "b"),
        ("m k", "ba", "[[B]]", "b"), ("k m", "ba", "[[C]]", "tie"),
    ],
)  # fmt: skip
def test_letters_name_what_was_shown(mini: Any, sides: str, shown: str, text: str, winner: str) -> None:
    a, b = sides.split()
    pair = f"1 AS item_id, 'overall' AS criterion, '{a}' AS system_a, '{b}' AS system_b, 'j' AS judge"
    (judgment,) = mini.load(
        judgments=f"SELECT {pair}, '{shown}' AS shown, '{text}' AS raw_text",
        judges={"j": {"reply_format": "verdict"}},
    ).judgments
    assert (judgment.system_a, judgment.winner) == ("k", winner)


@pytest.mark.parametrize(("unparsed", "outcome"), [("failure", "parse"), ("tie", "tie"), ("wrong", "parse")])
def test_unparsed_is_a_tie_only_where_the_card_says_so(mini: Any, unparsed: str, outcome: str) -> None:
    (judgment,) = mini.load(
        judgments=f"SELECT {PAIR}, 'ab' AS shown, 'Hm.' AS raw_text",
        judges={"j": {"reply_format": "verdict", "unparsed_as": unparsed}},
    ).judgments
    assert (judgment.winner or judgment.failure) == outcome
    assert "nothing reads as" in judgment.detail


@pytest.mark.parametrize(("unparsed", "outcome"), [("failure", "parse"), ("tie", "tie"), ("wrong", "parse")])
def test_a_verdict_that_is_null_counts_as_the_card_says(mini: Any, unparsed: str, outcome: str) -> None:
    null, valid, failed = mini.load(
        judgments=f"""SELECT {PAIR}, x.* FROM (VALUES
          (0, NULL, NULL), (1, 'b', NULL), (2, NULL, 'refused')) x(repeat, winner, failure)""",
        judges={"j": {"unparsed_as": unparsed}},
    ).judgments
    assert (null.winner or null.failure) == outcome
    assert "no verdict is recorded" in null.detail
    assert valid.winner == "b"
    assert failed.failure == "refused"


def test_a_reply_that_is_null_counts_as_the_card_says(mini: Any) -> None:
    (judgment,) = mini.load(
        judgments=f"SELECT {PAIR}, 'ab' AS shown, NULL::VARCHAR AS raw_text",
        judges={"j": {"reply_format": "verdict", "unparsed_as": "tie"}},
    ).judgments
    assert (judgment.winner, judgment.failure) == ("tie", None)


def test_a_rule_and_a_key(mini: Any) -> None:
    last = {"j": {"reply_format": {"name": "score", "rule": "last"}}}
    text = f"SELECT {POINT}, 'Score: 2. Score: 3' AS raw_text"
    assert mini.load(judgments=text, judges=last).judgments[0].value == 3
    assert (
        mini.load(judgments=text, judges={"j": {"reply_format": "score"}}).judgments[0].failure == "ambiguous"
    )
    keyed = f"""SELECT {POINT}, '{{"fluency": 1, "mark": 3}}' AS raw_text"""
    assert mini.load(judgments=keyed, judges={"j": {"reply_format": "json"}}).judgments[0].value == 1
    marked = {"j": {"reply_format": {"name": "json", "key": "mark"}}}
    assert mini.load(judgments=keyed, judges=marked).judgments[0].value == 3


@pytest.mark.parametrize(
    ("criterion", "letters", "reply", "outcome"),
    [
        ("fluency", {"A": 1, "B": 2, "C": 3}, "Answer: B", 2.0),
        ("fluency", {"A": 3, "B": 2, "C": 1}, "A", 3.0),
        ("fluency", {"A": 1, "B": 2, "C": 3}, "D", "off_scale"),
        ("fluency", {"A": 1, "B": 2, "C": 3}, "A good one", "parse"),
        ("share", {"A": 0, "B": 0.25, "E": 1}, "(B)", 0.25),
        ("passes", {"A": "yes", "B": "no"}, "The answer is A.", 1.0),
    ],
)
def test_letters_stand_for_what_the_card_says(
    mini: Any, criterion: str, letters: dict[str, Any], reply: str, outcome: object
) -> None:
    row = f"1 AS item_id, '{criterion}' AS criterion, 'k' AS system, 'j' AS judge, '{reply}' AS raw_text"
    (judgment,) = mini.load(
        judgments=f"SELECT {row}", judges={"j": {"reply_format": {"name": "letter", "letters": letters}}}
    ).judgments
    assert (judgment.value if judgment.failure is None else judgment.failure) == outcome


@pytest.mark.parametrize(
    ("reply", "shown", "winner"), [("1", "ab", "a"), ("2", "ba", "a"), ("0", "ba", "tie")]
)
def test_letters_of_a_comparison_name_what_was_shown(mini: Any, reply: str, shown: str, winner: str) -> None:
    letters = {"1": "a", "2": "b", "0": "tie"}
    (judgment,) = mini.load(
        judgments=f"SELECT {PAIR}, '{shown}' AS shown, '{reply}' AS raw_text",
        judges={"j": {"reply_format": {"name": "letter", "letters": letters}}},
    ).judgments
    assert judgment.winner == winner


@pytest.mark.parametrize(
    ("judge", "row", "sentence"),
    [
        ({"reply_format": "scores"}, f"{POINT}, 'x' AS raw_text", "unknown reply format, got 'scores'"),
        ({"reply_format": "verdict"}, f"{POINT}, 'x' AS raw_text", "cannot answer a pointwise criterion"),
        (
            {"reply_format": "score"},
            f"{PAIR}, 'ab' AS shown, 'x' AS raw_text",
            "cannot answer a pairwise criterion",
        ),
        ({"reply_format": "verdict"}, f"{PAIR}, 'x' AS raw_text", "return the column shown"),
        ({"reply_format": "score"}, f"{POINT}, 'x' AS raw_text, 2 AS value", "a row has a verdict"),
        ({"unparsed_as": "tie"}, f"{POINT}, NULL::DOUBLE AS value", "allows a tie"),
        ({"unparsed_as": "wrong"}, f"{POINT}, NULL::DOUBLE AS value", "needs a pairwise criterion"),
        ({"combine_orders": "agree"}, f"{PAIR}, 'a' AS winner", "return the column shown"),
        ({"combine_orders": "both"}, f"{PAIR}, 'a' AS winner", "combine_orders"),
        ({"reply_format": "score", "unparsed_as": "tie"}, f"{POINT}, 'x' AS raw_text", "allows a tie"),
        (
            {"reply_format": "score", "unparsed_as": "wrong"},
            f"{POINT}, 'x' AS raw_text",
            "needs a pairwise criterion",
        ),
        ({"reply_format": {"name": "score", "rule": "best"}}, f"{POINT}, 'x' AS raw_text", "rule"),
        (
            {"reply_format": {"name": "letter", "letters": {"A": 1, "B": 9}}},
            f"{POINT}, 'A' AS raw_text",
            "the letter B has a meaning that the criterion fluency does not allow, got 9; allowed: 1, 2, 3",
        ),
        (
            {"reply_format": {"name": "letter", "letters": {"A": "a", "B": "both"}}},
            f"{PAIR}, 'ab' AS shown, 'A' AS raw_text",
            "got 'both'; allowed: a, tie, b",
        ),
        (
            {"reply_format": {"name": "score", "letters": {"A": 1}}},
            f"{POINT}, 'A' AS raw_text",
            "the format score takes no letters",
        ),
        ({"reply_format": {"nam": "score"}}, f"{POINT}, 'x' AS raw_text", "did you mean 'name'"),
    ],
)
def test_what_cannot_be_read_so_is_refused(mini: Any, judge: Any, row: str, sentence: str) -> None:
    with pytest.raises(EvalhubError) as excinfo:
        mini.load(judgments=f"SELECT {row}", judges={"j": judge})
    assert sentence in str(excinfo.value)
    assert str(mini.path) in str(excinfo.value)
    assert str(excinfo.value).count("\n") == 0


def test_a_recorded_judges_thoughts_may_stand_between_other_tags(mini: Any) -> None:
    judge = {"reply_format": "score", "think": {"open": "[THINK]"}}
    (judgment,) = mini.load(
        judgments=f"SELECT {POINT}, '[THINK]Score: 1?[/THINK]Score: 2' AS raw_text", judges={"j": judge}
    ).judgments
    assert (judgment.value, judgment.rationale) == (2, "Score: 1?")
