"""A query on a run is answered in a process that can do no harm, and a user reads why one is refused.

Row 13: more than 60 attempts, of which none writes, reads another file, reaches the network or outlives its
limits.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.analysis import Results
from evalhub.analysis.run.query import LONGEST, QueryLimits, QueryResult, run_query
from evalhub.analysis.run.query_child import ANSWER, Cut, take_rows, unique, whole_numbers
from evalhub.errors import InputError, StorageError
from evalhub.store import Run, RunWriter
from tests.by_hand import HandWriter
from tests.conftest import PAIR_JUDGE, RATE_JUDGE, ROOT

SECRET = "hunter2-of-the-parent"
WRITES = "a query reads and never writes"
FORBIDDEN = "may not do this"
SLOW = "takes too long"
LARGE = "MiB of memory|first row of the answer is too large|Lists larger"


@pytest.fixture(scope="module")
def run(shared_desk: Any) -> Run:
    """A run with a judge of pairs and a judge of ratings, and labels."""
    with shared_desk() as desk:
        labels = [
            {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a",
             "annotator": "someone"}
            for n in range(4)
        ]  # fmt: skip
        desk.dataset(labels=labels)
        desk.suite(judges=[PAIR_JUDGE, RATE_JUDGE], metrics=["length"])
        sealed: Run = desk.run()
        return sealed


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of each file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def resident() -> int:
    """Return the bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def rows(result: QueryResult) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = result.table.to_pylist()
    return listed


def test_it_answers_what_results_answers(run: Run) -> None:
    query = "SELECT judge, criterion, count(*) AS n FROM judgments GROUP BY ALL ORDER BY ALL"
    result = run_query(run.path, query)
    assert rows(result) == Results(run).sql(query).to_dict("records")
    assert not result.truncated
    assert result.seconds > 0


@pytest.mark.parametrize("query", ["SHOW TABLES", "DESCRIBE cells", "SUMMARIZE scores", "FROM pair_facts"])
def test_it_answers_every_kind_of_query(run: Run, query: str) -> None:
    assert run_query(run.path, query).table.num_rows


