"""JSON by rows, by key and by columns. A key that appears twice is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.sandbox.refusal import Refused

COLUMNS = {"key": "VARCHAR", "text": "VARCHAR", "n": "INTEGER"}


def refused(load: Any, path: Path, content: str, form: str = "json", **options: Any) -> Any:
    path.write_text(content)
    with pytest.raises(Refused) as excinfo:
        load(path, form, COLUMNS, **options)
    return excinfo.value.reply


def test_rows_by_key(load: Any, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"q1": {"text": "One", "n": 1}, "q2": {"text": "Two"}}')
    assert load(tmp_path / "t.json", "json", COLUMNS, layout="keyed") == [
        (1, "q1", "One", 1),
        (2, "q2", "Two", None),
    ]


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        ({"text": ["One", "Two"], "n": [1, None]}, ("0", "1")),
        ({"text": {"7": "One", "b": "Two"}, "n": {"7": 1, "b": None}}, ("7", "b")),
    ],
)
def test_columns(load: Any, tmp_path: Path, columns: Any, keys: tuple[str, str]) -> None:
    (tmp_path / "t.json").write_text(json.dumps(columns))
    assert load(tmp_path / "t.json", "json", COLUMNS, layout="columns") == [
        (1, keys[0], "One", 1),
        (2, keys[1], "Two", None),
    ]


def test_what_is_no_such_layout_is_refused(load: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    assert "needs one object" in refused(load, path, "[]", layout="keyed")["problem"]
    assert "not a JSON object" in refused(load, path, '{"q1": 5}', layout="keyed")["problem"]
    uneven = '{"text": ["One"], "n": [1, 2]}'
    assert "differ in length" in refused(load, path, uneven, layout="columns")["problem"]
    content = '{"q1": {"key": "mine", "text": "x", "n": 1}}'
    assert "a row has a key named key" in refused(load, path, content, layout="keyed")["problem"]


def test_one_object_is_no_row_without_a_declared_column(load: Any, tmp_path: Path) -> None:
    reply = refused(load, tmp_path / "t.json", '{"q1": {"text": "One"}}')
    assert "layout: keyed" in reply["fix"]


@pytest.mark.parametrize(
    ("content", "form", "place"),
    [
        ('{"text": "a", "text": "b"}\n', "jsonl", ":1"),
        ('{"text": "a"}\n{"text": "a", "deep": {"x": 1, "x": 1}}\n', "jsonl", ":2"),
        ('[{"text": "a", "text": "b"}]', "json", ""),
    ],
)
def test_a_key_that_stands_twice(load: Any, tmp_path: Path, content: str, form: str, place: str) -> None:
    reply = refused(load, tmp_path / "t", content, form)
    assert reply["where"] == f"files.t: t{place}"
    assert reply["problem"] == "one object has a key twice"


def test_the_other_format_is_named(load: Any, tmp_path: Path) -> None:
    lines = '{"text": "a"}\n{"text": "b"}\n'
    assert "format: jsonl" in refused(load, tmp_path / "t", lines)["fix"]
    for content in (json.dumps([{"text": "a"}], indent=1), json.dumps({"q": {"text": "a"}}, indent=1)):
        assert "format: json`" in refused(load, tmp_path / "t", content, "jsonl")["fix"]
