"""What an analyst reads a run with: SQL, an exported file, and a clear word on a corrupt segment."""

from collections.abc import Callable
from typing import Any

import pytest

from evalhub.analysis import Results, export
from evalhub.errors import InputError

Write = Callable[..., Results]


def test_sql_and_its_errors(hand: Any, results: Write) -> None:
    run = results(hand.pairs())
    assert run.sql("SELECT count(*) AS n FROM judgments")["n"].tolist() == [8]
    assert run.sql("SELECT $x AS x", {"x": "a'b"})["x"].tolist() == ["a'b"]
    for query in ("SELECT nothing FROM judgments", "SELEC", "SELECT * FROM judgmentz"):
        with pytest.raises(InputError, match="the query fails"):
            run.sql(query)


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


def test_a_corrupt_segment_is_named(desk: Any, cli: Callable[..., Any]) -> None:
    done = desk.run()
    assert cli("verify").code == 0
    (path,) = done.segments("judgments")
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