def escapes(run: Run, outside: Path) -> list[tuple[str, str]]:
    """Return each attempt with the reason that it must get. An empty reason: it is harmless."""
    shard = run.files("judgments")[0].path
    target = outside / "stolen"
    return [
        # what would write
        (f"COPY judgments TO '{target}'", WRITES),
        (f"COPY (SELECT 1) TO '{shard}'", WRITES),
        (f"WITH x AS (COPY (SELECT 1) TO '{shard}') FROM x", WRITES),
        (f"FROM (WITH x AS (COPY (SELECT 1) TO '{shard}') FROM x)", WRITES),
        (f"SELECT * FROM query('COPY (SELECT 1) TO ''{shard}''')", "single SELECT"),
        (f"FROM query('WI' || 'TH x AS (COPY (SELECT 1) TO ''{shard}'') FROM x')", "at the top level"),
        ("FROM query('WI' || 'TH x AS (DELETE FROM items RETURNING *) FROM x')", "at the top level"),
        ("WITH x AS (INSERT INTO items FROM items RETURNING *) FROM x", WRITES),
        ("WITH x AS (DELETE FROM items RETURNING *) FROM x", WRITES),
        (f"EXPORT DATABASE '{target}'", WRITES),
        (f"IMPORT DATABASE '{outside}'", WRITES),
        ("CREATE TABLE stolen AS FROM items", WRITES),
        ("CREATE MACRO f(x) AS x", WRITES),
        ("INSERT INTO items FROM items", WRITES),
        ("UPDATE items SET dataset = 'other'", WRITES),
        ("DELETE FROM items", WRITES),
        ("DROP TABLE items", WRITES),
        ("ALTER TABLE items ADD COLUMN x INTEGER", WRITES),
        ("MERGE INTO items USING items AS s ON true WHEN MATCHED THEN DELETE", WRITES),
        ("SELECT * FROM checkpoint()", ""),
        ("SELECT write_log('stolen')", ""),
        # what would change the process
        (f"ATTACH '{target}.db'", WRITES),
        ("INSTALL httpfs", WRITES),
        ("LOAD httpfs", WRITES),
        ("SET enable_external_access = true", WRITES),
        ("SET memory_limit = '100GB'", WRITES),
        ("RESET allowed_paths", WRITES),
        ("SET VARIABLE x = 1", WRITES),
        ("PRAGMA enable_profiling", WRITES),
        (f"PRAGMA profiling_output = '{target}'", WRITES),
        ("CALL duckdb_settings()", WRITES),
        ("CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')", WRITES),
        (f"FROM enable_logging('QueryLog', storage = 'file', storage_path = '{target}')", FORBIDDEN),
        ("FROM add_grammar_extension('x')", FORBIDDEN),
        # what would read another file
        ("FROM read_csv('/etc/passwd')", FORBIDDEN),
        ("FROM read_text('/etc/passwd')", FORBIDDEN),
        ("FROM read_text('/proc/self/environ')", FORBIDDEN),
        ("FROM read_blob('/etc/*')", FORBIDDEN),
        ("FROM glob('/etc/*')", FORBIDDEN),
        (f"FROM glob('{run.path}/**')", FORBIDDEN),
        ("FROM '/etc/passwd'", "does not exist"),
        ("FROM '/etc/passwd.csv'", FORBIDDEN),
        ("SUMMARIZE '/etc/passwd.csv'", FORBIDDEN),
        ("DESCRIBE FROM read_text('/etc/passwd')", FORBIDDEN),
        ("FROM sniff_csv('/etc/passwd')", FORBIDDEN),
        ("FROM parquet_metadata('/etc/passwd')", FORBIDDEN),
        ("FROM read_duckdb('/etc/passwd')", FORBIDDEN),
        (f"FROM read_text('{run.path}/manifest.json')", FORBIDDEN),
        (f"FROM read_text('{run.path}/parts/../manifest.json')", FORBIDDEN),
        (f"FROM read_text('{shard.parent}/part.json')", FORBIDDEN),
        (f"FROM read_text('{run.path}/link')", FORBIDDEN),
        (f"FROM read_parquet('{run.path}/link.parquet')", FORBIDDEN),
        (f"SELECT size FROM read_blob('{shard}')", ""),  # what the tables hold anyway
        # the network
        ("FROM 'https://example.com/x.parquet'", FORBIDDEN),
        ("FROM read_csv('http://169.254.169.254/latest/meta-data')", FORBIDDEN),
        ("FROM 's3://bucket/x.parquet'", FORBIDDEN),
        # secrets and Python
        ("SELECT getenv('SECRET_OF_THE_PARENT')", "does not exist"),
        ("FROM duckdb_secrets()", FORBIDDEN),
        ("FROM duckdb_settings()", ""),
        ("FROM duckdb_variables()", ""),
        ("FROM results", "does not exist"),
        ("FROM arrow_scan()", "bind input"),
        # the text of the query
        ("SELECT 1; DROP TABLE items", WRITES),
        (f"SELECT 1 /* ; */ ; -- ;\nCOPY items TO '{target}'", WRITES),
        ("SELECT 1 --; DROP TABLE items", ""),
        ("SELECT 1\0; DROP TABLE items", "NUL"),
        ("SELECT '\ud800'", "Unicode"),
        ("SELECT 'open", "unterminated"),
        ("", "no query"),
        ("-- nothing", "got 'nothing'"),
        ("SELECT " + "1," * LONGEST + "1", "too long"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "depth"),
        ("SELECT error('<b>boom</b>')", "boom"),
        # time and memory
        ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t", SLOW),
        ("SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c", SLOW),
        ("SELECT sleep_ms(1000000)", SLOW),
        ("SELECT repeat('x', 1000000000)", LARGE),
        ("SELECT repeat('x', 40000000)", LARGE),
        ("SELECT repeat('x', 20000000) FROM range(100)", LARGE),
        ("SELECT list(range) FROM range(1000000000)", LARGE),
        ("SELECT range(1000000000000)", LARGE),
        ("SELECT string_agg(repeat('x', 1000), '') FROM range(10000000)", LARGE),
        ("FROM range(1000000000000)", ""),
    ]


def asked(path: Path, query: str, seconds: int) -> tuple[str, str]:
    """Return the sentence that refuses a query, or the text of its answer."""
    try:
        result = run_query(path, query, limits=QueryLimits(seconds=seconds))
    except InputError as error:
        return error.sentence(), ""
    return "", str(rows(result))


