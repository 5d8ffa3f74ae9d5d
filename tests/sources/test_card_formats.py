"""Any JSON, JSONL, CSV, Parquet or line file is read as declared. Broken text is repaired."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.errors import EvalhubError
from evalhub.sandbox.rows import spell_row

TEXT = {"text": "VARCHAR"}


def prompts(data: Any) -> list[tuple[str, str]]:
    return [(item.item_id, item.turns[0]) for item in data.items]


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("t.jsonl", '{"text": "x"}\n\n{"text": "y"}\n', "jsonl"),
        ("t.csv", "text,n\nx,1\n\ny,2\n", "csv"),
        ("t.json", '[{"text": "x"}, {"text": "y"}]', "json"),
        ("t.txt", "x\ny\n", "lines"),
        ("t.txt", "x\r\ny", "lines"),
        ("t.jsonl.gz", gzip.compress(b'{"text": "x"}\n{"text": "y"}\n', mtime=0), "jsonl"),
        ("t.csv.gz", gzip.compress(b"text\nx\ny\n", mtime=0), "csv"),
        ("t.json.gz", gzip.compress(b'[{"text": "x"}, {"text": "y"}]', mtime=0), "json"),
        ("t.csv", b"\xef\xbb\xbftext\r\nx\r\ny\r\n", "csv"),
    ],
)
def test_formats(table: Any, name: str, content: str | bytes, form: str) -> None:
    texts = prompts(table(name, content, form, TEXT))
    assert [text for _, text in texts] == ["x", "y"]
    assert texts[0][0] == "1"
    assert texts[1][0] == ("3" if form == "jsonl" and "gz" not in name else "2")


def test_parquet(table: Any, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = pyarrow.table({"text": ["x", "y\0"], "tags": [["\0p"], []], "n": [1, 2]})
    pyarrow.parquet.write_table(rows, tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    columns = TEXT | {"tags": "VARCHAR[]", "n": "VARCHAR"}
    sql = "SELECT line AS item_id, text || n || file AS prompt, tags FROM t"
    data = table("t[1].parquet", content, "parquet", columns, items=sql)
    assert prompts(data) == [("1", "x1t[1].parquet"), ("2", "y2t[1].parquet")]
    assert data.items[0].tags == ("p",)
    with pytest.raises(EvalhubError, match="unknown column"):
        table("t[1].parquet", content, "parquet", {"txt": "VARCHAR"})


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb'{"text": "a\ud800b"}', "a\ufffdb"),
        (rb'{"text": "a\udc00\ud800b"}', "a\ufffd\ufffdb"),
        (rb'{"text": "\ud83d\ude00"}', "\U0001f600"),
        (rb'{"text": "a\\ud800b"}', "a\\ud800b"),
        (rb'{"text": "a\u0000b"}', "ab"),
        (rb'{"text": "a\\u0000b"}', "a\\u0000b"),
        (b'{"text": "a\xffb"}', "a\ufffdb"),
        (b'{"text": "a\xed\xa0\x80b"}', "a\ufffd\ufffd\ufffdb"),
        (b'{"text": "a\xe2\x80\xa8b"}', "a\u2028b"),
        (b'{"text": "a\\u2028b"}', "a\u2028b"),
        (b'{"text": "a\x0bb"}', None),
    ],
)
def test_text_becomes_valid(table: Any, raw: bytes, text: str | None) -> None:
    if text is None:
        with pytest.raises(EvalhubError, match=r"files\.t: t\.jsonl:1: the text is not JSON"):
            table("t.jsonl", raw, "jsonl", TEXT)
        return
    data = table("t.jsonl", raw + '\n{"text": "größer"}\n'.encode(), "jsonl", TEXT)
    assert prompts(data) == [("1", text), ("2", "größer")]
    changed = "\ufffd" in text or text == "ab"
    assert any("were not valid text" in note for note in data.warnings) == changed


def test_a_replacement_that_was_there_is_no_warning(table: Any) -> None:
    assert table("t.jsonl", '{"text": "a\ufffd"}\n', "jsonl", TEXT).warnings == ()


@pytest.mark.parametrize("text", ["a\x0bb", "a\u2028b", "a\x85b", "a\x1cb", "a\rb"])
def test_only_a_newline_ends_a_line(table: Any, text: str) -> None:
    assert prompts(table("t.txt", f"{text}\nz\n".encode(), "lines", {})) == [("1", text), ("2", "z")]


def test_nothing_is_sniffed(table: Any) -> None:
    values = ["2020-01-01", "007", "1e3", "true", '{"a": 1}', "NULL", " x "]
    content = "text\n" + "".join('"' + value.replace('"', '""') + '"\n' for value in values)
    assert [text for _, text in prompts(table("t.csv", content, "csv", TEXT))] == values


def test_a_csv_field_may_hold_newlines_and_be_absent(table: Any) -> None:
    sql = "SELECT line AS item_id, coalesce('text: ' || text, 'none') AS prompt FROM t"
    data = table("t.csv", 'n,text\n1,"a\nb"\n2,\n3,""\n', "csv", TEXT, items=sql)
    assert prompts(data) == [("1", "text: a\nb"), ("2", "none"), ("3", "text: ")]
    assert data.warnings == (
        't.csv: empty cells are missing values (text 1), and an empty text is written ""',
    )


def test_types(table: Any) -> None:
    columns = {"s": "STRUCT(p VARCHAR, n DOUBLE)[]", "j": "JSON", "odd name": "JSON", "n": "DOUBLE"}
    row = '{"s": [{"p": "x", "n": 1.5}], "j": {"a": [{"b": "deep"}]}, "odd name": {"k": 1}, "n": 2}'
    words = """s[1].p || (j->>'$.a[0].b') || ("odd name"->>'k') || n::VARCHAR"""
    sql = f"SELECT 1 AS item_id, {words} AS prompt FROM t"
    assert prompts(table("t.jsonl", row, "jsonl", columns, items=sql)) == [("1", "xdeep12.0")]


def test_json_within_csv(table: Any) -> None:
    sql = "SELECT 1 AS item_id, j->>'$.a' AS prompt FROM t"
    data = table("t.csv", 'j\n"{""a"": ""x""}"\n', "csv", {"j": "JSON"}, items=sql)
    assert prompts(data) == [("1", "x")]


def test_many_files_make_one_table(mini: Any) -> None:
    spec = {"paths": {"b/y.txt": None, "a/x.txt": None}, "format": "lines"}
    data = mini.load(
        {"a/x.txt": "1\n2\n", "b/y.txt": "3\n"},
        files={"t": spec},
        responses=None,
        items="SELECT file || '-' || line AS item_id, text AS prompt FROM t",
    )
    assert prompts(data) == [("a/x.txt-1", "1"), ("a/x.txt-2", "2"), ("b/y.txt-1", "3")]


@pytest.mark.parametrize(
    ("content", "form", "sentence"),
    [
        ('{"text": "x"}\nnonsense\n', "jsonl", "t.x:2: the text is not JSON"),
        ('{"text": "x"}\n[1]\n', "jsonl", "t.x:2: the row is not a JSON object"),
        ('[{"text": "x"}, 3]', "json", "t.x:2: the row is not a JSON object"),
        ('[{"text": "x"}', "json", "t.x: the text is not JSON"),
        ("text,n\nx\n", "csv", "t.x:2 (row 1): the row has 1 fields, the header 2"),
        ('text\n"x\n', "csv", "the row is not valid CSV"),
        ("", "jsonl", "the file holds no rows"),
        ("[]", "json", "the file holds no rows"),
        ("text\n", "csv", "the file holds no rows"),
        ("", "lines", "the file holds no rows"),
        ('{"txet": "x"}\n', "jsonl", "got 'text'; allowed: txet; did you mean 'txet'?"),
        ("txet\nx\n", "csv", "did you mean 'txet'?"),
    ],
)
def test_broken_files(table: Any, content: str, form: str, sentence: str) -> None:
    with pytest.raises(EvalhubError) as excinfo:
        table("t.x", content, form, TEXT)
    assert sentence in str(excinfo.value)
    assert "files.t" in str(excinfo.value)
    assert "\n" not in str(excinfo.value)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("INTEGER", "files.t: t.jsonl:3: the column text holds a text where INTEGER is declared, got 'x'"),
        ("INTEGER[]", "files.t: t.jsonl:1: the column text holds a text where INTEGER[] is declared"),
        ("VARCHR", "files.t.columns.text: unknown type, got 'VARCHR'; allowed: VARCHAR, "),
        ("a b c", "files.t.columns.text: unknown type"),
        ("BLOB", "files.t.columns.text: a card cannot declare this type, got 'BLOB'; allowed: VARCHAR, "),
    ],
)
def test_a_value_that_is_not_of_its_type(table: Any, kind: str, sentence: str) -> None:
    with pytest.raises(EvalhubError) as excinfo:
        table("t.jsonl", '{"text": "1"}\n\n{"text": "x"}\n', "jsonl", {"text": kind})
    assert sentence in str(excinfo.value)
    assert "/tmp/evalhub" not in str(excinfo.value)


def test_a_broken_parquet(table: Any) -> None:
    with pytest.raises(EvalhubError, match=r"files\.t: t\.parquet: the file cannot be read") as excinfo:
        table("t.parquet", b"PAR1 not at all", "parquet", TEXT)
    assert "plain.parquet" not in str(excinfo.value)


def test_nan_is_refused(table: Any) -> None:
    columns = TEXT | {"n": "DOUBLE"}
    with pytest.raises(EvalhubError, match=r"t\.jsonl:2: the column n holds NaN where DOUBLE is declared"):
        table("t.jsonl", '{"text": "x", "n": 1}\n{"text": "x", "n": NaN}\n', "jsonl", columns)


def test_one_row_is_enough(table: Any) -> None:
    data = table("t.txt", "only", "lines", {})
    assert prompts(data) == [("1", "only")]


def test_a_truncated_gzip(table: Any) -> None:
    content = gzip.compress(b'{"text": "x"}\n' * 1000, mtime=0)[:-20]
    with pytest.raises(EvalhubError, match=r"files\.t: t\.jsonl\.gz"):
        table("t.jsonl.gz", content, "jsonl", TEXT)


def test_a_long_row(table: Any) -> None:
    data = table("t.jsonl", '{"text": "' + "x" * (20 << 20) + '"}\n', "jsonl", TEXT)
    assert len(data.items[0].turns[0]) == 20 << 20


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT, st.booleans())
def test_every_text_is_spelled_in_valid_utf8(text: str, ascii_only: bool) -> None:
    line, _ = spell_row(json.loads(json.dumps({"text": text}, ensure_ascii=ascii_only)))
    spelling = json.loads(line.decode("utf-8"))["text"]
    broken = any("\ud800" <= char <= "\udfff" or char == "\x00" for char in text)
    assert broken or spelling == text
    assert "\x00" not in spelling
