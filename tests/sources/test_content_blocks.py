"""Texts that stand as content blocks are read as their texts, in every format. Other blocks are refused."""

import json
from typing import Any

import pytest

from evalhub.errors import SpecError

BLOCKS = [{"type": "text", "text": "Name a river."}, {"type": "text", "text": "One word."}]
STRUCTS = 'STRUCT("type" VARCHAR, "text" VARCHAR)[]'
PROMPT = "SELECT line AS item_id, prompt FROM t"


def prompts(data: Any) -> list[str]:
    return [item.turns[0] for item in data.items]


@pytest.mark.parametrize("kind", ["JSON", STRUCTS])
@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet"])
def test_blocks_are_joined(table: Any, tmp_path: Any, form: str, kind: str) -> None:
    content: str | bytes = json.dumps([{"prompt": BLOCKS}])
    if form == "jsonl":
        content = json.dumps({"prompt": BLOCKS})
    elif form == "csv":
        content = 'prompt\n"' + json.dumps(BLOCKS).replace('"', '""') + '"\n'
    elif form == "parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table({"prompt": [BLOCKS]}), tmp_path / "t.parquet")
        content = (tmp_path / "t.parquet").read_bytes()
    assert prompts(table(f"t.{form}", content, form, {"prompt": kind}, items=PROMPT)) == [
        "Name a river.\nOne word."
    ]


def test_texts_and_blocks_mix_in_a_json_column(table: Any) -> None:
    rows = [
        {"prompt": "One?", "refs": ["a", "b"]},
        {
            "prompt": [{"type": "input_text", "text": "Two?"}],
            "refs": [[{"type": "output_text", "text": "c"}]],
        },
        {"prompt": '"quoted"', "refs": "d"},
        {"prompt": "Four?", "refs": None},
    ]
    sql = "SELECT line AS item_id, prompt, refs FROM t"
    content = "\n".join(map(json.dumps, rows))
    data = table("t.jsonl", content, "jsonl", {"prompt": "JSON", "refs": "JSON"}, items=sql)
    assert prompts(data) == ["One?", "Two?", '"quoted"', "Four?"]
    assert [item.refs for item in data.items] == [(("a", "b"),), (("c",),), (("d",),), ()]


def test_turns_may_be_blocks(table: Any) -> None:
    rows = json.dumps({"turns": [BLOCKS, "And another?"]})
    data = table("t.jsonl", rows, "jsonl", {"turns": "JSON"}, items="SELECT 1 AS item_id, turns FROM t")
    assert data.items[0].turns == ("Name a river.\nOne word.", "And another?")


def test_lists_of_json_are_texts_and_no_json(table: Any) -> None:
    sql = "SELECT 1 AS item_id, doc->'$.q' AS prompt, json_extract(doc, '$.tags[*]') AS tags FROM t"
    data = table("t.jsonl", '{"doc": {"q": "Why?", "tags": ["x", "y"]}}', "jsonl", {"doc": "JSON"}, items=sql)
    assert prompts(data) == ["Why?"]
    assert data.items[0].tags == ("x", "y")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
        {"type": "tool_use", "name": "search", "input": {}},
        {"type": "text", "text": None},
        {"text": "no type"},
    ],
)
@pytest.mark.parametrize("kind", ["JSON", STRUCTS])
def test_what_is_no_text_block_is_refused(table: Any, kind: str, block: Any) -> None:
    content = json.dumps({"prompt": [BLOCKS[0], block]})
    with pytest.raises(SpecError, match="only blocks of text") as excinfo:
        table("t.jsonl", content, "jsonl", {"prompt": kind}, items=PROMPT)
    assert repr(block.get("type")) in str(excinfo.value)


@pytest.mark.parametrize("value", [["a", "b"], {"text": "x"}, 4, True])
def test_other_json_is_no_text(table: Any, value: Any) -> None:
    with pytest.raises(SpecError, match="the column prompt has a value that is not allowed"):
        table("t.jsonl", json.dumps({"prompt": value}), "jsonl", {"prompt": "JSON"}, items=PROMPT)
