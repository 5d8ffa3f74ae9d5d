"""What an analyst reads a run with: SQL, an exported file, and a clear word on a corrupt segment."""

import json
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub import runner
from evalhub.analysis import Results, export
from evalhub.errors import InputError, StorageError
from evalhub.store import Run, all_runs
from tests.resealing import reseal

Write = Callable[..., Results]


def test_sql_and_its_errors(hand: Any, results: Write) -> None:
    run = results(hand.pairs())
    assert run.sql("SELECT count(*) AS n FROM judgments")["n"].tolist() == [8]
    assert run.sql("SELECT $x AS x", {"x": "a'b"})["x"].tolist() == ["a'b"]
    for query in ("SELECT nothing FROM judgments", "SELEC", "SELECT * FROM judgmentz"):
        with pytest.raises(InputError, match="the query fails"):
            run.sql(query)


@pytest.mark.parametrize(
    "query",
    [
        "COPY judgments TO '{out}'",
        "WITH x AS (COPY judgments TO '{out}') FROM x",
        "WITH x AS (INSERT INTO items FROM items RETURNING item_id) FROM x",
        "WITH x AS (DELETE FROM items RETURNING item_id) FROM x; -- done",
        "SELECT 1) TO '{out}'; COPY (SELECT 1",
        "SELECT 1; COPY judgments TO '{out}'",
        "EXPLAIN ANALYZE COPY judgments TO '{out}'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW judgments",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_a_query_only_reads(hand: Any, results: Write, query: str) -> None:
    run = results(hand.pairs())
    out = run.run.path / "out.csv"
    count = len(run.items())
    with pytest.raises(InputError) as error:
        run.sql(query.format(out=out))
    if "1) TO" not in query:
        assert "a query reads and never writes, got" in str(error.value)
        assert str(error.value).endswith("allowed: one SELECT, WITH, DESCRIBE, SUMMARIZE or SHOW.")
    assert not out.exists()
    assert len(run.items()) == count


@pytest.mark.parametrize(
    "query",
    [
        "WITH x AS (SELECT 1 AS n) SELECT n FROM x; -- done",
        "SELECT 'é;' AS a; -- é",
        "DESCRIBE judgments",
        "SUMMARIZE judgments",
        "SHOW TABLES",
        "FROM judgments ORDER BY item_id LIMIT 1",
        "SELECT 'COPY; INSERT' AS a, 2 AS a -- done",
    ],
)
def test_each_way_to_read(hand: Any, results: Write, query: str) -> None:
    assert len(results(hand.pairs()).sql(query))


def test_a_table_is_read_when_a_query_names_it(hand: Any, results: Write) -> None:
    run = results(hand.pairs()).run
    assert {"items", "labels", "completions"} < {*Results(run).sql("SHOW TABLES")["name"]}
    (path,) = [file.path for file in run.files("labels")]
    path.write_bytes(b"PAR1")
    reader = Results(run)
    assert len(reader.judgments()) == 8
    for query in ("SELECT * FROM LABELS", "SHOW TABLES", "SELECT table_name FROM information_schema.tables"):
        with pytest.raises(StorageError, match=r"labels\.parquet: the file is corrupt"):
            reader.sql(query)


def test_export(hand: Any, results: Write, tmp_path: Any) -> None:
    import duckdb

    run = results(hand.pairs())
    export(run, tmp_path / "x.duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        counts = {
            kind: connection.sql(f"SELECT count(*) FROM {kind}").fetchall()[0][0]
            for kind in ("items", "responses", "completions", "judgments", "labels", "scores")
        }
    assert counts == {
        "items": 4,
        "responses": 8,
        "completions": 0,
        "judgments": 8,
        "labels": 4,
        "scores": 0,
    }
    with pytest.raises(InputError, match="exists already"):
        export(run, tmp_path / "x.duckdb")


def test_a_segment_without_a_column_is_read(hand: Any, results: Write) -> None:
    run = results(hand.pairs()).run
    (path,) = [file.path for file in run.files("judgments")]
    pq.write_table(pq.read_table(path).drop_columns(["row"]), path)
    reseal(run, path)
    found = Results(Run(run.path)).judgments()
    assert len(found) == 8
    assert found["row"].isna().all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("column", ["value", "expected"])
def test_a_number_that_is_not_finite_is_refused_in_a_file_of_the_right_hash(
    desk: Any, cli: Callable[..., Any], column: str, value: float
) -> None:
    """Row 6: a mean would leave NaN out, and the night would exit as if nothing were wrong."""
    rates = {"id": "pt", "rubric": "rate", "model": "j", "families": ["beta"], "engine": "scripted"}
    desk.suite(judges=[rates], gates=[{"coverage": 0.1}])
    assert cli("run", "s").code == 0
    run = all_runs(desk.runs)[0]
    (path,) = [file.path for file in run.files("judgments")]
    table = pq.read_table(path)
    numbers = [*table[column].to_pylist()[:-1], value]
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(numbers, pa.float64())), path)
    reseal(run, path)
    for words in (("gates",), ("leaderboard",), ("report",), ("run", "s")):
        answer = cli(*words)
        assert answer.code == 4, words
        assert "a number in the judgments is not finite" in answer.sentence


def test_a_corrupt_segment_is_named(desk: Any, cli: Callable[..., Any]) -> None:
    done = desk.run()
    assert cli("verify").code == 0
    (path,) = [file.path for file in done.files("judgments")]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    said = cli("verify", "--json")
    assert said.code == 4
    assert str(path) in said.sentence
    assert "1 of " in said.sentence
    path.write_bytes(b"PAR1")
    for verb in ("leaderboard", "report", "export"):
        said = cli(verb, *(["x.duckdb"] if verb == "export" else []))
        assert said.code == 4, said
        assert done.id in said.sentence
        assert "evalhub verify" in said.sentence


def test_a_damaged_manifest_is_named_and_the_others_are_verified(desk: Any, cli: Callable[..., Any]) -> None:
    good, bad, bare = (runner.run("s", runner.Options(runs=desk.runs / n)) for n in "abc")
    for one in (good, bad, bare):
        one.path.rename(desk.runs / one.path.name)
    whole = desk.runs / good.path.name
    damaged, lost = desk.runs / bad.path.name / "manifest.json", desk.runs / bare.path.name / "manifest.json"
    assert cli("verify").code == 0
    damaged.write_text("{")
    lost.unlink()
    said = cli("verify", "--json")
    assert said.code == 4
    rows = json.loads(said.out)
    assert {row["run"]: row["problem"] for row in rows if row["problem"]} == {
        bad.id: "the manifest is damaged",
        bare.id: "there is no run in this folder",
    }
    assert {row["problem"] for row in rows if row["run"] == whole.name} == {None}
    assert f"2 of {len(rows)} files" in said.sentence
    assert cli("verify", whole.name).code == 0
    assert cli("verify", bad.id).code == 4


@pytest.mark.parametrize("key", ["label_criteria", "expected", "judges", "engines"])
def test_a_manifest_of_another_make_is_one_sentence(desk: Any, cli: Callable[..., Any], key: str) -> None:
    path = desk.run().path / "manifest.json"
    told = json.loads(path.read_text())
    del told[key]
    path.write_text(json.dumps(told))
    for verb in ("report", "meta", "leaderboard"):
        said = cli(verb)
        assert said.code == 4, said
        assert said.sentence.startswith(f"{path.parent.name}") or str(path) in said.sentence
        assert key in said.sentence
