"""Chat histories: read from structs and JSON alike, tool calls written out, and refused with their place."""

import json
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.records import Item, asked_sha256
from evalhub.sources import Dataset, check
from evalhub.sources.messages import read_messages

pytestmark = pytest.mark.usefixtures("near")

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Which river runs through Köln?"},
]
PAIRS = tuple((message["role"], message["content"]) for message in CHAT)


def loaded(mini: Any, history: Any, kind: str, **more: Any) -> Dataset:
    """Load a dataset of one item with a history, in a column of a declared type."""
    table = {"path": "h.jsonl", "format": "jsonl", "columns": {"history": kind}}
    select = more.pop("items", "SELECT 1 AS item_id, history AS messages FROM h")
    contents = {"h.jsonl": json.dumps({"history": history}) + "\n"}
    return mini.load(contents, files={"h": table}, responses=None, items=select, **more)


@pytest.mark.parametrize(
    ("kind", "history"),
    [
        ("STRUCT(role VARCHAR, content VARCHAR)[]", CHAT),
        ("JSON", CHAT),
        ("JSON[]", CHAT),
        ("VARCHAR", json.dumps(CHAT)),
    ],
)
def test_a_history_is_read_in_each_form(mini: Any, kind: str, history: Any) -> None:
    (item,) = loaded(mini, history, kind).items
    assert item.messages == PAIRS
    assert item.turns == ("Which river runs through Köln?",)


def test_refs_belong_to_the_answer_that_follows(mini: Any) -> None:
    select = "SELECT 1 AS item_id, history AS messages, ['The Rhine'] AS refs FROM h"
    (item,) = loaded(mini, CHAT, "JSON", items=select).items
    assert item.references == ("The Rhine",)


def test_check_counts_histories(mini: Any) -> None:
    loaded(mini, CHAT, "JSON")
    assert check(str(mini.path)).messages == {4: 1}


@pytest.mark.parametrize(
    ("message", "pair"),
    [
        ({"role": "developer", "content": "a"}, ("system", "a")),
        ({"role": "user", "content": [{"type": "text", "text": x} for x in "ab"]}, ("user", "a\nb")),
        ({"role": "user", "content": [{"type": "input_text", "text": "a"}]}, ("user", "a")),
        ({"role": "assistant", "content": None, "tool_calls": None}, ("assistant", "")),
        ({"role": "assistant", "content": "a", "reasoning_content": "b", "id": "c"}, ("assistant", "a")),
        ({"role": "tool", "content": "3", "tool_call_id": "x"}, ("tool", "3")),
        ({"role": "tool", "content": "3", "name": "add"}, ("tool", "add:\n3")),
        (
            {"role": "assistant", "content": "Let me add.", "tool_calls": [
                {"id": "x", "type": "function", "function": {"name": "add", "arguments": '{"b": 2, "a": 1}'}},
                {"name": "now"},
            ]},
            ("assistant", 'Let me add.\n\nTool call: add({"a":1,"b":2})\n\nTool call: now({})'),
        ),
        (
            {"role": "assistant", "function_call": {"name": "say", "arguments": "not JSON"}},
            ("assistant", "Tool call: say(not JSON)"),
        ),
        ({"role": "user", "content": "a\ud800\x00"}, ("user", "a\ufffd")),
    ],
)  # fmt: skip
def test_messages_become_texts(message: dict[str, Any], pair: tuple[str, str]) -> None:
    assert read_messages([message, {"role": "user", "content": "?"}])[0] == pair


def test_the_spelling_of_arguments_changes_nothing() -> None:
    def calling(arguments: Any) -> Any:
        call = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
        return read_messages([call, {"role": "tool", "content": "1"}])

    assert calling({"a": 1, "b": [2]}) == calling('{ "b": [2],  "a": 1 }')


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "a list of messages"),
        ("Hi", "a list of messages"),
        ("{", "a list of messages"),
        (["Hi"], "message 1 is none"),
        ([{"role": "user", "content": "a"}, {"role": "bot", "content": "b"}], "message 2 is of role 'bot'"),
        ([{"from": "human", "value": "a"}], "message 1 is of role None"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "of role assistant"),
        ([{"role": "user", "content": " "}], "message 1 is blank"),
        ([{"role": "user", "content": {"text": "a"}}], "that of message 1 is neither"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}],
            "block of type 'image_url'",
        ),
        ([{"role": "user", "content": "a", "images": ["x"]}], "message 1 has 'images'"),
        ([{"role": "user", "content": "a", "tool_calls": [{"name": "f"}]}], "message 1 has 'tool_calls'"),
        ([{"role": "assistant", "tool_calls": [{"arguments": {}}]}], "one of message 1 has no name"),
        ([{"role": "assistant", "tool_calls": "f()"}], "that of message 1 is none"),
    ],
)
def test_what_is_no_history_is_refused(mini: Any, history: Any, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        loaded(mini, history, "JSON")
    assert said in str(refused.value)
    assert "item_id '1'" in str(refused.value) or "item_id 1" in str(refused.value)


def test_a_history_stands_in_place_of_a_prompt(mini: Any) -> None:
    select = "SELECT 1 AS item_id, history AS messages, 'Hi' AS prompt FROM h"
    with pytest.raises(SpecError, match="messages beside a prompt or turns"):
        loaded(mini, CHAT, "JSON", items=select)


def test_the_history_is_part_of_what_is_asked() -> None:
    bare = Item("d", "1", turns=("Hi",))
    with_history = Item("d", "1", turns=("Hi",), messages=(("system", "Be brief."), ("user", "Hi")))
    assert asked_sha256(bare) != asked_sha256(with_history)


def test_equal_last_messages_of_other_histories_are_no_shared_prompts(mini: Any) -> None:
    histories = [CHAT, [{"role": "user", "content": CHAT[-1]["content"]}]]
    select = "SELECT generate_subscripts(history, 1) AS item_id, unnest(history) AS messages FROM h"
    found = loaded(mini, histories, "JSON[]", items=select)
    assert len(found.items) == 2
    assert found.warnings == ()
