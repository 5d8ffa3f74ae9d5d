"""Blank texts of a card are absent. An empty answer is an answer."""

import json
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.sources import check

pytestmark = pytest.mark.usefixtures("near")

BLANKS = ["''", "' '", "chr(160)", "chr(8203)", "chr(65279)", "chr(9) || chr(10)", "NULL"]


def items(mini: Any, columns: str, **changes: Any) -> Any:
    changes = {"responses": None} | changes
    return mini.load(items=f"SELECT id AS item_id, {columns} FROM q", **changes).items


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_references_and_contexts_are_absent(mini: Any, blank: str) -> None:
    columns = f"prompt, [{blank}, 'two', {blank}] AS refs, [{blank}, 'a fact'] AS context, [{blank}] AS tags"
    for item in items(mini, columns):
        assert item.refs == (("two",),)
        assert item.references == ("two",)
        assert (item.context, item.tags) == (("a fact",), ())


@pytest.mark.parametrize("blank", BLANKS)
def test_an_item_with_blank_references_alone_has_none(mini: Any, blank: str) -> None:
    columns = f"prompt, [{blank}, {blank}] AS refs, {blank} AS context, {blank} AS lang"
    for item in items(mini, columns):
        assert (item.refs, item.references, item.context, item.lang) == ((), (), (), None)


@pytest.mark.parametrize("blank", BLANKS)
def test_a_single_blank_reference_is_none(mini: Any, blank: str) -> None:
    assert {item.refs for item in items(mini, f"prompt, {blank} AS refs")} == {()}


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_references_of_turns_are_absent_at_their_turn(mini: Any, blank: str) -> None:
    turns = "['Who?', 'Why?'] AS turns"
    for item in items(mini, f"{turns}, [[{blank}, 'him'], [{blank}]] AS refs"):
        assert item.refs == (("him",), ())
        assert item.references == ()
    for item in items(mini, f"{turns}, [[{blank}], ['so', {blank}]] AS refs"):
        assert item.refs == ((), ("so",))
    assert {item.refs for item in items(mini, f"{turns}, [[{blank}], [{blank}]] AS refs")} == {()}


@pytest.mark.parametrize("blank", BLANKS)
def test_an_item_may_be_without_a_prompt(mini: Any, blank: str) -> None:
    assert {item.turns for item in items(mini, f"{blank} AS prompt, 'x' AS refs")} == {()}
    assert {item.refs for item in items(mini, f"{blank} AS prompt, 'x' AS refs")} == {(("x",),)}
    assert {item.turns for item in items(mini, "['x'] AS refs")} == {()}


def test_one_blank_turn_among_others_is_refused(mini: Any) -> None:
    with pytest.raises(SpecError, match=r"a turn is blank beside others that are not \(item_id '1'\)"):
        items(mini, "['Who?', chr(160)] AS turns")


def test_an_empty_answer_is_an_answer(mini: Any) -> None:
    loaded = mini.load(responses="SELECT id AS item_id, 'k' AS system, chr(160) AS text FROM q")
    assert [(response.text, response.chars) for response in loaded.responses] == [("\u00a0", 1)] * 2
    assert all(response.sha256 for response in loaded.responses)


def test_a_blank_text_of_a_reference_system_is_absent(mini: Any) -> None:
    responses = """
        SELECT id AS item_id, 'people' AS system, if(id = 1, ' ', 'right') AS text FROM q
        UNION ALL SELECT id, 'm', '' FROM q"""
    loaded = mini.load(responses=responses, reference_systems=["people"])
    texts = {
        (response.system, response.item_id): (response.text, response.chars) for response in loaded.responses
    }
    assert texts == {
        ("people", "1"): (None, None), ("people", "2"): ("right", 5),
        ("m", "1"): ("", 0), ("m", "2"): ("", 0),
    }  # fmt: skip


def test_check_counts_what_is_left_out_and_what_is_empty(mini: Any) -> None:
    path = mini.write(
        items="SELECT id AS item_id, if(id = 1, '', prompt) AS prompt, ['x', ' ', NULL] AS refs FROM q",
        responses="SELECT id AS item_id, system, if(system = 'm', '', text) AS text FROM r",
    )
    contents = check(str(path))
    assert contents.empty == {"m": 2}
    assert contents.turns == {0: 1, 1: 1}
    assert contents.warnings == (
        "2 blank texts in refs are left out",
        "1 items have no prompt: nothing can be generated or judged there",
    )


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet"])
def test_blank_references_are_absent_in_every_format(table: Any, tmp_path: Any, form: str) -> None:
    rows = [
        {"q": "One?", "first": "one", "second": " "},
        {"q": "Two?", "first": "\u00a0", "second": "\u200b"},
    ]
    columns = dict.fromkeys(("q", "first", "second"), "VARCHAR")
    content: str | bytes
    if form == "csv":
        content = "q,first,second\n" + "".join(
            ",".join(f'"{cell}"' for cell in row.values()) + "\n" for row in rows
        )
    elif form == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t")
        content = (tmp_path / "t").read_bytes()
    else:
        content = json.dumps(rows) if form == "json" else "\n".join(map(json.dumps, rows))
    select = "SELECT line AS item_id, q AS prompt, [first, second] AS refs FROM t"
    loaded = table(f"t.{form}", content, form, columns, items=select)
    assert [item.refs for item in loaded.items] == [(("one",),), ()]
