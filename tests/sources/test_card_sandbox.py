"""A card's SELECT can reach nothing but its own tables, and cannot take more than its share.

Row 13: 40 attempts of a card to leave its process, directly and through a view.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from evalhub.errors import SpecError
from evalhub.sources import Limits, load
from evalhub.specs import load_card

SELECT = "SELECT id AS item_id, prompt FROM q"

ESCAPES = [
    "SELECT 1 AS item_id, * FROM read_csv('/etc/passwd')",
    "SELECT 1 AS item_id, content AS prompt FROM read_text('/etc/passwd')",
    "SELECT 1 AS item_id, content AS prompt FROM read_blob('/etc/hostname')",
    "SELECT file AS item_id FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.org/x.csv'",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
    "SELECT * FROM job",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT getenv('HOME') AS item_id, 'x' AS prompt",
    "COPY q TO '{out}'",
    "COPY (SELECT 1) TO '{out}' (FORMAT parquet)",
    "ATTACH '{out}' AS o",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "PRAGMA enable_profiling",
    "EXPORT DATABASE '{out}'",
    "CREATE TABLE x AS SELECT 1",
    "DROP TABLE q",
    "INSERT INTO q VALUES (3, 'x')",
    "WITH x AS (SELECT 1) DELETE FROM q",
    "CALL pragma_version()",
    "SELECT * FROM read_json('/etc/passwd')",
    "FROM read_parquet('/proc/self/environ')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT 1 AS item_id, name AS prompt FROM duckdb_secrets()",
    "FROM read_csv('http://169.254.169.254/latest/meta-data')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "FROM query('COPY q TO ''{out}''')",
    "CREATE MACRO f(x) AS x",
    "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "IMPORT DATABASE '{out}'",
    "UPDATE q SET prompt = 'x'",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "DETACH memory",
    f"{SELECT}; COPY q TO '{{out}}'",
    f"{SELECT}; SET enable_external_access = true; {SELECT}",
]


CASES = [(sql, "items") for sql in ESCAPES] + [(sql, "views") for sql in ESCAPES[::5]]


@pytest.mark.parametrize(("sql", "key"), CASES)
def test_escapes(mini: Any, tmp_path: Path, sql: str, key: str) -> None:
    out = tmp_path / "out"
    sql = sql.format(out=out)
    changes = {"items": sql} if key == "items" else {"views": {"v": sql}, "items": "SELECT * FROM v"}
    with pytest.raises(SpecError) as excinfo:
        mini.load(**changes)
    assert not out.exists()
    assert "\n" not in str(excinfo.value)
    assert str(excinfo.value).startswith((f"{mini.path}:items: ", f"{mini.path}:{key}"))


def test_bytes_are_no_text(mini: Any) -> None:
    with pytest.raises(SpecError, match=r"it returns bytes: read them as text with decode\(\)"):
        mini.load(items="SELECT id AS item_id, encode(prompt) AS prompt FROM q")
    assert mini.load(items="SELECT id AS item_id, decode(encode(prompt)) AS prompt FROM q").items


def test_reading_is_named_as_such(mini: Any) -> None:
    with pytest.raises(SpecError, match="is not allowed to do this"):
        mini.load(items="SELECT content AS item_id, 'x' AS prompt FROM read_text('/etc/passwd')")


def test_a_column_type_is_no_way_out(mini: Any, tmp_path: Path) -> None:
    columns = {"id": f"INTEGER); COPY (SELECT 1) TO '{tmp_path}/out'; --", "prompt": "VARCHAR"}
    with pytest.raises(SpecError, match=r"files\.q"):
        mini.load(files={"q": {"path": "q.jsonl", "format": "jsonl", "columns": columns}})
    assert not (tmp_path / "out").exists()


def test_a_column_name_is_no_way_out(mini: Any) -> None:
    name = "x': 'INTEGER'}); SELECT 1; --\""
    columns = {"id": "INTEGER", "prompt": "VARCHAR", name: "INTEGER"}
    row = json.dumps({"id": 1, "prompt": "One?", name: 5})
    spec = {"path": "q.jsonl", "format": "jsonl", "columns": columns}
    column = '"' + name.replace('"', '""') + '"'
    sql = f"SELECT id AS item_id, {column}::VARCHAR AS prompt FROM q"
    data = mini.load({"q.jsonl": row}, files={"q": spec}, items=sql, responses=None)
    assert data.items[0].turns == ("5",)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS item_id, repeat('x', 2000000000) AS prompt",
        "SELECT id AS item_id, list_aggregate(range(500000000), 'sum')::VARCHAR AS prompt FROM q",
    ],
)
def test_memory_is_limited(mini: Any, sql: str) -> None:
    card = load_card(str(mini.write(items=sql, responses=None)))
    with pytest.raises(SpecError, match="memory"):
        load(*card, limits=Limits(memory=1 << 30))


def test_time_is_limited(mini: Any) -> None:
    endless = (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
        "SELECT max(n) AS item_id, 'x' AS prompt FROM r"
    )
    card = load_card(str(mini.write(items=endless, responses=None)))
    start = time.monotonic()
    with pytest.raises(SpecError, match="1 seconds"):
        load(*card, limits=Limits(seconds=1))
    assert time.monotonic() - start < 10


def test_output_is_limited(mini: Any) -> None:
    select = "SELECT range AS item_id, repeat('x', 1000) AS prompt FROM range(100000)"
    card = load_card(str(mini.write(items=select, responses=None)))
    with pytest.raises(SpecError, match="returns more than fits"):
        load(*card, limits=Limits(output=1 << 20))


def test_a_crash_is_one_sentence(mini: Any) -> None:
    deep = "(" * 50000 + "1" + ")" * 50000
    with pytest.raises(SpecError) as excinfo:
        mini.load(items=f"SELECT {deep} AS item_id, 'x' AS prompt")
    assert len(str(excinfo.value)) < 1000


def test_draws_repeat(mini: Any) -> None:
    sql = "SELECT id AS item_id, random()::VARCHAR AS prompt FROM q"
    first, second = (mini.load(items=sql, responses=None).items for _ in range(2))
    assert first == second


def test_nothing_is_left_behind(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    mini.load()
    assert list(scratch.iterdir()) == []
