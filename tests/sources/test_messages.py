"""Chat histories: read from structs and JSON alike, tool calls written out, and refused with their place."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.records import Item, prompt_sha256
from evalhub.sources import Dataset, check
from evalhub.sources.messages import IDLE_KEYS, ROLES, read_messages

pytestmark = pytest.mark.usefixtures("near")

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Which river runs through Köln?"},
]
PAIRS = tuple((message["role"], message["content"]) for message in CHAT)


def loaded(mini: Any, history: Any, kind: str, **keys: Any) -> Dataset:
    """Load a dataset of one item with a history, in a column of a declared type."""
    table = {"path": "h.jsonl", "format": "jsonl", "columns": {"history": kind}}
    select = keys.pop("items", "SELECT 1 AS item_id, history AS messages FROM h")
    contents = {"h.jsonl": json.dumps({"history": history}) + "\n"}
    return mini.load(contents, files={"h": table}, responses=None, items=select, **keys)


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
        ({"role": "user", "name": "Ann Lee", "content": "Hi"}, ("user", "Ann Lee:\nHi")),
        ({"role": "system", "name": "example_user", "content": "Hi"}, ("system", "example_user:\nHi")),
        ({"role": "user", "name": "  ", "content": "Hi", "audio": ""}, ("user", "Hi")),
        ({"role": "user", "name": "Zoë\x00\ud800 ", "content": "Hi"}, ("user", "Zoë\ufffd:\nHi")),
        ({"role": "assistant", "content": None, "refusal": "I will not."}, ("assistant", "I will not.")),
        ({"role": "assistant", "content": "a", "weight": 0, "refusal": None}, ("assistant", "a")),
        (
            {"role": "assistant", "tool_calls": [{"custom": {"name": "sql", "input": "SELECT 1"}}]},
            ("assistant", "Tool call: sql(SELECT 1)"),
        ),
        ({"from": "human", "value": "Hi"}, ("user", "Hi")),
        ({"from": "gpt", "value": "Hi", "weight": None}, ("assistant", "Hi")),
        ({"from": "system", "value": "Be brief."}, ("system", "Be brief.")),
        ({"from": "observation", "value": "21"}, ("tool", "21")),
        (
            {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 2}}'},
            ("assistant", 'Tool call: f({"x":2})'),
        ),
        (
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}},
            ]},
            ("assistant", 'I look.\n\nTool call: look({"at":"sky"})'),
        ),
    ],
)  # fmt: skip
def test_messages_become_texts(message: dict[str, Any], pair: tuple[str, str]) -> None:
    assert read_messages([message, {"role": "user", "content": "?"}])[0] == pair


CALLS = {
    "openai": [
        {"role": "user", "content": "Compare."},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "p", "type": "function", "function": {"name": "low", "arguments": "{}"}},
            {"id": "q", "type": "function", "function": {"name": "high", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "q", "content": "9"},
        {"role": "tool", "tool_call_id": "p", "content": "2"},
        {"role": "user", "content": "And now?"},
    ],
    "anthropic": [
        {"role": "user", "content": "Compare."},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "p", "name": "low", "input": {}},
            {"type": "tool_use", "id": "q", "name": "high", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "q", "content": [{"type": "text", "text": "9"}]},
            {"type": "tool_result", "tool_use_id": "p", "content": "2"},
            {"type": "text", "text": "And now?"},
        ]},
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", CALLS)
def test_results_carry_the_name_of_the_tool_that_was_called(form: str) -> None:
    assert read_messages(CALLS[form]) == (
        ("user", "Compare."),
        ("assistant", "Tool call: low({})\n\nTool call: high({})"),
        ("tool", "high:\n9"),
        ("tool", "low:\n2"),
        ("user", "And now?"),
    )


@pytest.mark.parametrize(
    ("synonyms", "role"),
    [
        (["System", "SYSTEM", "Developer"], "system"),
        (["User", "human", "Human", "prompter", " user "], "user"),
        (["Assistant", "ASSISTANT", "gpt", "chatgpt", "bot", "Chatbot", "model", "AI"], "assistant"),
        (["Tool", "function", "observation", "ipython"], "tool"),
    ],
)
@pytest.mark.parametrize(("speaker", "text"), [("role", "content"), ("from", "value")])
def test_roles_have_other_names(synonyms: list[str], role: str, speaker: str, text: str) -> None:
    for synonym in synonyms:
        history = [{speaker: synonym, text: "a"}, {speaker: "user", text: "?"}]
        assert read_messages(history)[0] == (role, "a")


def test_a_conversation_of_other_names_is_loaded_as_the_same(mini: Any) -> None:
    names = {"system": "System", "user": "Human", "assistant": "model"}
    renamed = [{**message, "role": names[message["role"]]} for message in CHAT]
    (item,) = loaded(mini, renamed, "JSON").items
    assert item.messages == PAIRS


@pytest.mark.parametrize(
    "keys",
    [
        {"timestamp": "2024-05-01T10:00:00Z"}, {"id": 7, "parent_id": "x"}, {"metadata": {"client": "web"}},
        {"created_at": 1714550000.5, "updated_at": None}, {"model": "m-2", "usage": {"total_tokens": 9}},
        {"finish_reason": "stop", "logprobs": None}, {"turn": 1, "index": 0}, {"uuid": "u"},
        # WildChat
        {"country": "France", "hashed_ip": "ab", "header": {"user-agent": "x"}, "language": "French",
         "redacted": False, "state": "Paris", "toxic": False, "turn_identifier": 101002},
    ],
)  # fmt: skip
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_keys_without_text_of_the_conversation_are_ignored(keys: dict[str, Any], role: str) -> None:
    history = [{"role": role, "content": "a", **keys}, {"role": "user", "content": "?"}]
    assert read_messages(history)[0] == (role, "a")


def test_each_name_and_key_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    thoughts, ids = {"reasoning", "reasoning_content"}, {"tool_call_id"}
    assert [name for name in (*ROLES, *sorted(IDLE_KEYS - thoughts - ids)) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "keys",
    [
        {"text": "b"}, {"value": "b"}, {"attachments": [{"name": "b.pdf"}]}, {"audio": {"id": "b"}},
        {"context": "b"}, {"tools": [{"name": "b"}]}, {"documents": ["b"]}, {"prefix": True},
        {"Content": "b"},
    ],
)  # fmt: skip
def test_keys_that_may_carry_text_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"there is '{next(iter(keys))}'"):
        read_messages([{"role": "user", "content": "a", **keys}])


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 1e-400}',
        '{"a": 0.12345678901234567890}',
        '{"a": 1',
        "a=1",
    ],
)
def test_arguments_that_do_not_say_one_thing_stay_as_written(arguments: str) -> None:
    call = {"role": "assistant", "function_call": {"name": "f", "arguments": arguments}}
    assert read_messages([call, {"role": "user", "content": "?"}])[0][1] == f"Tool call: f({arguments})"


@pytest.mark.parametrize(
    "name", ["a\nSystem", "a\x1b[0m", "a\u2028b", "a\r\t.", "n" * 201, 7, ["a"], "a\x85b"]
)
@pytest.mark.parametrize("place", ["user", "tool", "call"])
def test_names_are_of_one_line(name: Any, place: str) -> None:
    message = {"role": place, "name": name, "content": "a"}
    if place == "call":
        message = {"role": "assistant", "tool_calls": [{"function": {"name": name, "arguments": "{}"}}]}
    with pytest.raises(ValueError, match=r"names of one line.*\(message 1\)"):
        read_messages([message, {"role": "user", "content": "?"}])


@pytest.mark.parametrize(
    "history", ['[{"role": "user", "content": "a", "content": "b"}]', '[{"role": "user", "content": NaN}]']
)
def test_json_that_does_not_say_one_thing_is_refused(history: str) -> None:
    with pytest.raises(ValueError, match=r"a key that appears twice|finite numbers"):
        read_messages(history)


def test_the_last_answer_is_left_out_in_the_select(mini: Any) -> None:
    history = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]
    select = "SELECT 1 AS item_id, (history::JSON[])[:-2] AS messages FROM h"
    for kind in ("JSON", 'STRUCT("from" VARCHAR, "value" VARCHAR)[]'):
        sliced = select if kind == "JSON" else select.replace("(history::JSON[])", "history")
        (item,) = loaded(mini, history, kind, items=sliced).items
        assert item.messages == (("user", "Hi"),)


def test_the_spelling_of_arguments_changes_nothing() -> None:
    def calling(arguments: Any) -> Any:
        call = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
        return read_messages([call, {"role": "tool", "content": "1"}])

    assert calling({"a": 1, "b": [2]}) == calling('{ "b": [2],  "a": 1 }')


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([], "a list of messages"),
        ("Hi", "a list of messages"),
        ("{", "a list of messages"),
        (["Hi"], "message 1 is not one"),
        (
            [{"role": "user", "content": "a"}, {"role": "narrator", "content": "b"}],
            "there is the role 'narrator' (message 2)",
        ),
        ([{"author": "a", "text": "b"}], "its keys are author, text (message 1)"),
        ([{"role": "user", "parts": [{"text": "b"}]}], "the keys of one are role, parts (message 1)"),
        ([{"from": "narrator", "value": "a"}], "there is the role 'narrator' (message 1)"),
        (
            [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
            "of role assistant. Leave it out in the SELECT",
        ),
        ([{"role": "user", "content": " "}], "message 1 is blank"),
        (
            [{"role": "user", "content": {"text": "a"}}],
            "a content that is a text or a list of text blocks (message 1)",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}],
            "block of type 'image_url'",
        ),
        (
            [{"role": "user", "content": "a", "images": ["x"]}],
            "there is 'images': leave it out in the SELECT",
        ),
        ([{"role": "user", "content": "a", "tool_calls": [{"name": "f"}]}], "there is 'tool_calls'"),
        ([{"role": "assistant", "tool_calls": [{"arguments": {}}]}], "a call without a name (message 1)"),
        ([{"role": "assistant", "tool_calls": "f()"}], "tool_calls that are a list (message 1)"),
    ],
)
def test_what_is_no_history_is_refused(mini: Any, history: Any, sentence: str) -> None:
    with pytest.raises(SpecError) as refused:
        loaded(mini, history, "JSON")
    assert sentence in str(refused.value)
    assert "item_id '1'" in str(refused.value) or "item_id 1" in str(refused.value)


def test_a_history_stands_in_place_of_a_prompt(mini: Any) -> None:
    select = "SELECT 1 AS item_id, history AS messages, 'Hi' AS prompt FROM h"
    with pytest.raises(SpecError, match="messages beside a prompt or turns"):
        loaded(mini, CHAT, "JSON", items=select)


def test_the_history_is_part_of_what_is_asked() -> None:
    bare = Item("d", "1", turns=("Hi",))
    with_history = Item("d", "1", turns=("Hi",), messages=(("system", "Be brief."), ("user", "Hi")))
    assert prompt_sha256(bare) != prompt_sha256(with_history)


def test_equal_last_messages_of_other_histories_are_no_shared_prompts(mini: Any) -> None:
    histories = [CHAT, [{"role": "user", "content": CHAT[-1]["content"]}]]
    select = "SELECT generate_subscripts(history, 1) AS item_id, unnest(history) AS messages FROM h"
    dataset = loaded(mini, histories, "JSON[]", items=select)
    assert len(dataset.items) == 2
    assert dataset.warnings == ()


def test_thoughts_of_earlier_turns_are_left_out(mini: Any) -> None:
    chat = [*CHAT[:2], {"role": "assistant", "content": "<think>Greet.</think>Hello."}, *CHAT[3:]]
    (item,) = loaded(mini, chat, "JSON").items
    assert item.messages == PAIRS
    (item,) = loaded(mini, chat, "JSON", think="none").items
    assert item.messages[2] == ("assistant", "<think>Greet.</think>Hello.")
    chat[2] = {"role": "assistant", "content": "<think>Greet."}
    with pytest.raises(SpecError, match="has no end"):
        loaded(mini, chat, "JSON")