def test_nothing_escapes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", SECRET)
    copy = tmp_path / "runs" / run.id
    shutil.copytree(run.path, copy)
    outside = tmp_path / "outside"
    outside.mkdir()
    pq.write_table(pa.table({"secret": [SECRET]}), outside / "secret.parquet")
    (copy / "link").symlink_to("/etc/passwd")
    (copy / "link.parquet").symlink_to(outside / "secret.parquet")
    run_query(copy, "SELECT 1")  # the server of the children is started, and libraries are loaded
    before, start = contents(tmp_path), resident()
    attempts = escapes(Run(copy), outside)
    assert len(attempts) >= 60
    with ThreadPoolExecutor(4) as pool:
        seconds = [1 if reason == SLOW else 60 for _, reason in attempts]
        replies = pool.map(lambda *attempt: asked(copy, *attempt), [query for query, _ in attempts], seconds)
    for (query, reason), (sentence, answer) in zip(attempts, replies, strict=True):
        assert bool(sentence) == bool(reason), (query, sentence, answer)
        assert re.search(reason, sentence), (query, sentence)
        assert len(sentence) < 600
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert SECRET not in answer
    assert contents(tmp_path) == before
    assert resident() - start < 100 << 20


def test_a_link_among_the_files_of_a_table_is_not_followed(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "runs" / run.id
    shutil.copytree(run.path, copy)
    shard = Run(copy).files("scores")[0].path
    shard.rename(tmp_path / "scores.parquet")
    shard.symlink_to(tmp_path / "scores.parquet")
    with pytest.raises((InputError, StorageError), match=r"Cannot access file|cannot be read"):
        run_query(copy, "FROM scores")
    assert run_query(copy, "FROM items").table.num_rows


def test_facts_that_are_not_stored_are_made_and_not_stored(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "runs" / run.id
    shutil.copytree(run.path, copy)
    for folder in copy.glob("parts/*/facts"):
        shutil.rmtree(folder)
    before = contents(copy)
    for table in ("pair_facts", "rating_facts", "cells"):
        query = f"FROM {table} ORDER BY ALL"
        assert rows(run_query(copy, query)) == rows(run_query(run.path, query))
    assert contents(copy) == before


def test_the_process_has_no_variables(run: Run, tmp_path: Path) -> None:
    code = """
import json, os, sys
from evalhub.analysis.run.query_child import do_job
do_job(json.loads(sys.argv[1]), ())
sys.exit(len(os.environ) or os.getenv("SECRET_OF_THE_PARENT") is not None)
"""
    job = (
        f'{{"folder": "{tmp_path}", "run": "{run.path}", "query": "SELECT 1", "seconds": 60, '
        '"memory": 1000000000, "rows": 1, "size": 1000}'
    )
    environment = {**os.environ, "SECRET_OF_THE_PARENT": SECRET, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, job], env=environment, check=True, timeout=60)
    assert (tmp_path / ANSWER).exists()


def descendants(process: int) -> set[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {int(child) for child in children} | {
        part for child in children for part in descendants(int(child))
    }


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's list of processes")
def test_the_process_ends_with_the_one_that_asked(run: Run) -> None:
    code = """
import sys
from pathlib import Path
from evalhub.analysis.run.query import QueryLimits, run_query
endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"
run_query(Path(sys.argv[1]), endless, limits=QueryLimits(seconds=60))
"""
    asker = subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert eventually(lambda: len(descendants(asker.pid)) == 3)  # the server, the watcher and the child
    processes = descendants(asker.pid)
    asker.kill()
    asker.wait()
    assert eventually(lambda: not any(Path(f"/proc/{process}/exe").exists() for process in processes))


def test_what_the_pulse_raises_ends_the_query(run: Run) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_query(run.path, "SELECT sleep_ms(1000000)", limits=QueryLimits(seconds=60), pulse=_interrupt)
    assert time.monotonic() - start < 20


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_an_answer_is_cut_at_rows_and_at_bytes(run: Run) -> None:
    by_rows = run_query(run.path, "FROM range(11)", limits=QueryLimits(rows=10))
    assert (by_rows.table.num_rows, by_rows.cut, by_rows.truncated) == (10, Cut.ROWS, True)
    whole = run_query(run.path, "FROM range(10)", limits=QueryLimits(rows=10))
    assert (whole.table.num_rows, whole.cut, whole.truncated) == (10, Cut.NOTHING, False)
    limits = QueryLimits(size=10_000)
    by_size = run_query(run.path, "SELECT repeat('x', 1000) AS text FROM range(100)", limits=limits)
    assert (by_size.table.num_rows, by_size.cut) == (9, Cut.SIZE)
    assert set(by_size.table.column("text").to_pylist()) == {"x" * 1000}
    with pytest.raises(InputError, match="the first row of the answer is too large"):
        run_query(run.path, "SELECT repeat('x', 20000)", limits=limits)
    assert run_query(run.path, "SELECT 1 WHERE false", limits=limits).table.num_rows == 0


def test_rows_are_taken_as_wholes() -> None:
    batch = pa.record_batch({"text": ["x" * 100] * 10})
    for size in (104, 500, 1040, 2000):
        batches, cut = take_rows([batch, batch], rows=15, size=size)
        count = sum(part.num_rows for part in batches)
        assert sum(part.nbytes for part in batches) <= size
        assert count == min(size // 104, 15)
        assert cut is (Cut.ROWS if count == 15 else Cut.SIZE)
    assert take_rows([batch, batch], rows=20, size=3000)[1] is Cut.NOTHING
    assert take_rows([], rows=1, size=1) == ([], Cut.NOTHING)
    with pytest.raises(InputError, match="first row"):
        take_rows([batch], rows=1, size=100)


def test_columns_have_plain_types_and_names_of_their_own(run: Run) -> None:
    query = """
    SELECT 1 AS a, 2 AS A, 3 AS "a_2", sum(range) AS total, sum(range)::HUGEINT * 9000000000000000000 AS huge,
      INTERVAL 1 MONTH AS span, '101'::BIT AS bits, 'x'::BLOB AS bytes, NULL AS absent,
      [INTERVAL 1 DAY] AS spans, {'bit': 1} AS struct, MAP {'k': 0.5} AS map, 'a'::ENUM('a', 'b') AS choice,
      '{"k": 1}'::JSON AS json
    FROM range(10)"""
    table = run_query(run.path, query).table
    assert table.column_names[:3] == ["a", "A_2", "a_2_2"]
    assert rows(QueryResult(table, Cut.NOTHING, 0))[0] | {"struct": None, "map": None} == {
        "a": 1, "A_2": 2, "a_2_2": 3, "total": 45, "huge": 45 * 9 * 10**18, "span": "1 month", "bits": "101",
        "bytes": "x", "absent": None, "spans": "[1 day]", "struct": None, "map": None, "choice": "a",
        "json": '{"k": 1}',
    }  # fmt: skip
    assert table.schema.field("total").type == pa.int64()
    pq.write_table(run_query(run.path, "FROM test_all_types()").table, pa.BufferOutputStream())


def test_names_and_numbers() -> None:
    assert unique(["a", "A", "a_2", "a"]) == ["a", "A_2", "a_2_2", "a_3"]
    table = pa.table(
        {"n": pa.array([1, None], pa.decimal128(38, 0)), "x": pa.array([1], pa.float64()).take([0, 0])}
    )
    assert whole_numbers(table).schema.types == [pa.int64(), pa.float64()]


def test_an_error_shows_its_place(run: Run) -> None:
    with pytest.raises(InputError) as caught:
        run_query(run.path, "SELECT judge\nFROM judgments\nWHERE CAST(item_id AS INTEGER) = 1")
    assert "Conversion Error" in caught.value.sentence()
    (excerpt,) = caught.value.__notes__
    line, caret = excerpt.splitlines()
    assert line.startswith("WHERE CAST(item_id")
    assert line[caret.index("^")] == "C"


def test_a_damaged_file_is_named(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "runs" / run.id
    shutil.copytree(run.path, copy)
    Run(copy).files("completions")[0].path.write_bytes(b"broken")
    with pytest.raises(StorageError, match="evalhub verify"):
        run_query(copy, "FROM completions")
    with pytest.raises(InputError, match=r"no run"):
        run_query(tmp_path, "SELECT 1")


def test_an_unfinished_run_is_read_as_it_is(run: Run, tmp_path: Path) -> None:
    facts = run.manifest.model_dump(exclude={"parts", "state", "engines", "coverage", "seconds", "sealed"})
    writer = HandWriter(RunWriter.create(tmp_path, "live", {**facts, "run": "live"}))
    for record in run.records():
        writer.append(record)
    for table in ("items", "judgments", "pair_facts", "cells"):
        query = f"FROM {table} ORDER BY ALL"
        assert rows(run_query(writer.path, query)) == rows(run_query(run.path, query))
    writer.close()
