"""The command `export --preferences`: what it prints, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalhub.records import KINDS

LABELS = [
    {"item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m", "annotator": "x",
     "winner": "ab"[n % 2]}
    for n in range(20)
]  # fmt: skip


@pytest.fixture
def judged(desk: Any) -> Any:
    desk.dataset(items=20, labels=LABELS)
    desk.run()
    return desk


def test_the_summary_names_the_traps(judged: Any, cli: Callable[..., Any]) -> None:
    answer = cli("export", "s", "--preferences", "pairs.jsonl", "--split", "all")
    assert answer.code == 0, answer
    manifest = json.loads(Path("pairs.jsonl.manifest.json").read_text())
    rows = manifest["rows"]
    assert len(Path("pairs.jsonl").read_text().splitlines()) == rows > 10
    assert f"{manifest['length']['share_longer']:.1%} of {rows} rows" in answer.out
    agreement = manifest["agreement"]["human"]
    assert (
        f"{agreement['estimate']:.3f} [{agreement['low']:.3f}, {agreement['high']:.3f}], n {rows}"
        in answer.out
    )
    assert "tiny all clusters" in answer.out


def test_json_has_the_manifest(judged: Any, cli: Callable[..., Any]) -> None:
    answer = cli("export", "--preferences", "pairs.parquet", "--labels", "--json")
    assert answer.code == 0, answer
    facts = json.loads(answer.out)
    assert (facts.pop("written"), facts.pop("manifest")) == ("pairs.parquet", "pairs.parquet.manifest.json")
    assert facts == json.loads(Path("pairs.parquet.manifest.json").read_text())
    assert facts["ordered_by"] == "labels"
    text = cli("export", "--preferences", "again.jsonl", "--agree-with-labels").out
    assert "not measured: the labels select the pairs" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("s", "t", "--preferences", "p.jsonl"), "only the run is named, got 't'"),
        (("s", "--preferences", "p.jsonl", "--format", "parquet"), "only the run is named"),
        (("x.duckdb", "--judge", "pw"), "needs --preferences FILE"),
        (("--format", "parquet"), "there is no target"),
        (("nowhere", "--preferences", "p.jsonl"), "nowhere"),
        (("s", "--preferences", "p.jsonl", "--judge", "pv"), "did you mean 'pw'?"),
        (("s", "--preferences", "p.jsonl", "--split", "tset"), "did you mean 'test'?"),
        (("s", "--preferences", "p.jsonl", "--labels", "--orders-agree"), "leave --orders-agree out"),
        (("s", "--preferences", "p.jsonl", "--min-probability", "2"), "allowed: a number from 0.5 to 1"),
        (("s", "--preferences", "p.jsonl", "--min-probability", "1"), "--min-probability leaves none of 20"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_sentence(
    judged: Any, cli: Callable[..., Any], words: tuple[str, ...], sentence: str
) -> None:
    answer = cli("export", *words)
    assert answer.code == 2, answer
    assert sentence in answer.sentence
    assert not list(judged.folder.glob("p.jsonl*"))


def test_tables_are_written_as_before(judged: Any, cli: Callable[..., Any]) -> None:
    assert json.loads(cli("export", "x.duckdb", "s", "--json").out) == {
        "written": "x.duckdb", "tables": [*KINDS],
    }  # fmt: skip
    assert cli("export", "x.duckdb", "s").code == 2
    assert cli("export", "nowhere/p.jsonl").code == 4
    assert cli("export", "--preferences", "nowhere/p.jsonl").code == 4
